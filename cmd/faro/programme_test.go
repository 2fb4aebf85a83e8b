package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/people"
	"faro/internal/training"
)

// faro runs a command on the data of the running server.
func (w *world) faro(args ...string) (code int, out, errs string) {
	return command("", append(args, "--data", w.cfg.Data)...)
}

// done runs a command that must do its work, and returns what it printed.
func (w *world) done(args ...string) string {
	w.t.Helper()
	code, out, errs := w.faro(args...)
	if code != 0 {
		w.t.Fatalf("faro %s: %d, %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// fails runs a command that must fail, with such an error.
func (w *world) fails(want string, args ...string) {
	w.t.Helper()
	if code, out, errs := w.faro(args...); code != 1 || !regexp.MustCompile(`^(?s:`+want+`)\n$`).MatchString(errs) {
		w.t.Errorf("faro %s: %d, %q, %q; want %s", strings.Join(args, " "), code, out, errs, want)
	}
}

func (w *world) stored() *training.Programme {
	w.t.Helper()
	p, err := w.server.trains.Store.Load(w.context())
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// sheet writes a file to import.
func sheet(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	sessionsHead = "id,course,title,place,date,start,end,zone\n"
	peopleHead   = "id,course,delegation,facility,zone,phone,lang\n"
)

// TestImporting: without --apply nothing is changed; of several files all are imported or none; a repetition changes nothing,
// and brings back nobody.
func TestImporting(t *testing.T) {
	w := start(t, nil)
	day := time.Now().AddDate(0, 0, 9).Format(time.DateOnly)
	sessions := sheet(t, "s.csv", sessionsHead+"s1,c,Género,Aula 1,"+day+",9:00,13:00,America/Tijuana\n")
	bad := sheet(t, "bad.csv", sessionsHead+"s1,c,Género,Aula 1,"+day+",9:00,8:00,America/Tijuana\n")
	members := sheet(t, "p.csv", peopleHead+"m1,c,Sonora,,,55 1111 2222,es\nm2,c,Sonora,,,55 1111 3333,es\n")
	worse := sheet(t, "worse.csv", peopleHead+"m1,c,Chapas,,,12,es\n")
	untouched := func(what string) {
		t.Helper()
		if p := w.stored(); len(p.Sessions)+len(p.Members)+len(p.Courses) != 0 {
			t.Errorf("%s: %d sessions, %d people, %d courses are there", what, len(p.Sessions), len(p.Members), len(p.Courses))
		}
		if roles := w.done("roles"); strings.Count(roles, "\n") != 1 {
			t.Errorf("%s: someone has a role: %s", what, roles)
		}
	}
	const changes = "new course c\nnew session s1: .*\nnew person m1\nnew person m2\n4 changes: "
	if out := w.done("training", "import", sessions, members); !regexp.MustCompile("^" + changes + "nothing was changed yet; repeat with --apply to do it\n$").MatchString(out) {
		t.Errorf("without --apply: %q", out)
	}
	untouched("without --apply")
	w.fails(`bad.csv:2: the end is not after the start\nworse.csv:2: delegation: .*\nworse.csv:2: phone: not a phone number\nfaro: nothing was imported: mend the 3 faults above`,
		"training", "import", "--apply", bad, worse)
	w.fails(`worse.csv:2: .*mend the 2 faults above`, "training", "import", "--apply", sessions, worse)
	untouched("with a fault in one of two files")
	if out := w.done("training", "import", "--apply", sessions, members); !regexp.MustCompile("^" + changes + "done\n$").MatchString(out) {
		t.Errorf("with --apply: %q", out)
	}
	if out := w.done("training", "import", "--apply", sessions, members); out != "0 changes: done\n" {
		t.Errorf("again: %q", out)
	}
	digest := func(id string) string { return people.Digest(w.stored().Members[id].Person) }
	wrong, gone := digest("m1"), digest("m2")
	if roles := w.done("roles"); !strings.Contains(roles, wrong) || !strings.Contains(roles, gone) {
		t.Fatalf("who can be reached has no role: %s", roles)
	}

	// A corrected number: whoever is at the wrong one is nobody any more. A role that was taken stays taken.
	members = sheet(t, "p.csv", peopleHead+"m1,c,Sonora,,,55 1111 4444,es\nm2,c,Sonora,,,55 1111 3333,es\n")
	if out := w.done("roles", "remove", gone); out != gone+" is no staff any more\n" {
		t.Errorf("taking a role away: %q", out)
	}
	w.fails(`faro: 0 people with a role are called .*`, "roles", "remove", gone)
	if out := w.done("training", "import", "--apply", sessions, members); out != "person m1: another phone number\n1 changes: done\n" {
		t.Errorf("a corrected number: %q", out)
	}
	if out := w.done("training", "import", "--apply", sessions, members); out != "0 changes: done\n" {
		t.Errorf("again: %q", out)
	}
	if roles := w.done("roles"); strings.Count(roles, "\n") != 2 || !strings.Contains(roles, digest("m1")) || strings.Contains(roles, wrong) {
		t.Errorf("with a corrected number and a role that was taken: %s", roles)
	}
	if list := w.done("training", "people"); !regexp.MustCompile(`(?m)^m1 +c +Sonora +- +yes +`+digest("m1")+`$`).MatchString(list) || !regexp.MustCompile(`(?m)^m2 +c +Sonora +- +left +-$`).MatchString(list) {
		t.Errorf("the people: %s", list)
	}
	w.calm()
}

// TestInviting: an invitation of a sheet opens by its link or its code, once; a roster has one for each who has not joined.
// Who joined without a course is listed, and put into one.
func TestInviting(t *testing.T) {
	w := start(t, nil)
	w.programme(0, time.Now().Add(50*time.Hour))
	if err := w.server.trains.Store.Change(w.context(), func(p *training.Programme) error {
		p.Courses["d"] = &training.Course{ID: "d", Title: "Grupo 2"}
		for id, course := range map[string]string{"m1": "c", "m2": "c", "m3": "d"} {
			p.Members[id] = &training.Member{ID: id, Courses: []string{course}, Facility: "tapachula"}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sheet.csv")
	read := func(args ...string) (rows [][]string) {
		t.Helper()
		_ = os.Remove(file)
		w.done(append([]string{"invite", "--out", file}, args...)...)
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if info, _ := f.Stat(); info.Mode().Perm() != 0o600 {
			t.Errorf("others may read the sheet: %v", info.Mode())
		}
		rows, err = csv.NewReader(f).ReadAll()
		if err != nil || !slices.Equal(rows[0], []string{"member", "role", "facility", "code", "telegram", "expires"}) {
			t.Fatalf("%v: %v", rows, err)
		}
		return rows[1:]
	}
	w.fails(`faro: --facility: .*`, "invite", "--facility", "nowhere")
	w.fails(`faro: --course: .*`, "invite", "--course", "nope")
	w.fails(`faro: --count: 0 is not .*`, "invite", "--count", "0")
	for _, also := range [][]string{{"--count", "2"}, {"--facility", "tapachula"}, {"--role", "trainer"}} {
		w.fails(`faro: --roster makes one for each .*`, append([]string{"invite", "--roster"}, also...)...)
	}
	if rows := read(); len(rows) != 1 {
		t.Errorf("one if not told: %v", rows)
	}
	rows := read("--role", "staff", "--facility", "tapachula", "--count", "3", "--bot", "FaroBot")
	codes := map[string]bool{}
	for _, row := range rows {
		code := row[3]
		if read, ok := people.ReadCode(code); !ok || read != code || row[0] != "" || row[1] != "staff" || row[2] != "tapachula" ||
			row[4] != "https://t.me/FaroBot?start=i-"+code || row[5] != time.Now().Add(people.InvitationLife).Format(time.DateOnly) {
			t.Errorf("an invitation: %q", row)
		}
		codes[code] = true
	}
	if len(codes) != 3 {
		t.Fatalf("%d codes", len(codes))
	}
	w.fails(`faro: write a new file: .*exists`, "invite", "--out", file)

	joins := func(chat int64, words string) string {
		t.Helper()
		w.say(chat, words)
		w.tap(chat, "lang/en")
		return w.tap(chat, "next").Text
	}
	if text := joins(ana, "/start i-"+rows[0][3]); !strings.Contains(text, "registered as staff") {
		t.Errorf("by the link: %q", text)
	}
	if text := joins(ben, rows[0][3]); strings.Contains(text, "registered") {
		t.Errorf("the same code for someone else: %q", text)
	}

	// The course is missing in the invitation: whoever took it is found, and put into one.
	list := w.done("training", "people", "--unassigned")
	found := regexp.MustCompile(`(?m)^(i\S+) +- +Chiapas +tapachula +yes +` + people.Digest(w.id(ana)) + `$`).FindStringSubmatch(list)
	if found == nil || strings.Count(list, "\n") != 2 {
		t.Fatalf("who is in no course: %s", list)
	}
	w.fails(`faro: there is no course "x"; there are: c, d`, "training", "enrol", "--course", "x", found[1])
	w.fails(`faro: there is no person "nobody"; .*`, "training", "enrol", "--course", "c", found[1], "nobody")
	if m := w.stored().Member(w.id(ana)); len(m.Courses) != 0 {
		t.Errorf("half done: %v", m.Courses)
	}
	if out := w.done("training", "enrol", "--course", "c", found[1]); out != "1 people are in course c\n" {
		t.Errorf("enrolling: %q", out)
	}
	if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(ana), "Derechos humanos") }); err != nil {
		t.Errorf("who was enrolled is not reminded: %s", w.chat(ana))
	}

	members := func(rows [][]string) (all []string) {
		for _, row := range rows {
			all = append(all, row[0])
		}
		return all
	}
	if rows = read("--roster"); !slices.Equal(members(rows), []string{"m1", "m2", "m3"}) || rows[0][2] != "tapachula" {
		t.Errorf("the roster: %q", rows)
	}
	if rows = read("--roster", "--course", "c"); !slices.Equal(members(rows), []string{"m1", "m2"}) {
		t.Errorf("the roster of a course: %q", rows)
	}
	w.say(ben, rows[1][3])
	if m := w.stored().Members["m2"]; m.Person != w.id(ben) {
		t.Errorf("who took the roster's invitation is not m2: %+v", m)
	}
	if rows = read("--roster"); !slices.Equal(members(rows), []string{"m1", "m3"}) {
		t.Errorf("the roster without who joined: %q", rows)
	}
	w.calm()
}

// TestTakingARoleAway forgets who had it: they are nobody of the programme any more, and what they answered is gone.
func TestTakingARoleAway(t *testing.T) {
	w := start(t, nil)
	w.programme(1, time.Now().Add(30*time.Minute))
	id := w.id(ana)
	if err := w.server.trains.Register.Enrol(w.context(), id, "", "test"); err != nil {
		t.Fatal(err)
	}
	if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(ana), "Derechos humanos") }); err != nil {
		t.Fatal("ana is not reminded")
	}
	w.say(ana, "/start")
	w.tap(ana, "lang/en")
	w.tap(ana, "next")
	w.tap(ana, "coming/s")
	w.tap(ana, "here/s")
	w.say(ana, "ABC234")
	answers := func() string { return w.done("training", "export") }
	if err := await(w.context(), func() bool { return strings.Contains(answers(), ",p0,,,yes,yes,yes\n") }); err != nil {
		t.Fatalf("that she comes and is there is not kept: %s", answers())
	}
	w.done("roles", "remove", people.Digest(id))
	if got := answers(); !strings.Contains(got, ",p0,,,,,\n") {
		t.Errorf("of whose role was taken there is still %s", got)
	}
	if p := w.stored(); p.Member(id) != nil || !p.Members["p0"].Left {
		t.Errorf("they are still in the programme: %+v", p.Members["p0"])
	}
	if role, err := w.server.trains.Register.Role(w.context(), id); err != nil || role != bot.Migrant {
		t.Errorf("they are still %q, %v", role, err)
	}
	if text := w.say(ana, "training").Text; strings.Contains(text, "Choose a session") {
		t.Errorf("they still see sessions: %q", text)
	}
	w.calm()
}

// TestSampleProgramme: the command writes two files, and the command it prints imports them.
func TestSampleProgramme(t *testing.T) {
	w := start(t, nil)
	dir := t.TempDir()
	code, out, errs := command("", "training", "sample", dir, "--first", "2030-12-07")
	words := strings.Fields(out)
	if code != 0 || len(words) != 6 || strings.Join(words[:4], " ") != "faro training import --apply" {
		t.Fatalf("the sample: %d, %q, %q", code, out, errs)
	}
	if out = w.done(words[1:]...); !strings.HasSuffix(out, "\n1051 changes: done\n") {
		t.Errorf("importing it: %q", out[max(0, len(out)-200):])
	}
	p := w.stored()
	first := p.Sorted()[0].Start
	if got := fmt.Sprint(len(p.Courses), len(p.Sessions), len(p.Members), " ", first.Format("2006-01-02")); got != "8 80 963 2030-12-09" { // a Monday
		t.Errorf("imported %s", got)
	}
	if code, _, errs = command("", "training", "sample", dir); code != 1 || !strings.Contains(errs, "exists") {
		t.Errorf("over files that are there: %d, %q", code, errs)
	}
	if code, _, errs = command("", "training", "sample", t.TempDir(), "--first", "7/12"); code != 1 || !strings.Contains(errs, "is not a day like") {
		t.Errorf("a bad day: %d, %q", code, errs)
	}
}

// TestTimeZonesAreBuiltIn: the program needs no zones of the system it runs on.
func TestTimeZonesAreBuiltIn(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("time/tzdata is not in the program")
	}
}
