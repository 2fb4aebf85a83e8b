package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/sealed"
	"faro/internal/vault"
)

// A Store keeps the programme. It may be used from several goroutines; a Programme it hands out must
// not be changed.
type Store struct {
	Redis redis.UniversalClient
	Vault *vault.Vault

	once    sync.Once
	records *sealed.Hash

	mu      sync.Mutex
	version int64
	key     vault.Key // under which the people of kept are named
	kept    *Programme
}

func (s *Store) hash() *sealed.Hash {
	s.once.Do(func() {
		s.records = &sealed.Hash{Redis: s.Redis, Vault: s.Vault, Key: keys.Programme, Use: "training"}
	})
	return s.records
}

// Load is the programme as it stands. It asks Redis for the version alone if that has not changed.
func (s *Store) Load(ctx context.Context) (*Programme, error) {
	records, v, err := s.hash().Read(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.Vault.Sealing()
	if s.kept != nil && s.version == v && s.key == key {
		return s.kept, nil
	}
	p, err := s.decode(records)
	if err == nil {
		s.kept, s.version, s.key = p, v, key
	}
	return p, err
}

// Version is the number of the programme's last change, 0 before the first.
func (s *Store) Version(ctx context.Context) (int64, error) { return s.hash().Version(ctx) }

// Change lets f change a copy of the programme and stores the whole change, or nothing if f returns
// an error. f is called again if somebody else changed the programme meanwhile.
func (s *Store) Change(ctx context.Context, f func(*Programme) error) error {
	return s.hash().Change(ctx, func(before sealed.Records) (sealed.Records, error) {
		p, err := s.decode(before)
		if err != nil {
			return nil, err
		}
		sessions := map[string]Session{}
		for id, x := range p.Sessions {
			sessions[id] = *x
		}
		if err := f(p); err != nil {
			return nil, err
		}
		for id, x := range p.Sessions {
			if old, ok := sessions[id]; ok {
				x.follows(old)
			}
		}
		return encode(p)
	})
}

// Reseal seals everything anew that was sealed with another key than the one that seals, if it is told to. It
// returns how many records there were.
func (s *Store) Reseal(ctx context.Context, move bool) (int, error) {
	n, err := s.hash().Stale(ctx)
	if err != nil || n == 0 || !move {
		return n, err
	}
	return n, s.Change(ctx, func(*Programme) error { return nil })
}

// A record is a member as it is sealed: an id prints itself nowhere else.
type record struct {
	*Member
	Person string `json:"person,omitempty"`
}

// Records are named by what they hold: "settings", "removed", "c/" and a course, "s/" and a session, "m/" and a member.
func encode(p *Programme) (map[string]string, error) {
	records := map[string]string{}
	put := func(name string, what any) error {
		b, err := json.Marshal(what)
		if err != nil {
			return fmt.Errorf("write a record of the programme: %w", err)
		}
		records[name] = string(b)
		return nil
	}
	err := put("settings", p.Settings)
	if len(p.Removed) > 0 {
		err = errors.Join(err, put("removed", p.Removed))
	}
	for id, c := range p.Courses {
		err = errors.Join(err, put("c/"+id, c))
	}
	for id, x := range p.Sessions {
		err = errors.Join(err, put("s/"+id, x))
	}
	for id, m := range p.Members {
		err = errors.Join(err, put("m/"+id, record{m, string(m.Person)}))
	}
	return records, err
}

// decode reads the records, with everyone's id under the key that seals.
func (s *Store) decode(records map[string]string) (*Programme, error) {
	return decode(records, s.Vault.Current)
}

func decode(records map[string]string, current func(bot.PersonID) bot.PersonID) (*Programme, error) {
	p := NewProgramme()
	for name, text := range records {
		kind, id, _ := strings.Cut(name, "/")
		var into any
		switch kind {
		case "settings":
			p.Settings = Settings{} // or what a lead leaves out would be taken from the default in its place
			into = &p.Settings
		case "removed":
			into = &p.Removed
		case "c":
			p.Courses[id] = &Course{}
			into = p.Courses[id]
		case "s":
			p.Sessions[id] = &Session{}
			into = p.Sessions[id]
		case "m":
			p.Members[id] = &Member{}
			into = &record{Member: p.Members[id]}
		default:
			continue // of a later Faro
		}
		if err := json.Unmarshal([]byte(text), into); err != nil {
			return nil, fmt.Errorf("read a record of the programme: %w", err)
		}
		if r, ok := into.(*record); ok {
			r.Member.Person = current(bot.PersonID(r.Person))
		}
	}
	for _, x := range p.Sessions {
		if zone, err := loadZone(x.Zone); err == nil {
			x.Start, x.End = x.Start.In(zone), x.End.In(zone)
		}
	}
	p.people = make(map[bot.PersonID]*Member, len(p.Members))
	for _, m := range p.Members {
		if m.Person != "" {
			p.people[m.Person] = m
		}
	}
	return p, nil
}
