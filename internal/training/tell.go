package training

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/locales"
)

var (
	//go:embed tell.lua
	tellSource string
	//go:embed react.lua
	reactSource string

	tellScript  = redis.NewScript(tellSource)
	reactScript = redis.NewScript(reactSource)
)

// Whom a telling is for; see tell.lua.
const (
	forNew    = "new"
	forMissed = "missed"
	forTold   = "told"
)

// A telling is one thing people are told about a session.
type telling struct {
	session *Session
	mark    string // each person is told once for each mark
	whom    string
	about   string // in whose tally it is counted whom it reached, "" if in none
	lane    keys.Lane
	until   time.Time // when it is of no use any more
	asks    string    // the session people are asked about, "" if they are not
	// say makes the message; false if there is none in the person's language.
	say func(p bot.Person, ch bot.Channel, zone *time.Location, answer bot.Answer) (bot.Reply, bool)
}

const (
	batch    = 64                  // people in one script, which Redis runs while all else waits
	retries  = 5                   // how often someone is tried again who is just taking a turn
	keptFor  = 30 * 24 * time.Hour // marks and answers outlive the session: long enough to report
	onlyMark = ""
	fixed    = 4 // keys of tell.lua before the people's
)

// tell queues a telling for people, at most once for each. It may be repeated after an error.
func (t *Trainer) tell(ctx context.Context, what telling, people []bot.PersonID) error {
	people, err := t.Vault.Settled(ctx, t.Settle, people...)
	if err != nil {
		return err
	}
	p, err := t.Store.Load(ctx)
	if err != nil {
		return err
	}
	reactions, err := t.Store.reactions(ctx, what.session)
	if err != nil {
		return err
	}
	bodies := map[bodyKey][]byte{}
	byPartition := map[keys.Partition][]bot.PersonID{}
	for _, id := range people {
		byPartition[keys.Of(id)] = append(byPartition[keys.Of(id)], id)
	}
	for part, ids := range byPartition {
		for some := range slices.Chunk(ids, batch) {
			for try := 0; len(some) > 0; try++ {
				if try == retries {
					return errors.New("tell people of a session: their records keep changing")
				}
				if some, err = t.tellSome(ctx, p, what, part, some, reactions, bodies); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// A bodyKey is all that a message depends on.
type bodyKey struct {
	lang    locales.Lang
	channel bot.Channel
	zone    *time.Location
	answer  bot.Answer
}

// tellSome tells people of one partition, and returns those to be tried again.
func (t *Trainer) tellSome(ctx context.Context, p *Programme, what telling, part keys.Partition, ids []bot.PersonID,
	reactions map[bot.PersonID]Reaction, bodies map[bodyKey][]byte) ([]bot.PersonID, error) {
	names := []string{keys.Told(part, what.session.ID), keys.Queue(part, bot.Telegram, what.lane), keys.Queue(part, bot.SMS, what.lane), keys.Asked(part)}
	for _, id := range ids {
		names = append(names, keys.Person(id))
	}
	records, err := t.Redis.MGet(ctx, names[fixed:]...).Result()
	if err != nil {
		return nil, fmt.Errorf("read people to tell: %w", err)
	}
	_, life := t.Life.Of(bot.Person{Role: bot.Staff})
	args := []any{what.mark, what.whom, what.session.mark(), what.session.over().Add(keptFor).Unix(),
		what.about, what.until.Unix(), int(life.Seconds()), what.asks}
	kept := names[:fixed:fixed]
	var told []bot.PersonID
	for i, id := range ids {
		record, _ := records[i].(string)
		body, queue, first, err := t.body(p, what, id, record, reactions[id].Answer, bodies)
		if err != nil {
			return nil, err
		}
		if body == nil {
			continue
		}
		kept, told = append(kept, names[fixed+i]), append(told, id)
		args = append(args, string(id), record, first, queue, body)
	}
	if len(told) == 0 {
		return nil, nil
	}
	again, err := tellScript.Run(ctx, t.Redis, kept, args...).Int64Slice()
	if err != nil {
		return nil, fmt.Errorf("queue what people are told: %w", err)
	}
	var changed []bot.PersonID
	for _, i := range again {
		changed = append(changed, told[i-1])
	}
	return changed, nil
}

// knows is what the marks of those begin with who know of a session, in some version; those of a trainer
// who was told how it stands begin with reported.
const (
	knows    = "v"
	reported = "r"
)

// mark is what the marks of those begin with who know of this version.
func (s *Session) mark() string { return knows + strconv.Itoa(s.Version) + ":" }

// about names the tally of a version: who was reached with the time before was not with this one.
func (s *Session) about() string { return tallyOf(s.ID, s.Version) }

// abouts names the tallies of all versions there were.
func (s *Session) abouts() (all []string) {
	for v := range s.Version {
		all = append(all, tallyOf(s.ID, v+1))
	}
	return all
}

func tallyOf(session string, version int) string {
	return session + ":" + knows + strconv.Itoa(version)
}

// body is the sealed message for someone, and the queue it goes to (as tell.lua counts); nil for those
// who want none, or cannot be sent any.
func (t *Trainer) body(p *Programme, what telling, id bot.PersonID, record string, answer bot.Answer,
	bodies map[bodyKey][]byte) (body []byte, queue int, first string, err error) {
	var person bot.Person
	if record != "" && json.Unmarshal([]byte(record), &person) != nil {
		return nil, 0, "", errors.New("read a person to tell: not a person record")
	}
	if person.Stopped {
		return nil, 0, "", nil
	}
	ch, _, err := t.Vault.Address(id)
	if err != nil {
		return nil, 0, "", fmt.Errorf("tell a person: %w", err)
	}
	queue = map[bot.Channel]int{bot.Telegram: 2, bot.SMS: 3}[ch]
	member := p.Member(id)
	key := bodyKey{lang: person.Lang, channel: ch, zone: t.zone(p, member), answer: answer}
	if key.lang == "" {
		key.lang = p.Settings.Lang
		if member != nil && member.Lang != "" {
			key.lang = member.Lang
		}
		person.Lang = key.lang
	}
	if record == "" {
		person.Role = bot.Staff
		b, err := json.Marshal(person)
		if err != nil {
			return nil, 0, "", fmt.Errorf("write a person: %w", err)
		}
		first = string(b)
	}
	if what.say == nil {
		return []byte(onlyMark), queue, first, nil
	}
	plain, ok := bodies[key]
	if !ok {
		reply, said := what.say(person, ch, key.zone, answer)
		if said {
			if plain, err = t.Shapes[ch](reply, bot.Input{Channel: ch}); err != nil {
				return nil, 0, "", fmt.Errorf("shape what people are told: %w", err)
			}
		}
		bodies[key] = plain
	}
	if plain == nil {
		return nil, 0, "", nil
	}
	return t.Vault.SealBody(id, plain), queue, first, nil
}

// zone is whose clock a member lives by, nil if they are none.
func (t *Trainer) zone(p *Programme, m *Member) *time.Location {
	if m == nil {
		return nil
	}
	zone, err := loadZone(t.zoneName(p, m))
	if err != nil {
		return nil
	}
	return zone
}

func (t *Trainer) zoneName(p *Programme, m *Member) string {
	if m.Zone != "" {
		return m.Zone
	}
	if z, _ := t.Facility(m.Facility); z != "" {
		return z
	}
	return p.Settings.Zone
}
