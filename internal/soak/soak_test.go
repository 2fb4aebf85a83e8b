package soak

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"os/exec"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
)

var (
	seeds = flag.Int("seeds", 1, "how many runs, each with a plan of its own")
	first = flag.Uint64("seed", 1, "the first seed")
	count = flag.Int("turns", 900, "messages a run")
)

// inHands is how many messages a process may have in the providers' hands or not yet acknowledged: so many may be sent twice
// when it dies, or loses its partitions. There are two channels.
const inHands = 2 * outbox.Unacknowledged

// A fault is something that goes wrong, and is mended.
type fault struct {
	name  string
	hands int  // processes in whose hands messages may be when it strikes
	long  bool // takes longer than a lease lasts, so not in the short run
	// strict is a fault that Redis comes through whole only if it writes each command to the disk before it
	// answers (appendfsync always).
	strict bool
	do     func(context.Context, *rig, *rand.Rand)
}

// A rig is what a run is made of.
type rig struct {
	*crowd
	t     *testing.T
	dir   string // holds the keys
	redis redis.UniversalClient
	store *store // nil if Redis is more than one server
	wires []*wire

	strikes []*strike // so far
}

// A strike is when a fault struck that loses what processes have in hand, and how many messages that may still be.
type strike struct {
	period
	hands int
}

// explain reports whether a strike lies between a message and its repetition, and takes that one off.
func (r *rig) explain(twice period) bool {
	for _, s := range r.strikes {
		if s.hands > 0 && s.meets(twice) {
			s.hands--
			return true
		}
	}
	return false
}

var faults = []fault{
	{name: "a process is killed", hands: 1, do: func(ctx context.Context, r *rig, rnd *rand.Rand) {
		m := r.faros[rnd.IntN(len(r.faros))]
		m.end(syscall.SIGKILL)
		_ = sleep(ctx, span(rnd, 0, time.Second))
		m.start()
	}},
	{name: "redis is killed", strict: true, do: func(ctx context.Context, r *rig, rnd *rand.Rand) {
		r.store.end(syscall.SIGKILL)
		_ = sleep(ctx, span(rnd, 0, 2*time.Second))
		r.store.start()
	}},
	{name: "a process is frozen past its lease", hands: 1, long: true, do: func(ctx context.Context, r *rig, rnd *rand.Rand) {
		m := r.faros[rnd.IntN(len(r.faros))]
		m.signal(syscall.SIGSTOP)
		_ = sleep(ctx, span(rnd, 11*time.Second, 14*time.Second))
		m.signal(syscall.SIGCONT)
		_ = sleep(ctx, thaw)
	}},
	{name: "connections to redis are cut", do: func(_ context.Context, r *rig, rnd *rand.Rand) {
		r.wires[rnd.IntN(len(r.wires))].cut()
	}},
	{name: "redis is slow", do: func(ctx context.Context, r *rig, rnd *rand.Rand) {
		w := r.wires[rnd.IntN(len(r.wires))]
		w.slow.Store(int64(span(rnd, 5*time.Millisecond, 50*time.Millisecond)))
		_ = sleep(ctx, span(rnd, 500*time.Millisecond, 2*time.Second))
		w.slow.Store(0)
	}},
	{name: "redis does not answer", do: func(ctx context.Context, r *rig, rnd *rand.Rand) {
		w := r.wires[rnd.IntN(len(r.wires))]
		w.blocked.Store(true)
		_ = sleep(ctx, span(rnd, time.Second, 4*time.Second))
		w.cut()
		w.blocked.Store(false)
	}},
	{name: "the disk is full", do: func(ctx context.Context, r *rig, rnd *rand.Rand) {
		r.store.full(true)
		_ = sleep(ctx, span(rnd, 500*time.Millisecond, 2*time.Second))
		r.store.full(false)
		r.store.revive()
	}},
	{name: "redis' clock jumps an hour", hands: 2, do: func(_ context.Context, r *rig, _ *rand.Rand) {
		if r.store.clock != "" {
			r.store.ahead(time.Hour)
		}
	}},
	{name: "providers refuse", do: func(_ context.Context, r *rig, rnd *rand.Rand) {
		r.tg.Fail(1+rnd.IntN(20), 500, 0, "Internal Server Error")
		r.tg.Fail(1, 429, 1, "Too Many Requests: retry after 1")
		r.tg.Drop(1 + rnd.IntN(10))
		r.tw.Fail(1+rnd.IntN(20), 503, 0, "Service Unavailable")
		r.tw.Drop(1 + rnd.IntN(10))
	}},
	{name: "providers hang", do: func(_ context.Context, r *rig, rnd *rand.Rand) {
		r.tg.Hang(1 + rnd.IntN(3))
		r.tw.Hang(1 + rnd.IntN(3))
	}},
}

