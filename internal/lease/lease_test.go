package lease

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench has several processes that want one lease, each with the same clock, which is not Redis'.
type bench struct {
	t     *testing.T
	redis *redis.Client
	store *miniredis.Miniredis
	clock time.Time
	all   map[string]*Lease
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, store: miniredis.RunT(t), clock: time.Now(), all: map[string]*Lease{}}
	b.redis = redis.NewClient(&redis.Options{Addr: b.store.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = b.redis.Close() })
	for _, node := range []string{"a", "b", "c"} {
		b.all[node] = New(b.redis, "k", node, 10*time.Second)
		b.all[node].now = func() time.Time { return b.clock }
	}
	return b
}

func (b *bench) take(node string, want Result) {
	b.t.Helper()
	if got, err := b.all[node].Take(b.t.Context()); err != nil || got != want {
		b.t.Errorf("%s takes it: %v, %v; want %v", node, got, err, want)
	}
}

func (b *bench) give(node string) {
	b.t.Helper()
	if err := b.all[node].Return(b.t.Context()); err != nil {
		b.t.Error(err)
	}
}

func TestOneHolderAtATime(t *testing.T) {
	b := newBench(t)
	b.take("a", Taken)
	b.take("b", Other)
	b.take("a", Renewed)
	b.give("b") // not theirs: nothing happens
	b.take("b", Other)
	b.give("a")
	b.take("b", Taken)
	b.take("a", Other)
}

// A lease is over when it was not renewed for its life after it was first seen, and not before.
func TestRunsOut(t *testing.T) {
	b := newBench(t)
	b.take("a", Taken)
	b.take("b", Other)
	b.clock = b.clock.Add(9 * time.Second)
	b.take("a", Renewed)
	b.clock = b.clock.Add(9 * time.Second)
	b.take("b", Other) // sees only now that it was renewed
	b.clock = b.clock.Add(10*time.Second - 1)
	b.take("b", Other)
	b.clock = b.clock.Add(1)
	b.take("c", Other) // has not looked before
	b.take("b", Taken)
	b.give("a") // came too late
	b.take("a", Other)
	b.take("b", Renewed)
}

// Who only looked meanwhile need not wait once more.
func TestSeen(t *testing.T) {
	b := newBench(t)
	b.take("a", Taken)
	left := b.redis.Get(t.Context(), "k").Val()
	b.all["b"].See(left)
	b.clock = b.clock.Add(10 * time.Second)
	b.all["b"].See(left)
	b.take("b", Taken)
	b.clock = b.clock.Add(10 * time.Second)
	b.all["c"].See("") // a lease that is gone is nobody's
	b.take("c", Other)
}

// Redis' clock decides nothing: it may jump while a lease is held.
func TestClockOfRedis(t *testing.T) {
	b := newBench(t)
	b.take("a", Taken)
	b.take("b", Other)
	b.store.FastForward(24 * time.Hour)
	b.take("b", Other)
	b.take("a", Renewed)
}

func TestWithoutRedis(t *testing.T) {
	b := newBench(t)
	b.store.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if got, err := b.all["a"].Take(ctx); err == nil || got != Other {
		t.Errorf("without Redis: %v, %v", got, err)
	}
}
