package notices_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/internal/notices"
	"faro/internal/quiet"
	"faro/locales"
)

// TestSheet holds every figure a coordinator decides by: readers by language, channel and facility, each
// text as it is sent by SMS, its segments and what they cost, how long it takes and when it ends.
func TestSheet(t *testing.T) {
	prices, err := notices.ParsePrices("USD MX=0.06 US=0.01")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *notices.Config) {
		c.Prices, c.Approval = prices, 9
		c.Rates = map[bot.Channel]float64{bot.Telegram: 2, bot.SMS: 0.5}
	})
	now := time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC) // noon in Tapachula
	r.now = func() time.Time { return now }
	people := 0
	come := func(some int, ch bot.Channel, prefix string, lang locales.Lang, facility string) {
		for range some {
			people++
			r.someone(ch, fmt.Sprint(prefix, 10000000+people), bot.Person{Lang: lang, Facility: facility})
		}
	}
	come(4, bot.Telegram, "", "es", "tapachula")
	come(1, bot.Telegram, "", "en", "reynosa")
	come(2, bot.SMS, "+5255", "es", "tapachula")
	come(1, bot.SMS, "+5255", "ht", "reynosa")
	r.someone(bot.SMS, "+12129876543", bot.Person{Lang: "en", Facility: "tapachula"})
	r.someone(bot.SMS, "+50251234567", bot.Person{Lang: "en", Facility: "tapachula"}) // in Guatemala, without a price
	come(3, bot.Telegram, "", "es", "acayucan")                                       // whom it is not for
	r.someone(bot.Telegram, "9001", bot.Person{Lang: "es", Facility: "tapachula", Stopped: true})
	r.someone(bot.SMS, "+525510000900", bot.Person{Lang: "es", Facility: "reynosa", Gone: bot.LeftInvalid})
	n := bot.Notice{Facilities: []string{"tapachula", "reynosa"}, Urgency: "important", Until: now.Add(6 * time.Hour),
		Texts: map[locales.Lang]string{"es": "Mañana no habrá agua. " + strings.Repeat("Junta agua hoy. ", 12), "en": "No water tomorrow."}}
	sheet, err := r.Count(context.Background(), n)
	if err != nil || sheet.Problem != "" {
		t.Fatal(sheet.Problem, err)
	}
	messages := sheet.Messages
	sheet.Messages = nil
	es, en, ht := 2, 1, 3 // segments
	want := bot.Sheet{People: 10,
		ByLang:     map[locales.Lang]int{"es": 6, "en": 3, "ht": 1},
		ByChannel:  map[bot.Channel]int{bot.Telegram: 5, bot.SMS: 5},
		ByFacility: map[string]int{"tapachula": 8, "reynosa": 2},
		Left:       map[string]int{bot.LeftStopped: 1, bot.LeftInvalid: 1},
		Lacking:    map[locales.Lang]int{"ht": 1},
		Segments:   2*es + 2*en + ht,
		Cost:       fmt.Sprintf("%.2f USD + ? (GT)", 0.06*float64(2*es+ht)+0.01*float64(en)),
		Takes:      10 * time.Second, // five text messages, one in two seconds; Telegram is faster
		Ends:       now.Add(10 * time.Second),
		Approval:   true,
	}
	if !reflect.DeepEqual(sheet, want) {
		t.Errorf("the sheet says\n%+v, want\n%+v", sheet, want)
	}
	slices.SortFunc(messages, func(a, b bot.SMSSize) int { return strings.Compare(string(a.Lang), string(b.Lang)) })
	for i, m := range []bot.SMSSize{{Lang: "en", Segments: en, People: 2}, {Lang: "es", Segments: es, People: 2}, {Lang: "ht", Segments: ht, People: 1}} {
		got := messages[i]
		if got.Lang != m.Lang || got.Segments != m.Segments || got.People != m.People || got.Encoding != "GSM-7" {
			t.Errorf("%s by SMS: %d segments %s for %d", got.Lang, got.Segments, got.Encoding, got.People)
		}
		if size := sms.Measure(got.Text); size.Segments != m.Segments {
			t.Errorf("%s: the text shown has %d segments: %q", m.Lang, size.Segments, got.Text)
		}
	}
	if es := messages[1].Text; !strings.HasPrefix(es, "IMPORTANTE: Tapachula\nMañana no habra agua.") || !strings.HasSuffix(es, "Para no recibirlos: ALTO") {
		t.Errorf("by SMS it is shown as %q", es)
	}

	// Later, on one channel, to readers of two languages.
	n.At, n.Channel, n.Langs = now.Add(time.Hour), bot.Telegram, []locales.Lang{"es", "ht"}
	sheet, err = r.Count(context.Background(), n)
	if err != nil || sheet.People != 4 || sheet.Segments != 0 || sheet.Cost != "0.00 USD" || sheet.Takes != 2*time.Second || !sheet.Ends.Equal(n.At.Add(sheet.Takes)) || sheet.Approval {
		t.Errorf("a part of it, later: %+v, %v", sheet, err)
	}
}

// TestSheetInQuietHours: what waits for the morning ends then.
func TestSheetInQuietHours(t *testing.T) {
	hours, err := quiet.Parse("21:00-07:00")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *notices.Config) { c.Quiet = hours; c.Rates[bot.Telegram] = 1 })
	night := time.Date(2026, 12, 2, 5, 0, 0, 0, time.UTC) // 23:00 in Tapachula
	r.now = func() time.Time { return night }
	r.crowd(3, bot.Person{Lang: "es", Facility: "tapachula"})
	for urgency, ends := range map[string]time.Time{
		"routine":   time.Date(2026, 12, 2, 13, 0, 3, 0, time.UTC),
		"emergency": night.Add(3 * time.Second),
	} {
		n := bot.Notice{Facilities: []string{"tapachula"}, Urgency: urgency, Ready: "water-back", Until: night.Add(12 * time.Hour)}
		if sheet, err := r.Count(context.Background(), n); err != nil || sheet.People != 3 || !sheet.Ends.Equal(ends) {
			t.Errorf("%s: %d people until %v, %v; want until %v", urgency, sheet.People, sheet.Ends, err, ends)
		}
	}
}