// thaw is how long what a process had in hand goes out once it is no longer frozen, as another one sends it too.
const thaw = 2 * time.Second

// lost is how many sends a run has carried out whose answers get lost.
const lost = 5

func span(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

// newRig starts Redis and some processes, each with a wire to it.
func newRig(t *testing.T, processes int, sync string) *rig {
	t.Helper()
	s := newStore(t, sync)
	r := newRigOn(t, s.dir, s.client, 0, "")
	r.store = s
	bin, _ := built()
	for i := range processes {
		at := filepath.Join(r.store.dir, fmt.Sprint("w", i))
		r.wires = append(r.wires, newWire(t, at, r.store.socket))
		r.faros = append(r.faros, r.faro(bin, "unix://"+at))
	}
	return r
}

// faro starts a process on a Redis.
func (r *rig) faro(bin, address string, env ...string) *machine {
	m := &machine{t: r.t, up: regexp.MustCompile(`faro serves.* address=(\S+)`), make: func() *exec.Cmd {
		cmd := exec.Command(bin, "serve")
		cmd.Dir = r.t.TempDir()
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "FARO_LISTEN=127.0.0.1:0", "FARO_PUBLIC_URL=" + publicURL, "FARO_OPERATOR=" + operator,
			"FARO_REDIS_URL=" + address, "FARO_KEY_FILE=" + filepath.Join(r.dir, "keys.json"),
			"FARO_TELEGRAM_TOKEN=" + token, "FARO_TELEGRAM_API=" + r.tg.URL(), "FARO_TELEGRAM_MODE=webhook", "FARO_TELEGRAM_SECRET=" + secret, "FARO_TELEGRAM_RATE=0",
			"FARO_TWILIO_ACCOUNT_SID=" + account, "FARO_TWILIO_AUTH_TOKEN=" + auth, "FARO_TWILIO_FROM=" + number, "FARO_TWILIO_API=" + r.tw.URL(), "FARO_TWILIO_RATE=0"}
		cmd.Env = append(cmd.Env, env...)
		return cmd
	}}
	m.start()
	r.t.Cleanup(func() { m.end(syscall.SIGKILL) })
	return m
}

// TestPromisesHold breaks everything by a plan while people write, and then holds what they were told against
// what they should have been told. -args -seeds 20 -turns 5000 is the long run.
func TestPromisesHold(t *testing.T) {
	var all figures
	for i := range *seeds {
		seed := *first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) { all.add(soak(t, seed, *count, *seeds > 1)) })
	}
	t.Logf("all: %v", all)
}

// figures are what a run showed.
type figures struct {
	turns, guests, refused, repeated, away int // what was sent in
	twice, bound, missing, wrong           int // what was told
	notices, sessions                      bulk
	unexplained                            int // of twice, when no fault struck a process that had messages in hand
	kills, faults                          int
}

func (f *figures) add(o figures) {
	f.turns, f.guests, f.refused, f.repeated, f.away = f.turns+o.turns, f.guests+o.guests, f.refused+o.refused, f.repeated+o.repeated, f.away+o.away
	f.twice, f.bound, f.missing, f.wrong = f.twice+o.twice, f.bound+o.bound, f.missing+o.missing, f.wrong+o.wrong
	f.notices.add(o.notices)
	f.sessions.add(o.sessions)
	f.unexplained += o.unexplained
	f.kills, f.faults = f.kills+o.kills, f.faults+o.faults
}

func (f figures) String() string {
	return fmt.Sprintf("%d turns of %d people through %d faults; %d refused and sent again, %d delivered twice on purpose, %d told that nothing can be stored; "+
		"missing %d, out of order %d, told twice %d (at most %d); notices: %v; sessions: %v; "+
		"of what was told twice %d when no process lost what it had in hand",
		f.turns, f.guests, f.faults, f.refused, f.repeated, f.away, f.missing, f.wrong, f.twice, f.bound, f.notices, f.sessions, f.unexplained)
}

