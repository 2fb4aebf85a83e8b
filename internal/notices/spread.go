package notices

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
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
	ahead     = time.Minute    // how much may wait in the queues at the provider's pace: memory is the same for any number of readers
	least     = 4              // people of a partition that may wait at any rate
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
	walked string              // facility whose followers these are, "" for none
	came   []int64             // when each of these came: the field's value if the batch ends with them
	room   map[bot.Channel]int // how many the queues may take, nil for any number
}

// order is what to do for a reader: queue a body, or keep why not. Both empty skip them.
type order struct {
	body []byte
	left string
	hold time.Time // when the body is held back because they sleep, zero for never
}

// queue carries a batch out, up to the first one whose queue has no room. It returns with how many people it is done:
// none also if another process was first.
func (s *Service) queue(ctx context.Context, b batch, ids []bot.PersonID, decide func(reader) (order, error)) (int, error) {
	ids, err := s.Vault.Settled(ctx, s.Settle, ids...)
	if err != nil {
		return 0, err
	}
	for range tries {
		readers, err := s.read(ctx, ids)
		if err != nil {
			return 0, err
		}
		room, done, after := maps.Clone(b.room), 0, b.after
		names := []string{keys.Tally(b.part, b.about), keys.Counts(b.part, b.about), keys.Queue(b.part, bot.Telegram, b.lane),
			keys.Queue(b.part, bot.SMS, b.lane), keys.Spread(b.part, cmp.Or(b.marks, b.about)), keys.Followers(b.part, b.walked)}
		again := ""
		if len(b.again) > 0 {
			again = "|" + strings.Join(b.again, "|") + "|"
		}
		var people []any
		for _, r := range readers {
			what, o := "", order{}
			if r.record == "" && b.walked != "" {
				what = "lapsed"
			} else if o, err = decide(r); err != nil {
				return 0, err
			} else if o.body != nil && room != nil && room[r.ch] == 0 {
				break
			} else if o.body != nil {
				what = map[bot.Channel]string{bot.Telegram: "3", bot.SMS: "4"}[r.ch]
				if room != nil {
					room[r.ch]--
				}
			} else {
				what = o.left
			}
			done++
			if what == "" {
				continue
			}
			hold := ""
			if !o.hold.IsZero() {
				hold = strconv.FormatInt(o.hold.Unix(), 10)
			}
			names = append(names, keys.Person(r.id))
			people = append(people, string(r.id), r.record, what, s.seal(r.id, o.body), hold)
		}
		if done < len(ids) && b.walked != "" {
			if done == 0 {
				return 0, nil
			}
			after = strconv.FormatInt(b.came[done-1], 10)
		}
		if b.field == "" && len(people) == 0 {
			return done, nil
		}
		args := append([]any{b.about, b.until.Unix(), int(b.life.Seconds()), b.field, b.before, after, again}, people...)
		changed, err := queueScript.Run(ctx, s.Redis, names, args...).Int64Slice()
		if err != nil {
			return 0, fmt.Errorf("queue a notice: %w", err)
		}
		if len(changed) == 0 {
			return done, nil
		}
		if changed[0] < 0 {
			return 0, nil
		}
	}
	return 0, errors.New("queue a notice: someone's record keeps changing")
}

func (s *Service) seal(id bot.PersonID, body []byte) []byte {
	if body == nil {
		return nil
	}
	return s.Vault.SealBody(id, body)
}

// handing is a notice while this process hands it out: its bodies, and how far that is.
type handing struct {
	notice *bot.Notice
	bodies map[bodyKey][]byte
	zones  map[string]*time.Location // of facilities
	done   [keys.Partitions]map[string]bool
	passes map[string]*pass
	asleep int       // who is held back until the morning, as the last pass found
	wakes  time.Time // when the first of them wakes up
}

// A bodyKey is all that a message depends on.
type bodyKey struct {
	lang     locales.Lang
	channel  bot.Channel
	facility string
}

func hand(n *bot.Notice) *handing {
	h := &handing{notice: n, bodies: map[bodyKey][]byte{}, zones: map[string]*time.Location{}, passes: map[string]*pass{}}
	for p := range h.done {
		h.done[p] = map[string]bool{}
	}
	return h
}

// clock is that of a notice's readers at a facility.
func (s *Service) clock(h *handing, facility string) *time.Location {
	zone := h.zones[facility]
	if zone == nil {
		zone = s.zoneOf(h.notice, facility)
		h.zones[facility] = zone
	}
	return zone
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
			at, never := s.wait(h.notice, s.clock(h, facility), now)
			if at.After(now) && !never {
				continue // they sleep
			}
			room, err := s.room(ctx, p)
			if err != nil {
				return did, false, err
			}
			if len(room) == 0 && !never {
				break
			}
			some, err := s.step(ctx, r, h, p, facility, room)
			if err != nil {
				return did, false, err
			}
			did = did || some
			break
		}
	}
	return did, all, nil
}

// room is how many more messages the queues of a partition may take, by channel: none where it is not worth a batch.
func (s *Service) room(ctx context.Context, p keys.Partition) (map[bot.Channel]int, error) {
	pipe := s.Redis.Pipeline()
	lengths := map[bot.Channel]*redis.IntCmd{}
	for ch := range s.Rates {
		lengths[ch] = pipe.XLen(ctx, keys.Queue(p, ch, keys.Bulk))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("measure a queue: %w", err)
	}
	room := map[bot.Channel]int{}
	for ch, length := range lengths {
		limit := most
		if rate := s.Rates[ch]; rate > 0 {
			limit = min(limit, max(least, int(rate*ahead.Seconds()/keys.Partitions)))
		}
		if free := limit - int(length.Val()); free >= min(batchSize, max(1, limit/4)) {
			room[ch] = free
		}
	}
	return room, nil
}

// step hands a notice out to the next followers of a facility in a partition. It reports whether it did anything.
func (s *Service) step(ctx context.Context, r *Record, h *handing, p keys.Partition, facility string, room map[bot.Channel]int) (bool, error) {
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
	ids, came, err := s.follow(ctx, p, facility, after, end, batchSize)
	if err != nil {
		return false, err
	}
	b := batch{about: r.ID, part: p, lane: keys.Bulk, until: h.notice.Until, life: lifetime, field: facility, before: before,
		after: doneField, walked: facility, came: came, room: room}
	if len(ids) == batchSize {
		b.after = strconv.FormatInt(came[len(came)-1], 10)
	}
	done, err := s.queue(ctx, b, ids, func(to reader) (order, error) {
		if !meant(h.notice, to) {
			return order{}, nil
		}
		return s.decide(h, to, facility)
	})
	return done > 0 || len(ids) == 0, err
}

// decide is what someone gets of a notice now. Who sleeps is held back until their morning.
func (s *Service) decide(h *handing, to reader, facility string) (order, error) {
	now := s.Now()
	at, never := s.wait(h.notice, s.clock(h, facility), now)
	switch left := leftOut(to.person); {
	case to.record == "": // nothing is kept of them any more
		return order{left: string(outbox.Unreachable)}, nil
	case left != "":
		return order{left: left}, nil
	case s.off(to.ch):
		return order{left: bot.LeftOff}, nil
	case never:
		return order{left: bot.LeftQuiet}, nil
	case at.After(now):
		return order{left: string(outbox.Held)}, nil
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
	o := order{body: body}
	if h.notice.Urgency != emergency {
		o.hold = s.Quiet.Next(now, s.clock(h, facility))
	}
	return o, nil
}

// queued is the state of who will get a notice.
const queued outbox.Outcome = "queued"

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
