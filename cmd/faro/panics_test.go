package main

import (
	"net/http"
	"strings"
	"testing"

	"faro/bot"
	"faro/locales"
)

// TestPanicHitsOneMessage: an input that makes a turn panic is not delivered again, by webhook nor by polling; its person
// hears the emergency number; it is counted and logged by its place, without a word of it; and everyone else is served.
func TestPanicHitsOneMessage(t *testing.T) {
	const phone = "+529619990004"
	for _, mode := range []string{"webhook", "poll"} {
		t.Run(mode, func(t *testing.T) {
			w := start(t, func(c *serveCmd) {
				c.Telegram.Rate = 0
				if mode == "poll" {
					polling(c)
				}
			})
			what := *w.server.said.Load()
			what.talk = bot.New(what.flows, what.book, func(lang locales.Lang, words bot.Words) bot.Match {
				if strings.Contains(string(words), "canario") {
					panic("cannot read " + string(words))
				}
				return what.index.Find(lang, words)
			}, w.cfg.host())
			w.server.said.Store(&what)
			deliver := func(chat int64, words string) {
				if update := w.telegram.Say(chat, "es", words); mode == "poll" {
					w.telegram.Push(update)
				} else {
					w.post(update)
				}
			}
			deliver(ana, "canario")
			deliver(ben, "hola")
			w.sends(2)
			if m := w.last(ana); !strings.Contains(m.Text, "911") {
				t.Errorf("whose message cannot be read is told %q", m.Text)
			}
			if err := w.telegram.Await(w.context(), func() bool { return w.telegram.Pending() == 0 }); err != nil {
				t.Error("it is delivered again")
			}
			deliver(ana, "hola")
			w.sends(3)
			status, err := w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", w.twilio.Text(phone, ourNumber, "canario"))
			if inbox := w.twilio.Inbox(phone); err != nil || status != http.StatusOK || len(inbox) != 1 || !strings.Contains(inbox[0].Body, "911") {
				t.Errorf("by SMS: %d, %v, %d messages", status, err, len(inbox))
			}
			w.counted(`faro_updates_total{channel="telegram",result="panic"} 1`)
			w.counted(`faro_updates_total{channel="sms",result="panic"} 1`)
			if log := w.log.String(); !strings.Contains(log, "TestPanicHitsOneMessage") || strings.Contains(log, "canario") {
				t.Errorf("the log says %s", log)
			}
			w.calm()
		})
	}
}

// TestPanicInARequest: a request that panics outside a turn is answered, and the log says where and not with what.
func TestPanicInARequest(t *testing.T) {
	w := start(t, nil)
	whole := w.server.said.Load()
	mute := *whole
	mute.talk = nil // not even the emergency numbers can be said
	w.server.said.Store(&mute)
	status, err := w.telegram.Post(w.context(), w.url+"/telegram", webhookSecret, w.telegram.Say(ana, "es", "canario"))
	w.server.said.Store(whole)
	if err != nil || status != http.StatusInternalServerError {
		t.Errorf("it is answered %d, %v", status, err)
	}
	if log := w.log.String(); !strings.Contains(log, "a request panicked") || !strings.Contains(log, "faro/bot.") || strings.Contains(log, "canario") {
		t.Errorf("the log says %s", log)
	}
}