// bulk is what many people were told of so many things: messages that should come, that did not, that came again.
type bulk struct{ made, messages, missing, twice int }

func (b *bulk) add(o bulk) {
	b.made, b.messages, b.missing, b.twice = b.made+o.made, b.messages+o.messages, b.missing+o.missing, b.twice+o.twice
}

func (b bulk) String() string {
	return fmt.Sprintf("%d messages of %d, missing %d, told twice %d", b.messages, b.made, b.missing, b.twice)
}

// soak is one run.
func soak(t *testing.T, seed uint64, turns int, long bool) (f figures) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	policy := []string{"everysec", "always"}[seed%2]
	r := newRig(t, 2, policy)
	r.guests = newGuests(rnd, turns)
	for _, g := range r.guests {
		if err := g.prepare(r.tg, r.tw); err != nil {
			t.Fatal(err)
		}
		f.turns += len(g.wrote)
	}
	f.guests = len(r.guests)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	notices, sessions := newBoard(ctx, r, seed), newClass(ctx, r)
	told := r.queued(ctx) // to the readers, who have said all they say

	var breaking sync.WaitGroup
	f.bound = lost
	r.tg.Lose(lost)
	breaking.Go(func() {
		for _, at := range rnd.Perm(len(faults)) {
			what := faults[at]
			if what.long && !long || what.strict && policy != "always" {
				continue
			}
			_ = sleep(ctx, span(rnd, 100*time.Millisecond, 800*time.Millisecond))
			t.Logf("%s", what.name)
			f.faults++
			f.bound += what.hands * inHands
			notices.put(ctx)
			sessions.post(ctx)
			_ = sleep(ctx, span(rnd, 0, 200*time.Millisecond))
			began := time.Now()
			what.do(ctx, r, rnd)
			if what.hands > 0 {
				r.strikes = append(r.strikes, &strike{period{began, time.Now()}, what.hands * inHands})
			}
		}
	})
	r.everyone(ctx, r.guests, seed)
	breaking.Wait()
	r.tg.Heal() // else a few people may meet all that is left of it, and wait longer between tries than we do
	r.tw.Heal()
	r.settle(ctx, &f, told)
	notices.settle(ctx, &f)
	sessions.settle(ctx, &f)
	f.refused, f.repeated = int(r.refused.Load()), int(r.twice.Load())
	t.Logf("%v", f)
	if f.unexplained > lost {
		t.Errorf("%d were told twice when no process lost what it had in hand; the provider's yes got lost %d times", f.unexplained, lost)
	}
	return f
}

// everyone among some guests writes everything.
func (r *rig) everyone(ctx context.Context, guests []*guest, seed uint64) {
	var writing sync.WaitGroup
	next := make(chan *guest)
	for w := range 24 {
		mine := rand.New(rand.NewPCG(seed, uint64(w)+1))
		writing.Go(func() {
			for g := range next {
				if err := r.write(ctx, g, mine, 40*time.Millisecond); err != nil {
					r.t.Errorf("a message was never taken: %v", err)
				}
			}
		})
	}
	for _, g := range guests {
		next <- g
	}
	close(next)
	writing.Wait()
}

