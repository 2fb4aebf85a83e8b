package notices

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/keys"
	"faro/internal/outbox"
	"faro/locales"
)

//go:embed queue.lua
var queueSource string

var queueScript = redis.NewScript(keys.Move + queueSource)

// Limits of handing out, each for a reason.
const (
	batchSize = 128            // people in one script, which Redis runs while all else waits
	tries     = 5              // how often someone is read again who is just taking a turn
	ahead     = time.Minute    // how much may wait in the queues: a stop is heard, quiet hours begin
	least     = 32             // people of a partition that may wait at any rate
	most      = 4096           // and if there is no limit: about 4 MB in Redis
	doneField = "done"         // a facility whose followers have all been seen
	endField  = "#end"         // the last one to come before the notice began
	backTo    = 48 * time.Hour // how long Telegram lets a message be deleted (Bot API, deleteMessage)
	scan      = 256            // entries of a tally read at once
	backTally = "back-"        // before the id of a notice: the tally of its being taken back
	sayLife   = 24 * time.Hour // what a coordinator is told is kept as told
	fixedKeys = 6              // of queue.lua, before the people's
)

// A batch is some people of a partition for whom something is queued.
type batch struct {
	about  string // the tally, "" for none
	part   keys.Partition
	lane   keys.Lane
	until  time.Time
	life   time.Duration // of the tally
	again  []string      // the states of those who get it once more; nil for those who are in none
	marks  string        // hash of the field, if it is not Spread of about
	field  string        // "" for none
	before string
	after  string
	walked string // facility whose followers these are, "" for none
}

// order is what to do for a reader: queue a body, or keep why not. Both empty skip them.
type order struct {
	body []byte
	left string
}

// queue carries a batch out. It reports false if another process did it first.
func (s *Service) queue(ctx context.Context, b batch, ids []bot.PersonID, decide func(reader) (order, error)) (bool, error) {
	ids, err := s.Vault.Settled(ctx, s.Settle, ids...)
	if err != nil {
		return false, err
	}
	for range tries {
		readers, err := s.read(ctx, ids)
		if err != nil {
			return false, err
		}
		names := []string{keys.Tally(b.part, b.about), keys.Counts(b.part, b.about), keys.Queue(b.part, bot.Telegram, b.lane),
			keys.Queue(b.part, bot.SMS, b.lane), keys.Spread(b.part, cmp.Or(b.marks, b.about)), keys.Followers(b.part, b.walked)}
		again := ""
		if len(b.again) > 0 {
			again = "|" + strings.Join(b.again, "|") + "|"
		}
		args := []any{b.about, b.until.Unix(), int(b.life.Seconds()), b.field, b.before, b.after, again}
		for _, r := range readers {
			what, o := "", order{}
			if r.record == "" && b.walked != "" {
				what = "lapsed"
			} else if o, err = decide(r); err != nil {
				return false, err
			} else if o.body != nil {
				what = map[bot.Channel]string{bot.Telegram: "3", bot.SMS: "4"}[r.ch]
			} else if what = o.left; what == "" {
				continue
			}
			names = append(names, keys.Person(r.id))
			args = append(args, string(r.id), r.record, what, s.seal(r.id, o.body))
		}
		if b.field == "" && len(names) == fixedKeys {
			return true, nil
		}
		changed, err := queueScript.Run(ctx, s.Redis, names, args...).Int64Slice()
		if err != nil {
			return false, fmt.Errorf("queue a notice: %w", err)
		}
		if len(changed) == 0 {
			return true, nil
		}
		if changed[0] < 0 {
			return false, nil
		}
	}
	return false, errors.New("queue a notice: someone's record keeps changing")
}

func (s *Service) seal(id bot.PersonID, body []byte) []byte {
	if body == nil {
		return nil
	}
	return s.Vault.SealBody(id, body)
}

// A desk keeps the bodies of one notice while it is handed out, and how far that is in this process.
type handing struct {
	notice *bot.Notice
	bodies map[bodyKey][]byte
	done   [keys.Partitions]map[string]bool
}

// A bodyKey is all that a message depends on.
type bodyKey struct {
	lang     locales.Lang
	channel  bot.Channel
	facility string
}

