package notices

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/keys"
	"faro/internal/outbox"
)

// page reads some people of the tally of a notice, each once, with their states. The cursor goes on to the next page; it
// is 0 at the beginning and after the end.
func (s *Service) page(ctx context.Context, p keys.Partition, about string, cursor uint64) (ids []bot.PersonID, states map[bot.PersonID]string, next uint64, err error) {
	found, next, err := s.Redis.HScan(ctx, keys.Tally(p, about), cursor, "", scan).Result()
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read who got a notice: %w", err)
	}
	var named []bot.PersonID
	for i := 0; i+1 < len(found); i += 2 {
		named = append(named, bot.PersonID(found[i]))
	}
	if named, err = s.Vault.Settled(ctx, s.Settle, named...); err != nil {
		return nil, nil, 0, err
	}
	states = map[bot.PersonID]string{}
	for i, id := range named {
		if _, twice := states[id]; !twice {
			ids = append(ids, id)
		}
		states[id] = found[2*i+1]
	}
	return ids, states, next, nil
}

// told calls each for all readers in the tally of a notice, some at a time, with their states.
func (s *Service) told(ctx context.Context, about string, each func(keys.Partition, []reader, map[bot.PersonID]string) error) error {
	for p := range keys.Partition(keys.Partitions) {
		for cursor := uint64(0); ; {
			ids, states, next, err := s.page(ctx, p, about, cursor)
			if err != nil {
				return err
			}
			readers, err := s.read(ctx, ids)
			if err != nil {
				return err
			}
			if err := each(p, readers, states); err != nil {
				return err
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return nil
}

// got reports whether someone in a state has the message, as far as the provider says.
func got(state string) bool {
	outcome, _ := outbox.OutcomeOf(state)
	return outcome == outbox.Delivered || outcome == outbox.Arrived || outcome == outbox.Undelivered
}

// A pass is one walk along the tally of a notice, as far as this process got. If another process begins it
// anew, nobody gets anything twice: the tally that the pass keeps knows who was there.
type pass struct {
	states []string // of those it is for, if these are given
	part   keys.Partition
	cursor uint64
	ids    []bot.PersonID // read, and not yet queued
	known  map[bot.PersonID]string
}

// pass is the walk of a name that is under way, or a new one.
func (h *handing) pass(name string, states ...string) *pass {
	if h.passes[name] == nil {
		h.passes[name] = &pass{states: states}
	}
	return h.passes[name]
}

// repeat queues a notice once more for those who are in some states.
func (s *Service) repeat(ctx context.Context, r *Record, h *handing, w *pass, decide func(reader) (order, error)) (did, all bool, err error) {
	return s.derive(ctx, w, r.ID, func(state string) bool { return slices.Contains(w.states, counted(state)) },
		batch{about: r.ID, lane: keys.Bulk, until: h.notice.Until, life: lifetime, again: w.states},
		func(to reader, _ string) (order, error) { return decide(to) })
}

// goOn queues a notice for those it was held back from, but for who still sleeps.
func (s *Service) goOn(ctx context.Context, r *Record, h *handing) (did bool, err error) {
	if h.passes[passHeld] == nil {
		h.asleep, h.wakes = 0, time.Time{}
	}
	did, all, err := s.repeat(ctx, r, h, h.pass(passHeld, string(outbox.Held)), func(to reader) (order, error) {
		o, err := s.decide(h, to, to.person.Facility)
		if err != nil || o.left != string(outbox.Held) {
			return o, err
		}
		if at, _ := s.wait(h.notice, s.clock(h, to.person.Facility), s.Now()); h.asleep == 0 || at.Before(h.wakes) {
			h.wakes = at
		}
		h.asleep++
		return order{}, nil
	})
	if all {
		delete(h.passes, passHeld)
	}
	return did, err
}

// correct queues a correction for those who got what it corrects. It reports whether it did anything, and whether
// there is nothing left to do.
func (s *Service) correct(ctx context.Context, r *Record, h *handing) (did, all bool, err error) {
	return s.derive(ctx, h.pass(passCorrect), r.Corrects, got, batch{about: r.ID, lane: keys.Bulk, until: h.notice.Until, life: lifetime},
		func(to reader, _ string) (order, error) {
			if !meant(h.notice, to) {
				return order{}, nil
			}
			return s.decide(h, to, to.person.Facility)
		})
}

// retract queues the deletion of a notice from the chats it was sent to.
func (s *Service) retract(ctx context.Context, r *Record, h *handing) (did, all bool, err error) {
	return s.derive(ctx, h.pass(passBack), r.ID, got, batch{about: backTally + r.ID, lane: keys.Bulk, until: r.Began.Add(backTo), life: lifetime},
		func(to reader, state string) (order, error) {
			_, message := outbox.OutcomeOf(state)
			id, err := strconv.Atoi(message)
			if to.ch != bot.Telegram || err != nil {
				return order{}, nil
			}
			return order{body: telegram.Retraction(id)}, nil
		})
}

// The passes there are.
const (
	passHeld    = "held"
	passAgain   = "again"
	passCorrect = "correct"
	passBack    = "back"
)

// derive queues something for the next ones in the tally of a notice whose state is one that is wanted, as the
// queues have room. It reports whether it did anything, and whether there is nothing left to do.
func (s *Service) derive(ctx context.Context, w *pass, from string, wanted func(string) bool, b batch, decide func(reader, string) (order, error)) (did, all bool, err error) {
	for len(w.ids) == 0 {
		if w.part == keys.Partitions {
			return did, true, nil
		}
		ids, states, next, err := s.page(ctx, w.part, from, w.cursor)
		if err != nil {
			return did, false, err
		}
		w.ids = slices.DeleteFunc(ids, func(id bot.PersonID) bool { return !wanted(states[id]) })
		if w.known, w.cursor = states, next; next == 0 {
			w.part++
		}
		did = true
	}
	b.part = keys.Of(w.ids[0])
	if b.room, err = s.room(ctx, b.part); err != nil {
		return did, false, err
	}
	n, err := s.queue(ctx, b, w.ids[:min(len(w.ids), batchSize)], func(r reader) (order, error) { return decide(r, w.known[r.id]) })
	w.ids = w.ids[n:]
	return did || n > 0, false, err
}

// counted is a state as it is counted: without the id behind it.
func counted(state string) string {
	state, _, _ = strings.Cut(state, "#")
	return state
}

// failures are the states of those whom a notice did not reach but might.
func failures(counts map[string]int) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(counts)), func(state string) bool {
		outcome, _ := outbox.OutcomeOf(state)
		return outcome != outbox.Failed && outcome != outbox.Undelivered
	})
}
