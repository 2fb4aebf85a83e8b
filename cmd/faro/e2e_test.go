package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faro/internal/keys"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ana, ben = int64(777000111), int64(777000222)

func TestTelegramConversation(t *testing.T) {
	w := start(t, nil)
	hello := w.say(ana, "/start")
	if !slices.Contains(hello.Data(), "lang/ht") || !strings.Contains(hello.Text, "911") {
		t.Fatalf("the greeting: %+v", hello)
	}
	notice := w.tap(ana, "lang/es")
	if notice.ID != hello.ID || !strings.Contains(notice.Text, "Casa Prueba") || !strings.Contains(notice.Text, "BORRAR") {
		t.Errorf("the notice is not in the greeting's place, or lacks something: %+v", notice)
	}
	w.tap(ana, "next")
	w.tap(ana, "group/legal")
	answer := w.tap(ana, "answer/asylum")
	if answer.ID != hello.ID || !strings.Contains(answer.Text, "COMAR") || !strings.Contains(answer.Text, "Ley sobre Refugiados") || answer.Entities[0].Type != "bold" {
		t.Errorf("the answer: %+v", answer)
	}
	related := w.tap(ana, "answer/legal-counselling")
	if related.ID == answer.ID || !strings.Contains(related.Text, "800 22 42 426") {
		t.Errorf("what follows an answer must leave it readable: %+v", related)
	}
	if free := w.say(ana, "necesito un abogado"); !strings.Contains(free.Text, "IFDP") {
		t.Errorf("a question in words: %q", free.Text)
	}
	if w.telegram.Answers() != 5 {
		t.Errorf("%d of 5 taps were answered", w.telegram.Answers())
	}
	w.counted(`faro_turns_total{channel="telegram",heard="choice"} 4`)
	w.calm()
}

func TestSmsConversation(t *testing.T) {
	w := start(t, nil)
	phone := "+5219612345678"
	to := "+5219612345678"
	hello := w.text(phone, "hola")
	if hello.To != to || hello.From != ourNumber || hello.Segments > 2 || !strings.Contains(hello.Body, "3 Francais") {
		t.Errorf("the greeting: %+v", hello)
	}
	if notice := w.text(phone, "1"); !strings.Contains(notice.Body, "BORRAR") || notice.Segments > 3 {
		t.Errorf("the notice: %+v", notice)
	}
	menu := w.text(phone, "1")
	if menu.Segments > 2 || !strings.Contains(menu.Body, "\n5 ") {
		t.Errorf("the menu: %+v", menu)
	}
	w.text(phone, "٣")
	answer := w.text(phone, "2")
	if answer.Segments > 3 || !strings.Contains(answer.Body, "COMAR") {
		t.Errorf("the answer: %+v", answer)
	}
	if stop := w.text(phone, "Alto"); !strings.Contains(stop.Body, "INICIO") {
		t.Errorf("the goodbye: %q", stop.Body)
	}
	// After STOP nothing is sent: the next message to arrive is the answer to START.
	for _, text := range []string{"hola", "1"} {
		if status, err := w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", w.twilio.Text(phone, ourNumber, text)); err != nil || status != http.StatusOK {
			t.Fatalf("answered %d, %v", status, err)
		}
	}
	sent := w.twilio.Sent()
	w.text(phone, "INICIO")
	if w.twilio.Sent() != sent+1 {
		t.Errorf("%d messages after STOP", w.twilio.Sent()-sent-1)
	}

	callback := answer.Fields["StatusCallback"]
	at, err := url.Parse(callback)
	if err != nil || !strings.HasPrefix(callback, publicURL+"/twilio/status?") {
		t.Fatalf("status callback %q", callback)
	}
	// Status only moves forward: "sent" after "delivered" changes nothing.
	for _, form := range w.twilio.Receipts(answer.SID, "delivered", "sent") {
		if status, err := w.twilio.Post(w.context(), w.url, publicURL, at.RequestURI(), form); err != nil || status != http.StatusNoContent {
			t.Errorf("receipt answered %d, %v", status, err)
		}
	}
	w.counted(`faro_updates_total{channel="sms",result="receipt"} 1`)
	w.counted(`faro_updates_total{channel="sms",result="receipt-late"} 1`)
	w.calm()
}

