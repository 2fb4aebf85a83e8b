package effects_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/internal/effects"
	"faro/internal/keys"
	"faro/internal/redisx"
	"faro/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a real Redis and what was handed on.
type rig struct {
	t     *testing.T
	redis *redisx.Redis
	vault *vault.Vault

	mu   sync.Mutex
	got  map[string]int // sessions asked for, and how often
	fail int            // how many more calls fail
	with any            // what they panic with, nil for an error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	rdb, err := redisx.Open(t.Context(), redisx.Config{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	seals, err := vault.New()
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, redis: rdb, vault: seals, got: map[string]int{}}
}

func (r *rig) handle(_ context.Context, s effects.Set) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail > 0 {
		if r.fail--; r.with != nil {
			panic(r.with)
		}
		return errors.New("not now")
	}
	for _, e := range s.Effects {
		r.got[e.Who]++
	}
	return nil
}

func (r *rig) store(person, session string) {
	r.t.Helper()
	id := r.vault.Seal(bot.Telegram, person)
	b, err := json.Marshal([]bot.Effect{{Who: session}})
	if err != nil {
		r.t.Fatal(err)
	}
	args := &redis.XAddArgs{Stream: keys.Effects(keys.Of(id)), Values: []any{"p", string(id), "b", r.vault.SealBody(id, b)}}
	if err := r.redis.XAdd(r.t.Context(), args).Err(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) run() (stop func()) {
	reader := &effects.Reader{Redis: r.redis, Vault: r.vault, Log: slog.New(slog.DiscardHandler), Now: time.Now, Handle: r.handle}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); reader.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	r.t.Cleanup(stop)
	return stop
}

func (r *rig) waitFor(n int) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(40 * time.Second)
	for {
		r.mu.Lock()
		have := len(r.got)
		r.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatalf("%d of %d effects", have, n)
		}
	}
}

// TestEveryEffectIsCarriedOut: those stored before and while two readers run, each once, and nothing stays.
func TestEveryEffectIsCarriedOut(t *testing.T) {
	const people = 200
	r := newRig(t)
	for i := range people / 2 {
		r.store(strconv.Itoa(i), strconv.Itoa(i))
	}
	stop, stopOther := r.run(), r.run()
	for i := people / 2; i < people; i++ {
		r.store(strconv.Itoa(i), strconv.Itoa(i))
	}
	r.waitFor(people)
	stop()
	stopOther()
	for session, n := range r.got {
		if n != 1 {
			t.Errorf("effect %s was handed on %d times", session, n)
		}
	}
	for p := range keys.Partition(keys.Partitions) {
		if n := r.redis.XLen(t.Context(), keys.Effects(p)).Val(); n != 0 {
			t.Errorf("%d effects stay", n)
		}
	}
}

// TestWhatFailedComesAgain: and so does what a process took and died with, which Redis cannot tell apart.
func TestWhatFailedComesAgain(t *testing.T) {
	for name, with := range map[string]any{"error": nil, "panic": "canary"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.fail, r.with = 1, with
			r.store("ana", "s1")
			r.run()
			r.waitFor(1)
		})
	}
}

func TestNewer(t *testing.T) {
	for _, test := range []struct {
		stamp, other string
		want         bool
	}{
		{"2-0", "1-9", true}, {"1-10", "1-9", true}, {"1-9", "1-10", false}, {"1-1", "1-1", false}, {"1-0", "", true}, {"", "1-0", false},
		{"1700000000000-0", "999999999999-5", true},
	} {
		if got := effects.Newer(test.stamp, test.other); got != test.want {
			t.Errorf("Newer(%q, %q) = %v", test.stamp, test.other, got)
		}
	}
}

// TestForeignEntriesAreNotCarriedOut: what is not sealed with our keys sets nothing off, and is not quoted.
func TestForeignEntriesAreNotCarriedOut(t *testing.T) {
	r := newRig(t)
	var log strings.Builder
	var mu sync.Mutex
	reader := &effects.Reader{Redis: r.redis, Vault: r.vault, Now: time.Now, Handle: r.handle,
		Log: slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(b)
		}), nil))}
	if err := r.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Effects(0), Values: []any{"p", "canary", "b", `[{"who":"canary"}]`}}).Err(); err != nil {
		t.Fatal(err)
	}
	r.store("ana", "s1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); reader.Run(ctx) }()
	r.waitFor(1)
	cancel()
	<-done
	if r.got["canary"] != 0 {
		t.Error("a foreign entry was carried out")
	}
	if r.redis.XLen(t.Context(), keys.Effects(0)).Val() != 0 {
		t.Error("it stays, and would be looked at for ever")
	}
	if strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), "failed") {
		t.Errorf("the log says %q", log.String())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
