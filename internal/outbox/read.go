package outbox

import (
	"cmp"
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
)

// An entry is one message read from its queue.
type entry struct {
	id      string
	queue   string
	lane    keys.Lane
	sealed  string       // for the id it was stored with
	stored  bot.PersonID // which may be of an older key
	person  bot.PersonID // the same person's id under the key that seals
	address string       // "" if the id cannot be opened
	note    string       // what it is about, "" if nobody counts
	since   time.Time    // when it was stored; see Outbox.since
	until   time.Time    // after which it must not be sent, zero if the usual time holds
	hold    time.Time    // from when it is held back, because its reader sleeps; zero if never
	tries   int
	done    bool // acknowledged; the channel's lock guards it
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

// A reader reads the queues of one channel and lane in the partitions of its group, as far as they are
// held. The lanes are read apart: a wait for replies must not keep bulk waiting, nor the reverse.
//
// A queue holds what is not acknowledged yet, and only the holder of its partition reads it, each entry once and
// in order. So the reader remembers how far it got, and no consumer group does it for it in Redis: a group moves on
// when Redis answers, even into a broken connection or to a process that was frozen meanwhile, and what it has handed
// out so would be overtaken.
type reader struct {
	*channel
	lane  keys.Lane
	group []keys.Partition
	read  map[*holding]string // the id of the last entry read
}

func (r *reader) run(ctx context.Context) {
	r.read = map[*holding]string{}
	for ctx.Err() == nil {
		held, changed := r.o.leases.now(r.group)
		held = entered(held)
		streams, byQueue := r.streams(held)
		if len(byQueue) == 0 {
			leaveAll(held)
			select { // nothing held, or memory is full
			case <-ctx.Done():
			case <-changed:
			case <-r.room[r.lane]:
			case <-time.After(readBlock): // another reader of the channel may have been told of the room
			}
			continue
		}
		got, err := r.o.Redis.XRead(ctx, &redis.XReadArgs{Streams: streams, Count: readCount, Block: readBlock}).Result()
		if err == nil {
			r.accept(got, byQueue)
		} else if !errors.Is(err, redis.Nil) {
			r.o.wait(ctx, readPause)
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

// streams are the queues to read now, and how far each is read: none if there is no room in memory.
func (r *reader) streams(held []*holding) (names []string, byQueue map[string]*holding) {
	for h := range r.read {
		if !h.ours() {
			delete(r.read, h)
		}
	}
	if !r.hasRoom(r.lane) {
		return nil, nil
	}
	byQueue = map[string]*holding{}
	var after []string
	for _, h := range held {
		queue := keys.Queue(h.partition, r.name, r.lane)
		names, after = append(names, queue), append(after, cmp.Or(r.read[h], "0"))
		byQueue[queue] = h
	}
	return append(names, after...), byQueue
}

func (r *reader) accept(got []redis.XStream, byQueue map[string]*holding) {
	for _, s := range got {
		h := byQueue[s.Stream]
		for _, m := range s.Messages {
			person, _ := m.Values["p"].(string)
			sealed, _ := m.Values["b"].(string)
			e := &entry{id: m.ID, queue: s.Stream, lane: r.lane, stored: bot.PersonID(person), person: bot.PersonID(person), sealed: sealed, since: r.o.since(m.ID), holding: h}
			_, e.address, _ = r.o.Vault.Address(e.stored)
			e.note, _ = m.Values["n"].(string)
			e.until, e.hold = moment(m.Values["u"]), moment(m.Values["h"])
			r.add(e)
			r.read[h] = m.ID
		}
	}
}

// moment reads a field of an entry that is a Unix time, zero if there is none.
func moment(field any) time.Time {
	text, _ := field.(string)
	if text == "" {
		return time.Time{}
	}
	seconds, _ := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0)
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
