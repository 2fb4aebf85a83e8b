package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
	"faro/internal/redisx"
	"faro/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is a provider that takes what answer says it takes.
type post struct {
	mu     sync.Mutex
	taken  []string
	answer func(body string) error // nil takes everything
}

func (p *post) Send(_ context.Context, m outbox.Message) (outbox.Receipt, error) {
	body := string(m.Body)
	if p.answer != nil {
		if err := p.answer(body); err != nil {
			return outbox.Receipt{}, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, body)
	return outbox.Receipt{Shown: len(p.taken)}, nil
}

func (p *post) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.taken)
}

// rig is a real Redis and what an outbox needs.
type rig struct {
	t     *testing.T
	redis *redisx.Redis
	vault *vault.Vault

	halted func(about string) bool
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
	return &rig{t: t, redis: rdb, vault: seals}
}

// run starts an outbox; what is returned stops it and waits.
func (r *rig) run(node string, p *post, rate float64) (stop func()) {
	r.t.Helper()
	return r.start(r.outbox(node, p, rate, time.Now))
}

// outbox makes one.
func (r *rig) outbox(node string, p *post, rate float64, now func() time.Time) *outbox.Outbox {
	return outbox.New(outbox.Config{Redis: r.redis, Vault: r.vault, Node: node, Log: slog.New(slog.DiscardHandler), Now: now, Halted: r.halted,
		Backoff: time.Millisecond, Routes: map[bot.Channel]outbox.Route{bot.Telegram: {Sender: p, Rate: rate}},
		Observe: func(bot.Channel, keys.Lane, outbox.Outcome, time.Duration) {}})
}

// start runs one; what is returned stops it and waits.
func (r *rig) start(o *outbox.Outbox) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	r.t.Cleanup(stop)
	return stop
}

// queue stores a message for a person as a turn or a notice does, and returns its queue and id.
func (r *rig) queue(person string, lane keys.Lane, body string) (queue, id string) {
	r.t.Helper()
	to := r.vault.Seal(bot.Telegram, person)
	queue = keys.Queue(keys.Of(to), bot.Telegram, lane)
	id, err := r.redis.XAdd(r.t.Context(), &redis.XAddArgs{Stream: queue, Values: []any{"p", string(to), "b", r.vault.SealBody(to, []byte(body))}}).Result()
	if err != nil {
		r.t.Fatal(err)
	}
	return queue, id
}

// waitFor waits until so many messages are taken.
func (r *rig) waitFor(p *post, n int) {
	r.t.Helper()
	r.until(func() bool { return len(p.all()) >= n }, func() string { return fmt.Sprintf("%d of %d messages", len(p.all()), n) })
}

func (r *rig) until(reached func() bool, state func() string) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(40 * time.Second)
	for !reached() {
		select {
		case <-tick.C:
		case <-late:
			r.t.Fatalf("after 40 s: %s", state())
		}
	}
}

// drained waits until no queue holds anything. A stop ends what is not begun, so what is not waited for may stay.
func (r *rig) drained() {
	r.t.Helper()
	r.until(func() bool { return len(r.left()) == 0 }, func() string { return strings.Join(r.left(), ", ") })
}

func (r *rig) empty() {
	r.t.Helper()
	for _, some := range r.left() {
		r.t.Error(some)
	}
}

// left says how many messages stay in each queue that is not empty.
func (r *rig) left() (all []string) {
	r.t.Helper()
	for p := range keys.Partition(keys.Partitions) {
		for _, lane := range keys.Lanes {
			n, err := r.redis.XLen(context.Background(), keys.Queue(p, bot.Telegram, lane)).Result()
			if err != nil {
				r.t.Fatal(err)
			}
			if n != 0 {
				all = append(all, fmt.Sprintf("%d messages stay in a queue of lane %s", n, lane))
			}
		}
	}
	return all
}

// TestRepliesBeforeNotices: a reply stored while a thousand notices wait at the provider's pace goes
// next, not last.
func TestRepliesBeforeNotices(t *testing.T) {
	r := newRig(t)
	p := &post{}
	for i := range 1000 {
		r.queue(strconv.Itoa(i), keys.Bulk, "notice")
	}
	r.run("a", p, 100)
	r.waitFor(p, 20)
	before := len(p.all())
	for i := range 5 {
		r.queue(strconv.Itoa(i), keys.Reply, "reply")
	}
	r.waitFor(p, before+40)
	replies := 0
	for _, body := range p.all()[before : before+40] {
		if body == "reply" {
			replies++
		}
	}
	if replies != 5 {
		t.Errorf("of the 40 messages after five replies were stored, %d are replies", replies)
	}
}