func TestPolling(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Telegram.Mode, c.Telegram.Secret = "poll", "" })
	w.telegram.Push(w.telegram.Say(ana, "es", "/start"))
	w.sends(1)
	w.telegram.Push(w.telegram.Tap(ana, "es", w.last(ana).ID, "lang/es"))
	w.telegram.Push(w.telegram.Say(ben, "en", "hello"))
	w.sends(3)
	if err := w.telegram.Await(w.context(), func() bool { return w.telegram.Answers() == 1 && w.telegram.Pending() == 0 }); err != nil {
		t.Errorf("%d taps answered, %d updates not confirmed: %v", w.telegram.Answers(), w.telegram.Pending(), err)
	}
	if status, _ := w.get("/telegram"); status != http.StatusNotFound {
		t.Errorf("the webhook answers %d though nothing guards it", status)
	}
	w.calm()
}

// TestOnceAndConcurrently: one update posted many times at once makes one turn, and updates of one
// person at the same time make a turn each.
func TestOnceAndConcurrently(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	w.tap(ana, "lang/es")
	w.tap(ana, "next")
	before := w.telegram.Sent()
	same := w.telegram.Say(ana, "es", "menu")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.post(same) })
	}
	for i := range 5 {
		update := w.telegram.Say(ana, "es", []string{"asilo", "abogado", "ayuda", "sos", "menu"}[i])
		wg.Go(func() { w.post(update) })
	}
	wg.Wait()
	w.sends(before + 6)
	w.stop() // drains: whatever else was queued is sent
	if got := w.telegram.Sent() - before; got != 6 {
		t.Errorf("6 inputs made %d replies", got)
	}
	w.calm()
}

// TestInOrderThroughFaults: what the provider refuses, drops or delays comes again, in order, and
// nothing is lost.
func TestInOrderThroughFaults(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	w.tap(ana, "lang/en")
	w.tap(ana, "next")
	before := w.telegram.Sent()
	w.telegram.Fail(2, 500, 0, "Internal Server Error")
	w.telegram.Drop(1)
	w.telegram.Fail(1, 429, 1, "Too Many Requests: retry after 1")
	asked := []string{"menu", "help", "asylum", "sos", "lawyer", "services", "privacy"}
	for _, text := range asked {
		w.post(w.telegram.Say(ana, "en", text))
	}
	w.sends(before + len(asked))
	var titles []string
	for _, m := range w.telegram.Chat(ana) {
		if m.Bot {
			title, _, _ := strings.Cut(m.Text, "\n")
			titles = append(titles, title)
		}
	}
	want := []string{"What do you need?", "How this works", "I cannot go back: asylum", "Emergency: help now", "A free lawyer", "What this place must give me", "Who sees what I write?"}
	if got := titles[len(titles)-len(want):]; !slices.Equal(got, want) {
		t.Errorf("replies came as %q", got)
	}
	w.calm()
}

