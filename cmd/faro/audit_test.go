package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/people"
)

// TestAudit: who did what with roles, sessions, notices, keys, exports, imports and retention is in the log, in
// order, without a text, a name or an address; and nothing takes a line away.
func TestAudit(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Forget.Person = "30d" })
	w.programme(0, time.Now().Add(48*time.Hour))
	run := func(args ...string) string {
		t.Helper()
		code, out, errs := command("", append(args, "--data", w.cfg.Data)...)
		if code != 0 {
			t.Fatalf("%q: %s", args, errs)
		}
		return out
	}
	dir := t.TempDir()
	sheet := filepath.Join(dir, "people.csv")
	if err := os.WriteFile(sheet, []byte("id,course,delegation,facility,zone,phone,lang\ncanary-1,c,Chiapas,tapachula,,55 1111 3333,es\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := func() (what []string, all string) {
		for line := range strings.Lines(run("audit")) {
			var e people.Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			what = append(what, e.What)
			all += line
		}
		return what, all
	}
	if err := await(w.context(), func() bool { _, all := log(); return strings.Contains(all, "retention set") }); err != nil {
		t.Error("how long people are kept is not noted")
	}
	if err := w.server.trains.Register.Invite(w.context(), "JKMN-2345", people.Invitation{Role: bot.Coordinator}, "test"); err != nil {
		t.Fatal(err)
	}
	w.say(ana, "/start i-JKMN-2345")
	run("training", "import", "--apply", sheet)
	run("training", "set", "--reminders", "1d")
	run("training", "export", "-o", filepath.Join(dir, "answers.csv"))
	w.notice("n1")
	w.over(w.context(), "n1")
	run("notice", "export", "n1", "-o", filepath.Join(dir, "n1.csv"))
	run("training", "remove", "c", "--apply")
	run("keys", "add")
	w.everyKey(1)
	before, _ := log()
	run("keys", "rotate")
	run("keys", "retire")
	what, all := log()
	got := strings.Join(what, "|")
	at := 0
	for _, want := range []string{"retention set", "invited", "joined", "enrolled", "programme imported", "training set", "answers exported", "notice made",
		"notice exported", "course removed", "key added", "key in force", "is called otherwise", "key rotated", "key retired"} {
		i := strings.Index(got[at:], want)
		if i < 0 {
			t.Fatalf("%q is missing, or not in order: %s", want, got)
		}
		at += i
	}
	if !strings.HasPrefix(got, strings.Join(before, "|")) {
		t.Errorf("lines were changed: %s", got)
	}
	if !strings.Contains(all, "dialogue 3d, person 30d, questions none") {
		t.Errorf("the retention: %s", all)
	}
	for _, canary := range []string{"canary", "5511113333", "55 1111 3333", "777000111", "Hoy no hay agua", "JKMN", string(w.id(ana))} {
		if strings.Contains(all, canary) {
			t.Errorf("the log holds %q", canary)
		}
	}
	// A digest of the old key leads to the one that faro roles shows now.
	if roles := run("roles"); !strings.Contains(all, `"about":"`+strings.Fields(strings.Split(roles, "\n")[1])[0]+`"`) {
		t.Errorf("who holds a role is not in the log: %s\n%s", roles, all)
	}
	w.stop()
	w.run()
	if again, _ := log(); len(again) != len(what) {
		t.Errorf("a restart with the same settings adds %q", again[len(what):])
	}
}