// TestInOrderForEachPerson: what fails waits, and what follows it for the same person waits with it,
// while others' messages go on.
func TestInOrderForEachPerson(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	left := map[string]int{"ana 0": 3, "ana 4": 2}
	p := &post{answer: func(body string) error {
		mu.Lock()
		defer mu.Unlock()
		if left[body] > 0 {
			left[body]--
			return &outbox.Error{Code: "500"}
		}
		return nil
	}}
	var want []string
	for i := range 10 {
		r.queue("1", keys.Reply, fmt.Sprintf("ana %d", i))
		want = append(want, fmt.Sprintf("ana %d", i))
	}
	r.queue("2", keys.Reply, "luis")
	stop := r.run("a", p, 0)
	r.waitFor(p, 11)
	stop()
	got := slices.DeleteFunc(p.all(), func(b string) bool { return b == "luis" })
	if !slices.Equal(got, want) {
		t.Errorf("sent %q", got)
	}
	r.empty()
}

// TestThePaceIsShared: two processes together keep the provider's pace.
func TestThePaceIsShared(t *testing.T) {
	const rate, messages = 100.0, 150
	r := newRig(t)
	p := &post{}
	for i := range messages {
		r.queue(strconv.Itoa(i), keys.Reply, "reply")
	}
	began := time.Now()
	r.run("a", p, rate)
	r.run("b", p, rate)
	r.waitFor(p, messages)
	// A tenth of a second's worth may go ahead of the pace.
	if least := time.Duration((messages - rate/10) / rate * float64(time.Second)); time.Since(began) < least*9/10 {
		t.Errorf("%d messages left in %v; the pace allows that in %v", messages, time.Since(began), least)
	}
}

// TestAPauseHoldsEveryone: the provider's "retry after" rests the account in another process too, with a pace and
// without.
func TestAPauseHoldsEveryone(t *testing.T) {
	for _, rate := range []float64{1000, 0} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			r := newRig(t)
			var asked time.Time
			p := &post{answer: func(string) error {
				asked = time.Now()
				return &outbox.Error{Code: "429", After: 3 * time.Second}
			}}
			r.queue("1", keys.Reply, "reply")
			stop := r.run("a", p, rate)
			r.until(func() bool { return r.redis.Exists(t.Context(), keys.Pause(bot.Telegram)).Val() == 1 }, func() string { return "no pause" })
			stop()
			for i := range 20 {
				r.queue(strconv.Itoa(i), keys.Reply, "reply")
			}
			var once sync.Once
			var first time.Time
			other := &post{answer: func(string) error {
				once.Do(func() { first = time.Now() })
				return nil
			}}
			r.run("b", other, rate)
			r.waitFor(other, 21)
			if rest := first.Sub(asked); rest < 2900*time.Millisecond {
				t.Errorf("another process sent %v after the provider asked for three seconds' rest", rest)
			}
		})
	}
}

// TestOneAtATimeForAChat: two notices to someone are a second apart, and one for someone who is being answered waits
// for the answer; answers themselves do not wait.
func TestOneAtATimeForAChat(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	sent := map[string]time.Time{}
	p := &post{answer: func(body string) error {
		mu.Lock()
		defer mu.Unlock()
		sent[body] = time.Now()
		return nil
	}}
	r.queue("1", keys.Bulk, "notice 1")
	r.queue("1", keys.Bulk, "notice 2")
	r.queue("2", keys.Reply, "answer 1")
	r.queue("2", keys.Reply, "answer 2")
	r.queue("2", keys.Bulk, "notice 3")
	r.run("a", p, 1000)
	r.waitFor(p, 5)
	for _, c := range []struct {
		first, then string
		apart       bool
	}{{"notice 1", "notice 2", true}, {"answer 2", "notice 3", true}, {"answer 1", "answer 2", false}} {
		if apart := sent[c.then].Sub(sent[c.first]); apart < 900*time.Millisecond == c.apart || apart < 0 {
			t.Errorf("%s was sent %v after %s", c.then, apart, c.first)
		}
	}
}

// TestALeaseTakenBack: a message in the provider's hands while the lease is lost and taken back is read again,
// and not sent again, because it was acknowledged in the end.
func TestALeaseTakenBack(t *testing.T) {
	r := newRig(t)
	asked, hold := make(chan struct{}, 1), make(chan struct{})
	p := &post{answer: func(body string) error {
		if body == "first" {
			asked <- struct{}{}
			<-hold
		}
		return nil
	}}
	r.queue("1", keys.Reply, "first")
	r.queue("1", keys.Reply, "second")
	stop := r.run("a", p, 0)
	<-asked
	part := keys.Of(r.vault.Seal(bot.Telegram, "1"))
	if err := r.redis.Del(t.Context(), keys.Holder(part)).Err(); err != nil {
		t.Fatal(err)
	}
	r.until(func() bool { return r.redis.Exists(t.Context(), keys.Holder(part)).Val() == 1 }, func() string { return "the lease is not taken back" })
	r.queue("1", keys.Reply, "third") // once it is sent, all before it was read again
	close(hold)
	r.waitFor(p, 3)
	stop()
	if got := p.all(); !slices.Equal(got, []string{"first", "second", "third"}) {
		t.Errorf("sent %q", got)
	}
	r.empty()
}

