package turns_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/answers"
	"faro/internal/content"
	"faro/internal/keys"
	"faro/internal/turns"
	"faro/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trips counts round trips.
type trips struct{ n atomic.Int64 }

func (c *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.n.Add(1); return next(ctx, cmds) }
}

// talk is made once: learning from the content takes seconds with the race detector.
var talk = sync.OnceValue(func() *bot.Talk {
	c, found := content.Load("")
	if c == nil {
		panic(found)
	}
	return bot.New(c.Flows, c.Book, answers.New(c.Flows, c.Book).Find, bot.Host{})
})

func taker(t *testing.T) (*turns.Taker, *miniredis.Miniredis, *trips) {
	t.Helper()
	seals, err := vault.New()
	if err != nil {
		t.Fatal(err)
	}
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	counted := &trips{}
	rdb.AddHook(counted)
	return &turns.Taker{Redis: rdb, Vault: seals, Now: time.Now, Observe: func(bot.Input, bot.Turn, time.Duration) {},
		Talk:   talk,
		Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape}}, m, counted
}

func say(id, words string) bot.Input {
	return bot.Input{ID: id, Channel: bot.Telegram, Words: bot.Words(words), Message: 5}
}

func TestTwoRoundTripsATurn(t *testing.T) {
	tk, _, counted := taker(t)
	if err := tk.Take(t.Context(), "1", say("warm", "hola")); err != nil { // the script is loaded now
		t.Fatal(err)
	}
	for i, words := range []string{"1", "1", "asilo", "menu", "sos", "back"} {
		before := counted.n.Load()
		if err := tk.Take(t.Context(), "1", say(fmt.Sprint(i), words)); err != nil {
			t.Fatal(err)
		}
		if n := counted.n.Load() - before; n != 2 {
			t.Errorf("%q took %d round trips", words, n)
		}
	}
}

// TestNoTurnOverwritesAnother lets one person's inputs race: each makes a turn, none is lost.
func TestNoTurnOverwritesAnother(t *testing.T) {
	tk, _, _ := taker(t)
	var wg sync.WaitGroup
	const inputs = 10
	for i := range inputs {
		wg.Go(func() {
			for { // as a provider redelivers what was refused
				err := tk.Take(t.Context(), "1", say(fmt.Sprint(i), "hola"))
				if err == nil {
					return
				}
				if !errors.Is(err, turns.ErrBusy) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	id := tk.Vault.Seal(bot.Telegram, "1")
	if n := tk.Redis.XLen(t.Context(), keys.Queue(keys.Of(id), bot.Telegram, keys.Reply)).Val(); n != inputs {
		t.Errorf("%d inputs made %d replies", inputs, n)
	}
}

func TestRecordsExpire(t *testing.T) {
	tk, m, _ := taker(t)
	if err := tk.Take(t.Context(), "1", say("a", "hola")); err != nil {
		t.Fatal(err)
	}
	id := tk.Vault.Seal(bot.Telegram, "1")
	if ttl := m.TTL(keys.Dialogue(id)); ttl != bot.DialogueLife {
		t.Errorf("the dialogue lives %v", ttl)
	}
	if ttl := m.TTL(keys.Person(id)); ttl != bot.DialogueLife {
		t.Errorf("who has chosen nothing lives %v", ttl)
	}
	if err := tk.Take(t.Context(), "1", say("b", "español")); err != nil {
		t.Fatal(err)
	}
	if ttl := m.TTL(keys.Person(id)); ttl != bot.PersonLife {
		t.Errorf("who has chosen a language lives %v", ttl)
	}
	if stored, _ := m.Get(keys.Dialogue(id)); strings.Contains(stored, "hola") {
		t.Errorf("the dialogue holds what was said: %q", stored)
	}
}

func TestRedisAwayStoresNothingAndSaysSo(t *testing.T) {
	tk, m, _ := taker(t)
	m.SetError("LOADING Redis is loading the dataset in memory")
	if err := tk.Take(t.Context(), "1", say("a", "hola")); err == nil {
		t.Error("a turn that was not stored was reported as taken")
	}
	m.SetError("")
	if err := tk.Take(t.Context(), "1", say("a", "hola")); err != nil {
		t.Errorf("when Redis is back: %v", err)
	}
}
