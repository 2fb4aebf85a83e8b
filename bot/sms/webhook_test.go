package sms

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/fakes"
	"faro/internal/outbox"
)

// FuzzGate holds that whatever is posted to the webhooks is answered, that nothing is taken that Twilio did not
// sign, and that what it signed is a person's text or a receipt of a day and a partition.
func FuzzGate(f *testing.F) {
	twilio := fakes.NewTwilio("AC1", "token")
	f.Cleanup(twilio.Close)
	const text = "MessageSid=SM1&AccountSid=AC1&From=%2B5219612345678&Body=hola"
	f.Add("/twilio/message", text, true)
	f.Add("/twilio/message", text, false)
	f.Add("/twilio/message", text+"&Body=adios", true)
	f.Add("/twilio/message?a=1&a=2", "AccountSid=AC1&From=%ff;", true)
	f.Add("/twilio/status?day=2026-12-01&part=3", "MessageSid=SM1&AccountSid=AC1&MessageStatus=delivered", true)
	f.Add("/twilio/status?day=2026-13-01&part=+3", "MessageSid=SM1&AccountSid=AC1&MessageStatus=delivered", true)
	f.Fuzz(func(t *testing.T, path, body string, signed bool) {
		at, err := url.ParseRequestURI(path)
		if err != nil || at.Host != "" || at.Path == "" {
			return
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL = at
		if form, err := url.ParseQuery(body); signed && err == nil {
			r.Header.Set("X-Twilio-Signature", twilio.Sign("https://faro.example"+at.RequestURI(), form))
		}
		gate := NewGate("https://faro.example", "AC1", "token", func(string) {})
		taken := func() {
			if !signed {
				t.Error("taken without a signature")
			}
		}
		take := func(_ context.Context, address string, in bot.Input) error {
			if taken(); !strings.HasPrefix(address, "+") || in.ID == "" {
				t.Error("an input without a number or an id")
			}
			return nil
		}
		receive := func(_ context.Context, day time.Time, part int, r outbox.Report) (bool, error) {
			if taken(); day.IsZero() && at.Query().Get("day") != "0001-01-01" || part < 0 || part > 99 || r.SID == "" || r.Status == "" {
				t.Errorf("a receipt of %v and partition %d", day, part)
			}
			return true, nil
		}
		for _, handler := range []http.Handler{gate.Messages(take, func(string, bot.Input) string { return "" }), gate.Receipts(receive)} {
			r.Body = http.NoBody
			if body != "" {
				r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).Body
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if !slices.Contains([]int{http.StatusOK, http.StatusNoContent, http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge}, w.Code) {
				t.Errorf("answered %d", w.Code)
			}
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add("MessageSid=SM1&From=%2B5219612345678&Body=hola")
	f.Add("MessageSid=SM1&From=whatsapp:%2B52961&Body=x")
	f.Add("MessageSid=SM1&From=12345&OptOutType=STOP")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		address, in, kind := parse(form)
		if kind != "input" {
			return
		}
		if !strings.HasPrefix(address, "+") || in.ID == "" || in.Channel != bot.SMS {
			t.Error("an input without a number or an id")
		}
		if in.Kind != bot.Text && in.Words != "" {
			t.Errorf("words in an input of kind %d", in.Kind)
		}
	})
}
