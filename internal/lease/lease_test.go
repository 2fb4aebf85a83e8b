package lease_test

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/internal/lease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneHolderAtATime(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	take := func(node string, want lease.Result) {
		t.Helper()
		if got, err := lease.Take(t.Context(), rdb, "k", node, time.Second); err != nil || got != want {
			t.Errorf("%s takes it: %v, %v; want %v", node, got, err, want)
		}
	}
	give := func(node string) {
		t.Helper()
		if err := lease.Return(t.Context(), rdb, "k", node); err != nil {
			t.Error(err)
		}
	}
	take("a", lease.Taken)
	take("b", lease.Other)
	take("a", lease.Renewed)
	give("b") // not theirs: nothing happens
	take("b", lease.Other)
	give("a")
	take("b", lease.Taken)
	m.FastForward(999 * time.Millisecond)
	take("a", lease.Other)
	take("b", lease.Renewed)
	m.FastForward(time.Second)
	take("a", lease.Taken)
	give("b") // came too late
	take("a", lease.Renewed)

	m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if got, err := lease.Take(ctx, rdb, "k", "a", time.Second); err == nil || got != lease.Other {
		t.Errorf("without Redis: %v, %v", got, err)
	}
}
