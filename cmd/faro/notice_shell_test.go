package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/people"
)

// shell runs faro notice on the data of this server.
func (w *world) shell(args ...string) (code int, out, errs string) {
	w.t.Helper()
	return command("", append(append([]string{"notice"}, args...), "--data", w.cfg.Data)...)
}

// must is shell for what has to work.
func (w *world) must(args ...string) string {
	w.t.Helper()
	code, out, errs := w.shell(args...)
	if code != 0 {
		w.t.Fatalf("notice %v: %d, %s", args, code, errs)
	}
	return out
}

// made is the id of the notice that send --apply made.
func (w *world) made(out string) string {
	w.t.Helper()
	id := regexp.MustCompile(`(?m)^(c[0-9a-z]+) (goes out|waits)`).FindStringSubmatch(out)
	if id == nil {
		w.t.Fatalf("no notice is made: %s", out)
	}
	return id[1]
}

// is waits until the list shows a notice in a state.
func (w *world) is(id, state string) {
	w.t.Helper()
	listed := regexp.MustCompile(`(?m)^` + id + ` .* ` + state + ` `)
	if err := await(w.context(), func() bool { return listed.MatchString(w.must("list")) }); err != nil {
		w.t.Fatalf("%s is not %s: %s", id, state, w.must("list"))
	}
}

// TestNoticeShellCounts: send only counts and shows each text; --test sends it to one person, --apply to all.
func TestNoticeShellCounts(t *testing.T) {
	w := start(t, nil)
	const chief = ana + 1000
	if err := w.server.trains.Register.Invite(w.context(), "ABCD-2345", people.Invitation{Role: bot.Coordinator}, "test"); err != nil {
		t.Fatal(err)
	}
	w.say(chief, "/start i-ABCD-2345")
	w.tap(chief, "lang/en")
	w.tap(chief, "next")
	w.crowd(3, bot.Person{Lang: "es", Facility: "tapachula"})
	w.text("+525511112222", "tapachula")
	w.text("+525511112222", "2")
	w.text("+525511112222", "1")

	evacuation := []string{"send", "--facility", "tapachula", "--ready", "evacuation", "--blank", "place=Patio", "--until", "14h"}
	out := w.must(evacuation...)
	for _, want := range []string{"people +4\n", "language en +1\n", "language es +3\n", "channel sms +1\n", "channel telegram +3\n", "facility tapachula +4\n",
		`sms en +1 people, \d segments GSM-7\n`, "urgency +emergency\n", "takes +1s, until ", "pace sms +1 a second", "pace telegram +30 a second",
		"— Español —\nEMERGENCIA: Tapachula\nSal ahora.", "— English, SMS —\nEMERGENCY: Tapachula\n", "To end these: STOP\n", "nothing is sent without --apply\n$"} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Contains(out, "— English —") {
		t.Errorf("a text nobody reads is shown:\n%s", out)
	}
	if out := w.must(append(evacuation, "--urgency", "important")...); !regexp.MustCompile("urgency +important\n").MatchString(out) {
		t.Errorf("another urgency than its own: %s", out)
	}
	if all, err := w.server.tells.All(w.context()); err != nil || len(all) != 0 {
		t.Fatalf("counting makes %d notices, %v", len(all), err)
	}

	_, roles, _ := command("", "roles", "--data", w.cfg.Data)
	digest := regexp.MustCompile(`(?m)^(\S+) +coordinator`).FindStringSubmatch(roles)
	if digest == nil {
		t.Fatalf("no coordinator among %s", roles)
	}
	w.must(append(evacuation, "--test", digest[1])...)
	if err := w.telegram.Await(w.context(), func() bool {
		return strings.Contains(w.chat(chief), "TEST. It comes to you alone.") && strings.Contains(w.chat(chief), "Meeting place: Patio")
	}); err != nil {
		t.Errorf("no test: %s", w.chat(chief))
	}
	if all, _ := w.server.tells.All(w.context()); len(all) != 0 || len(w.telegram.Chat(ana)) != 0 {
		t.Error("a test reaches others")
	}

	id := w.made(w.must(append(evacuation, "--apply")...))
	w.is(id, "done")
	if got := w.chat(ana); strings.Count(got, "Punto de reunión: Patio") != 1 {
		t.Errorf("a reader has %q", got)
	}
	if list := w.must(); !regexp.MustCompile(id + ` +\S+ \S+ +done +4 +(arrived 1, )?delivered [34]\n`).MatchString(list) {
		t.Errorf("it is listed as\n%s", list)
	}
	csv := filepath.Join(t.TempDir(), "outcomes.csv")
	w.must("export", id, "-o", csv)
	if lines, err := os.ReadFile(csv); err != nil || strings.Count(string(lines), "\n") != 5 || strings.Contains(string(lines), "5511112222") {
		t.Errorf("%s, %v", lines, err)
	}

	// A correction goes where the notice went, on its clock.
	corrects := w.must("send", "--corrects", id, "--text", "es=No hay peligro.", "--until", "2h")
	for _, want := range []string{"people +4\n", "urgency +emergency\n", "Corrige el aviso anterior.\n"} {
		if !regexp.MustCompile(want).MatchString(corrects) {
			t.Errorf("the correction lacks %q:\n%s", want, corrects)
		}
	}
	w.must("take-back", id)
	if err := await(w.context(), func() bool { return !strings.Contains(w.chat(ana), "Patio") }); err != nil {
		t.Errorf("it is not taken back: %s", w.chat(ana))
	}
	if code, _, errs := w.shell("take-back", id); code != 1 || !strings.Contains(errs, "cannot be done") {
		t.Errorf("taken back twice: %d, %s", code, errs)
	}
	w.calm()
}