// TestFailuresAreFinalAndCounted: what a provider will never take leaves the queue, is counted, and
// does not hold up what follows; the record says nothing of whose it was.
func TestFailuresAreFinalAndCounted(t *testing.T) {
	r := newRig(t)
	p := &post{answer: func(body string) error {
		switch body {
		case "blocked":
			return &outbox.Error{Outcome: outbox.OptedOut, Code: "403"}
		case "bad":
			return &outbox.Error{Outcome: outbox.Failed, Code: "400"}
		}
		return nil
	}}
	for _, body := range []string{"bad", "fine", "blocked"} {
		r.queue("1", keys.Reply, body)
	}
	part := keys.Of(r.vault.Seal(bot.Telegram, "1"))
	// An entry that no one can open, as after the loss of a key.
	if err := r.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Queue(part, bot.Telegram, keys.Reply), Values: []any{"p", "not-an-id", "b", "x"}}).Err(); err != nil {
		t.Fatal(err)
	}
	stop := r.run("a", p, 0)
	r.until(func() bool { return len(r.redis.HGetAll(t.Context(), keys.Outcomes(part, time.Now())).Val()) == 3 },
		func() string { return fmt.Sprint(r.redis.HGetAll(t.Context(), keys.Outcomes(part, time.Now())).Val()) })
	stop()
	counts := r.redis.HGetAll(context.Background(), keys.Outcomes(part, time.Now())).Val()
	for name, want := range map[string]string{"telegram:reply:delivered": "1", "telegram:reply:opted-out": "1", "telegram:reply:failed": "2"} {
		if counts[name] != want {
			t.Errorf("%s is %q, want %s", name, counts[name], want)
		}
	}
	var codes []string
	for _, m := range r.redis.XRange(context.Background(), keys.Failed(part), "-", "+").Val() {
		codes = append(codes, m.Values["code"].(string))
	}
	slices.Sort(codes)
	if !slices.Equal(codes, []string{"400", "403", "unknown-key"}) {
		t.Errorf("failures are kept as %q", codes)
	}
	r.empty()
}

func TestAnErrorSaysNoMoreThanItsCode(t *testing.T) {
	err := error(&outbox.Error{Code: "400"})
	var e *outbox.Error
	if !errors.As(err, &e) || err.Error() != "provider: 400" {
		t.Errorf("the error is %q", err)
	}
	m := outbox.Message{Address: "canary", Body: []byte("canary")}
	if got := fmt.Sprint(m, m.LogValue()); got != "[redacted] [redacted]" {
		t.Errorf("a message prints as %q", got)
	}
}

// TestWhatIsHeldBackCostsNoPlace: what was stopped, is too late or would disturb someone's sleep leaves its queue
// without a place in the provider's pace, so what is behind it goes at once.
func TestWhatIsHeldBackCostsNoPlace(t *testing.T) {
	r := newRig(t)
	now := time.Now().Unix()
	for i := range 600 {
		field, value := "n", any("stopped")
		switch i % 3 {
		case 1:
			field, value = "u", now-1
		case 2:
			field, value = "h", now
		}
		to := r.vault.Seal(bot.Telegram, strconv.Itoa(i))
		if err := r.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Queue(keys.Of(to), bot.Telegram, keys.Bulk), Values: []any{
			"p", string(to), "b", r.vault.SealBody(to, []byte("unwanted")), field, value}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 { // a place comes free every two seconds
		r.queue(strconv.Itoa(i), keys.Bulk, "wanted")
	}
	p := &post{}
	r.halted = func(about string) bool { return about == "stopped" }
	began := time.Now()
	stop := r.run("a", p, 0.5)
	r.waitFor(p, 3)
	took := time.Since(began)
	r.drained()
	stop()
	for _, body := range p.all() {
		if body != "wanted" {
			t.Fatalf("sent %q", body)
		}
	}
	if took > 15*time.Second {
		t.Errorf("three messages behind 600 that are not sent took %v; their places come in 4 s", took)
	}
}

// TestPanicHitsOneMessage: a message that makes its sender panic is given up, once, and everyone else's arrive, the
// same person's too.
func TestPanicHitsOneMessage(t *testing.T) {
	r := newRig(t)
	asked := 0
	p := &post{}
	p.answer = func(body string) error {
		if body == "canary" {
			asked++
			panic(body)
		}
		return nil
	}
	r.queue("ana", keys.Reply, "canary")
	r.queue("ana", keys.Reply, "one")
	r.queue("ben", keys.Reply, "two")
	stop := r.run("a", p, 0)
	r.waitFor(p, 2)
	stop()
	r.empty()
	if asked != 1 {
		t.Errorf("it was sent %d times", asked)
	}
}
