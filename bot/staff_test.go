package bot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/flows"
	"faro/locales"
)

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// desk is that of an admin in Cancún, who has a session in Tijuana and one in Mexico City.
func desk() bot.Desk {
	first := time.Date(2026, 12, 7, 9, 0, 0, 0, zone("America/Tijuana"))
	second := time.Date(2026, 12, 8, 10, 0, 0, 0, zone("America/Mexico_City"))
	return bot.Desk{Role: bot.Admin, Secret: "of a test", Zone: zone("America/Cancun"), Fresh: "7QH2-M0XK", Link: "https://t.me/FaroBot?start=i-7QH2-M0XK", Feed: "https://faro.example.org/calendar/x.ics", Courses: []bot.Course{{ID: "c1", Title: "Grupo 1", People: 48}},
		Sessions: []bot.Session{
			{ID: "s1", Course: "c1", Title: "Derechos humanos", Place: "Aula 1", Speakers: "CNDH", Start: first, End: first.Add(4 * time.Hour), Version: 1, Mine: true, People: 48, Code: "ABC234"},
			{ID: "s2", Course: "c1", Title: "Género", Place: "Aula 2", Start: second, End: second.Add(3 * time.Hour), Version: 1, Mine: true, People: 12, Code: "XYZ789"},
		}}
}

func draft() bot.Draft {
	return bot.Draft{Session: "s1", Course: "c1", Title: "Derechos humanos", Day: "2026-12-07", From: "09:00", Until: "13:00", Zone: "America/Tijuana", Place: "Aula 1"}
}

// worker is someone with a role; what they set off changes their desk.
type worker struct {
	*someone
	desk bot.Desk
}

func work(t testing.TB, ch bot.Channel, lang locales.Lang, role bot.Role) *worker {
	w := &worker{known(t, ch, lang), desk()}
	w.desk.Role, w.p.Role = role, role
	return w
}

func (w *worker) does(in bot.Input) bot.Turn {
	in.Desk = w.desk
	in.Desk.Sessions = slices.Clone(w.desk.Sessions)
	turn := w.send(in)
	for _, e := range turn.Effects {
		for i := range w.desk.Sessions {
			s := &w.desk.Sessions[i]
			switch {
			case e.Answer != nil && e.Answer.Session == s.ID:
				s.Answer = e.Answer.Answer
			case e.Cancel == s.ID:
				s.Cancelled = true
			}
		}
		if e.Delegation != "" {
			w.desk.Delegation = e.Delegation
		}
	}
	return turn
}

func (w *worker) says(words string) bot.Turn { return w.does(bot.Input{Words: bot.Words(words)}) }
func (w *worker) taps(data string) bot.Turn {
	return w.does(bot.Input{Kind: bot.Choice, Choice: data, Message: 1})
}

// acts taps what reaches others, and by SMS answers with the code that it asks for.
func (w *worker) acts(data string) bot.Turn {
	turn := w.taps(data)
	if w.d.At.Step == flows.Prove {
		turn = w.says(w.code(turn.Replies[0]))
	}
	return turn
}

// actsAloud is acts for the golden conversations.
func (w *worker) actsAloud(data string, line func(string, bot.Turn)) {
	turn := w.taps(data)
	line("["+data+"]", turn)
	if w.d.At.Step == flows.Prove {
		code := w.code(turn.Replies[0])
		line(code, w.says(code))
	}
}

func TestCommandsOfRolesAreOnlyForThem(t *testing.T) {
	migrant := known(t, bot.SMS, "es")
	for _, word := range []string{"si", "no", "curso", "quizas", "voy"} {
		if turn := migrant.says(word); len(turn.Effects) != 0 || strings.HasPrefix(turn.Dialogue.At.Step, "training") || turn.Dialogue.At.Step == "coming" {
			t.Errorf("%q from a migrant leads to %v", word, turn.Dialogue.At)
		}
	}
	staff := work(t, bot.SMS, "es", bot.Staff)
	if turn := staff.taps("post-course"); turn.Dialogue.At.Step == "post-course" {
		t.Error("staff can post")
	}
	if turn := staff.says("curso"); turn.Dialogue.At.Step != "training" {
		t.Errorf("training leads to %v", turn.Dialogue.At)
	}
	for word, want := range map[string]bot.Answer{"Sí": bot.Coming, "no puedo": bot.NotComing, "quizás": bot.Maybe} {
		turn := staff.says(word)
		if len(turn.Effects) != 1 || turn.Effects[0].Answer == nil || *turn.Effects[0].Answer != (bot.Reaction{Session: "s1", Answer: want, Version: 1}) {
			t.Errorf("%q sets off %v", word, turn.Effects)
		}
	}
	staff.desk.Asked = "s2"
	if turn := staff.says("voy"); len(turn.Effects) != 1 || turn.Effects[0].Answer.Session != "s2" {
		t.Errorf("after a reminder of the second: %v", turn.Effects)
	}
	staff.desk.Role = bot.Migrant // taken away
	if turn := staff.says("curso"); turn.Person.Role != bot.Migrant || turn.Dialogue.At.Step == "training" {
		t.Error("a role that was taken away is still heard")
	}
}