func TestBlockedIsFinalAndVisible(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	w.telegram.MyChatMember(ana, "es", "kicked")
	w.post(w.telegram.Tap(ana, "es", w.last(ana).ID, "lang/es"))
	w.say(ben, "/start") // the queue goes on
	w.stop()
	w.run()
	depths, err := w.server.outbox.Depths(w.context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range depths {
		if d.Waiting != 0 {
			t.Errorf("%d messages wait in %s %s", d.Waiting, d.Channel, d.Lane)
		}
	}
	failures := 0
	for p := range keys.Partition(keys.Partitions) {
		failures += len(w.server.redis.XRange(w.context(), keys.Failed(p), "-", "+").Val())
	}
	if failures != 1 {
		t.Errorf("%d failures are kept, want 1", failures)
	}
}

func TestExitSweepsTheChat(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	w.tap(ana, "lang/es")
	w.say(ana, "asilo")
	last := w.say(ana, "salir")
	if chat := w.telegram.Chat(ana); len(chat) != 1 || len(last.Rows) != 0 {
		t.Errorf("the chat shows %+v", chat)
	}
	if again := w.say(ana, "menu"); !slices.Contains(again.Data(), "group/legal") {
		t.Errorf("the language was forgotten: %+v", again)
	}
	w.calm()
}

func TestOtherThingsPeopleSend(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	w.tap(ana, "lang/en")
	w.tap(ana, "next")
	for name, update := range map[string][]byte{
		"voice": w.telegram.Voice(ana, "en"), "sticker": w.telegram.Sticker(ana, "en"), "photo": w.telegram.Photo(ana, "en", "my card"),
		"location": w.telegram.Location(ana, "en", 14.9, -92.2), "contact": w.telegram.Contact(ana, "en", "+529611234567"),
		"edited": w.telegram.Edited(ana, "en", 2, "changed"), "unknown command": w.telegram.Say(ana, "en", "/nonsense@FaroBot x"),
	} {
		n := w.telegram.Sent()
		w.post(update)
		w.sends(n + 1)
		if w.telegram.Sent() != n+1 {
			t.Errorf("%s was answered %d times", name, w.telegram.Sent()-n)
		}
	}
	n := w.telegram.Sent()
	w.post(w.telegram.Group(-100123, ana, "en", "hello all"))
	w.post(w.telegram.ChannelPost(-100456, "news"))
	w.post(w.telegram.MyChatMember(ben, "en", "member"))
	w.stop()
	if w.telegram.Sent() != n {
		t.Errorf("a group or channel was answered")
	}
	w.calm()
}

// TestBadInput: each gets a clear status and is counted; none is stored.
func TestBadInput(t *testing.T) {
	w := start(t, nil)
	form := w.twilio.Text("+529612345678", ourNumber, "hola")
	signed := func(path string, form url.Values) *http.Request { return w.twilio.Request(publicURL, path, form) }
	raw := func(path, body string, header map[string]string) *http.Request {
		r, err := http.NewRequestWithContext(w.context(), http.MethodPost, w.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range header {
			r.Header.Set(k, v)
		}
		return r
	}
	good := map[string]string{"X-Telegram-Bot-Api-Secret-Token": webhookSecret}
	asForm := func(signature string) map[string]string {
		return map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
	}
	repeated := form.Encode() + "&Body=forged"
	signature := w.twilio.Sign(publicURL+"/twilio/message", form)
	other := w.twilio.Text("+529612345678", ourNumber, "hola")
	other.Set("AccountSid", "AC00000000000000000000000000000002")
	broken := w.twilio.Text("+529612345678", ourNumber, "\xff\xfe")
	noSID := w.twilio.Text("+529612345678", ourNumber, "hola")
	noSID.Del("MessageSid")
	cases := []struct {
		name    string
		request *http.Request
		status  int
		count   string
	}{
		{"malformed JSON", raw("/telegram", `{"update_id":`, good), 400, `channel="telegram",result="malformed"`},
		{"not an update", raw("/telegram", `[]`, good), 400, ""},
		{"no id", raw("/telegram", `{"message":{}}`, good), 400, ""},
		{"1 MB", raw("/telegram", `{"update_id":1,"x":"`+strings.Repeat("a", 1<<20)+`"}`, good), 413, `channel="telegram",result="too-large"`},
		{"wrong secret", raw("/telegram", `{}`, map[string]string{"X-Telegram-Bot-Api-Secret-Token": "guess"}), 403, `channel="telegram",result="forbidden"`},
		{"no secret", raw("/telegram", `{}`, nil), 403, ""},
		{"invalid UTF-8", raw("/telegram", "{\"update_id\":5,\"message\":{\"text\":\"\xff\"}}", good), 400, ""},
		{"unknown update", raw("/telegram", `{"update_id":900,"poll":{"id":"1"}}`, good), 200, `channel="telegram",result="unknown"`},
		{"wrong method", func() *http.Request {
			r, _ := http.NewRequestWithContext(w.context(), http.MethodGet, w.url+"/telegram", nil)
			return r
		}(), 405, ""},
		{"bad signature", raw("/twilio/message", form.Encode(), asForm("AAAA")), 403, `channel="sms",result="forbidden"`},
		{"no signature", raw("/twilio/message", form.Encode(), asForm("")), 403, ""},
		{"repeated parameter", raw("/twilio/message", repeated, asForm(signature)), 400, `channel="sms",result="repeated"`},
		{"repeated query", raw("/twilio/status?day=2026-01-01&day=2026-01-02&part=1", form.Encode(), asForm("x")), 400, ""},
		{"another account", signed("/twilio/message", other), 403, ""},
		{"invalid UTF-8 by SMS", signed("/twilio/message", broken), 400, `channel="sms",result="malformed"`},
		{"1 MB by SMS", raw("/twilio/message", "Body="+strings.Repeat("a", 1<<20), asForm("x")), 413, `channel="sms",result="too-large"`},
		{"no message id", signed("/twilio/message", noSID), 400, ""},
		{"not a form", raw("/twilio/message", "%zz=;", asForm("x")), 400, ""},
		{"receipt of nothing", signed("/twilio/status?day=never&part=99", w.twilio.Receipt("SM1", "sent", 0)), 400, ""},
		{"demo page while a channel is on", raw("/", "", nil), 404, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !strings.HasPrefix(c.request.URL.String(), w.url) {
				c.request.URL.Scheme, c.request.URL.Host = "http", strings.TrimPrefix(w.url, "http://")
			}
			resp, err := http.DefaultClient.Do(c.request)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d: %s", resp.StatusCode, c.status, body)
			}
			if c.count != "" {
				if _, m := w.get("/metrics"); !strings.Contains(m, "faro_updates_total{"+c.count+"}") {
					t.Errorf("not counted as %s", c.count)
				}
			}
		})
	}
	for _, key := range strings.Fields(w.dump()) {
		if strings.Contains(key, "}d:") || strings.Contains(key, "}u:") || strings.Contains(key, "}x:") {
			t.Errorf("bad input left %s", key)
		}
	}
	// A callback for a screen that is gone: answered, counted, the menu shown.
	w.say(ana, "/start")
	w.tap(ana, "lang/es")
	w.tap(ana, "next")
	w.tap(ana, "step-of-last-year/x")
	w.counted(`faro_turns_total{channel="telegram",heard="gone"} 1`)
	w.calm()
}

