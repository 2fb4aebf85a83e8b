package training

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/effects"
	"faro/internal/keys"
	"faro/internal/people"
)

// Handle carries out what a turn set off. It may be called again with the same set.
func (t *Trainer) Handle(ctx context.Context, set effects.Set) error {
	var failed []error
	for _, e := range set.Effects {
		failed = append(failed, t.effect(ctx, set, e))
	}
	return errors.Join(failed...)
}

func (t *Trainer) effect(ctx context.Context, set effects.Set, e bot.Effect) error {
	if e.Left {
		return t.left(ctx, set)
	}
	p, err := t.Store.Load(ctx)
	if err != nil {
		return err
	}
	switch {
	case e.Answer != nil:
		a := e.Answer
		return t.react(ctx, p, set, a.Session, a.Version, answerField, strconv.Itoa(a.Version)+":"+string(a.Answer))
	case e.Place != nil:
		return t.place(ctx, set, *e.Place)
	case e.Delegation != "":
		return t.belong(ctx, set, e.Delegation)
	case e.Present != "":
		return t.react(ctx, p, set, e.Present, 0, presentField, "yes")
	}
	role, err := t.Register.Role(ctx, set.Person)
	if err != nil || !role.Trains() { // taken away meanwhile
		return err
	}
	switch {
	case e.Post != nil:
		if s := p.Sessions[e.Post.Session]; s != nil && s.Cancelled { // who knows that must not hear it again, with another time
			return t.stands(ctx, p, s, set)
		}
		return t.post(ctx, set, *e.Post)
	case e.Cancel != "":
		return t.change(ctx, set, e.Cancel, "cancelled", func(s *Session) { s.Cancelled = true })
	case e.Remind != nil:
		return t.nudge(ctx, p, set, *e.Remind)
	case e.Who != "":
		if s := p.Sessions[e.Who]; s != nil {
			return t.stands(ctx, p, s, set)
		}
	case e.Invite != nil:
		return t.Register.Invite(ctx, e.Invite.Code, people.Invitation{Role: bot.Staff, Facility: e.Invite.Facility, Course: e.Invite.Course},
			people.Digest(set.Person))
	}
	return nil
}

// stands tells a trainer how a session stands.
func (t *Trainer) stands(ctx context.Context, p *Programme, s *Session, set effects.Set) error {
	r, err := t.count(ctx, p, s, !s.Start.After(t.Now()))
	if err != nil {
		return err
	}
	return t.tell(ctx, t.reported(s, r, "w"+set.Stamp, keys.Reply), []bot.PersonID{set.Person})
}

// react keeps an answer or an attendance, and that the person knows the session in the version they saw, 0 for the
// one that stands: if it was moved meanwhile they are told, and their answer does not count.
func (t *Trainer) react(ctx context.Context, p *Programme, set effects.Set, session string, version int, field, value string) error {
	s, m := p.Sessions[session], p.Member(set.Person)
	if s == nil || m == nil || !m.Attends(s) {
		return nil
	}
	err := reactScript.Run(ctx, t.Redis, []string{keys.Reactions(s.ID)}, field+string(set.Person), set.Stamp, value, s.End.Add(keptFor).Unix()).Err()
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	seen := *s
	if version != 0 {
		seen.Version = version
	}
	if err := t.tell(ctx, telling{session: s, mark: seen.mark() + "a", whom: forNew, lane: keys.Bulk, until: s.End}, []bot.PersonID{set.Person}); err != nil {
		return err
	}
	return t.overtaken(ctx, &seen)
}

// place keeps at which facility a member is, with its delegation and clock, unless a newer turn has.
func (t *Trainer) place(ctx context.Context, set effects.Set, facility string) error {
	return t.Store.Change(ctx, func(p *Programme) error {
		m := p.joined(set.Person)
		if m == nil || !effects.Newer(set.Stamp, m.Stamp) {
			return nil
		}
		delegation := m.Delegation
		told := t.station(m, facility)
		m.Stamp = set.Stamp
		if effects.Newer(m.Belongs, set.Stamp) {
			m.Delegation = delegation
		} else if told {
			m.Belongs = set.Stamp
		}
		return nil
	})
}

// belong keeps which delegation a member belongs to, unless a newer turn has said so.
func (t *Trainer) belong(ctx context.Context, set effects.Set, delegation string) error {
	return t.Store.Change(ctx, func(p *Programme) error {
		if m := p.joined(set.Person); m != nil && effects.Newer(set.Stamp, m.Belongs) {
			m.Delegation, m.Belongs = delegation, set.Stamp
		}
		return nil
	})
}

