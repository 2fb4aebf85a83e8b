package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/effects"
	"faro/internal/keys"
	"faro/internal/outbox"
	"faro/internal/people"
)

// Fields of the answers to a session.
const (
	answerField  = "a:"
	presentField = "p:"
)

// reactions are the answers to a session and who was there. An answer to an older version is none:
// who could come on Tuesday has not said so for Wednesday.
func (s *Store) reactions(ctx context.Context, session *Session) (map[bot.PersonID]Reaction, error) {
	all, err := s.Redis.HGetAll(ctx, keys.Reactions(session.ID)).Result()
	if err != nil {
		return nil, fmt.Errorf("read the answers to a session: %w", err)
	}
	reactions := map[bot.PersonID]Reaction{}
	answers := map[bot.PersonID]string{}
	for field, value := range all {
		if person, ok := strings.CutPrefix(field, answerField); ok {
			id := s.Vault.Current(bot.PersonID(person))
			answers[id] = newest(answers[id], value)
		} else if person, ok := strings.CutPrefix(field, presentField); ok {
			reactions[s.Vault.Current(bot.PersonID(person))] = Reaction{Present: true}
		}
	}
	for id, value := range answers {
		_, value, _ = strings.Cut(value, " ") // the stamp
		r := reactions[id]
		r.Answer = session.answer(value)
		reactions[id] = r
	}
	return reactions, nil
}

// newest is the newer of two answers that are kept of one person, under different keys.
func newest(a, b string) string {
	stampA, _, _ := strings.Cut(a, " ")
	stampB, _, _ := strings.Cut(b, " ")
	if effects.Newer(stampB, stampA) {
		return b
	}
	return a
}

// answer reads a kept answer: the version it was given to, and what it was.
func (s *Session) answer(kept string) bot.Answer {
	version, answer, _ := strings.Cut(kept, ":")
	if version != fmt.Sprint(s.Version) {
		return bot.NoAnswer
	}
	return bot.Answer(answer)
}

// Reactions are the answers to every session, and who was there.
func (s *Store) Reactions(ctx context.Context, p *Programme) (map[string]map[bot.PersonID]Reaction, error) {
	all := map[string]map[bot.PersonID]Reaction{}
	for id, session := range p.Sessions {
		reactions, err := s.reactions(ctx, session)
		if err != nil {
			return nil, err
		}
		all[id] = reactions
	}
	return all, nil
}

// count says how a session stands. Before it begins those are missed whom nothing will reach; when
// it has begun, all whom nothing has reached.
func (t *Trainer) count(ctx context.Context, p *Programme, s *Session, begun bool) (bot.Report, error) {
	r := bot.Report{Session: s.shown(), Begun: begun}
	reactions, err := t.Store.reactions(ctx, s)
	if err != nil {
		return r, err
	}
	outcomes, err := t.outcomes(ctx, s)
	if err != nil {
		return r, err
	}
	concerned, err := t.concerned(ctx, p, s)
	if err != nil {
		return r, err
	}
	stopped, err := t.stopped(ctx, concerned)
	if err != nil {
		return r, err
	}
	for _, m := range concerned {
		r.People++
		reaction := reactions[m.Person]
		switch reaction.Answer {
		case bot.Coming:
			r.Yes++
		case bot.NotComing:
			r.No++
			r.Refused = append(r.Refused, m.ID)
		case bot.Maybe:
			r.Maybe++
		default:
			r.None++
			r.Silent = append(r.Silent, m.ID)
		}
		outcome := outcomes[m.Person]
		switch {
		case outcome == outbox.Delivered || outcome == outbox.Arrived || reaction.Answer != bot.NoAnswer || reaction.Present:
			r.Reached++
		case m.Person == "" || stopped[m.Person] || outcome != "" || begun:
			r.Missed = append(r.Missed, m.ID)
		}
	}
	return r, nil
}