// TestNobodysWords plants a number, a chat id, a name and words, drives everything with them, and
// looks for them in all the program leaves behind.
func TestNobodysWords(t *testing.T) {
	w := start(t, nil)
	const chat, phone, words = int64(778123456789), "+529619998877", "canariotexto quiero pedir asilo"
	w.say(chat, "/start")
	w.tap(chat, "lang/es")
	w.tap(chat, "next")
	w.say(chat, words)
	w.post(w.telegram.Contact(chat, "es", phone))
	w.text(phone, words)
	w.text(phone, "1")
	w.telegram.Fail(1, 400, 0, "Bad Request: canariotexto in chat 778123456789")
	w.twilio.FailCode(1, 400, 21211, "The 'To' number "+phone+" is not a valid phone number.")
	w.post(w.telegram.Say(chat, "es", "menu"))
	if _, err := w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", w.twilio.Text(phone, ourNumber, words)); err != nil {
		t.Fatal(err)
	}
	// While a provider is away the replies wait in Redis: they must not be readable there either.
	if err := errors.Join(w.telegram.Await(w.context(), func() bool { return w.telegram.Faults() == 0 }),
		w.twilio.Await(w.context(), func() bool { return w.twilio.Faults() == 0 })); err != nil {
		t.Fatal(err)
	}
	w.telegram.Hang(1)
	w.post(w.telegram.Say(chat, "es", words))
	if err := w.telegram.Await(w.context(), func() bool { return w.telegram.Faults() == 0 }); err != nil {
		t.Fatal(err)
	}
	dump := w.dump()
	_, metrics := w.get("/metrics")
	w.telegram.Close() // ends the hanging call
	w.stop()
	for where, what := range map[string]string{"redis": dump, "metrics": metrics, "log": w.log.String(), "files": w.files()} {
		if len(what) == 0 {
			t.Errorf("nothing was read from %s", where)
		}
		for _, canary := range []string{"canari", "Canaria", "778123456789", "9619998877", "Apellido", "COMAR", botToken, authToken, webhookSecret} {
			if strings.Contains(what, canary) {
				t.Errorf("%s holds %q", where, canary)
			}
		}
	}
}

