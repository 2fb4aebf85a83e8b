package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/internal/keys"
	"faro/internal/lease"
)

const (
	leaseLife   = 10 * time.Second        // a crashed process's people wait this long at most
	leaseRenew  = 2600 * time.Millisecond // two renewals may fail before the lease is lost; the fourth look finds a dead process's over
	leaseMargin = time.Second             // we stop sending before the others may begin
)

// A holding is a partition this process delivers.
type holding struct {
	partition keys.Partition

	mu    sync.Mutex
	until time.Time // by this process's monotonic clock, which runs on while it is frozen
	given bool      // up
	busy  int
	idle  *sync.Cond
}

func newHolding(p keys.Partition, until time.Time) *holding {
	h := &holding{partition: p, until: until}
	h.idle = sync.NewCond(&h.mu)
	return h
}

// enter begins something that must not be done by two processes. It reports false when the partition
// is not ours any more.
func (h *holding) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.given || !time.Now().Before(h.until) {
		return false
	}
	h.busy++
	return true
}

func (h *holding) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy--; h.busy == 0 {
		h.idle.Broadcast()
	}
}

func (h *holding) ours() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.given && time.Now().Before(h.until)
}

// give stops new work and waits for what is under way.
func (h *holding) give() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.given = true
	for h.busy > 0 {
		h.idle.Wait()
	}
}

// leases are the partitions this process holds.
type leases struct {
	o       *Outbox
	all     [keys.Partitions]*lease.Lease // used by run, then by releaseAll
	mu      sync.Mutex
	held    map[keys.Partition]*holding
	changed chan struct{} // closed when held changes
}

func (l *leases) init(o *Outbox) {
	l.o, l.held, l.changed = o, map[keys.Partition]*holding{}, make(chan struct{})
	for p := range keys.Partition(keys.Partitions) {
		l.all[p] = lease.New(o.Redis, keys.Holder(p), o.Node, leaseLife)
	}
}

// now returns the holdings among some partitions, and a channel that closes when they change.
func (l *leases) now(among []keys.Partition) ([]*holding, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var held []*holding
	for _, p := range among {
		if h := l.held[p]; h != nil {
			held = append(held, h)
		}
	}
	return held, l.changed
}

// Held is how many partitions this process delivers.
func (o *Outbox) Held() int {
	o.leases.mu.Lock()
	defer o.leases.mu.Unlock()
	return len(o.leases.held)
}

// run keeps a fair share of the partitions until ctx ends.
func (l *leases) run(ctx context.Context) {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		if err := l.round(ctx); err != nil && ctx.Err() == nil {
			l.o.Log.Warn("outbox: cannot renew leases", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// round tells that this process lives, renews what it holds, and takes or gives up partitions until
// it has its share.
func (l *leases) round(ctx context.Context) error {
	o := l.o
	now, err := o.ask(ctx) // all processes go by it, whatever theirs shows
	if err != nil {
		l.dropLost()
		return err
	}
	dead, ahead := now.Add(-leaseLife).UnixMilli(), now.Add(leaseLife).UnixMilli()
	pipe := o.Redis.Pipeline()
	pipe.ZAdd(ctx, keys.Processes, redis.Z{Score: float64(now.UnixMilli()), Member: o.Node})
	pipe.ZRemRangeByScore(ctx, keys.Processes, "-inf", itoa(dead))
	pipe.ZRemRangeByScore(ctx, keys.Processes, itoa(ahead), "+inf") // from before the clock was set back
	alive := pipe.ZCard(ctx, keys.Processes)
	pipe.PExpire(ctx, keys.Processes, leaseLife)
	if _, err := pipe.Exec(ctx); err != nil {
		l.dropLost()
		return err
	}
	l.look(ctx)
	share := keys.Partitions
	if n := int(alive.Val()); n > 1 {
		share = (keys.Partitions + n - 1) / n
	}
	count := 0
	var surplus []*holding
	for i := range keys.Partitions {
		p := keys.Partition((i + spread(o.Node)) % keys.Partitions) // each process begins elsewhere
		h := l.get(p)
		if h == nil && count >= share {
			continue
		}
		if h != nil && count >= share {
			l.drop(p)
			surplus = append(surplus, h)
			continue
		}
		asked := time.Now()
		got, err := l.all[p].Take(ctx)
		if err != nil {
			l.dropLost()
			return err
		}
		until := asked.Add(leaseLife - leaseMargin)
		switch {
		case got == lease.Other:
			if h != nil {
				l.lose(h)
			}
			continue
		case got == lease.Renewed && h != nil && h.ours():
			h.mu.Lock()
			h.until = until
			h.mu.Unlock()
		default: // taken now, or taken back: what was read before may have been delivered by another
			if h != nil {
				l.lose(h)
			}
			l.put(newHolding(p, until))
		}
		count++
	}
	return l.giveUp(ctx, surplus)
}

// look sees how all leases stand, because those of a process that dies are wanted only once it is missed.
func (l *leases) look(ctx context.Context) {
	pipe := l.o.Redis.Pipeline()
	var found [keys.Partitions]*redis.StringCmd
	for p := range found {
		found[p] = pipe.Get(ctx, keys.Holder(keys.Partition(p)))
	}
	_, _ = pipe.Exec(ctx) // each command is looked at below
	for p, cmd := range found {
		if holder, err := cmd.Result(); err == nil || errors.Is(err, redis.Nil) {
			l.all[p].See(holder)
		}
	}
}

// giveUp finishes what is under way in partitions and gives their leases back.
func (l *leases) giveUp(ctx context.Context, held []*holding) error {
	for _, h := range held {
		h.give()
		if err := l.all[h.partition].Return(ctx); err != nil {
			return err
		}
	}
	return nil
}

func spread(node string) int {
	n := 0
	for _, c := range []byte(node) {
		n = (n*31 + int(c)) % keys.Partitions
	}
	return n
}

func (l *leases) get(p keys.Partition) *holding {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[p]
}

func (l *leases) put(h *holding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[h.partition] = h
	l.change()
}

func (l *leases) drop(p keys.Partition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, p)
	l.change()
}

// lose forgets a holding that is found to be another process's, or to have been: nothing read under it is begun any
// more, however long our own clock would allow it.
func (l *leases) lose(h *holding) {
	h.mu.Lock()
	h.given = true
	h.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[h.partition] == h {
		delete(l.held, h.partition)
		l.change()
	}
}

// dropLost forgets the leases that ran out while Redis could not be asked.
func (l *leases) dropLost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, h := range l.held {
		if !h.ours() {
			delete(l.held, p)
		}
	}
	l.change()
}

func (l *leases) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// releaseAll gives every lease back, so that another process need not wait for them to run out.
func (l *leases) releaseAll(ctx context.Context) {
	held, _ := l.now(allPartitions())
	for _, h := range held {
		l.drop(h.partition)
	}
	if err := l.giveUp(ctx, held); err != nil {
		l.o.Log.Warn("outbox: cannot give a lease back", "error", err)
	}
	if err := l.o.Redis.ZRem(ctx, keys.Processes, l.o.Node).Err(); err != nil {
		l.o.Log.Warn("outbox: cannot sign off", "error", err)
	}
}