// TestNoticeShellActs: what is done to a notice in the shell is done, and what cannot be done says so.
func TestNoticeShellActs(t *testing.T) {
	const people = 400 // for longer than some commands take on a slow machine
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 5 })
	w.crowd(people, bot.Person{Lang: "es", Facility: "tapachula"})
	t.Setenv("FARO_NOTICE_QUIET", "none")
	send := func(more ...string) string {
		t.Helper()
		args := append([]string{"send", "--facility", "tapachula", "--text", "es=Hay agua.", "--until", "2h", "--apply"}, more...)
		return w.made(w.must(args...))
	}
	refused := func(want string, args ...string) {
		t.Helper()
		if code, out, errs := w.shell(args...); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%v: %d, %s%s; want %q", args, code, out, errs, want)
		}
	}
	id := send()
	w.is(id, "sending")
	if out := w.must("pause", id); out != id+": paused\n" {
		t.Errorf("pause says %q", out)
	}
	refused("cannot be done", "pause", id)
	w.must("resume", id)
	w.is(id, "sending")
	w.must("stop", id)
	w.is(id, "stopped")
	refused("cannot be done", "resume", id)
	refused("cannot be done", "approve", id)
	if n := w.heard("Hay agua."); n == people {
		t.Error("what was stopped reaches all")
	}

	t.Setenv("FARO_NOTICE_APPROVAL", "10")
	waits := send()
	w.is(waits, "waiting")
	w.must("refuse", waits)
	w.is(waits, "refused")
	refused("cannot be done", "approve", waits)
	later := send("--at", "1h")
	w.is(later, "waiting")
	if code, out, errs := w.shell("approve", later); code == 0 { // the shell wrote it
		t.Errorf("the shell approves what it wrote: %s%s", out, errs)
	}
	w.must("refuse", later)

	for _, act := range []string{"approve", "refuse", "pause", "resume", "stop", "retry", "take-back", "export"} {
		refused("there is no", act, "nope")
	}
	if code, out, _ := command("", "audit", "--data", w.cfg.Data); code != 0 || strings.Contains(out, "nope") {
		t.Errorf("what is not there is in the audit log: %s", out)
	}
}

// TestNoticeShellRetries: who it failed for gets it once more.
func TestNoticeShellRetries(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	w.crowd(5, bot.Person{Lang: "es", Facility: "tapachula"})
	t.Setenv("FARO_NOTICE_QUIET", "none")
	w.telegram.Fail(2, 400, 0, "Bad Request: something odd")
	id := w.made(w.must("send", "--facility", "tapachula", "--text", "es=Hay agua.", "--until", "2h", "--apply"))
	w.is(id, "done")
	if list := w.must("list"); !strings.Contains(list, "failed 400 2") {
		t.Fatalf("it is listed as\n%s", list)
	}
	w.must("retry", id)
	w.is(id, "done")
	if err := await(w.context(), func() bool { return strings.Contains(w.must("list"), "delivered 5") }); err != nil || w.heard("Hay agua.") != 5 {
		t.Errorf("after retrying:\n%s", w.must("list"))
	}
	if code, _, errs := w.shell("retry", id); code != 1 || !strings.Contains(errs, "cannot be done") {
		t.Errorf("retried for nobody: %d, %s", code, errs)
	}
}

