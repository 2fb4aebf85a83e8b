package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/outbox"
)

// TestNothingIsSentElsewhere: a provider that answers with a redirect leads no token, address or text
// to another server, and the message is tried again.
func TestNothingIsSentElsewhere(t *testing.T) {
	var strayed, asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		body, err := telegram.Shape(bot.Reply{Text: "hola"}, bot.Input{})
		if err != nil {
			t.Fatal(err)
		}
		twilio, err := sms.NewTwilio(sms.Account{SID: accountSID, Token: authToken, From: ourNumber, API: provider.URL})
		if err != nil {
			t.Fatal(err)
		}
		for ch, sender := range map[bot.Channel]outbox.Sender{bot.Telegram: telegram.NewAPI(provider.URL, botToken), bot.SMS: twilio} {
			before := asked.Load()
			_, err := sender.Send(t.Context(), outbox.Message{Channel: ch, Address: "+529610000000", Body: body})
			var e *outbox.Error
			if !errors.As(err, &e) || e.Outcome != "" {
				t.Errorf("%s: a %d leads to %v, want a fault that is tried again", ch, status, err)
			}
			if n := asked.Load() - before; n != 1 {
				t.Errorf("%s: a %d leads to %d calls", ch, status, n)
			}
		}
		provider.Close()
	}
	if n := strayed.Load(); n > 0 {
		t.Errorf("%d calls went elsewhere", n)
	}
}