// post makes or changes the session of a draft.
func (t *Trainer) post(ctx context.Context, set effects.Set, d bot.Draft) error {
	zone, err := loadZone(d.Zone)
	if err != nil {
		return nil // the conversation offers only zones there are; of another Faro's content
	}
	start, end, err := d.Times(zone)
	if err != nil {
		return nil // as above
	}
	write := func(s *Session) {
		if !s.Start.Equal(start) || !s.End.Equal(end) || s.Zone != d.Zone || s.Place != d.Place || s.Link != d.Link {
			s.Version++
		}
		s.Title, s.Place, s.Link, s.Zone, s.Start, s.End = d.Title, d.Place, d.Link, d.Zone, start, end
	}
	if d.Session != "" {
		return t.change(ctx, set, d.Session, "changed", write)
	}
	id := posted(set.Stamp)
	err = t.Store.Change(ctx, func(p *Programme) error {
		if p.Sessions[id] != nil || p.Courses[d.Course] == nil {
			return nil // done before, or the course is gone
		}
		s := &Session{ID: id, Course: d.Course, Code: newCode(), Stamp: set.Stamp}
		write(s)
		p.Sessions[id] = s
		return nil
	})
	return t.planned(ctx, err, set, "posted", id)
}

// posted names the session a turn posts: the same however often it is carried out.
func posted(stamp string) string {
	ms, n, _ := strings.Cut(stamp, "-")
	number, _ := strconv.ParseInt(ms, 10, 64)
	return "t" + strconv.FormatInt(number, 36) + "-" + n
}

// change changes a session, unless a newer turn has.
func (t *Trainer) change(ctx context.Context, set effects.Set, session, what string, f func(*Session)) error {
	err := t.Store.Change(ctx, func(p *Programme) error {
		s := p.Sessions[session]
		if s == nil || !effects.Newer(set.Stamp, s.Stamp) {
			return nil
		}
		before := *s
		f(s)
		if s.Cancelled && !before.Cancelled {
			s.Version++
		}
		s.Stamp = set.Stamp
		return nil
	})
	return t.planned(ctx, err, set, what, session)
}

// planned notes a change for the audit log and has it planned at once.
func (t *Trainer) planned(ctx context.Context, err error, set effects.Set, what, session string) error {
	if err != nil {
		return err
	}
	select {
	case t.wake <- struct{}{}:
	default:
	}
	return t.Register.Note(ctx, "session "+what, people.Digest(set.Person), session)
}

// nudge reminds people now, because a trainer wants it, or tells the trainer that there is nobody to remind.
func (t *Trainer) nudge(ctx context.Context, p *Programme, set effects.Set, n bot.Nudge) error {
	s := p.Sessions[n.Session]
	if s == nil {
		return nil
	}
	var whom []bot.PersonID
	if !s.Cancelled && s.Start.After(t.Now()) {
		whom = t.present(p, s, "")
	}
	if n.Unanswered {
		reactions, err := t.Store.reactions(ctx, s)
		if err != nil {
			return err
		}
		var silent []bot.PersonID
		for _, id := range whom {
			if reactions[id].Answer == bot.NoAnswer {
				silent = append(silent, id)
			}
		}
		whom = silent
	}
	if len(whom) == 0 {
		return t.tell(ctx, t.unreminded(s, set), []bot.PersonID{set.Person})
	}
	return t.remindOf(ctx, p, s, t.reminder(s, "n"+set.Stamp, forNew), whom)
}

// left forgets someone who erased everything about themselves: their role, which member they were,
// and what they answered. A role they were given after that stays.
func (t *Trainer) left(ctx context.Context, set effects.Set) error {
	if err := t.Register.Left(ctx, set.Person, set.At); err != nil {
		return err
	}
	if role, err := t.Register.Role(ctx, set.Person); err != nil || role != bot.Migrant {
		return err
	}
	if err := t.Store.Forget(ctx, set.Person); err != nil {
		return err
	}
	return t.Register.Unmeet(ctx, set.Person)
}

// Forget parts a person from the programme. What they answered is deleted. The programme comes first, so
// that nothing new is kept of them meanwhile.
func (s *Store) Forget(ctx context.Context, person bot.PersonID) error {
	err := s.Change(ctx, func(p *Programme) error {
		for _, m := range p.Members {
			if m.Person == person {
				m.Person, m.ByNumber, m.Left = "", false, true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := s.Load(ctx)
	if err != nil {
		return err
	}
	pipe := s.Redis.Pipeline()
	part := keys.Of(person)
	for _, each := range s.Vault.All(person) {
		name := string(each)
		for id, x := range p.Sessions {
			pipe.HDel(ctx, keys.Reactions(id), answerField+name, presentField+name)
			pipe.HDel(ctx, keys.Told(part, id), name)
			for _, about := range x.abouts() {
				pipe.HDel(ctx, keys.Tally(part, about), name) // its counts name nobody
			}
		}
		pipe.HDel(ctx, keys.Asked(part), name)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("delete what someone answered: %w", err)
	}
	return nil
}