func TestSessionsThatAreGone(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Staff)
	for _, data := range []string{"session/nope", "coming/nope", "here/nope", "calendar/nope", "post-title/s1", "cancel-yes/s1", "remind-all/s1", "who/s1"} {
		if turn := w.taps(data); turn.Dialogue.At.Step != "gone" || len(turn.Effects) != 0 {
			t.Errorf("%s leads staff to %v and sets off %v", data, turn.Dialogue.At, turn.Effects)
		}
	}
}

func TestAttendanceNeedsTheCode(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Staff)
	w.now = w.desk.Sessions[0].Start.Add(-61 * time.Minute)
	if turn := w.taps("here/s1"); w.d.At.Step != "session" || strings.Contains(said(turn), "code") {
		t.Errorf("more than an hour before: at %v, %q", w.d.At, said(turn))
	}
	w.now = w.now.Add(time.Minute)
	w.taps("here/s1")
	if turn := w.says("XYZ789"); len(turn.Effects) != 0 || !strings.Contains(said(turn), "not the code") {
		t.Errorf("another room's code: %q", said(turn))
	}
	if turn := w.says("abc 234"); len(turn.Effects) != 1 || turn.Effects[0].Present != "s1" {
		t.Errorf("the right code: %q, %v", said(turn), turn.Effects)
	}
}

func TestJoiningAndLeaving(t *testing.T) {
	w := work(t, bot.SMS, "es", bot.Migrant)
	join := func(i bot.Invitation) bot.Turn {
		d := w.desk
		d.Invitation, d.Role = &i, i.Role
		return w.send(bot.Input{Words: "7qh2m0xk", Desk: d})
	}
	if turn := join(bot.Invitation{}); turn.Dialogue.At.Step != flows.BadCode {
		t.Errorf("a wrong code leads to %v", turn.Dialogue.At)
	}
	if turn := join(bot.Invitation{Locked: true}); turn.Dialogue.At.Step != flows.Locked {
		t.Errorf("when locked: %v", turn.Dialogue.At)
	}
	if turn := join(bot.Invitation{Role: bot.Staff, Facility: "tapachula"}); turn.Person.Role != bot.Staff || turn.Person.Facility != "tapachula" || turn.Dialogue.At.Step != flows.Joined {
		t.Errorf("joined: %+v at %v", turn.Person, turn.Dialogue.At)
	}
	w.desk.Role = bot.Staff
	w.says("borrar")
	turn := w.says("1")
	if !turn.Forget && len(turn.Replies) > 0 { // the word alone may erase already
		t.Logf("erase asks: %s", said(turn))
	}
	gone := work(t, bot.SMS, "es", bot.Staff)
	if turn := gone.says("borrar"); turn.Forget && (len(turn.Effects) != 1 || !turn.Effects[0].Left) {
		t.Errorf("leaving sets off %v", turn.Effects)
	}
}

func TestDraftDoesNotPrintItself(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, draft()); strings.Contains(got, "Derechos") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

// TestGoldenStaff holds the conversations of staff and of a trainer, word for word.
func TestGoldenStaff(t *testing.T) {
	for _, lang := range []locales.Lang{"es", "en"} {
		for _, ch := range bot.Channels {
			for what, talk := range map[string]struct {
				role bot.Role
				have func(*worker, func(string, bot.Turn))
			}{
				"staff": {bot.Staff, staffTalk}, "trainer": {bot.Trainer, trainerTalk}, "coordinator": {bot.Coordinator, coordinatorTalk}, "free-notice": {bot.Coordinator, freeNoticeTalk},
			} {
				name := fmt.Sprintf("%s-%s-%s.txt", ch, lang, what)
				t.Run(name, func(t *testing.T) {
					var b strings.Builder
					talk.have(work(t, ch, lang, talk.role), func(shown string, turn bot.Turn) {
						fmt.Fprintf(&b, "> %s\n", shown)
						for _, r := range turn.Replies {
							b.WriteString(show(r, bot.Input{Channel: ch}, ch))
						}
						b.WriteString("\n")
					})
					file := filepath.Join("testdata", "golden", name)
					if *update {
						if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
							t.Fatal(err)
						}
					}
					want, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					if b.String() != string(want) {
						t.Errorf("%s differs; if that is meant, run make golden and read the difference. It is now:\n%s", file, b.String())
					}
				})
			}
		}
	}
}

