package notices_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/flows"
	"faro/internal/content"
	"faro/internal/effects"
	"faro/internal/keys"
	"faro/internal/notices"
	"faro/internal/outbox"
	"faro/internal/people"
	"faro/internal/redisx"
	"faro/internal/turns"
	"faro/internal/vault"
	"faro/locales"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var builtin = sync.OnceValue(func() *content.Content {
	c, found := content.Load("")
	if c == nil {
		panic(found)
	}
	return c
})

// rig is a real Redis, a service of notices and an outbox whose provider is a function.
type rig struct {
	t     testing.TB
	redis *redisx.Redis
	vault *vault.Vault
	now   func() time.Time
	ahead atomic.Int64 // how far the clocks are ahead of the real one
	*notices.Service

	mu     sync.Mutex
	taken  map[string][]string // by address
	answer func(m outbox.Message) error
	turn   int
}

func newRig(t testing.TB, change func(*notices.Config)) *rig {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	log := slog.New(slog.DiscardHandler)
	rdb, err := redisx.Open(context.Background(), redisx.Config{DataDir: t.TempDir(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	seals, err := vault.New()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, redis: rdb, vault: seals, taken: map[string][]string{}}
	r.now = r.clock
	now := func() time.Time { return r.now() }
	talk := bot.New(builtin().Flows, builtin().Book, nil, bot.Host{Operator: "Casa Prueba"})
	c := notices.Config{Redis: rdb, Vault: seals, Register: &people.Register{Redis: rdb, Vault: seals, Now: now},
		Content: func() *flows.Content { return builtin().Flows }, Book: func() *locales.Book { return builtin().Book },
		Talk:   func() *bot.Talk { return talk },
		Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape, bot.SMS: sms.Shape},
		Rates:  map[bot.Channel]float64{bot.Telegram: 0, bot.SMS: 0}, Approval: 500, Node: "a", Log: log, Now: now}
	if change != nil {
		change(&c)
	}
	r.Service = notices.New(c)
	return r
}

// clock is the time, which jump changes.
func (r *rig) clock() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func (r *rig) jump(d time.Duration) { r.ahead.Add(int64(d)) }

// run starts the service and an outbox; what is returned stops both.
func (r *rig) run() (stop func()) {
	r.t.Helper()
	o := outbox.New(outbox.Config{Redis: r.redis, Vault: r.vault, Node: "a", Log: slog.New(slog.DiscardHandler), Now: r.clock,
		Backoff: time.Millisecond, Halted: r.Halted, Gone: r.Register.Gone,
		Routes:  map[bot.Channel]outbox.Route{bot.Telegram: {Sender: r, Rate: r.Rates[bot.Telegram]}, bot.SMS: {Sender: r, Rate: r.Rates[bot.SMS]}},
		Observe: func(bot.Channel, keys.Lane, outbox.Outcome, time.Duration) {}})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { o.Run(ctx) })
	running.Go(func() { r.Service.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	r.t.Cleanup(stop)
	return stop
}

// Send is the provider.
func (r *rig) Send(_ context.Context, m outbox.Message) (outbox.Receipt, error) {
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		if err := answer(m); err != nil {
			return outbox.Receipt{}, err
		}
	}
	text := string(m.Body)
	if m.Channel == bot.Telegram {
		b, err := telegram.Open(m.Body)
		if err != nil {
			return outbox.Receipt{}, err
		}
		if text = b.Text; b.Delete != 0 {
			text = fmt.Sprint("deletes ", b.Delete)
		} else if b.Replace != 0 {
			text = fmt.Sprint("edits ", b.Replace, ": ", b.Text)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken[m.Address] = append(r.taken[m.Address], text)
	return outbox.Receipt{Shown: 1000 + len(r.taken[m.Address]), SID: "SM" + m.Address}, nil
}

func (r *rig) answers(f func(outbox.Message) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// inbox is what someone was sent.
func (r *rig) inbox(address string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.taken[address]...)
}

// all is how many messages were sent that hold a text.
func (r *rig) all(text string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, some := range r.taken {
		for _, one := range some {
			if strings.Contains(one, text) {
				n++
			}
		}
	}
	return n
}

// someone is at a facility.
func (r *rig) someone(ch bot.Channel, address string, p bot.Person) bot.PersonID {
	r.t.Helper()
	id := r.vault.Seal(ch, address)
	record, err := json.Marshal(p)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx := context.Background()
	seq, err := r.redis.Incr(ctx, keys.Arrivals(keys.Of(id))).Result()
	if err == nil && p.Facility != "" {
		err = r.redis.ZAdd(ctx, keys.Followers(keys.Of(id), p.Facility), redis.Z{Score: float64(seq), Member: string(id)}).Err()
	}
	if err == nil {
		err = r.redis.Set(ctx, keys.Person(id), record, time.Hour).Err()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// crowd are so many people on Telegram at a facility; their addresses count from 1.
func (r *rig) crowd(n int, p bot.Person) {
	r.t.Helper()
	for i := range n {
		r.someone(bot.Telegram, strconv.Itoa(i+1), p)
	}
}

// coordinator is someone who may send notices.
func (r *rig) coordinator(address string) bot.PersonID {
	r.t.Helper()
	id := r.someone(bot.Telegram, address, bot.Person{Lang: "en", Role: bot.Coordinator})
	code := people.NewCode()
	if err := r.Register.Invite(context.Background(), code, people.Invitation{Role: bot.Coordinator}, "test"); err != nil {
		r.t.Fatal(err)
	}
	if _, got, err := r.Register.Claim(context.Background(), id, code); err != nil || got != people.Taken {
		r.t.Fatal(got, err)
	}
	return id
}

// does carries a deed of someone out, as a turn would, twice: it must not matter.
func (r *rig) does(id bot.PersonID, d bot.Deed) string {
	r.t.Helper()
	r.turn++
	set := effects.Set{Person: id, Stamp: fmt.Sprint(1700000000000+r.turn, "-0"), At: r.now(), Effects: []bot.Effect{{Deed: &d}}}
	for range 2 {
		if err := r.Handle(context.Background(), set); err != nil {
			r.t.Fatal(err)
		}
	}
	all, err := r.All(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	if len(all) == 0 {
		return ""
	}
	return all[0].ID
}

// free is a notice with a text for Tapachula.
func (r *rig) free() bot.Notice {
	return bot.Notice{Facilities: []string{"tapachula"}, Who: bot.Everyone, Urgency: "routine",
		Texts: map[locales.Lang]string{"es": "No hay agua.", "en": "The water is off."}, Until: r.now().Add(6 * time.Hour)}
}

func (r *rig) until(what string, reached func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !reached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("after 30 s: %s", what)
		}
	}
}

func (r *rig) state(id string) string {
	all, err := r.All(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, n := range all {
		if n.ID == id {
			return n.State
		}
	}
	return "none"
}

func (r *rig) ended(id string) func() bool {
	return func() bool {
		all, err := r.All(context.Background())
		if err != nil {
			r.t.Fatal(err)
		}
		for _, n := range all {
			if n.ID == id {
				return !n.Ended.IsZero()
			}
		}
		return false
	}
}

func (r *rig) counts(id string) map[string]int {
	counts, err := r.Counts(context.Background(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return counts
}

func (r *rig) wants(id string, want map[string]int) {
	r.t.Helper()
	if got := r.counts(id); fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("counted %v, want %v", got, want)
	}
}

func TestEveryoneOnceInTheirLanguage(t *testing.T) {
	r := newRig(t, nil)
	r.run()
	chief := r.coordinator("900")
	r.crowd(300, bot.Person{Lang: "es", Facility: "tapachula"})
	r.someone(bot.Telegram, "401", bot.Person{Lang: "en", Facility: "tapachula"})
	r.someone(bot.SMS, "+525511112222", bot.Person{Lang: "en", Facility: "tapachula", Role: bot.Staff})
	r.someone(bot.Telegram, "402", bot.Person{Facility: "tapachula"}) // no language chosen yet
	r.someone(bot.Telegram, "403", bot.Person{Lang: "es", Facility: "tapachula", Stopped: true})
	r.someone(bot.Telegram, "404", bot.Person{Lang: "es", Facility: "acayucan"})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	r.wants(id, map[string]int{"delivered": 303, "stopped": 1})
	for address, want := range map[string]string{"1": "No hay agua", "300": "No hay agua", "401": "The water is off", "+525511112222": "The water is off", "402": "No hay agua"} {
		if got := r.inbox(address); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s reads %q", address, got)
		}
	}
	for _, address := range []string{"403", "404"} {
		if got := r.inbox(address); len(got) != 0 {
			t.Errorf("%s reads %q", address, got)
		}
	}
	r.until("its author is not told", func() bool { return r.all("Finished.") >= 1 })
	var csv strings.Builder
	if err := r.Export(context.Background(), id, &csv); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(csv.String(), "\n"); lines != 305 || strings.Contains(csv.String(), "5511112222") || !strings.Contains(csv.String(), "sms,en,delivered") {
		t.Errorf("%d lines exported: %.200s", lines, csv.String())
	}
}
