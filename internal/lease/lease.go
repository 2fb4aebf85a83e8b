// Package lease lets one process at a time do a thing: it holds a key in Redis that runs out unless
// it is renewed. A process that was frozen may believe in a lease that ran out, so what must not be
// done twice is fenced besides, by the key itself or by the holder's own clock.
package lease

import (
	"context"
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

	take   = redis.NewScript(takeSource)
	giveUp = redis.NewScript(returnSource)
)

// A Result says who has the lease.
type Result int

// The results of Take.
const (
	Other   Result = iota // another process has it
	Taken                 // this process has it, and did not before
	Renewed               // this process still has it
)

// Take takes or renews the lease named key for node.
func Take(ctx context.Context, rdb redis.Scripter, key, node string, life time.Duration) (Result, error) {
	n, err := take.Run(ctx, rdb, []string{key}, node, life.Milliseconds()).Int()
	if err != nil {
		return Other, fmt.Errorf("take a lease: %w", err)
	}
	return Result(n), nil
}

// Return gives the lease back if node has it.
func Return(ctx context.Context, rdb redis.Scripter, key, node string) error {
	if err := giveUp.Run(ctx, rdb, []string{key}, node).Err(); err != nil {
		return fmt.Errorf("return a lease: %w", err)
	}
	return nil
}
