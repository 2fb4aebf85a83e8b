package main

import (
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/people"
	"faro/internal/training"
)

// evil is what a text may hold that is something else to a template, a markup or a page.
const evil = `<b>x</b> {{.phone.emergency}} {{end}} [x](tg://user?id=1) &amp; _*~|%s ${x}`

// TestTextsStayTexts: what people write or import is shown as it is, and never read as anything else.
func TestTextsStayTexts(t *testing.T) {
	w := start(t, nil)
	var faults []training.Fault
	begins := time.Now().Add(72 * time.Hour).UTC()
	sheet := "id,course,course title,module,title,place,speakers,date,start,end,zone\n" +
		`s,c,"{{.code}} <i>","{{.phone.cndh}}","` + evil + `","` + evil + `","&lt; {{.session}}",` + begins.Format(time.DateOnly) + ",9:00,10:00,UTC\n"
	err := w.server.trains.Store.Change(w.context(), func(p *training.Programme) error {
		next, _, found := p.Import("evil.csv", []byte(sheet), training.Known{})
		if faults = found; next != nil {
			*p = *next
		}
		return nil
	})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	const chief, phone = ana + 1000, "+525511112222"
	for code, inv := range map[string]people.Invitation{"ABCD-2345": {Role: bot.Admin}, "EFGH-2345": {Role: bot.Staff, Course: "c"}} {
		if err := w.server.trains.Register.Invite(w.context(), code, inv, "test"); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(what, got string, words ...string) {
		t.Helper()
		for _, word := range words {
			if !strings.Contains(got, word) {
				t.Errorf("%s: %q is missing in %q", what, word, got)
			}
		}
	}
	w.say(chief, "/start i-ABCD-2345")
	w.tap(chief, "lang/en")
	w.tap(chief, "next")
	w.text(phone, "EFGH 2345")
	w.text(phone, "2")
	w.text(phone, "1")
	w.text(phone, "training")
	wants("a session by SMS", w.text(phone, "1").Body, "{{.phone.cndh}}: <b>x</b> {{.phone.emergency}}")
	wants("an invitation", w.tap(chief, "invited/c").Text, "{{.code}} <i>")

	w.say(chief, "notice")
	w.tap(chief, "notice-where/new")
	wants("an unknown place", w.say(chief, "{{.phone.cndh}} <b>").Text, "{{.phone.cndh}} <b>")
	w.say(chief, "Tapachula")
	w.tap(chief, "notice-what/all")
	w.tap(chief, "notice-urgency/own")
	w.tap(chief, "notice-lang/routine")
	w.tap(chief, "notice-write/en")
	w.say(chief, evil+" \u202e\u200bnot\u2066 turned "+strings.Repeat("w", 200))
	w.tap(chief, "notice-until")
	w.tap(chief, "notice-when/6h")
	w.tap(chief, "notice-check/now")
	w.tap(chief, "notice-test")
	if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(chief), "It comes to you alone") }); err != nil {
		t.Fatalf("no test: %s", w.chat(chief))
	}
	wants("a notice", w.chat(chief), evil+" not turned "+strings.Repeat("w", 200))
	if strings.ContainsAny(w.last(chief).Text, "\u202e\u200b\u2066") {
		t.Error("invisible characters are sent")
	}

	for _, words := range []string{evil, strings.Repeat("a", 4096), "\u0000\u0001", strings.Repeat("\u0301", 4000), strings.Repeat("👩‍👩‍👧", 400)} {
		if m := w.say(ben, words); strings.Contains(m.Text, words) {
			t.Errorf("a stranger's words come back: %.100q", m.Text)
		}
	}
	w.calm()
}
