package notices_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"faro/bot"
	"faro/internal/outbox"
	"faro/locales"
)

// TestAudience holds whom a notice reaches, and who is counted as left out, against a plain model.
func TestAudience(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue { // each hands a notice out for real
		if err := f.Value.Set("25"); err != nil {
			t.Fatal(err)
		}
	}
	r := newRig(t, nil)
	chief := bot.PersonID("")
	type citizen struct {
		bot.Person
		ch      bot.Channel
		address string
	}
	places := []string{"", "tapachula", "acayucan", "reynosa"}
	langs := []locales.Lang{"", "es", "en", "fr", "ht"}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		if err := r.redis.FlushAll(ctx).Err(); err != nil {
			rt.Fatal(err)
		}
		r.mu.Lock()
		r.taken = map[string][]string{}
		r.mu.Unlock()
		var all []citizen
		for i := range rapid.IntRange(0, 60).Draw(rt, "people") {
			c := citizen{ch: rapid.SampledFrom(bot.Channels).Draw(rt, "channel"), address: fmt.Sprint("+5255", 10000000+i)}
			c.Facility = rapid.SampledFrom(places).Draw(rt, "place")
			c.Lang = rapid.SampledFrom(langs).Draw(rt, "lang")
			c.Role = rapid.SampledFrom([]bot.Role{bot.Migrant, bot.Migrant, bot.Staff, bot.Trainer}).Draw(rt, "role")
			c.Stopped = rapid.IntRange(0, 4).Draw(rt, "stopped") == 0
			c.Gone = rapid.SampledFrom([]string{"", "", "", bot.LeftBlocked, bot.LeftInvalid}).Draw(rt, "gone")
			all = append(all, c)
			r.someone(c.ch, c.address, c.Person)
		}
		n := bot.Notice{ID: "n1", Urgency: "routine", Texts: map[locales.Lang]string{"es": "Hay agua."}, Until: r.now().Add(time.Hour)}
		n.Facilities = rapid.SliceOfN(rapid.SampledFrom(places[1:]), 1, 3).Draw(rt, "facilities")
		n.Who = rapid.SampledFrom([]bot.Who{bot.Everyone, bot.OnlyGuests, bot.OnlyStaff}).Draw(rt, "who")
		n.Langs = rapid.SliceOfN(rapid.SampledFrom(langs[1:]), 0, 2).Draw(rt, "langs")
		n.Channel = rapid.SampledFrom([]bot.Channel{"", "", bot.Telegram, bot.SMS}).Draw(rt, "only")

		want, left, lacking, reached := 0, map[string]int{}, 0, map[string]bool{}
		for _, c := range all {
			lang := c.Lang
			if lang == "" {
				lang = "es"
			}
			here := slices.Contains(n.Facilities, c.Facility)
			who := n.Who == bot.Everyone || (n.Who == bot.OnlyStaff) == (c.Role != bot.Migrant)
			if !here || !who || len(n.Langs) > 0 && !slices.Contains(n.Langs, lang) || n.Channel != "" && n.Channel != c.ch {
				continue
			}
			switch {
			case c.Stopped:
				left["stopped"]++
			case c.Gone != "":
				left[c.Gone]++
			default:
				want++
				reached[c.address] = true
				if lang != "es" {
					lacking++
				}
			}
		}
		sheet, err := r.Count(ctx, n)
		if err != nil {
			rt.Fatal(err)
		}
		lacks := 0
		for _, k := range sheet.Lacking {
			lacks += k
		}
		if sheet.People != want || fmt.Sprint(sheet.Left) != fmt.Sprint(left) || lacks != lacking {
			rt.Fatalf("counted %d, %v, lacking %d; want %d, %v, %d", sheet.People, sheet.Left, lacks, want, left, lacking)
		}
		if want == 0 {
			if sheet.Problem != "nobody" {
				rt.Fatalf("for nobody: %q", sheet.Problem)
			}
			return
		}
		stop := r.run()
		defer stop()
		if _, err := r.Make(ctx, n, chief, "test"); err != nil {
			rt.Fatal(err)
		}
		r.until("it does not end", r.ended("n1"))
		counts := r.counts("n1")
		delivered := counts[string(outbox.Delivered)]
		delete(counts, string(outbox.Delivered))
		if delivered != want || fmt.Sprint(counts) != fmt.Sprint(left) {
			rt.Fatalf("delivered %d, %v; want %d, %v", delivered, counts, want, left)
		}
		for _, c := range all {
			if got := len(r.inbox(c.address)); got != map[bool]int{true: 1}[reached[c.address]] {
				rt.Fatalf("someone got %d messages", got)
			}
		}
	})
}
