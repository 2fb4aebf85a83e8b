package outbox

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
)

const (
	readBlock = 500 * time.Millisecond // so that a stop or a new lease is noticed soon
	readCount = 64                     // entries a stream and call
	readPause = 250 * time.Millisecond // before Redis is asked again after an error

	strandedEvery = 5 * time.Second
	strandedIdle  = 15 * time.Second // longer than a send takes, so what is under way is seldom looked at
)

// An entry is one message read from its queue.
type entry struct {
	id      string
	queue   string
	lane    keys.Lane
	person  bot.PersonID
	sealed  string
	tries   int
	holding *holding
}

// before reports whether an entry was stored before another one.
func (e *entry) before(other *entry) bool {
	ms, seq := position(e.id)
	otherMs, otherSeq := position(other.id)
	return ms < otherMs || ms == otherMs && seq < otherSeq
}

// position takes a stream's id apart: milliseconds and a number within them.
func position(id string) (ms, seq int64) {
	first, second, _ := strings.Cut(id, "-")
	ms, _ = strconv.ParseInt(first, 10, 64)
	seq, _ = strconv.ParseInt(second, 10, 64)
	return ms, seq
}

// storedAt is when an entry was stored: a stream's ids begin with the time in milliseconds.
func storedAt(id string) time.Time {
	ms, _ := position(id)
	return time.UnixMilli(ms)
}

// A reader reads the queues of one channel in the partitions of its group, as far as they are held.
type reader struct {
	*channel
	group []keys.Partition
	ready map[*holding]bool // what the last holder left was read
	look  time.Time         // when to look for stranded entries again
}

func (r *reader) run(ctx context.Context) {
	r.ready = map[*holding]bool{}
	for ctx.Err() == nil {
		held, changed := r.o.leases.now(r.group)
		if err := r.takeOver(ctx, held); err != nil {
			r.o.wait(ctx, readPause)
			continue
		}
		held = entered(held)
		streams, byQueue := r.streams(held)
		if len(streams) == 0 {
			leaveAll(held)
			select { // nothing held, or memory is full
			case <-ctx.Done():
			case <-changed:
			case <-r.room:
			case <-time.After(readBlock): // another reader of the channel may have been told of the room
			}
			continue
		}
		r.stranded(ctx, byQueue)
		got, err := r.o.Redis.XReadGroup(ctx, &redis.XReadGroupArgs{Group: keys.Group, Consumer: keys.Consumer,
			Streams: streams, Count: readCount, Block: readBlock}).Result()
		switch {
		case errors.Is(err, redis.Nil):
		case err != nil:
			if strings.HasPrefix(err.Error(), "NOGROUP") { // Redis lost its data: begin anew
				clear(r.ready)
			}
			r.o.wait(ctx, readPause)
		default:
			r.accept(got, byQueue)
		}
		leaveAll(held)
	}
}

// entered begins a read of partitions, so that none is given away while entries of it may be on their
// way to us; it leaves out those that are not ours any more.
func entered(held []*holding) []*holding {
	var ours []*holding
	for _, h := range held {
		if h.enter() {
			ours = append(ours, h)
		}
	}
	return ours
}

func leaveAll(held []*holding) {
	for _, h := range held {
		h.leave()
	}
}

// stranded looks for entries that were handed to a process which lost the partition before it could
// keep them: Redis answers a blocked reader even if that has been frozen for a minute. Nobody has
// them in memory, and no later read would return them.
func (r *reader) stranded(ctx context.Context, byQueue map[string]where) {
	if now := time.Now(); now.Before(r.look) {
		return
	} else {
		r.look = now.Add(strandedEvery)
	}
	pipe := r.o.Redis.Pipeline()
	claims := map[string]*redis.XAutoClaimCmd{}
	for queue := range byQueue {
		claims[queue] = pipe.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: queue, Group: keys.Group, Consumer: keys.Consumer,
			MinIdle: strandedIdle, Start: "0", Count: readCount})
	}
	_, _ = pipe.Exec(ctx) // what failed is looked for again
	for queue, claim := range claims {
		if messages, _, err := claim.Result(); err == nil && len(messages) > 0 {
			r.accept([]redis.XStream{{Stream: queue, Messages: messages}}, byQueue)
		}
	}
}

// where is the queue an entry came from.
type where struct {
	lane    keys.Lane
	holding *holding
}

// streams are the queues to read now: those of a lane with room in memory.
func (r *reader) streams(held []*holding) ([]string, map[string]where) {
	byQueue := map[string]where{}
	var names []string
	for _, lane := range keys.Lanes {
		if !r.hasRoom(lane) {
			continue
		}
		for _, h := range held {
			queue := keys.Queue(h.partition, r.name, lane)
			names = append(names, queue)
			byQueue[queue] = where{lane, h}
		}
	}
	for range len(names) {
		names = append(names, ">")
	}
	return names, byQueue
}

func (r *reader) accept(got []redis.XStream, byQueue map[string]where) {
	for _, s := range got {
		w := byQueue[s.Stream]
		for _, m := range s.Messages {
			person, _ := m.Values["p"].(string)
			sealed, _ := m.Values["b"].(string)
			r.add(&entry{id: m.ID, queue: s.Stream, lane: w.lane, person: bot.PersonID(person), sealed: sealed, holding: w.holding})
		}
	}
}

// takeOver prepares newly held partitions: the consumer groups exist, and what the last holder read
// and did not finish is read again, before anything newer.
func (r *reader) takeOver(ctx context.Context, held []*holding) error {
	for _, h := range held {
		if r.ready[h] {
			continue
		}
		for _, lane := range keys.Lanes {
			queue := keys.Queue(h.partition, r.name, lane)
			err := r.o.Redis.XGroupCreateMkStream(ctx, queue, keys.Group, "0").Err()
			if err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
				return err
			}
			if err := r.unfinished(ctx, queue, where{lane, h}); err != nil {
				return err
			}
		}
		r.ready[h] = true
	}
	for h := range r.ready {
		if !h.ours() {
			delete(r.ready, h)
		}
	}
	return nil
}

func (r *reader) unfinished(ctx context.Context, queue string, w where) error {
	for after := "0"; ; {
		got, err := r.o.Redis.XReadGroup(ctx, &redis.XReadGroupArgs{Group: keys.Group, Consumer: keys.Consumer,
			Streams: []string{queue, after}, Count: readCount, Block: -1}).Result()
		if errors.Is(err, redis.Nil) || err == nil && (len(got) == 0 || len(got[0].Messages) == 0) {
			return nil
		}
		if err != nil {
			return err
		}
		r.accept(got, map[string]where{queue: w})
		after = got[0].Messages[len(got[0].Messages)-1].ID
	}
}

// wait waits for d or the end of ctx.
func (o *Outbox) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func allPartitions() []keys.Partition {
	var all []keys.Partition
	for p := range keys.Partition(keys.Partitions) {
		all = append(all, p)
	}
	return all
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
