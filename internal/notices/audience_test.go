package notices_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/notices"
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

// TestSheetBehindOthers: what is queued already goes first.
func TestSheetBehindOthers(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates = map[bot.Channel]float64{bot.Telegram: 10, bot.SMS: 2} })
	ctx := context.Background()
	r.crowd(90, bot.Person{Lang: "es", Facility: "tapachula"})
	for i := range 10 {
		r.someone(bot.SMS, fmt.Sprint("+5255", 10000000+i), bot.Person{Lang: "es", Facility: "tapachula"})
	}
	n := r.free()
	n.Texts = map[locales.Lang]string{"es": strings.Repeat("agua ", 30)} // two segments
	// Three hours of text messages are queued.
	pipe := r.redis.Pipeline()
	for range 3 * 3600 * 2 {
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: keys.Queue(3, bot.SMS, keys.Bulk), Values: []any{"p", "x", "b", "x"}})
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		at           time.Duration
		until        time.Duration
		takes, after time.Duration
		late         bool
	}{
		{"at once", 0, 4 * time.Hour, 3*time.Hour + 5*time.Second, 0, false},
		{"too late", 0, 2 * time.Hour, 3*time.Hour + 5*time.Second, 0, true},
		{"once half is sent", 90 * time.Minute, 4 * time.Hour, 90*time.Minute + 5*time.Second, 90 * time.Minute, false},
		{"once all is sent", 5 * time.Hour, 6 * time.Hour, 9 * time.Second, 5 * time.Hour, false},
	} {
		now := r.now()
		n.Until, n.At = now.Add(c.until), now.Add(c.at)
		sheet, err := r.Count(ctx, n)
		ends := now.Add(c.after + c.takes)
		if err != nil || (sheet.Takes-c.takes).Abs() > time.Second || sheet.Ends.Sub(ends).Abs() > 5*time.Second || sheet.Late != c.late {
			t.Errorf("%s: takes %v, ends %v (want %v), late %v; %v", c.name, sheet.Takes, sheet.Ends, ends, sheet.Late, err)
		}
	}
}

// TestSheetOverNight: what does not fit in before quiet hours goes on in the morning.
func TestSheetOverNight(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram], c.Quiet = 0.1, dusk(t) })
	r.crowd(60, bot.Person{Lang: "es", Facility: "tapachula"}) // ten minutes: two or three before the night, which takes an hour
	n := r.free()
	sheet, err := r.Count(context.Background(), n)
	if took := sheet.Ends.Sub(r.now()); err != nil || sheet.Takes != 10*time.Minute || took < 69*time.Minute || took > 71*time.Minute {
		t.Errorf("takes %v, ends %v from now; %v", sheet.Takes, took, err)
	}
	n.Urgency = "emergency"
	sheet, err = r.Count(context.Background(), n)
	if took := sheet.Ends.Sub(r.now()); err != nil || took > 11*time.Minute {
		t.Errorf("an emergency ends %v from now; %v", took, err)
	}
}

// TestChannelOff: whose channel is off is left out for that reason, and not marked as having no number.
func TestChannelOff(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { delete(c.Rates, bot.SMS) })
	r.someone(bot.SMS, "+525511112222", bot.Person{Lang: "es", Facility: "tapachula"})
	r.crowd(1, bot.Person{Lang: "es", Facility: "tapachula"})
	n := r.free()
	n.ID = "n1"
	sheet, err := r.Make(context.Background(), n, "", "test")
	if err != nil || fmt.Sprint(sheet.Left) != "map[off:1]" {
		t.Errorf("left out %v, %v", sheet.Left, err)
	}
	r.run()
	r.until("it does not end", r.ended("n1"))
	r.wants("n1", map[string]int{"delivered": 1, "off": 1})
}