// settle waits until everyone has been told everything, and counts what was not as promised. Before them so many
// answers had been queued.
func (r *rig) settle(ctx context.Context, f *figures, before int) {
	t := r.t
	t.Helper()
	open := slices.Clone(r.guests)
	within(ctx, 90*time.Second, func() bool {
		open = slices.DeleteFunc(open, func(g *guest) bool {
			seen, _ := g.seen(r.tg, r.tw)
			whole, _, _ := g.complete(seen)
			return whole
		})
		return len(open) == 0 && r.waiting(ctx, keys.Reply) == 0
	})
	answers := before
	for _, g := range r.guests {
		seen, away := g.seen(r.tg, r.tw)
		f.away += away
		whole, twice, wrong := g.complete(seen)
		f.twice += len(twice)
		for _, s := range twice {
			if !r.explain(s) {
				f.unexplained++
			}
		}
		switch {
		case wrong != "":
			f.wrong++
			t.Errorf("%s of %d messages, erases %v: %s; want %d answers, got these by number: %v", g.channel, len(g.words), g.erases, wrong, len(g.expected), g.numbers(seen))
		case !whole:
			f.missing++
			t.Errorf("%s of %d messages, erases %v: want %d answers, got %d", g.channel, len(g.words), g.erases, len(g.expected), len(seen))
		}
		answers += len(g.expected)
	}
	if queued := r.queued(ctx); queued != answers {
		t.Errorf("%d answers were queued, want %d: a message made no turn, or more than one", queued, answers)
	}
	if n := r.waiting(ctx, keys.Reply); n > 0 {
		t.Errorf("%d messages still wait", n)
	}
	for p := range keys.Partition(keys.Partitions) {
		if n := r.redis.XLen(ctx, keys.Failed(p)).Val(); n > 0 {
			t.Errorf("%d messages failed for good", n)
		}
	}
	r.unnamed(r.guests)
	for _, v := range append(r.tg.Violations(), r.tw.Violations()...) {
		t.Errorf("wrong call: %s", v)
	}
	if t.Failed() {
		for i, m := range r.faros {
			t.Logf("process %d said:\n%s", i, m.output())
		}
		if r.store != nil {
			t.Logf("redis said:\n%s", r.store.output())
		}
	}
}

// reach waits until each of some people has been told each text, and counts what was not as promised.
func (r *rig) reach(ctx context.Context, f *figures, people []*guest, texts []string) bulk {
	r.t.Helper()
	missing := func() (n int) {
		for _, g := range people {
			seen, _ := g.seen(r.tg, r.tw)
			for _, text := range texts {
				if len(saying(seen, text)) == 0 {
					n++
				}
			}
		}
		return n
	}
	within(ctx, 90*time.Second, func() bool { return missing() == 0 && r.waiting(ctx, keys.Bulk) == 0 })
	b := bulk{messages: len(people) * len(texts), missing: missing(), twice: r.repeated(f, people, texts)}
	if b.missing > 0 {
		r.t.Errorf("%d of %d messages to many never came", b.missing, b.messages)
	}
	if n := r.waiting(ctx, keys.Bulk); n > 0 {
		r.t.Errorf("%d messages to many still wait", n)
	}
	r.unnamed(people)
	return b
}

// repeated is how often some people were told a text again; what no strike explains is counted.
func (r *rig) repeated(f *figures, people []*guest, texts []string) (n int) {
	for _, g := range people {
		seen, _ := g.seen(r.tg, r.tw)
		for _, text := range texts {
			all := saying(seen, text)
			for i := 1; i < len(all); i++ {
				n++
				if !r.explain(period{all[i-1].at, all[i].at}) {
					f.unexplained++
				}
			}
		}
	}
	return n
}

// saying are the messages that say something.
func saying(seen []told, what string) []told {
	return slices.DeleteFunc(slices.Clone(seen), func(m told) bool { return !strings.Contains(m.text, what) })
}

// unnamed sees that no address of some guests is in a log.
func (r *rig) unnamed(guests []*guest) {
	r.t.Helper()
	for _, m := range r.faros {
		log := m.output()
		if slices.ContainsFunc(guests, func(g *guest) bool { return strings.Contains(log, g.address) }) {
			r.t.Error("an address is in a log")
		}
	}
}

// queued is how many replies were ever queued: Redis counts what was added to each stream.
func (r *rig) queued(ctx context.Context) (n int) {
	r.queues(keys.Reply, func(queue string) {
		if info, err := r.redis.XInfoStream(ctx, queue).Result(); err == nil {
			n += int(info.EntriesAdded)
		}
	})
	return n
}

// waiting is how many of a lane are queued yet.
func (r *rig) waiting(ctx context.Context, lane keys.Lane) (n int) {
	r.queues(lane, func(queue string) { n += int(r.redis.XLen(ctx, queue).Val()) })
	return n
}

func (r *rig) queues(lane keys.Lane, each func(string)) {
	for p := range keys.Partition(keys.Partitions) {
		for _, ch := range bot.Channels {
			each(keys.Queue(p, ch, lane))
		}
	}
}
