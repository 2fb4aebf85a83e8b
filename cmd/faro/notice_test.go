package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
	"faro/internal/people"
	"faro/locales"
)

// crowd puts so many people on Telegram at a facility, without their having written.
func (w *world) crowd(people int, p bot.Person) {
	w.t.Helper()
	record, err := json.Marshal(p)
	if err != nil {
		w.t.Fatal(err)
	}
	const some = 1000
	for from := 0; from < people; from += some {
		pipe := w.server.redis.Pipeline()
		for i := from; i < min(from+some, people); i++ {
			id := w.server.taker.Vault.Seal(bot.Telegram, fmt.Sprint(ana+int64(i)))
			pipe.Set(w.context(), keys.Person(id), record, time.Hour)
			pipe.ZAdd(w.context(), keys.Followers(keys.Of(id), p.Facility), redis.Z{Score: float64(i + 1), Member: string(id)})
			pipe.Set(w.context(), keys.Arrivals(keys.Of(id)), people, 0)
			w.telegram.Know(ana + int64(i))
		}
		if _, err := pipe.Exec(w.context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// notice has one sent to a crowd, from the command line's side.
func (w *world) notice(id string) {
	w.t.Helper()
	n := bot.Notice{ID: id, Facilities: []string{"tapachula"}, Who: bot.Everyone, Urgency: "routine", Until: time.Now().Add(time.Hour),
		Texts: map[locales.Lang]string{"es": "Hoy no hay agua hasta las 18:00."}}
	sheet, err := w.server.tells.Make(w.context(), n, "", "test")
	if err != nil || sheet.Problem != "" {
		w.t.Fatalf("the notice was not made: %q, %v", sheet.Problem, err)
	}
	if sheet.Approval {
		if _, err := w.server.tells.Act(w.context(), id, bot.Approve, "second", "test"); err != nil {
			w.t.Fatal(err)
		}
	}
}

// send taps what sends the notice that was counted last, once it is there.
func (w *world) send(chief int64) {
	w.t.Helper()
	var data string
	counted := func() bool {
		for _, d := range w.last(chief).Data() {
			if strings.HasPrefix(d, "notice-send/") {
				data = d
			}
		}
		return data != ""
	}
	if err := w.telegram.Await(w.context(), counted); err != nil {
		w.t.Fatalf("no sheet: %s", w.chat(chief))
	}
	w.tap(chief, data)
}

// over waits until a notice has ended, and returns what became of it.
func (w *world) over(ctx context.Context, id string) map[string]int {
	w.t.Helper()
	ended := func() bool {
		all, err := w.server.tells.All(ctx)
		return err == nil && len(all) > 0 && all[0].ID == id && !all[0].Ended.IsZero()
	}
	if err := await(ctx, ended); err != nil {
		counts, _ := w.server.tells.Counts(context.Background(), id)
		w.t.Fatalf("the notice does not end: %v\n%s", counts, w.log.String())
	}
	counts, err := w.server.tells.Counts(ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return counts
}

// TestKilledWhileTelling: processes that hand out and deliver a notice to 5,000 people are killed, one
// while it is being handed out, one while it is delivered. Everybody reads it, and only those in a
// dead process's hands at that moment perhaps twice.
func TestKilledWhileTelling(t *testing.T) {
	const readers, inHands = 5000, outbox.Unacknowledged
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	w.crowd(readers, bot.Person{Lang: "es", Facility: "tapachula"})
	var sent atomic.Int64
	var victim atomic.Pointer[exec.Cmd]
	kills := []int64{20, 3000}
	w.telegram.OnSend = func(int64, time.Time) {
		if n := sent.Add(1); n == kills[0] || n == kills[1] {
			if v := victim.Load(); v != nil { // before the provider's yes is heard
				_ = v.Process.Kill()
			}
		}
	}
	first, _ := w.process()
	victim.Store(first)
	if err := await(w.context(), func() bool { return w.server.outbox.Held() == 8 }); err != nil {
		t.Fatalf("this process holds %d partitions", w.server.outbox.Held())
	}
	w.notice("n1")
	if err := first.Wait(); err == nil {
		t.Error("the first process ended by itself")
	}
	second, _ := w.process()
	victim.Store(second)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	counts := w.over(ctx, "n1")
	if counts["delivered"] != readers || len(counts) != 1 {
		t.Errorf("counted %v of %d", counts, readers)
	}
	missing, twice := 0, 0
	for i := range readers {
		switch n := len(w.telegram.Chat(ana + int64(i))); {
		case n == 0:
			missing++
		case n > 1:
			twice += n - 1
		}
	}
	if missing > 0 || twice > 2*inHands {
		t.Errorf("%d never read it, %d twice; at most %d were in dead processes' hands", missing, twice, 2*inHands)
	}
	t.Logf("%d readers, %d told twice", readers, twice)
	w.calm()
}

// TestNotices goes through the whole on both channels: people follow a place, a coordinator tells them
// something in two languages, sees how it goes, and takes it back. Nothing readable stays in Redis or
// the log.
func TestNotices(t *testing.T) {
	w := start(t, nil)
	const chief, phone = ana + 1000, "+525511112222"
	if err := w.server.trains.Register.Invite(w.context(), "ABCD-2345", people.Invitation{Role: bot.Coordinator}, "test"); err != nil {
		t.Fatal(err)
	}
	joins := func(chat int64, lang string, words string) {
		t.Helper()
		w.say(chat, words)
		w.tap(chat, "lang/"+lang)
		w.tap(chat, "next")
	}
	joins(chief, "en", "/start i-ABCD-2345")
	joins(ana, "es", "/start f-tapachula")
	joins(ben, "ht", "hola")
	w.say(ben, "TAPACHULA")
	w.text(phone, "tapachula")
	w.text(phone, "2")
	if got := w.text(phone, "1").Body; !strings.Contains(got, "Tapachula") {
		t.Errorf("the phone follows %q", got)
	}

	w.say(chief, "notice")
	w.tap(chief, "notice-where/new")
	w.say(chief, "Tapachula")
	w.tap(chief, "notice-what/all")
	w.tap(chief, "notice-urgency/own")
	w.tap(chief, "notice-lang/routine")
	w.tap(chief, "notice-write/es")
	w.say(chief, "Canario: hay comida.")
	w.tap(chief, "notice-write/en")
	w.say(chief, "Canary: there is food.")
	w.tap(chief, "notice-until")
	w.tap(chief, "notice-when/6h")
	w.tap(chief, "notice-check/now")
	seen := func(chat int64, text string) {
		t.Helper()
		if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(chat), text) }); err != nil {
			t.Fatalf("nobody says %q: %s", text, w.chat(chat))
		}
	}
	seen(chief, "Readers: 3 people.")
	seen(chief, "No text in Kreyòl ayisyen: 1 read it in Español.")
	w.tap(chief, "notice-test")
	seen(chief, "TEST. It comes to you alone.")
	w.tap(chief, "notice-check")
	if strings.Contains(w.chat(ana), "Canario") {
		t.Error("a test reaches others")
	}
	w.send(chief)
	seen(ana, "Canario: hay comida.")
	seen(ben, "Avi sa a nan lang sa a: Español.")
	if err := w.twilio.Await(w.context(), func() bool {
		inbox := w.twilio.Inbox(phone)
		return strings.Contains(inbox[len(inbox)-1].Body, "Canary: there is food.")
	}); err != nil {
		t.Error("the phone does not read it")
	}
	seen(chief, "Finished.")
	all, err := w.server.tells.All(w.context())
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	w.tap(chief, "notice-do/take-back."+all[0].ID)
	if err := await(w.context(), func() bool {
		return !strings.Contains(w.chat(ana), "Canario") && !strings.Contains(w.chat(ben), "Canario")
	}); err != nil {
		t.Errorf("it is not taken back: %s", w.chat(ana))
	}

	w.post(w.telegram.Say(ben, "ht", "ERASE"))
	id := w.server.taker.Vault.Seal(bot.Telegram, fmt.Sprint(ben))
	gone := func() bool {
		_, tallied := w.server.redis.HGet(w.context(), keys.Tally(keys.Of(id), all[0].ID), string(id)).Result()
		_, follows := w.server.redis.ZScore(w.context(), keys.Followers(keys.Of(id), "tapachula"), string(id)).Result()
		return errors.Is(tallied, redis.Nil) && errors.Is(follows, redis.Nil)
	}
	if err := await(w.context(), gone); err != nil {
		t.Error("who erased themselves still stands in the notice's tally or follows")
	}
	for where, what := range map[string]string{"Redis": w.dump(), "the log": w.log.String()} {
		for _, canary := range []string{"Canari", "Canary", "5511112222", "777000111"} {
			if strings.Contains(what, canary) {
				t.Errorf("%s holds %q", where, canary)
			}
		}
	}
	w.calm()
}

// TestNoticeThroughFaults: a provider that refuses for a while, fails, hangs or closes connections keeps
// nobody from reading a notice, and nobody reads it twice.
func TestNoticeThroughFaults(t *testing.T) {
	const readers = 400
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	w.crowd(readers, bot.Person{Lang: "es", Facility: "tapachula"})
	w.telegram.Fail(3, http.StatusTooManyRequests, 1, "Too Many Requests: retry after 1")
	w.telegram.Fail(10, http.StatusInternalServerError, 0, "Internal Server Error")
	w.telegram.Drop(10)
	w.telegram.Hang(1)
	w.notice("n1")
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	counts := w.over(ctx, "n1")
	if counts["delivered"] != readers || len(counts) != 1 {
		t.Errorf("counted %v of %d", counts, readers)
	}
	for i := range readers {
		if n := len(w.telegram.Chat(ana + int64(i))); n != 1 {
			t.Errorf("someone reads it %d times", n)
		}
	}
	if left := w.telegram.Faults(); left != 0 {
		t.Errorf("%d of 24 faults did not happen", left)
	}
	w.calm()
}

// TestTextedNoticeThroughFaults: the same by SMS, with Twilio's codes. Who has no phone there any more, or told the
// carrier STOP, is counted so and left out the next time, whether Twilio says so at once or in a receipt.
func TestTextedNoticeThroughFaults(t *testing.T) {
	const readers = 60
	w := start(t, func(c *serveCmd) { c.Twilio.Rate = 0 })
	var phones []string
	for i := range readers {
		phones = append(phones, fmt.Sprint("+5296120", 10000+i))
		id := w.server.taker.Vault.Seal(bot.SMS, phones[i])
		pipe := w.server.redis.Pipeline()
		pipe.Set(w.context(), keys.Person(id), `{"l":"es","f":"tapachula"}`, time.Hour)
		pipe.ZAdd(w.context(), keys.Followers(keys.Of(id), "tapachula"), redis.Z{Score: float64(i + 1), Member: string(id)})
		pipe.Set(w.context(), keys.Arrivals(keys.Of(id)), readers, 0)
		if _, err := pipe.Exec(w.context()); err != nil {
			t.Fatal(err)
		}
	}
	w.twilio.OptOut(phones[0])
	w.twilio.Landline(phones[1])
	w.twilio.FailCode(2, http.StatusTooManyRequests, 20429, "Too Many Requests")
	w.twilio.FailCode(2, http.StatusTooManyRequests, 21611, "queue full")
	w.twilio.FailCode(5, http.StatusInternalServerError, 20500, "Internal Server Error")
	w.twilio.Drop(5)
	w.twilio.Hang(1)
	w.notice("n1")
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	if counts := w.over(ctx, "n1"); fmt.Sprint(counts) != fmt.Sprint(map[string]int{"delivered": readers - 2, "opted-out": 1, "unreachable": 1}) {
		t.Errorf("counted %v of %d", counts, readers)
	}
	codes := []int{30005, 21610, 30007}
	for _, phone := range phones[1:] {
		got := w.twilio.Inbox(phone)
		if len(got) > 1 {
			t.Errorf("someone reads it %d times", len(got))
		}
		if len(got) == 0 || len(codes) == 0 {
			continue
		}
		at, err := url.Parse(got[0].Fields["StatusCallback"])
		if err != nil {
			t.Fatal(err)
		}
		if status, err := w.twilio.Post(w.context(), w.url, publicURL, at.RequestURI(), w.twilio.Receipt(got[0].SID, "undelivered", codes[0])); err != nil || status != http.StatusNoContent {
			t.Fatalf("receipt answered %d, %v", status, err)
		}
		codes = codes[1:]
	}
	want := map[string]int{"delivered": readers - 5, "opted-out": 2, "unreachable": 2, "undelivered 30007": 1}
	if counts, err := w.server.tells.Counts(ctx, "n1"); err != nil || fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("after the receipts %v, want %v; %v", counts, want, err)
	}
	sheet, err := w.server.tells.Count(ctx, bot.Notice{Facilities: []string{"tapachula"}, Who: bot.Everyone, Urgency: "emergency", Until: time.Now().Add(time.Hour),
		Texts: map[locales.Lang]string{"es": "Ya hay agua."}})
	if err != nil || sheet.People != readers-4 || fmt.Sprint(sheet.Left) != "map[invalid:2 stopped:2]" {
		t.Errorf("the next would reach %d, without %v; %v", sheet.People, sheet.Left, err)
	}
	w.calm()
}
