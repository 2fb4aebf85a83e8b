package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/people"
)

// TestForgedSender: who can send texts with the number of somebody with a role, but not read that phone, cancels no session
// and sends no notice. Who reads the codes there does both, whichever process showed the code and whichever hears it.
func TestForgedSender(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Twilio.Rate = 0 })
	_, program := w.process("FARO_TWILIO_ACCOUNT_SID="+accountSID, "FARO_TWILIO_AUTH_TOKEN="+authToken, "FARO_TWILIO_FROM="+ourNumber,
		"FARO_TWILIO_API="+w.twilio.URL(), "FARO_TWILIO_RATE=0", "FARO_NOTICE_QUIET=none")
	here := w.url
	w.programme(0, time.Now().Add(50*time.Minute))
	for code, inv := range map[string]people.Invitation{
		"ABCD-2345": {Role: bot.Trainer}, "JKMN-2345": {Role: bot.Coordinator}, "EFGH-2345": {Role: bot.Staff, Course: "c", Facility: "tapachula"},
	} {
		if err := w.server.trains.Register.Invite(w.context(), code, inv, "test"); err != nil {
			t.Fatal(err)
		}
	}
	w.say(ana, "/start i-EFGH-2345")
	w.tap(ana, "lang/en")
	w.tap(ana, "next")
	const trainer, coordinator = "+525511112222", "+525511113333"
	reads := func(phone, text string) bool {
		for _, sms := range w.twilio.Inbox(phone) {
			if strings.Contains(sms.Body, text) {
				return true
			}
		}
		return false
	}
	// code is the last one on a phone.
	code := func(phone string) string {
		t.Helper()
		last := ""
		for _, sms := range w.twilio.Inbox(phone) {
			if found := regexp.MustCompile(`reply: ([B-Z]{6})\n`).FindStringSubmatch(sms.Body); found != nil {
				last = found[1]
			}
		}
		if last == "" {
			t.Fatal("the phone reads no code")
		}
		return last
	}
	told := func(text string) {
		t.Helper()
		if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(ana), text) }); err != nil {
			t.Fatalf("ana is not told %q: %s", text, w.chat(ana))
		}
	}
	told("Derechos humanos") // or nobody would tell her of the cancellation
	for _, words := range []string{"abcd 2345", "2", "1", "training", "1", "4", "1", "1", "BCDFGH"} {
		w.text(trainer, words)
	}
	if p, err := w.server.trains.Store.Load(w.context()); err != nil || p.Sessions["s"].Cancelled || reads(trainer, "Cancelled.") {
		t.Fatalf("forged texts cancel a session; %v", err)
	}
	w.url = program
	if got := w.text(trainer, strings.ToLower(code(trainer))).Body; !strings.Contains(got, "Cancelled.") {
		t.Errorf("the code on the phone leads to %q", got)
	}
	told("is cancelled")

	w.url = here
	for _, words := range []string{"jkmn 2345", "2", "1", "notice", "1", "Tapachula", "1", "1", "The yard", "1", "1"} {
		w.text(coordinator, words)
	}
	if err := w.twilio.Await(w.context(), func() bool { return reads(coordinator, "To send it, reply: ") }); err != nil {
		t.Fatal("nobody counts the readers")
	}
	for _, words := range []string{"1", "BCDFGH"} {
		w.text(coordinator, words)
	}
	if all, err := w.server.tells.All(w.context()); err != nil || len(all) > 0 {
		t.Fatalf("forged texts make %d notices; %v", len(all), err)
	}
	w.url = program
	w.text(coordinator, code(coordinator))
	told("The yard")
	w.calm()
}
