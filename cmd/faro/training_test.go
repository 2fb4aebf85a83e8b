package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/fakes"
	"faro/internal/outbox"
	"faro/internal/people"
	"faro/internal/quiet"
	"faro/internal/training"
)

// officials is how many are trained.
const officials = 963

// programme puts a session that begins in two hours before so many people on Telegram.
func (w *world) programme(people int, start time.Time) {
	w.t.Helper()
	err := w.server.trains.Store.Change(w.context(), func(p *training.Programme) error {
		p.Settings.Quiet = quiet.Hours{} // the test runs at any hour
		p.Courses["c"] = &training.Course{ID: "c", Title: "Grupo 1"}
		p.Sessions["s"] = &training.Session{ID: "s", Course: "c", Title: "Derechos humanos", Place: "Aula 1", Zone: "America/Tijuana",
			Start: start, End: start.Add(4 * time.Hour), Version: 1, Code: "ABC234"}
		for i := range people {
			id := fmt.Sprint("p", i)
			p.Members[id] = &training.Member{ID: id, Courses: []string{"c"}, Person: w.server.taker.Vault.Seal(bot.Telegram, fmt.Sprint(ana+int64(i)))}
			w.telegram.Know(ana + int64(i))
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestKilledWhileReminding: the process that began to remind 963 people is killed while they are being
// sent. Everybody is reminded, and only those in the provider's hands at that moment perhaps twice.
func TestKilledWhileReminding(t *testing.T) {
	const killAt, inHands = 200, outbox.Unacknowledged
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	program, _ := w.process()
	if err := await(w.context(), func() bool { return w.server.outbox.Held() == 8 }); err != nil {
		t.Fatalf("this process holds %d partitions", w.server.outbox.Held())
	}
	var sent atomic.Int64
	w.telegram.OnSend = func(int64, time.Time) {
		if sent.Add(1) == killAt { // before the provider's yes is heard
			_ = program.Process.Kill()
		}
	}
	w.programme(officials, time.Now().Add(2*time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // asynq gives a dead process 30 seconds
	defer cancel()
	missing := func() (n int) {
		for i := range officials {
			if len(w.telegram.Chat(ana+int64(i))) == 0 {
				n++
			}
		}
		return n
	}
	if err := w.telegram.Await(ctx, func() bool { return w.telegram.Sent() >= officials && missing() == 0 }); err != nil {
		t.Fatalf("%d of %d are never reminded: %v\n%s", missing(), officials, err, w.log.String())
	}
	w.stop()
	twice := w.telegram.Sent() - officials
	if twice > inHands {
		t.Errorf("%d are reminded twice; at most %d were in the dead process's hands", twice, inHands)
	}
	t.Logf("%d people, %d reminded twice", officials, twice)
	w.calm()
}

// TestTraining goes through the whole on both channels: invitations, a session posted in the chat,
// answers, who comes, a cancellation, and leaving. Nothing readable stays in Redis or the log.
func TestTraining(t *testing.T) {
	w := start(t, nil)
	w.programme(0, time.Now().Add(50*time.Minute))
	for code, inv := range map[string]people.Invitation{
		"ABCD-2345": {Role: bot.Trainer},
		"EFGH-2345": {Role: bot.Staff, Course: "c", Facility: "tapachula"},
		"JKMN-2345": {Role: bot.Staff, Course: "c"},
	} {
		if err := w.server.trains.Register.Invite(w.context(), code, inv, "test"); err != nil {
			t.Fatal(err)
		}
	}
	const chief, phone = ana + 1000, "+525511112222"
	joins := func(chat int64, words string) fakes.Shown {
		t.Helper()
		w.say(chat, words)
		w.tap(chat, "lang/en")
		return w.tap(chat, "next")
	}
	wants := func(got string, words ...string) {
		t.Helper()
		for _, word := range words {
			if !strings.Contains(got, word) {
				t.Errorf("%q is missing in %q", word, got)
			}
		}
	}
	if wrong := w.say(ben, "ZZZZ-2345"); strings.Contains(wrong.Text, "registered") {
		t.Errorf("a wrong code: %q", wrong.Text)
	}
	wants(joins(chief, "/start i-ABCD-2345").Text, "registered as trainer")
	wants(joins(ana, "efgh2345").Text, "registered as staff")
	w.text(phone, "JKMN 2345")
	w.text(phone, "2")
	wants(w.text(phone, "1").Body, "registered as staff")
	if again := w.say(ana, "efgh2345"); !strings.Contains(again.Text, "registered as staff") {
		t.Errorf("one's own code again: %q", again.Text)
	}

	// Both are reminded of the session that is near; then nothing comes between what the trainer is told.
	if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(ana), "Derechos humanos") }); err != nil {
		t.Fatalf("ana is not reminded: %s", w.chat(ana))
	}
	if err := w.twilio.Await(w.context(), func() bool { return len(w.twilio.Inbox(phone)) >= 4 }); err != nil {
		t.Fatalf("the phone is not reminded: %d messages", len(w.twilio.Inbox(phone)))
	}

	// The trainer posts another session in Tijuana, for tomorrow.
	tomorrow := time.Now().AddDate(0, 0, 1)
	w.say(chief, "training")
	w.tap(chief, "post-course")
	w.tap(chief, "post-title/new.c")
	w.say(chief, "Canaria crisis")
	w.say(chief, tomorrow.Format("2/1/2006"))
	w.say(chief, "9:00-13:00")
	w.tap(chief, "post-place/tijuana")
	wants(w.say(chief, "Room 9").Text, "Canaria crisis", "group: 2")
	w.tap(chief, "post-done")

	// Both are reminded at once: the times of the nearest reminders are over.
	if err := w.telegram.Await(w.context(), func() bool {
		return strings.Contains(w.chat(ana), "Canaria crisis") && strings.Contains(w.chat(ana), "Derechos humanos")
	}); err != nil {
		t.Fatalf("ana is not reminded: %s", w.chat(ana))
	}
	if err := w.twilio.Await(w.context(), func() bool { return len(w.twilio.Inbox(phone)) >= 5 }); err != nil {
		t.Fatalf("the phone is not reminded: %d messages", len(w.twilio.Inbox(phone)))
	}
	wants(w.tap(ana, "coming/s").Text, "you come", "Derechos humanos")
	wants(w.text(phone, "not coming").Body, "you do not come")

	// One's own session as a file, and all of them by a secret link.
	file := w.tap(ana, "calendar/s")
	wants(file.File, "session.ics\n", "BEGIN:VCALENDAR", "SUMMARY:Derechos humanos", "UID:s@faro")
	link := regexp.MustCompile(publicURL + `(/calendar/\S+\.ics)`).FindStringSubmatch(file.Text)
	if link == nil {
		t.Fatalf("no link in %q", file.Text)
	}
	if status, feed := w.get(link[1]); status != http.StatusOK || strings.Count(feed, "BEGIN:VEVENT") != 2 {
		t.Errorf("the calendar: %d\n%s", status, feed)
	}
	if status, _ := w.get(strings.Replace(link[1], "/calendar/", "/calendar/A", 1)); status != http.StatusNotFound {
		t.Errorf("a guessed calendar: %d", status)
	}
	wants(w.tap(ana, "training").Text, "Choose a session") // a file cannot be edited: it comes anew

	counted := func(report string) {
		t.Helper()
		told := func() bool { return strings.Contains(w.chat(chief), report) }
		for deadline := time.Now().Add(patience); ; {
			w.tap(chief, "who/s")
			ctx, cancel := context.WithTimeout(w.context(), 3*time.Second) // who asks more often is told to wait
			err := await(ctx, told)
			cancel()
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the trainer is not told %q: %s", report, w.chat(chief))
			}
			w.tap(chief, "training")
		}
		w.tap(chief, "training")
	}
	counted("Coming: 1.")
	counted("Reached: 2 of 2")

	// An invitation is a code and a link.
	if invite := w.tap(chief, "invite").Text; !regexp.MustCompile(`\n([0-9A-Z]{4}-[0-9A-Z]{4})\n[^\n]*\n.*https://t\.me/faro_test_bot\?start=i-`).MatchString(invite) {
		t.Errorf("an invitation: %q", invite)
	}
	w.tap(chief, "training")

	// A cancellation reaches those who know of the session.
	w.tap(chief, "cancel/s")
	w.tap(chief, "cancel-yes/s")
	if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(ana), "is cancelled") }); err != nil {
		t.Fatalf("ana does not hear of the cancellation: %s", w.chat(ana))
	}

	// Leaving: the role goes, and the trainer sees who will not be reached.
	w.post(w.telegram.Say(ana, "en", "ERASE"))
	gone := func() bool {
		role, err := w.server.trains.Register.Role(w.context(), w.server.taker.Vault.Seal(bot.Telegram, fmt.Sprint(ana)))
		return err == nil && role == bot.Migrant
	}
	if err := await(w.context(), gone); err != nil {
		t.Error("who erased themselves still has the role")
	}
	if err := await(w.context(), func() bool { status, _ := w.get(link[1]); return status == http.StatusNotFound }); err != nil {
		t.Error("the calendar of who erased themselves is still there")
	}
	for where, what := range map[string]string{"Redis": w.dump(), "the log": w.log.String()} {
		for _, canary := range []string{"Canaria", "Derechos", "tapachula", "ABCD", "2345", "Room 9", "5511112222", "777000111"} {
			if strings.Contains(what, canary) && !(canary == "2345" && where == "Redis") {
				t.Errorf("%s holds %q", where, canary)
			}
		}
	}
	w.calm()
}