// heard is how many of the crowd have a text in their chat.
func (w *world) heard(text string) (n int) {
	for i := range int64(30) {
		if strings.Contains(w.chat(ana+i), text) {
			n++
		}
	}
	return n
}

// TestNoticeShellRefuses: what makes no sense is named, and nothing is made.
func TestNoticeShellRefuses(t *testing.T) {
	w := start(t, nil)
	w.crowd(2, bot.Person{Lang: "es", Facility: "tapachula"})
	t.Setenv("FARO_NOTICE_QUIET", "none")
	today, tomorrow := time.Now(), time.Now().Add(36*time.Hour).Format(time.DateOnly)
	water := []string{"--facility", "tapachula", "--ready", "water-off", "--until", "6h"}
	blanks := func(day, from, until string) []string {
		return append([]string{"--blank", "day=" + day, "--blank", "time=" + from, "--blank", "until=" + until}, water...)
	}
	text := func(more ...string) []string {
		return append([]string{"--facility", "tapachula", "--text", "es=Hay agua.", "--until", "6h"}, more...)
	}
	for name, c := range map[string]struct {
		want string
		args []string
	}{
		"to whom":            {"give --facility or --state", []string{"--text", "es=x", "--until", "6h"}},
		"no such facility":   {`"atlantis" is not in`, []string{"--facility", "atlantis", "--text", "es=x", "--until", "6h"}},
		"no such state":      {`is in "Atlantis"`, []string{"--state", "Atlantis", "--text", "es=x", "--until", "6h"}},
		"nobody there":       {"no one there would get it", []string{"--facility", "reynosa", "--text", "es=x", "--until", "6h"}},
		"no text":            {"give either --ready or --text", []string{"--facility", "tapachula", "--until", "6h"}},
		"both texts":         {"give either --ready or --text", append([]string{"--text", "es=x"}, water...)},
		"no such notice":     {`"flood" is not in`, []string{"--facility", "tapachula", "--ready", "flood", "--until", "6h"}},
		"no such language":   {`no language "xx"`, text("--lang", "xx")},
		"language of text":   {`no language "xx"`, text("--text", "xx=x")},
		"a blank unfilled":   {"not filled in", water},
		"no such blank":      {"is no blank", text("--blank", "day=2026-12-01")},
		"a blank of letters": {"is not like 09:00", blanks(tomorrow, "nine", "18:00")},
		"a day that is over": {"day=2020-01-01 is over", blanks("2020-01-01", "09:00", "18:00")},
		"an end before":      {"until=09:00 is not after time=18:00", blanks(tomorrow, "18:00", "09:00")},
		"no time at all":     {"until=9:00 is not after time=09:00", blanks(tomorrow, "09:00", "9:00")},
		"a long place":       {"place has 61 characters", []string{"--facility", "tapachula", "--ready", "evacuation", "--blank", "place=" + strings.Repeat("x", 61), "--until", "6h"}},
		"until the past":     {"over", text("--until", "2020-01-01T10:00")},
		"until who knows":    {"more than 30 days ahead", text("--until", "800h")},
		"until nonsense":     {"neither a time like", text("--until", "soon")},
		"at nonsense":        {"neither a time like", text("--at", "soon")},
		"at after until":     {"over", text("--at", today.Add(9*time.Hour).UTC().Format("2006-01-02T15:04"))},
		"corrects nothing":   {`there is no notice "nope"`, []string{"--corrects", "nope", "--text", "es=x", "--until", "6h"}},
		"corrects elsewhere": {"give neither --facility nor --state", text("--corrects", "nope")},
		"tests and applies":  {"give one of them", text("--test", "abc")},
	} {
		code, out, errs := w.shell(append([]string{"send", "--apply"}, c.args...)...)
		if code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d, %s%s; want %q", name, code, out, errs, c.want)
		}
	}
	if code, _, errs := w.shell(append([]string{"send"}, text("--test", "abc")...)...); code == 0 || !strings.Contains(errs, `nobody with a role is "abc"`) {
		t.Errorf("a test to nobody: %d, %s", code, errs)
	}
	if all, err := w.server.tells.All(w.context()); err != nil || len(all) != 0 {
		t.Errorf("%d notices were made, %v", len(all), err)
	}
	if out := w.must(append([]string{"send"}, blanks(tomorrow, "09:00", "18:00")...)...); !regexp.MustCompile(`people +2\n`).MatchString(out) {
		t.Errorf("what makes sense: %s", out)
	}
}
