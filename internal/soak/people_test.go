package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/answers"
	"faro/internal/content"
	"faro/internal/fakes"
	"faro/locales"
)

const (
	token     = "123456:soak-token"
	secret    = "soak-secret_1"
	account   = "AC00000000000000000000000000000001"
	auth      = "soakauthtoken1"
	number    = "+525500000000"
	publicURL = "https://faro.example.org"
	operator  = "Casa Prueba"
)

// talk is the conversation as it should go: what a person is told follows from what they wrote.
var talk = sync.OnceValue(func() *bot.Talk {
	c, found := content.Load("")
	if c == nil {
		panic(found)
	}
	return bot.New(c.Flows, c.Book, answers.New(c.Flows, c.Book).Find, bot.Host{Operator: operator})
})

// A guest writes to Faro, and knows what the answers should be.
type guest struct {
	channel bot.Channel
	address string
	words   []string
	erases  bool

	wrote    []bot.Input
	raw      []any // as the provider posts it: fakes.Update or url.Values
	expected []string
	ended    int // answers before the one to ERASE, whose messages are gone from a Telegram chat
}

// after is what people write once they have chosen Spanish.
var after = []string{"menu", "asilo", "1", "2", "abogado", "tengo hambre", "nos secuestraron ayudenos", "atras", "SOS", "TAPACHULA", "me duele mucho la panza",
	"cuanto tiempo me pueden tener aqui", "9", "necesito un interprete", "quiero llamar a mi mamá", "0"}

// newGuests makes people who write so many messages in all. The words a guest says about themselves must be
// found in no log.
func newGuests(r *rand.Rand, turns int) []*guest {
	var all []*guest
	for turns > 0 {
		i := len(all)
		g := &guest{channel: bot.Telegram, address: strconv.Itoa(7_000_000_000 + i), words: []string{"/start", "1", "1"}, erases: r.IntN(8) == 0}
		if i%2 == 1 {
			g.channel, g.address, g.words[0] = bot.SMS, fmt.Sprintf("+5255%08d", 10_000_000+i), "HOLA"
		}
		for n := min(turns, 6+r.IntN(9)); len(g.words) < n; {
			g.words = append(g.words, after[r.IntN(len(after))])
		}
		if g.erases {
			g.words = append(g.words, "BORRAR")
		}
		turns -= len(g.words)
		all = append(all, g)
	}
	return all
}

// prepare makes what a guest sends, and what they should be told.
func (g *guest) prepare(tg *fakes.Telegram, tw *fakes.Twilio) error {
	var d bot.Dialogue
	var p bot.Person
	for _, words := range g.words {
		var in bot.Input
		if g.channel == bot.Telegram {
			chat, _ := strconv.ParseInt(g.address, 10, 64)
			update := tg.Say(chat, "es", words)
			e, err := telegram.Parse(update)
			if err != nil {
				return err
			}
			in, g.raw = e.Input, append(g.raw, update)
		} else {
			form := tw.Text(g.address, number, words)
			in = bot.Input{ID: form.Get("MessageSid"), Channel: bot.SMS, Kind: bot.Text, Words: bot.Words(words)}
			g.raw = append(g.raw, form)
		}
		g.wrote = append(g.wrote, in)
		turn := talk().Step(d, p, in, time.Now())
		if turn.Forget {
			g.ended = len(g.expected)
		}
		for _, r := range turn.Replies {
			if g.channel == bot.Telegram {
				g.expected = append(g.expected, telegram.Layout(r, in).Text)
			} else {
				g.expected = append(g.expected, sms.Render(r).Text)
			}
		}
		d, p = turn.Dialogue, turn.Person
	}
	return nil
}

// Told is a message that somebody has.
type told struct {
	text string
	at   time.Time
}

// seen is what a guest was told, without what was said while nothing could be stored, which is counted.
func (g *guest) seen(tg *fakes.Telegram, tw *fakes.Twilio) (all []told, away int) {
	if g.channel == bot.Telegram {
		chat, _ := strconv.ParseInt(g.address, 10, 64)
		for _, m := range tg.Chat(chat) {
			if m.Bot {
				all = append(all, told{m.Text, m.At})
			}
		}
	} else {
		for _, m := range tw.Inbox(g.address) {
			all = append(all, told{m.Body, m.At})
		}
	}
	n := len(all)
	all = slices.DeleteFunc(all, func(m told) bool { return isAway(m.text) })
	return all, n - len(all)
}

// isAway reports whether a text is what people hear while nothing can be stored, however it is spelled.
func isAway(text string) bool {
	folded := locales.Fold(text)
	return slices.ContainsFunc(awayTexts(), func(line string) bool { return strings.Contains(folded, line) })
}

