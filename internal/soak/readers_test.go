package soak

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/flows"
	"faro/internal/content"
	"faro/internal/keys"
	"faro/internal/notices"
	register "faro/internal/people"
	"faro/internal/turns"
	"faro/internal/vault"
	"faro/locales"
)

// Readers follow a facility that no guest follows, and only read.
const (
	readers    = 120
	readThere  = "merida"
	noticeLife = 6 * time.Hour // the clock jumps by one
)

// A board is where a run's notices are put up, one before each fault.
type board struct {
	rig     *rig
	tells   *notices.Service
	readers []*guest
	made    int
	making  sync.WaitGroup
}

// newBoard has the readers come to the facility, before anything breaks.
func newBoard(ctx context.Context, r *rig, seed uint64) *board {
	r.t.Helper()
	seals, err := vault.Open(filepath.Join(r.dir, "keys.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	c, found := content.Load("")
	if c == nil {
		r.t.Fatal(found)
	}
	b := &board{rig: r, tells: notices.New(notices.Config{Redis: r.redis, Vault: seals, Register: &register.Register{Redis: r.redis, Vault: seals, Now: time.Now},
		Content: func() *flows.Content { return c.Flows }, Book: func() *locales.Book { return c.Book }, Talk: talk, Approval: readers,
		Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape, bot.SMS: sms.Shape}, Rates: map[bot.Channel]float64{bot.Telegram: 0, bot.SMS: 0},
		Node: "soak", Log: slog.New(slog.DiscardHandler), Now: time.Now})}
	for i := range readers {
		g := &guest{channel: bot.Telegram, address: strconv.Itoa(6_000_000_000 + i), words: []string{"/start f-" + readThere, "1", "1"}}
		if i%2 == 1 {
			g.channel, g.address, g.words[0] = bot.SMS, fmt.Sprintf("+5233%08d", 10_000_000+i), strings.ToUpper(readThere)
		}
		if err := g.prepare(r.tg, r.tw); err != nil {
			r.t.Fatal(err)
		}
		b.readers = append(b.readers, g)
	}
	r.t.Cleanup(b.making.Wait)
	r.everyone(ctx, b.readers, seed)
	if !within(ctx, 30*time.Second, func() bool { return r.waiting(ctx, keys.Reply) == 0 && b.followers(ctx) == readers }) {
		r.t.Fatalf("%d of %d people follow %s", b.followers(ctx), readers, readThere)
	}
	return b
}

func notice(i int) string { return fmt.Sprintf("Aviso %d: hoy no hay agua.", i) }

// put has everyone told something, whatever breaks meanwhile: it is tried until it is stored.
func (b *board) put(ctx context.Context) {
	n := bot.Notice{ID: fmt.Sprint("soak", b.made), Facilities: []string{readThere}, Who: bot.Everyone, Urgency: "emergency", Until: time.Now().Add(noticeLife),
		Texts: map[locales.Lang]string{"es": notice(b.made)}}
	b.made++
	b.making.Go(func() {
		for {
			sheet, err := b.tells.Make(ctx, n, "", "soak")
			if err == nil && sheet.Problem == "" {
				return
			}
			if sheet.Problem != "" || sleep(ctx, 50*time.Millisecond) != nil {
				b.rig.t.Errorf("a notice was never made: %q, %v", sheet.Problem, err)
				return
			}
		}
	})
}

// settle waits until everyone has read everything, and counts what was not as promised.
func (b *board) settle(ctx context.Context, f *figures) {
	b.making.Wait()
	var texts []string
	for i := range b.made {
		texts = append(texts, notice(i))
	}
	f.notices = b.rig.reach(ctx, f, b.readers, texts)
	f.notices.made = b.made
}

func (b *board) followers(ctx context.Context) (n int) {
	for p := range keys.Partition(keys.Partitions) {
		n += int(b.rig.redis.ZCard(ctx, keys.Followers(p, readThere)).Val())
	}
	return n
}