func hand(n *bot.Notice) *handing {
	h := &handing{notice: n, bodies: map[bodyKey][]byte{}}
	for p := range h.done {
		h.done[p] = map[string]bool{}
	}
	return h
}

// begin keeps who is there when a notice begins: those who come later do not get it.
func (s *Service) begin(ctx context.Context, r *Record) error {
	for p := range keys.Partition(keys.Partitions) {
		last, err := s.Redis.Get(ctx, keys.Arrivals(p)).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("read who came last: %w", err)
		}
		pipe := s.Redis.Pipeline()
		pipe.HSetNX(ctx, keys.Spread(p, r.ID), endField, last)
		pipe.Expire(ctx, keys.Spread(p, r.ID), lifetime)
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("keep who came last: %w", err)
		}
	}
	return nil
}

// spread hands a notice out to one batch of followers in each partition that has room. It reports whether
// anything was done, and whether there is nothing left to do.
func (s *Service) spread(ctx context.Context, r *Record, h *handing) (did, all bool, err error) {
	all = true
	now := s.Now()
	for p := range keys.Partition(keys.Partitions) {
		for _, facility := range facilities(h.notice) {
			if h.done[p][facility] {
				continue
			}
			all = false
			at, never := s.wait(h.notice, facility, now)
			if at.After(now) && !never {
				continue // they sleep
			}
			room, err := s.room(ctx, p)
			if err != nil {
				return did, false, err
			}
			if !room && !never {
				break
			}
			some, err := s.step(ctx, r, h, p, facility, never)
			if err != nil {
				return did, false, err
			}
			did = did || some
			break
		}
	}
	return did, all, nil
}

// room reports whether the queues of a partition may take more.
func (s *Service) room(ctx context.Context, p keys.Partition) (bool, error) {
	pipe := s.Redis.Pipeline()
	lengths := map[bot.Channel]*redis.IntCmd{}
	for ch := range s.Rates {
		lengths[ch] = pipe.XLen(ctx, keys.Queue(p, ch, keys.Bulk))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, fmt.Errorf("measure a queue: %w", err)
	}
	for ch, length := range lengths {
		room := int64(most)
		if rate := s.Rates[ch]; rate > 0 {
			room = min(room, max(least, int64(rate*ahead.Seconds()/keys.Partitions)))
		}
		if length.Val() >= room {
			return false, nil
		}
	}
	return true, nil
}

// step hands a notice out to the next followers of a facility in a partition, or keeps that they sleep
// too long. It reports whether it did anything.
func (s *Service) step(ctx context.Context, r *Record, h *handing, p keys.Partition, facility string, never bool) (bool, error) {
	kept, err := s.Redis.HMGet(ctx, keys.Spread(p, r.ID), endField, facility).Result()
	if err != nil {
		return false, fmt.Errorf("read how far a notice got: %w", err)
	}
	end, _ := kept[0].(string)
	before, _ := kept[1].(string)
	if end == "" { // it was begun by a process that died first, or Redis lost it
		return true, s.begin(ctx, r)
	}
	if before == doneField {
		h.done[p][facility] = true
		return true, nil
	}
	after, _ := strconv.ParseInt(before, 10, 64) // "" before the first
	ids, last, err := s.follow(ctx, p, facility, after, end, batchSize)
	if err != nil {
		return false, err
	}
	b := batch{about: r.ID, part: p, lane: keys.Bulk, until: h.notice.Until, life: lifetime, field: facility, before: before,
		after: strconv.FormatInt(last, 10), walked: facility}
	if len(ids) < batchSize {
		b.after = doneField
	}
	_, err = s.queue(ctx, b, ids, func(to reader) (order, error) { return s.decide(h, to, facility, never) })
	return true, err
}

// decide is what someone gets of a notice.
func (s *Service) decide(h *handing, to reader, facility string, never bool) (order, error) {
	if !meant(h.notice, to) {
		return order{}, nil
	}
	left := leftOut(to.person)
	if left == "" && s.off(to.ch) {
		left = bot.LeftInvalid
	}
	if left == "" && never {
		left = bot.LeftQuiet
	}
	if left != "" {
		return order{left: left}, nil
	}
	key := bodyKey{to.person.Lang, to.ch, facility}
	body, ok := h.bodies[key]
	if !ok {
		var err error
		if body, err = s.body(h.notice, to.person, to.ch, facility); err != nil {
			return order{}, err
		}
		h.bodies[key] = body
	}
	return order{body: body}, nil
}