// TestWaitsForTheProvider: with the provider away replies wait, over a restart too, and go out by
// themselves when it is back.
func TestWaitsForTheProvider(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	n := w.telegram.Sent()
	w.telegram.Drop(3)
	w.post(w.telegram.Tap(ana, "es", w.last(ana).ID, "lang/es"))
	w.post(w.telegram.Say(ana, "es", "sos"))
	w.stop()
	w.run()
	w.sends(n + 2)
	w.calm()
}

// TestRedisAway: without Redis nothing is answered 200, so that the provider delivers again, and the
// process says it is not ready; when Redis is back everything goes on by itself.
func TestRedisAway(t *testing.T) {
	w := start(t, nil)
	other := &world{t: t, cfg: w.cfg, telegram: w.telegram, twilio: w.twilio}
	other.cfg.Data = t.TempDir()
	other.cfg.KeyFile = w.cfg.Data + "/keys.json"
	other.cfg.RedisURL = "unix://" + other.cfg.Data + "/away.sock"
	other.run()
	defer func() { other.stop() }()
	status, err := w.telegram.Post(w.context(), other.url+"/telegram", webhookSecret, w.telegram.Say(ana, "es", "hola"))
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("without Redis an update is answered %d, %v", status, err)
	}
	for _, want := range []int{http.StatusOK, http.StatusServiceUnavailable} { // the first with the emergency numbers
		status, err = w.twilio.Post(w.context(), other.url, publicURL, "/twilio/message", w.twilio.Text("+529612345678", ourNumber, "hola"))
		if err != nil || status != want {
			t.Errorf("without Redis a text message is answered %d, %v; want %d", status, err, want)
		}
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200} {
		if got, _ := other.get(path); got != want {
			t.Errorf("without Redis %s is answered %d, want %d", path, got, want)
		}
	}
	if said := "redis does not answer, or refuses"; strings.Count(other.log.String(), said) != 1 {
		t.Errorf("without Redis the log does not say once %q: %s", said, other.log.String())
	}
	if err := os.Symlink(w.socket(), other.cfg.Data+"/away.sock"); err != nil {
		t.Fatal(err)
	}
	if err := await(w.context(), func() bool { status, _ := other.get("/readyz"); return status == 200 }); err != nil {
		t.Fatal("Redis is back and the process does not notice")
	}
	const again = "redis answers again"
	if err := await(w.context(), func() bool { return strings.Contains(other.log.String(), again) }); err != nil {
		t.Errorf("when Redis is back the log does not say %q: %s", again, other.log.String())
	}
	n := w.telegram.Sent()
	other.post(w.telegram.Say(ana, "es", "hola"))
	w.sends(n + 1)
}

func TestTwoProcessesShareTheWork(t *testing.T) {
	w := start(t, nil)
	second := &world{t: t, cfg: w.cfg, telegram: w.telegram, twilio: w.twilio}
	second.cfg.Data = t.TempDir()
	second.cfg.KeyFile = w.cfg.Data + "/keys.json"
	second.cfg.RedisURL = "unix://" + w.socket()
	second.run()
	defer second.stop()
	if err := await(w.context(), func() bool { return w.server.outbox.Held() == 8 && second.server.outbox.Held() == 8 }); err != nil {
		t.Fatalf("partitions: %d and %d", w.server.outbox.Held(), second.server.outbox.Held())
	}
	for i := range int64(40) {
		at := []*world{w, second}[i%2]
		at.post(w.telegram.Say(ana+i, "es", "/start"))
	}
	w.sends(40)
	for i := range int64(40) {
		if got := len(w.telegram.Chat(ana + i)); got != 2 {
			t.Errorf("a chat shows %d messages, want the person's and one reply", got)
		}
	}
	w.calm()
}

func await(ctx context.Context, reached func() bool) error {
	for !reached() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond): // leaves the processor to what is waited for
		}
	}
	return nil
}