// chat is everything in someone's chat.
func (w *world) chat(id int64) string {
	var b strings.Builder
	for _, m := range w.telegram.Chat(id) {
		b.WriteString(m.Text + "\n")
	}
	return b.String()
}

// TestRemovingACourse: the command says what goes, and does it only with --apply.
func TestRemovingACourse(t *testing.T) {
	w := start(t, nil)
	w.programme(2, time.Now().Add(48*time.Hour))
	remove := func(args ...string) (int, string, string) {
		return command("", append([]string{"training", "remove", "--data", w.cfg.Data}, args...)...)
	}
	count := func() string {
		p, err := w.server.trains.Store.Load(w.context())
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(len(p.Courses), len(p.Sessions), len(p.Members))
	}
	if code, _, errs := remove("--apply", "x"); code != 1 || errs != "faro: there is no course \"x\"; there are: c\n" {
		t.Errorf("a course there is not: %d, %q", code, errs)
	}
	const what = `session s: Derechos humanos, .*\nperson p0: in no other course\nperson p1: in no other course\n1 sessions are still ahead; nobody is told: .*\n` +
		`course c, 1 sessions, 2 people: `
	if code, out, errs := remove("c"); code != 0 || !regexp.MustCompile(`^`+what+`nothing was removed yet; repeat with --apply to do it\n$`).MatchString(out) || count() != "1 1 2" {
		t.Errorf("without --apply: %d, %q, %q; there remain %s", code, out, errs, count())
	}
	if code, out, errs := remove("--apply", "c"); code != 0 || !regexp.MustCompile(`^`+what+`removed\n$`).MatchString(out) || count() != "0 0 0" {
		t.Errorf("with --apply: %d, %q, %q; there remain %s", code, out, errs, count())
	}
	if _, out, _ := command("", "audit", "--data", w.cfg.Data); strings.Count(out, `"what":"course removed","by":"command line","about":"c"`) != 1 {
		t.Errorf("the audit log: %q", out)
	}
}
