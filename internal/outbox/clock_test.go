package outbox_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
)

// TestNoClockLosesAMessage: a message is sent although the clock of this process is a day ahead of Redis', from the
// beginning or since it waits, and whether or not it says until when it is of use.
func TestNoClockLosesAMessage(t *testing.T) {
	for _, began := range []bool{true, false} {
		t.Run(fmt.Sprintf("ahead from the beginning %t", began), func(t *testing.T) {
			r := newRig(t)
			var ahead, refused atomic.Bool
			ahead.Store(began)
			p := &post{answer: func(string) error {
				if refused.CompareAndSwap(false, true) {
					ahead.Store(true)
					return &outbox.Error{Code: "500"}
				}
				return nil
			}}
			r.queue("1", keys.Reply, "reply")
			to := r.vault.Seal(bot.Telegram, "2")
			if err := r.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Queue(keys.Of(to), bot.Telegram, keys.Bulk), Values: []any{
				"p", string(to), "b", r.vault.SealBody(to, []byte("notice")), "u", time.Now().Add(time.Hour).Unix()}}).Err(); err != nil {
				t.Fatal(err)
			}
			o := r.outbox("a", p, 0, func() time.Time {
				if ahead.Load() {
					return time.Now().Add(25 * time.Hour)
				}
				return time.Now()
			})
			r.start(o)
			r.until(func() bool {
				return r.redis.XLen(t.Context(), keys.Queue(keys.Of(r.vault.Seal(bot.Telegram, "1")), bot.Telegram, keys.Reply)).Val() == 0 &&
					r.redis.XLen(t.Context(), keys.Queue(keys.Of(to), bot.Telegram, keys.Bulk)).Val() == 0
			}, func() string { return "something waits" })
			if got := p.all(); !slices.Contains(got, "reply") || !slices.Contains(got, "notice") {
				t.Errorf("sent %q", got)
			}
		})
	}
}

// TestNobodyFromTheFuture: a process that died before a clock was set back does not count as alive until then.
func TestNobodyFromTheFuture(t *testing.T) {
	r := newRig(t)
	if err := r.redis.ZAdd(t.Context(), keys.Processes, redis.Z{Score: float64(time.Now().Add(25 * time.Hour).UnixMilli()), Member: "ghost"}).Err(); err != nil {
		t.Fatal(err)
	}
	o := r.outbox("a", &post{}, 0, time.Now)
	r.start(o)
	r.until(func() bool { return o.Held() == keys.Partitions }, func() string { return fmt.Sprintf("it holds %d partitions", o.Held()) })
}