// told calls each for all readers in the tally of a notice, some at a time, with their states.
func (s *Service) told(ctx context.Context, about string, each func(keys.Partition, []reader, []string) error) error {
	for p := range keys.Partition(keys.Partitions) {
		for cursor := uint64(0); ; {
			found, next, err := s.Redis.HScan(ctx, keys.Tally(p, about), cursor, "", scan).Result()
			if err != nil {
				return fmt.Errorf("read who got a notice: %w", err)
			}
			var ids []bot.PersonID
			var states []string
			for i := 0; i+1 < len(found); i += 2 {
				ids, states = append(ids, bot.PersonID(found[i])), append(states, found[i+1])
			}
			if ids, err = s.Vault.Settled(ctx, s.Settle, ids...); err != nil {
				return err
			}
			if len(ids) > 0 {
				readers, err := s.read(ctx, ids)
				if err != nil {
					return err
				}
				if err := each(p, readers, states); err != nil {
					return err
				}
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return nil
}

// got reports whether someone in a state has, or will have, the message.
func got(state string) bool {
	outcome, _ := outbox.OutcomeOf(state)
	return outcome == outbox.Delivered || outcome == outbox.Arrived || outcome == outbox.Undelivered || outcome == queued
}

// queued is the state of who will get a notice.
const queued outbox.Outcome = "queued"

// repeat queues a notice once more for those who are in some states.
func (s *Service) repeat(ctx context.Context, r *Record, h *handing, states []string) error {
	return s.derive(ctx, r.ID, func(state string) bool { return slices.Contains(states, counted(state)) },
		batch{about: r.ID, lane: keys.Bulk, until: h.notice.Until, life: lifetime, again: states},
		func(to reader, _ string) (order, error) { return s.decide(h, to, to.person.Facility, false) })
}

// correct queues a correction for those who got what it corrects.
func (s *Service) correct(ctx context.Context, r *Record, h *handing) error {
	return s.derive(ctx, r.Corrects, got, batch{about: r.ID, lane: keys.Bulk, until: h.notice.Until, life: lifetime},
		func(to reader, _ string) (order, error) { return s.decide(h, to, to.person.Facility, false) })
}

// takeBack queues the deletion of a notice from the chats it was sent to.
func (s *Service) takeBack(ctx context.Context, r *Record) error {
	return s.derive(ctx, r.ID, got, batch{about: backTally + r.ID, lane: keys.Bulk, until: r.Began.Add(backTo), life: lifetime},
		func(to reader, state string) (order, error) {
			_, message := outbox.OutcomeOf(state)
			id, err := strconv.Atoi(message)
			if to.ch != bot.Telegram || err != nil {
				return order{}, nil
			}
			return order{body: telegram.Retraction(id)}, nil
		})
}

// derive queues something for those in the tally of a notice whose state is one that is wanted, as the
// queues have room. It may be repeated: the tally it keeps knows who was there already.
func (s *Service) derive(ctx context.Context, from string, wanted func(string) bool, b batch, decide func(reader, string) (order, error)) error {
	return s.told(ctx, from, func(p keys.Partition, readers []reader, states []string) error {
		byID := map[bot.PersonID]string{}
		var ids []bot.PersonID
		for i, r := range readers {
			if wanted(states[i]) {
				ids, byID[r.id] = append(ids, r.id), states[i]
			}
		}
		b.part = p
		for some := range slices.Chunk(ids, batchSize) {
			for {
				room, err := s.room(ctx, p)
				if err != nil {
					return err
				}
				if room {
					break
				}
				if err := wait(ctx, lookEvery); err != nil {
					return err
				}
			}
			if _, err := s.queue(ctx, b, some, func(r reader) (order, error) { return decide(r, byID[r.id]) }); err != nil {
				return err
			}
		}
		return nil
	})
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

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
