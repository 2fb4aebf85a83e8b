package outbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A clock is Redis' clock between the moments it is asked for. It runs on by this process's monotonic clock, so it
// does not follow when ours is set.
type clock struct {
	mu          sync.Mutex
	told, heard time.Time // what it showed, and when that was
}

// ask asks Redis what its clock shows.
func (o *Outbox) ask(ctx context.Context) (time.Time, error) {
	told, err := o.Redis.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for Redis' clock: %w", err)
	}
	o.clock.mu.Lock()
	defer o.clock.mu.Unlock()
	o.clock.told, o.clock.heard = told, time.Now()
	return told, nil
}

// redisNow is what Redis' clock shows, or ours as long as it was not asked.
func (o *Outbox) redisNow() time.Time {
	o.clock.mu.Lock()
	defer o.clock.mu.Unlock()
	if o.clock.told.IsZero() {
		return o.Now()
	}
	return o.clock.told.Add(time.Since(o.clock.heard))
}

// now is the earlier of Redis' clock and ours: one that is ahead lets no message expire.
func (o *Outbox) now() time.Time {
	ours, theirs := o.Now(), o.redisNow()
	if theirs.Before(ours) {
		return theirs
	}
	return ours
}

// since is when an entry was stored, by this process's monotonic clock. Whatever clock is set later, an entry that
// was read ages as time passes.
func (o *Outbox) since(id string) time.Time {
	return time.Now().Add(-max(0, o.now().Sub(storedAt(id))))
}
