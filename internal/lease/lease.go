// Package lease lets one process at a time do a thing: it holds a key in Redis and renews it. A lease has run out
// once it was seen unrenewed for its life, by the clock of the process that wants it; Redis' own clock, which may
// jump, decides nothing. A process that was frozen may still believe in a lease that ran out, so what must not be
// done twice is fenced besides, by the key itself or by the holder's own clock.
package lease

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed take.lua
	takeSource string
	//go:embed return.lua
	returnSource string

	take   = redis.NewScript(Ours + takeSource)
	giveUp = redis.NewScript(Ours + returnSource)
)

// Ours is a condition in Lua: the process named in the second place holds the lease whose key is in the first.
const Ours = `
local function ours(lease, process)
  return string.match(redis.call('GET', lease) or '', '^%S*') == process
end
`

// kept is how long a lease is remembered that nobody takes any more.
const kept = 30 * 24 * time.Hour

// A Result says who has the lease.
type Result int

// The results of Take.
const (
	Other   Result = iota // another process has it
	Taken                 // this process has it, and did not before
	Renewed               // this process still has it
)

// A Lease is a lease as one process sees it. It must not be used from two goroutines at once.
type Lease struct {
	redis     redis.Scripter
	key, node string
	life      time.Duration
	now       func() time.Time // with the monotonic clock

	holder string    // how it was left when it was last looked at
	since  time.Time // when that was first seen
}

// New is the lease with a key in Redis. The node names this process, unlike any other and without spaces; life is how
// long a holder may go without renewing it.
func New(rdb redis.Scripter, key, node string, life time.Duration) *Lease {
	return &Lease{redis: rdb, key: key, node: node, life: life, now: time.Now}
}

// Take takes or renews the lease. One that another process left behind is taken no sooner than its life after the
// first try that found it so.
func (l *Lease) Take(ctx context.Context) (Result, error) {
	over := ""
	if l.holder != "" && l.now().Sub(l.since) >= l.life {
		over = l.holder
	}
	// Each renewal leaves something else, so that the others see that there was one.
	got, err := take.Run(ctx, l.redis, []string{l.key}, l.node, rand.Text(), over, kept.Milliseconds()).Slice()
	if err != nil {
		return Other, fmt.Errorf("take a lease: %w", err)
	}
	result, _ := got[0].(int64)
	holder, _ := got[1].(string)
	l.See(holder)
	return Result(result), nil
}

// See notes what a GET of the lease's key found, "" if nothing. A process that may want the lease later looks at it
// meanwhile, so that it need not wait a whole life then.
func (l *Lease) See(found string) {
	if found != l.holder {
		l.holder, l.since = found, l.now()
	}
}

// Return gives the lease back if this process has it.
func (l *Lease) Return(ctx context.Context) error {
	if err := giveUp.Run(ctx, l.redis, []string{l.key}, l.node).Err(); err != nil {
		return fmt.Errorf("return a lease: %w", err)
	}
	return nil
}
