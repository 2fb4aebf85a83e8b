package soak

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"faro/internal/fakes"
)

// TestRedisAway: while Redis is gone, or takes no more than it answers, whoever writes is told the emergency number
// once, in the language of their message, within the time the provider waits; the update is refused, so that it
// comes again; and when Redis is back all goes on by itself.
func TestRedisAway(t *testing.T) {
	for _, c := range []struct {
		name       string
		gone, back func(*store)
	}{
		{"killed", func(s *store) { s.end(syscall.SIGKILL) }, func(s *store) { s.start() }},
		{"frozen", func(s *store) { s.signal(syscall.SIGSTOP) }, func(s *store) { s.signal(syscall.SIGCONT) }},
	} {
		t.Run(c.name, func(t *testing.T) { redisAway(t, c.gone, c.back) })
	}
}

// providerWaits is how long Twilio waits for an answer (Twilio, Webhooks connection overrides: rt); Telegram
// waits longer.
const providerWaits = 15 * time.Second

func redisAway(t *testing.T, gone, back func(*store)) {
	const chat, phone = 7_100_000_000, "+525512345678"
	r := newRig(t, 1, "everysec")
	url := "http://" + r.faros[0].address()
	telegram := func(update fakes.Update) int {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), providerWaits)
		defer cancel()
		status, err := r.tg.Post(ctx, url+"/telegram", secret, update)
		if err != nil {
			t.Fatalf("Telegram got no answer: %v", err)
		}
		return status
	}
	sms := func(words string) int {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), providerWaits)
		defer cancel()
		status, err := r.tw.Post(ctx, url, publicURL, "/twilio/message", r.tw.Text(phone, number, words))
		if err != nil {
			t.Fatalf("Twilio got no answer: %v", err)
		}
		return status
	}
	heard := func() (chatTexts, smsTexts []string) {
		for _, m := range r.tg.Chat(chat) {
			if m.Bot {
				chatTexts = append(chatTexts, m.Text)
			}
		}
		for _, m := range r.tw.Inbox(phone) {
			smsTexts = append(smsTexts, m.Body)
		}
		return chatTexts, smsTexts
	}
	gone(r.store)
	asked := r.tg.Say(chat, "es", "j'ai besoin d'un avocat s'il vous plaît")
	for range 3 { // Telegram delivers again
		if status := telegram(asked); status != 503 {
			t.Errorf("an update that cannot be stored is answered %d", status)
		}
	}
	if status := sms("mwen bezwen yon avoka souple"); status != 200 {
		t.Errorf("the first text message is answered %d", status)
	}
	if status := sms("mwen bezwen yon avoka souple"); status != 503 {
		t.Errorf("the second text message is answered %d", status)
	}
	chatTexts, smsTexts := heard()
	if len(chatTexts) != 1 || !strings.Contains(chatTexts[0], "Appelez le 911") || !isAway(chatTexts[0]) {
		t.Errorf("the chat shows %q", chatTexts)
	}
	if len(smsTexts) != 1 || !strings.Contains(smsTexts[0], "Rele 911") || !isAway(smsTexts[0]) {
		t.Errorf("the phone shows %q", smsTexts)
	}
	const leaver = "+525587654321"
	status, err := r.tw.Post(t.Context(), url, publicURL, "/twilio/message", r.tw.Text(leaver, number, "kanpe"))
	if inbox := r.tw.Inbox(leaver); err != nil || status != 200 || len(inbox) != 1 || !strings.Contains(inbox[0].Body, "Voye KANPE ankò") {
		t.Errorf("STOP is answered %d, %v, and the phone shows %v", status, err, inbox)
	}
	back(r.store)
	if !within(t.Context(), 30*time.Second, func() bool { return telegram(asked) == 200 && sms("HOLA") == 200 }) {
		t.Fatal("nothing is taken after Redis is back")
	}
	if !within(t.Context(), 30*time.Second, func() bool { c, s := heard(); return len(c) > 1 && len(s) > 1 }) {
		t.Error("nobody is answered after Redis is back")
	}
	if said := r.faros[0].output(); strings.Contains(said, "avoka") || strings.Contains(said, phone) {
		t.Error("words or a number are in the log")
	}
}
