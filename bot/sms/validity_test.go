package sms

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"faro/internal/outbox"
)

// TestValidity: Twilio drops what is not valid any more, as far ahead as it can be told.
func TestValidity(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.PostFormValue("ValidityPeriod")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid":"SM1"}`)
	}))
	defer server.Close()
	sender, err := NewTwilio(Account{SID: "AC1", Token: "t", From: "+525500000000", API: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for ahead, most := range map[time.Duration]int{0: 0, 90 * time.Second: 90, time.Millisecond: 1, 11 * time.Hour: 0} {
		m := outbox.Message{Address: "+525511112222", Body: []byte("x")}
		if ahead > 0 {
			m.Until = time.Now().Add(ahead)
		}
		if _, err := sender.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		seconds, _ := strconv.Atoi(got) // "" is none
		if seconds > most || seconds < most-10 || most > 0 && seconds < 1 {
			t.Errorf("%v ahead: %q seconds", ahead, got)
		}
	}
}
