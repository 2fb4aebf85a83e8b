package unanswered_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/unanswered"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestScrub(t *testing.T) {
	for text, want := range map[string]string{
		"soy Juan Pérez García y quiero un papel":      "soy … y quiero un papel",
		"me llamo maria lopez quiero saber algo":       "me llamo … saber algo",
		"mi numero es 961 123 4567 llamen":             "mi numero … llamen",
		"je m'appelle Awa Diallo":                      "je m'appelle …",
		"m rele jan batis mwen bezwen èd":              "m rele … bezwen èd",
		"my name is John Smith":                        "my name …",
		"vivo en calle Hidalgo 45 colonia centro":      "vivo en …",
		"mira https://evil.example/x y a@b.mx y @pepe": "mira … y … y …",
		"mi hermano Carlos tiene la COMAR":             "mi hermano … tiene la COMAR",
		"Hola. Quiero ayuda":                           "Hola. Quiero ayuda",
		"como hago con eso":                            "como hago con eso",
		"٣٣٣١ 12-34 x9":                                "…",
		strings.Repeat("palabra ", 100):                strings.TrimSpace(strings.Repeat("palabra ", 40)),
		"":                                             "",
	} {
		if got := unanswered.Scrub(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// FuzzScrub: nothing with a digit or an account comes through, whatever it is.
func FuzzScrub(f *testing.F) {
	f.Add("soy ana 123 a@b.c")
	f.Add("\xff 5\u200b5 ５５")
	f.Fuzz(func(t *testing.T, s string) {
		got := unanswered.Scrub(s)
		if strings.ContainsAny(got, "0123456789@") || len(strings.Fields(got)) > 40 {
			t.Errorf("%q became %q", s, got)
		}
	})
}

// FuzzRead holds that what stands in Redis in place of a question or a count is read, or an error.
func FuzzRead(f *testing.F) {
	f.Add(`{"lang":"es","text":"x","offered":["asylum"]}`, "3")
	f.Add(`{"text":1}`, "-1")
	f.Add("null", "9223372036854775808")
	f.Add("\xff", "3 4")
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(m.Close)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true, Protocol: 2})
	f.Cleanup(func() { _ = rdb.Close() })
	now := time.Now()
	f.Fuzz(func(t *testing.T, question, count string) {
		m.FlushAll()
		if _, err := m.Lpush(keys.Unanswered(now), question); err != nil {
			t.Fatal(err)
		}
		m.HSet(keys.Judged(now), "asylum yes", count)
		if r, err := unanswered.Read(t.Context(), rdb, now); err == nil && (len(r.Questions) != 1 || len(r.Judged) != 1) {
			t.Errorf("%q and %q are read as %d questions and %v", question, count, len(r.Questions), r.Judged)
		}
	})
}

func TestKeptForThirtyDaysWithoutPerson(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	var log bytes.Buffer
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	k := unanswered.New(rdb, slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); k.Run(ctx) }()

	offer := bot.Turn{Heard: bot.HeardOffer, Person: bot.Person{Lang: "es"}}
	offer.Dialogue.At = bot.Screen{Step: "offer", Arg: "asylum+work"}
	k.Turn(bot.Input{Kind: bot.Text, Words: "soy Canaria quiero 5512345678 algo raro"}, offer)
	k.Turn(bot.Input{Kind: bot.Text, Words: "algo que fue contestado"}, bot.Turn{Heard: bot.HeardAnswer})
	k.Turn(bot.Input{Kind: bot.Text, Words: "ayuda me matan"}, bot.Turn{Heard: bot.HeardDanger})
	k.Turn(bot.Input{Kind: bot.Choice}, bot.Turn{Effects: []bot.Effect{{Judged: &bot.Judgement{Topic: "asylum", Helped: true}}, {Judged: &bot.Judgement{Topic: "work"}}}})

	var r unanswered.Report
	for deadline := time.Now().Add(10 * time.Second); len(r.Judged) < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("kept only %+v", r)
		}
		var err error
		if r, err = unanswered.Read(t.Context(), rdb, now); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-done
	if len(r.Questions) != 1 || r.Questions[0].Lang != "es" || strings.Join(r.Questions[0].Offered, " ") != "asylum work" {
		t.Errorf("kept %+v", r.Questions)
	}
	if dump := m.Dump(); strings.Contains(dump, "Canaria") || strings.Contains(dump, "55123") || strings.Contains(dump, "contestado") || strings.Contains(dump, "matan") {
		t.Errorf("Redis has what it must not: %s", dump)
	}
	m.FastForward(30*24*time.Hour + time.Second)
	if len(m.Keys()) != 0 {
		t.Errorf("after 30 days there are still %v", m.Keys())
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}