var awayTexts = sync.OnceValue(func() (lines []string) {
	c, _ := content.Load("")
	for _, l := range c.Book.Languages() {
		for _, key := range []string{"away.text", "away.stop"} {
			line, _ := c.Book.Raw(l.Tag, key)
			lines = append(lines, locales.Fold(line))
		}
	}
	return lines
})

// A crowd is the guests of one run, and the processes they write to.
type crowd struct {
	tg     *fakes.Telegram
	tw     *fakes.Twilio
	faros  []*machine
	guests []*guest

	refused, twice atomic.Int64
}

// write has a guest send everything, each as soon as the one before is taken, and some of it twice: at once, or
// after two more.
func (c *crowd) write(ctx context.Context, g *guest, r *rand.Rand, pace time.Duration) error {
	for i, raw := range g.raw {
		if err := sleep(ctx, time.Duration(r.Int64N(int64(2*pace)+1))); err != nil {
			return err
		}
		var again sync.WaitGroup
		if r.IntN(8) == 0 {
			c.twice.Add(1)
			n := r.IntN(len(c.faros))
			again.Go(func() { _ = c.post(ctx, n, g, raw) }) // what becomes of it is all the same
		}
		for {
			err := c.post(ctx, r.IntN(len(c.faros)), g, raw)
			if err == nil {
				break
			}
			c.refused.Add(1)
			if err := sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
		again.Wait()
		if late := i - 2; late >= 0 && r.IntN(8) == 0 && !(g.erases && i == len(g.raw)-1) {
			c.twice.Add(1)
			_ = c.post(ctx, r.IntN(len(c.faros)), g, g.raw[late])
		}
	}
	return nil
}

// post delivers a message once. After an error the provider, or the person, sends it again.
func (c *crowd) post(ctx context.Context, n int, g *guest, raw any) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var status int
	var err error
	if update, ok := raw.(fakes.Update); ok {
		status, err = c.tg.Post(ctx, "http://"+c.faros[n].address()+"/telegram", secret, update)
	} else {
		_, before := g.seen(c.tg, c.tw)
		status, err = c.tw.Post(ctx, "http://"+c.faros[n].address(), publicURL, "/twilio/message", raw.(url.Values))
		if _, now := g.seen(c.tg, c.tw); now > before {
			return fmt.Errorf("not now, write again")
		}
	}
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("answered %d", status)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// complete reports whether a guest has everything that was to be told, and what more than once: for each message too
// many the time between which it and the one before it came. Wrong is what is out of order.
func (g *guest) complete(seen []told) (whole bool, twice []period, wrong string) {
	want, got := runs(untimed(g.expected)), runs(seen)
	if g.erases && g.channel == bot.Telegram { // the chat is emptied, but for repetitions nobody knows the number of
		want = runs(untimed(g.expected[g.ended:]))
		if len(got) > len(want) {
			for _, extra := range got[:len(got)-len(want)] {
				for range extra.n {
					twice = append(twice, period{to: extra.to}) // when the first one came is gone with it
				}
			}
			got = got[len(got)-len(want):]
		}
	}
	for i, w := range want {
		if i >= len(got) {
			return false, twice, ""
		}
		if got[i].text != w.text {
			return false, twice, fmt.Sprintf("answer %d is not the one that belongs there", i)
		}
		if got[i].n < w.n {
			return false, twice, ""
		}
		for range got[i].n - w.n {
			twice = append(twice, got[i].period)
		}
	}
	if len(got) > len(want) {
		return false, twice, "there are answers to nothing"
	}
	return true, twice, ""
}

// numbers are the answers that were seen, by their places among the expected; -1 for one that was not.
func (g *guest) numbers(seen []told) (all []int) {
	for _, m := range seen {
		all = append(all, slices.Index(g.expected, m.text))
	}
	return all
}

// A period is the time from a moment to another.
type period struct{ from, to time.Time }

func (s period) meets(o period) bool { return !s.from.After(o.to) && !o.from.After(s.to) }

// A run is a text so many times in a row.
type run struct {
	text   string
	n      int
	period // from the first to the last
}

func runs(texts []told) (all []run) {
	for _, t := range texts {
		if len(all) > 0 && all[len(all)-1].text == t.text {
			last := &all[len(all)-1]
			last.n, last.to = last.n+1, t.at
		} else {
			all = append(all, run{t.text, 1, period{t.at, t.at}})
		}
	}
	return all
}

func untimed(texts []string) (all []told) {
	for _, t := range texts {
		all = append(all, told{text: t})
	}
	return all
}
