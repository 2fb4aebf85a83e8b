// Package notices tells everyone at a facility something, each in their language, each once, and knows
// what became of it.
//
// All notices lie in one Redis hash, sealed. Who is at a facility stands in sorted sets, one for each
// partition and facility, in the order they came; a notice is handed out along them in small batches,
// so memory does not grow with the readers. One script queues a batch, notes each reader in a tally and
// keeps how far it got, all or nothing: whatever process goes on, nobody is left out or told twice. Any
// number of processes may run a Service at once. The package never logs what a notice says or who reads
// it.
package notices

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/flows"
	"faro/internal/keys"
	"faro/internal/people"
	"faro/internal/quiet"
	"faro/internal/sealed"
	"faro/internal/turns"
	"faro/internal/vault"
	"faro/locales"
)

// Config is what a Service needs.
type Config struct {
	Redis    redis.UniversalClient
	Vault    *vault.Vault
	Register *people.Register
	Settle   vault.Settle // called only while there are several keys
	Content  func() *flows.Content
	Book     func() *locales.Book
	Talk     func() *bot.Talk
	Shapes   map[bot.Channel]turns.Shape
	Rates    map[bot.Channel]float64 // messages a second of the channels that are on, 0 for no limit
	Prices   Prices
	Approval int // a notice to more people than this needs a second coordinator
	Quiet    quiet.Hours
	Node     string // names this process, unlike any other
	Log      *slog.Logger
	Now      func() time.Time
}

// A Service keeps notices and hands them out. It may be used from several goroutines.
type Service struct {
	Config

	records *sealed.Hash
	halted  atomic.Pointer[map[string]bool]
	wake    chan struct{}

	mu   sync.Mutex
	seen map[string]pace
}

// New makes a Service; Run has it hand notices out.
func New(c Config) *Service {
	return &Service{Config: c, wake: make(chan struct{}, 1), seen: map[string]pace{},
		records: &sealed.Hash{Redis: c.Redis, Vault: c.Vault, Key: keys.Notices, Use: "notices"}}
}

// A Record is a notice as it is kept.
type Record struct {
	bot.Notice
	By     string    `json:"by"`               // sealed id of who wrote it, "" on the command line or if they left
	State  string    `json:"state"`            // bot.Waiting …
	Made   time.Time `json:"made"`             //
	Began  time.Time `json:"began,omitzero"`   // when it began to be handed out
	Ended  time.Time `json:"ended,omitzero"`   // when nothing of it was under way any more
	People int       `json:"people"`           // whom it was for, as counted when it was made
	Spread bool      `json:"spread,omitempty"` // it has been handed out to all
	Again  bool      `json:"again,omitempty"`  // those it failed for get it once more
	Tell   bool      `json:"tell,omitempty"`   // its author has not been told yet that it has ended
	Back   bool      `json:"back,omitempty"`   // it is taken back
	Gone   bool      `json:"gone,omitempty"`   // that is done

	Approved  bool `json:"approved,omitempty"`  // by a second coordinator
	Corrected bool `json:"corrected,omitempty"` // another notice corrects it: nobody gets it any more
}

// stop sends no more of a notice, ever.
func (r *Record) stop(now time.Time) {
	if r.State == bot.Waiting || r.State == bot.Planned { // nothing of it is under way
		r.Ended, r.Tell = now, true
	}
	r.State = bot.Stopped
}

// lifetime is how long a notice can be looked at after it has ended.
const lifetime = keys.TallyLife

