package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/people"
)

// pour sends messages many at once, and wants each answered 200.
func pour(t *testing.T, n int, send func() (int, error)) {
	t.Helper()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range n / 50 {
				if status, err := send(); err != nil || status != http.StatusOK {
					t.Errorf("one of too many messages was answered %d, %v", status, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestFlood: one person sends hundreds of messages at once, by Telegram and by SMS. Each is taken, few
// are answered, one answer says to wait and whom to call, and danger is answered all the same.
func TestFlood(t *testing.T) {
	const flood = 300
	const most = 30 // 20 at once, one each 3 s of a slow machine, and the one to wait
	w := start(t, func(c *serveCmd) { c.Telegram.Rate, c.Twilio.Rate = 0, 0 })
	waits := func(text string) bool {
		return strings.Contains(text, "Espera un minuto") && strings.Contains(text, "911")
	}

	w.say(ana, "/start")
	w.tap(ana, "lang/es")
	pour(t, flood, func() (int, error) {
		return w.telegram.Post(w.context(), w.url+"/telegram", webhookSecret, w.telegram.Say(ana, "es", "asilo"))
	})
	const phone = "+529619990001"
	w.text(phone, "hola")
	w.text(phone, "1")
	pour(t, flood, func() (int, error) {
		return w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", w.twilio.Text(phone, ourNumber, "asilo"))
	})
	w.drained()
	told, answers := 0, 0
	for _, m := range w.telegram.Chat(ana) {
		if m.Bot {
			answers++
			if waits(m.Text) {
				told++
			}
		}
	}
	if answers < 20 || answers > most || told != 1 {
		t.Errorf("telegram: %d messages got %d answers, %d of them to wait", flood, answers, told)
	}
	told = 0
	for _, m := range w.twilio.Inbox(phone) {
		if waits(m.Body) {
			told++
		}
	}
	if n := len(w.twilio.Inbox(phone)); n < 20 || n > most || told != 1 {
		t.Errorf("sms: %d messages got %d answers, %d of them to wait", flood, n, told)
	}
	if m := w.say(ana, "mi hermano no respira, está sangrando mucho"); !strings.Contains(m.Text, "911") {
		t.Errorf("danger in a flood is answered %q", m.Text)
	}
	if m := w.text(phone, "SOS"); !strings.Contains(m.Body, "911") {
		t.Errorf("SOS in a flood is answered %q", m.Body)
	}
	if m := w.text(phone, "ALTO"); !strings.Contains(m.Body, "INICIO") {
		t.Errorf("STOP in a flood is answered %q", m.Body)
	}
	w.calm()
}

// TestEraseByTurns: a message and ERASE by turns are not answered without end, though nothing of the
// person stays.
func TestEraseByTurns(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Twilio.Rate = 0 })
	const phone = "+529619990002"
	for range 40 {
		for _, words := range []string{"hola", "BORRAR"} {
			status, err := w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", w.twilio.Text(phone, ourNumber, words))
			if err != nil || status != http.StatusOK {
				t.Fatalf("answered %d, %v", status, err)
			}
		}
	}
	w.drained()
	if n := len(w.twilio.Inbox(phone)); n < 20 || n > 40 {
		t.Errorf("80 messages got %d answers", n)
	}
	id := w.server.taker.Vault.Seal(bot.SMS, phone)
	if n := w.server.redis.Exists(w.context(), keys.Dialogue(id), keys.Person(id)).Val(); n != 0 {
		t.Error("the person is still in Redis")
	}
}

// TestGuessingOutlastsErase: who sends ERASE by turns has no more wrong codes looked at than others, and a right one
// gives nothing then. The lock stands in the audit log once.
func TestGuessingOutlastsErase(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	if err := w.server.trains.Register.Invite(w.context(), "ABCD-2345", people.Invitation{Role: bot.Admin}, "test"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for range 2 {
			w.post(w.telegram.Say(ana, "es", people.NewCode()))
		}
		w.post(w.telegram.Say(ana, "es", "BORRAR"))
		w.drained()
	}
	w.post(w.telegram.Say(ana, "es", "ABCD-2345"))
	if role, err := w.server.trains.Register.Role(w.context(), w.id(ana)); err != nil || role != bot.Migrant {
		t.Errorf("who guessed and erased has the role %q, %v", role, err)
	}
	locked := 0
	if err := w.server.trains.Register.Audit(w.context(), func(e people.Entry) error {
		if e.What == "locked out" {
			locked++
		}
		return nil
	}); err != nil || locked != 1 {
		t.Errorf("the audit log tells of %d locks, %v", locked, err)
	}
}

// TestNoCodeIsTakenInAFlood: a code among too many messages is not heard and not taken either.
func TestNoCodeIsTakenInAFlood(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	if err := w.server.trains.Register.Invite(w.context(), "ABCD-2345", people.Invitation{Role: bot.Admin}, "test"); err != nil {
		t.Fatal(err)
	}
	pour(t, 100, func() (int, error) {
		return w.telegram.Post(w.context(), w.url+"/telegram", webhookSecret, w.telegram.Say(ana, "es", "asilo"))
	})
	w.post(w.telegram.Say(ana, "es", "ABCD-2345"))
	w.post(w.telegram.Say(ben, "es", "ABCD-2345"))
	for chat, want := range map[int64]bot.Role{ana: bot.Migrant, ben: bot.Admin} {
		if role, err := w.server.trains.Register.Role(w.context(), w.id(chat)); err != nil || role != want {
			t.Errorf("the role is %q, %v; want %q", role, err, want)
		}
	}
}

// drained waits until nothing waits to be sent or carried out.
func (w *world) drained() {
	w.t.Helper()
	ctx := w.context()
	err := await(ctx, func() bool {
		n := int64(0)
		for p := range keys.Partition(keys.Partitions) {
			for _, ch := range bot.Channels {
				for _, lane := range keys.Lanes {
					n += w.server.redis.XLen(ctx, keys.Queue(p, ch, lane)).Val()
				}
			}
			n += w.server.redis.XLen(ctx, keys.Effects(p)).Val()
		}
		return n == 0
	})
	if err != nil {
		w.t.Fatalf("messages still wait: %v", err)
	}
}