// concerned are those who should know how a session stands: whom it is meant for, unless it is cancelled,
// and who was told of a version before. Who is of no course any more is named by a digest.
func (t *Trainer) concerned(ctx context.Context, p *Programme, s *Session) ([]*Member, error) {
	told, err := t.told(ctx, s)
	if err != nil {
		return nil, err
	}
	var all []*Member
	if !s.Cancelled {
		all = p.Audience(s)
		for _, m := range all {
			delete(told, m.Person)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(told)) {
		if s.only(told[id]) {
			continue
		}
		m := p.Member(id)
		if m == nil {
			m = &Member{ID: people.Digest(id), Person: id}
		}
		all = append(all, m)
	}
	return all, nil
}

// only reports whether someone with such marks has known no version but this one.
func (s *Session) only(marks string) bool {
	return !slices.ContainsFunc(strings.Fields(marks), func(mark string) bool {
		return strings.HasPrefix(mark, knows) && !strings.HasPrefix(mark, s.mark())
	})
}

// outcomes is what became of the last message about this version of a session to each person.
func (t *Trainer) outcomes(ctx context.Context, s *Session) (map[bot.PersonID]outbox.Outcome, error) {
	pipe := t.Redis.Pipeline()
	var tallies []*redis.MapStringStringCmd
	for p := range keys.Partition(keys.Partitions) {
		tallies = append(tallies, pipe.HGetAll(ctx, keys.Tally(p, s.about())))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read who was reached: %w", err)
	}
	all := map[bot.PersonID]outbox.Outcome{}
	for _, tally := range tallies {
		for person, outcome := range tally.Val() {
			all[t.Vault.Current(bot.PersonID(person))], _ = outbox.OutcomeOf(outcome)
		}
	}
	return all, nil
}

// stopped are the members who want no messages.
func (t *Trainer) stopped(ctx context.Context, members []*Member) (map[bot.PersonID]bool, error) {
	pipe := t.Redis.Pipeline()
	records := map[bot.PersonID]*redis.StringCmd{}
	for _, m := range members {
		if m.Person == "" {
			continue
		}
		if _, err := t.Vault.Settled(ctx, t.Settle, m.Person); err != nil {
			return nil, err
		}
		records[m.Person] = pipe.Get(ctx, keys.Person(m.Person))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read who stopped: %w", err)
	}
	stopped := map[bot.PersonID]bool{}
	for id, record := range records {
		var p bot.Person
		stopped[id] = record.Val() != "" && json.Unmarshal([]byte(record.Val()), &p) == nil && p.Stopped
	}
	return stopped, nil
}

// report tells the trainers, when a session begins or would have begun, whom nothing reached that says how it
// stands; nothing if that is nobody.
func (t *Trainer) report(ctx context.Context, p *Programme, s *Session) error {
	r, err := t.count(ctx, p, s, true)
	if err != nil || len(r.Missed) == 0 {
		return err
	}
	holders, err := t.Register.Holders(ctx)
	if err != nil {
		return err
	}
	var trainers []bot.PersonID
	for _, h := range holders {
		if h.Role.Trains() {
			trainers = append(trainers, h.Person)
		}
	}
	return t.tell(ctx, t.reported(s, r, "e", keys.Bulk), trainers)
}

// reported is the telling that says how a session stands.
func (t *Trainer) reported(s *Session, r bot.Report, mark string, lane keys.Lane) telling {
	return telling{session: s, mark: reported + strconv.Itoa(s.Version) + ":" + mark, whom: forNew, lane: lane, until: s.over().Add(reportLife),
		say: func(p bot.Person, ch bot.Channel, zone *time.Location, _ bot.Answer) (bot.Reply, bool) {
			return t.Talk().Report(r, p, ch, zone, t.Now()), true
		}}
}

// unreminded is the telling that says that nobody was reminded.
func (t *Trainer) unreminded(s *Session, set effects.Set) telling {
	return telling{session: s, mark: reported + strconv.Itoa(s.Version) + ":n" + set.Stamp, whom: forNew, lane: keys.Reply, until: t.Now().Add(reportLife),
		say: func(p bot.Person, ch bot.Channel, zone *time.Location, _ bot.Answer) (bot.Reply, bool) {
			return t.Talk().Unreminded(s.shown(), p, ch, zone, t.Now()), true
		}}
}

// reportLife is how long after a session it is worth knowing who was not reached.
const reportLife = 24 * time.Hour