// All are the notices there are, newest first.
func (s *Service) All(ctx context.Context) ([]*Record, error) {
	records, _, err := s.records.Read(ctx)
	if err != nil {
		return nil, err
	}
	var all []*Record
	for _, text := range records {
		r, err := s.decode(text)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Record) int {
		if c := b.Made.Compare(a.Made); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all, nil
}

func (s *Service) decode(text string) (*Record, error) {
	r := &Record{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("read a notice: %w", err)
	}
	r.By = string(s.Vault.Current(bot.PersonID(r.By)))
	return r, nil
}

// Reseal seals everything anew that was sealed with another key than the one that seals, if it is told to. It
// returns how many notices there were.
func (s *Service) Reseal(ctx context.Context, move bool) (int, error) {
	n, err := s.records.Stale(ctx)
	if err != nil || n == 0 || !move {
		return n, err
	}
	return n, s.records.Change(ctx, func(before sealed.Records) (sealed.Records, error) {
		after := sealed.Records{}
		for id, text := range before {
			r, err := s.decode(text)
			if err != nil {
				return nil, err
			}
			next, err := json.Marshal(r)
			if err != nil {
				return nil, fmt.Errorf("write a notice: %w", err)
			}
			after[id] = string(next)
		}
		return after, nil
	})
}

// Change lets f change a notice, and stores it if f reports true. It reports whether it was stored;
// nothing is if there is no such notice. f may be called again.
func (s *Service) Change(ctx context.Context, id string, f func(*Record) bool) (bool, error) {
	changed := false
	err := s.records.Put(ctx, id, func(text string) (string, error) {
		changed = false
		if text == "" {
			return "", nil
		}
		r, err := s.decode(text)
		if err != nil {
			return "", err
		}
		if changed = f(r); !changed {
			return text, nil
		}
		next, err := json.Marshal(r)
		return string(next), err
	})
	s.hurry()
	return changed && err == nil, err
}

// add stores a new notice, unless there is one of its id. It reports whether there was none.
func (s *Service) add(ctx context.Context, r *Record) (bool, error) {
	added := false
	err := s.records.Put(ctx, r.ID, func(text string) (string, error) {
		if added = text == ""; !added {
			return text, nil
		}
		next, err := json.Marshal(r)
		return string(next), err
	})
	s.hurry()
	return added && err == nil, err
}

// hurry has the runner of this process look at once.
func (s *Service) hurry() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Halted reports whether messages of a notice are held back. It is quick and at most half a second late.
func (s *Service) Halted(about string) bool {
	halted := s.halted.Load()
	return halted != nil && (*halted)[about]
}

// Counts is how many readers of a notice are in each state.
func (s *Service) Counts(ctx context.Context, about string) (map[string]int, error) {
	all, err := s.counts(ctx, []string{about})
	return all[about], err
}

func (s *Service) counts(ctx context.Context, abouts []string) (map[string]map[string]int, error) {
	pipe := s.Redis.Pipeline()
	var parts []*redis.MapStringStringCmd
	for _, about := range abouts {
		for p := range keys.Partition(keys.Partitions) {
			parts = append(parts, pipe.HGetAll(ctx, keys.Counts(p, about)))
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("count what became of a notice: %w", err)
	}
	all := map[string]map[string]int{}
	for i, part := range parts {
		about := abouts[i/keys.Partitions]
		if all[about] == nil {
			all[about] = map[string]int{}
		}
		for state, n := range part.Val() {
			count, _ := strconv.Atoi(n) // written by HINCRBY
			if all[about][state] += count; all[about][state] == 0 {
				delete(all[about], state)
			}
		}
	}
	return all, nil
}

// zone is the clock of a facility.
func (s *Service) zone(facility string) *time.Location {
	if f := s.Content().Facilities[facility]; f != nil {
		if z, err := time.LoadLocation(f.Zone); err == nil {
			return z
		}
	}
	return time.UTC
}

// zoneOf is the clock of a notice's readers at a facility. Whom a correction is for may have left.
func (s *Service) zoneOf(n *bot.Notice, facility string) *time.Location {
	if s.Content().Facilities[facility] == nil {
		return s.home(n)
	}
	return s.zone(facility)
}

// defaultLang is what someone reads who has not chosen a language: the country's.
const defaultLang locales.Lang = "es"

// lacks reports whether a free notice has no text in a language.
func lacks(n *bot.Notice, lang locales.Lang) bool { return n.Ready == "" && n.Texts[lang] == "" }

// facilities are those of a notice, each once.
func facilities(n *bot.Notice) []string {
	set := map[string]bool{}
	for _, f := range n.Facilities {
		set[f] = true
	}
	return slices.Sorted(maps.Keys(set))
}
