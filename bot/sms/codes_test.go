package sms

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"faro/internal/fakes"
	"faro/internal/outbox"
)

const (
	account = "AC00000000000000000000000000000001"
	secret  = "token"
)

// TestCodes holds what each of Twilio's codes means for a message and for whom it is to.
func TestCodes(t *testing.T) {
	api := fakes.NewTwilio(account, secret)
	defer api.Close()
	sender, err := NewTwilio(Account{SID: account, Token: secret, From: "+525500000000", API: api.URL()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status, code int
		want         outbox.Error
	}{
		{400, 21211, outbox.Error{Outcome: outbox.Unreachable, Code: "21211"}},
		{400, 21614, outbox.Error{Outcome: outbox.Unreachable, Code: "21614"}},
		{400, 21610, outbox.Error{Outcome: outbox.OptedOut, Code: "21610"}},
		{400, 21617, outbox.Error{Outcome: outbox.Failed, Code: "21617"}},
		{429, 20429, outbox.Error{After: time.Second, Code: "20429"}},
		{400, 21611, outbox.Error{After: time.Second, Code: "21611"}},
		{401, 20003, outbox.Error{Code: "20003"}},
		{500, 20500, outbox.Error{Code: "20500"}},
	} {
		api.FailCode(1, c.status, c.code, "To number +525511112222")
		_, err := sender.Send(t.Context(), outbox.Message{Address: "+525511112222", Body: []byte("x")})
		var got *outbox.Error
		if !errors.As(err, &got) || *got != c.want {
			t.Errorf("%d: %+v, want %+v", c.code, got, c.want)
		}
	}
}

// TestReceiptsSayWhy: a receipt's code goes on with what it says of the person, and nothing but a number does.
func TestReceiptsSayWhy(t *testing.T) {
	const public, path = "https://faro.example", "/twilio/status?day=2026-11-23&part=3"
	api := fakes.NewTwilio(account, secret)
	defer api.Close()
	var got outbox.Report
	handler := NewGate(public, account, secret, func(string) {}).Receipts(func(_ context.Context, _ time.Time, _ int, r outbox.Report) (bool, error) {
		got = r
		return true, nil
	})
	for code, want := range map[string]outbox.Report{
		"":              {},
		"30003":         {Code: "30003"}, // switched off
		"30005":         {Code: "30005", Gone: outbox.Unreachable},
		"30006":         {Code: "30006", Gone: outbox.Unreachable},
		"21211":         {Code: "21211", Gone: outbox.Unreachable},
		"21610":         {Code: "21610", Gone: outbox.OptedOut},
		"+525511112222": {},
	} {
		want.SID, want.Status = "SM1", "undelivered"
		form := api.Receipt("SM1", "undelivered", 0)
		if code != "" {
			form.Set("ErrorCode", code)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, api.Request(public, path, form))
		if w.Code != http.StatusNoContent || got != want {
			t.Errorf("%q: answered %d, %+v", code, w.Code, got)
		}
	}
}