func staffTalk(w *worker, line func(string, bot.Turn)) {
	c := load(w.t)
	command := func(id string) { said := word(c, id, w.p.Lang); line(said, w.says(said)) }
	tap := func(data string) { line("["+data+"]", w.taps(data)) }
	told := func(step string, x bot.Session) {
		r, _ := w.talk.Tell(step, bot.Desk{Role: bot.Staff, Zone: w.desk.Zone, Sessions: []bot.Session{x}}, w.p, w.ch, x.Start.Add(-time.Hour))
		line("("+step+")", bot.Turn{Replies: []bot.Reply{r}})
		w.desk.Asked = x.ID
	}
	w.desk.Member = true
	d := w.desk
	d.Invitation = &bot.Invitation{Role: bot.Staff}
	line("7QH2-M0XK", w.send(bot.Input{Words: "7QH2-M0XK", Desk: d}))
	line("Atlantis", w.says("Atlantis"))
	line("chiapaz", w.says("chiapaz"))
	command("training")
	tap("session/s1")
	tap("coming/s1")
	tap("calendar/s1")
	w.now = w.desk.Sessions[0].Start.Add(-30 * time.Minute)
	tap("session/s1")
	tap("here/s1")
	line("000000", w.says("000000"))
	line("ABC234", w.says("ABC234"))
	told("reminder", w.desk.Sessions[1])
	command("not-coming")
	command("maybe")
	moved := w.desk.Sessions[1]
	moved.Start = moved.Start.Add(2 * time.Hour)
	told("moved", moved)
	moved.Cancelled = true
	told("cancelled", moved)
	command("stop")
}

func trainerTalk(w *worker, line func(string, bot.Turn)) {
	c := load(w.t)
	command := func(id string) { said := word(c, id, w.p.Lang); line(said, w.says(said)) }
	tap := func(data string) { line("["+data+"]", w.taps(data)) }
	says := func(words string) { line(words, w.says(words)) }
	acts := func(data string) { w.actsAloud(data, line) }
	command("training")
	tap("post-course")
	tap("post-title/new.c1")
	says("Manejo de crisis")
	says("mañana")
	says("14/12")
	says("13:00-9:00")
	says("9:00-13:00")
	tap("post-place/tijuana")
	says("Aula 4")
	acts("post-done")
	tap("session/s1")
	tap("post-title/s1")
	tap("post-day")
	says("9/12")
	tap("post-zone")
	tap("post-place/tijuana")
	tap("post-check")
	acts("post-done")
	tap("who/s1")
	r := w.talk.Report(bot.Report{Session: w.desk.Sessions[0], Yes: 30, No: 4, Maybe: 2, None: 12, Reached: 45, People: 48, Refused: []string{"of-0007", "of-0019", "of-0023", "of-0044"},
		Silent: []string{"of-0012", "of-0031", "of-0040", "of-0041", "of-0042", "of-0043", "of-0045", "of-0046", "of-0047", "of-0048", "of-0049", "of-0050"}, Missed: []string{"of-0012", "of-0031", "of-0040"}},
		w.p, w.ch, w.desk.Zone, day)
	line("(report)", bot.Turn{Replies: []bot.Reply{r}})
	tap("remind/s1")
	tap("remind-all/s1")
	tap("remind-unanswered/s1")
	acts("remind-unanswered-yes/s1")
	tap("cancel/s1")
	acts("cancel-yes/s1")
	acts("invite")
	w.desk.Courses = append(w.desk.Courses, bot.Course{ID: "c2", Title: "Grupo 2", People: 12})
	tap("invite")
	acts("invited/c2")
}

// TestInvitingToACourse: with several courses the trainer chooses one, and the invitation names it.
func TestInvitingToACourse(t *testing.T) {
	invited := func(w *worker, turn bot.Turn, course, title string) {
		t.Helper()
		if len(turn.Effects) != 1 || turn.Effects[0].Invite == nil || *turn.Effects[0].Invite != (bot.Invite{Code: "7QH2-M0XK", Course: course, Facility: "chetumal"}) {
			t.Errorf("at %v: %+v", w.d.At, turn.Effects)
		}
		if text := said(turn); !strings.Contains(text, "7QH2-M0XK") || strings.Contains(text, "It is for: "+title) != (course != "") {
			t.Errorf("the invitation says %q", text)
		}
	}
	for _, ch := range bot.Channels {
		w := work(t, ch, "en", bot.Trainer)
		w.p.Facility = "chetumal"
		invited(w, w.acts("invite"), "c1", "Grupo 1")
		w.desk.Courses = append(w.desk.Courses, bot.Course{ID: "c2", Title: "Grupo 2"})
		if turn := w.taps("invite"); len(turn.Effects) != 0 || w.d.At.Step != "invite" || len(turn.Replies[0].Options) != 2 {
			t.Errorf("with two courses: at %v, %v", w.d.At, turn.Effects)
		}
		if turn := w.says("2"); ch == bot.Telegram {
			invited(w, turn, "c2", "Grupo 2")
		} else {
			invited(w, w.says(w.code(turn.Replies[0])), "c2", "Grupo 2")
		}
		if w.says("back"); w.d.At.Step != "invite" {
			t.Errorf("back leads to %v", w.d.At)
		}
		for _, data := range []string{"invited", "invited/c3"} {
			if turn := w.taps(data); len(turn.Effects) != 0 || w.d.At.Step != "gone" {
				t.Errorf("%s leads to %v and sets off %v", data, w.d.At, turn.Effects)
			}
		}
		w.desk.Courses = nil
		invited(w, w.acts("invite"), "", "")
		w.desk = desk()
		w.desk.Role = bot.Staff
		for _, data := range []string{"invite", "invited/c1"} {
			if turn := w.taps(data); len(turn.Effects) != 0 {
				t.Errorf("staff can invite by %s", data)
			}
		}
	}
}
