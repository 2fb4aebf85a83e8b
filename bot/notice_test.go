package bot_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/flows"
	"faro/locales"
)

// bySMS is a notice as it is sent to readers of a language in Tapachula.
func bySMS(n *bot.Notice, lang locales.Lang) string {
	r, _ := talk(nil).Notice(*n, "tapachula", bot.Person{Lang: lang}, bot.SMS, zone("America/Mexico_City"))
	return sms.Render(r).Text
}

// sheet is what the service counts for the notices of the golden conversations.
func sheet(n *bot.Notice) bot.Sheet {
	s := bot.Sheet{People: 520, ByLang: map[locales.Lang]int{"es": 400, "en": 70, "ht": 50}, ByChannel: map[bot.Channel]int{bot.Telegram: 500, bot.SMS: 20},
		ByFacility: map[string]int{"tapachula": 520}, Left: map[string]int{bot.LeftStopped: 3, bot.LeftBlocked: 2},
		Messages: []bot.SMSSize{{Lang: "es", Encoding: "GSM-7", Segments: 2, People: 15, Text: bySMS(n, "es")}, {Lang: "en", Encoding: "GSM-7", Segments: 2, People: 5, Text: bySMS(n, "en")}}, Segments: 40, Cost: "2.40 USD",
		Takes: 20 * time.Second, Ends: day.Add(20 * time.Second), Approval: true, Lacking: map[locales.Lang]int{}}
	if n.Ready == "" && n.Texts["ht"] == "" {
		s.Lacking["ht"] = 50
	}
	return s
}

// status is a notice that is being sent.
func status(id string, n bot.Notice, state string, acts ...string) bot.Status {
	n.ID = id
	st := bot.Status{Notice: n, State: state, People: 520, Acts: acts}
	if state != bot.Waiting {
		st.Counts = map[string]int{"delivered": 330, "queued": 181, "failed 400": 4, "stopped": 3, "blocked": 2}
	}
	return st
}

// sheet is what a coordinator is told after a turn that counts.
func (w *worker) sheet(turn bot.Turn) bot.Reply {
	w.t.Helper()
	for _, e := range turn.Effects {
		if e.Deed != nil && e.Deed.Does == bot.Count {
			return w.talk.Preflight(sheet(e.Deed.Notice), *e.Deed.Notice, w.desk.Secret, w.p, w.ch, day)
		}
	}
	w.t.Fatal("nobody is counted")
	return bot.Reply{}
}

// code is what is answered by SMS to a sheet, or to what asks for one, to have it done.
func (w *worker) code(asks bot.Reply) string {
	w.t.Helper()
	found := regexp.MustCompile(`: ([B-Z]{6})\b`).FindStringSubmatch(asks.Text)
	if found == nil {
		w.t.Fatalf("no code in %q", asks.Text)
	}
	return found[1]
}

func coordinatorTalk(w *worker, line func(string, bot.Turn)) {
	c := load(w.t)
	tap := func(data string) bot.Turn { turn := w.taps(data); line("["+data+"]", turn); return turn }
	says := func(words string) bot.Turn { turn := w.says(words); line(words, turn); return turn }
	told := func(what string, r bot.Reply) { line("("+what+")", bot.Turn{Replies: []bot.Reply{r}}) }
	counted := func(turn bot.Turn) bot.Notice {
		told("counted", w.sheet(turn))
		return *turn.Dialogue.Draft.Notice
	}
	send := func(n bot.Notice) {
		r := w.talk.Preflight(sheet(&n), n, w.desk.Secret, w.p, w.ch, day)
		if w.ch == bot.SMS {
			says(w.code(r))
		} else {
			tap(r.Options[0].Data)
		}
	}
	zone := zone("America/Mexico_City")
	// A ready-made notice.
	says(word(c, "notices", w.p.Lang))
	tap("notice-where/new")
	says("Tapachula, Atlantis")
	says("Tapachula")
	tap("notice-what/all")
	tap("notice-fill/water-off")
	says("mañana")
	says("2/12")
	says("9")
	says("18:00")
	says("2/12 18:00")
	n := counted(tap("notice-check/now"))
	tap("notice-test")
	test, _ := w.talk.NoticeTest(n, "tapachula", w.p, w.ch, zone)
	told("the test", test)
	send(n)
	// Another coordinator is asked, and the progress is shown.
	waiting := status("n1-0", n, bot.Waiting, bot.Approve, bot.Refuse)
	told("to a second coordinator", w.talk.NoticeStatus(waiting, w.p, w.ch, zone, day))
	w.desk.Notices = []bot.Status{waiting}
	w.actsAloud("notice-do/approve.n1-0", line)
	running := status("n1-0", n, bot.Sending, bot.Pause, bot.Stop)
	running.Rate, running.Left = 30, 6*time.Second
	told("progress", w.talk.NoticeStatus(running, w.p, w.ch, zone, day))
	w.desk.Notices = []bot.Status{running}
	w.actsAloud("notice-do/pause.n1-0", line)
	tap("notice-sure/stop.n1-0")
	done := status("n1-0", n, bot.Done, bot.Retry, bot.Correct, bot.TakeBack)
	delete(done.Counts, "queued")
	done.Counts["delivered"] = 511
	told("the end", w.talk.NoticeStatus(done, w.p, w.ch, zone, day))
	w.desk.Notices = []bot.Status{done}
	says(word(c, "notices", w.p.Lang))
	tap("notice-show/n1-0")
	// A correction in one's own words, in two languages.
	tap("notice-do/correct.n1-0")
	tap("notice-urgency/own")
	tap("notice-lang/important")
	tap("notice-write/es")
	says(strings.Repeat("agua ", 97))
	says("Sí hay agua.\nNo la junten.")
	tap("notice-lang")
	tap("notice-write/en")
	says("There is water.")
	tap("notice-until")
	says("ayer")
	tap("notice-when/24h")
	says("3/12 9:00")
	says("19:00")
	tap("notice-limit")
	tap("notice-limit/sms")
	tap("notice-limit/lang.es")
	n = counted(tap("notice-check"))
	send(n)
	for _, lang := range []locales.Lang{"es", "ht"} {
		r, _ := w.talk.Notice(n, "tapachula", bot.Person{Lang: lang}, w.ch, zone)
		told("a reader of "+string(lang), r)
	}
	told("to nobody", w.talk.Preflight(bot.Sheet{Problem: "nobody", Left: map[string]int{bot.LeftStopped: 3}}, n, w.desk.Secret, w.p, w.ch, day))
}

// freeNoticeTalk is a notice in one's own words, from whom it is for to what became of it.
func freeNoticeTalk(w *worker, line func(string, bot.Turn)) {
	c := load(w.t)
	tap := func(data string) bot.Turn { turn := w.taps(data); line("["+data+"]", turn); return turn }
	says := func(words string) bot.Turn { turn := w.says(words); line(words, turn); return turn }
	told := func(what string, r bot.Reply) { line("("+what+")", bot.Turn{Replies: []bot.Reply{r}}) }
	zone := zone("America/Mexico_City")
	says(word(c, "notices", w.p.Lang))
	tap("notice-where/new")
	says("Tapachula")
	tap("notice-what/migrants")
	tap("notice-urgency/own")
	tap("notice-lang/routine")
	tap("notice-write/es")
	says("Mañana hay vacunas para niñas y niños.\nEs en el patio, a las 9.")
	tap("notice-lang")
	tap("notice-write/en")
	says("Tomorrow there are vaccines for children.\nIn the yard, at 9.")
	tap("notice-until")
	says("2/12 12:00")
	turn := tap("notice-check/now")
	told("counted", w.sheet(turn))
	tap("notice-urgency")
	turn = tap("notice-lang/important")
	n := *turn.Dialogue.Draft.Notice
	r := w.sheet(turn)
	told("counted", r)
	tap("notice-test")
	test, _ := w.talk.NoticeTest(n, "tapachula", w.p, w.ch, zone)
	told("the test", test)
	if w.ch == bot.SMS {
		says(w.code(r))
	} else {
		tap(r.Options[0].Data)
	}
	waiting := status("n1-0", n, bot.Waiting, bot.Approve, bot.Refuse)
	told("to a second coordinator", w.talk.NoticeStatus(waiting, w.p, w.ch, zone, day))
	w.desk.Notices = []bot.Status{waiting}
	says(word(c, "notices", w.p.Lang))
	tap("notice-show/n1-0")
	w.actsAloud("notice-do/approve.n1-0", line)
	running := status("n1-0", n, bot.Sending, bot.Pause, bot.Stop)
	running.Rate, running.Left = 30, 6*time.Second
	told("progress", w.talk.NoticeStatus(running, w.p, w.ch, zone, day))
	w.desk.Notices = []bot.Status{running}
	tap("notice-show/n1-0")
	w.actsAloud("notice-do/pause.n1-0", line)
	paused := status("n1-0", n, bot.Paused, bot.Resume, bot.Stop)
	w.desk.Notices = []bot.Status{paused}
	says(word(c, "notices", w.p.Lang))
	tap("notice-show/n1-0")
	w.actsAloud("notice-do/resume.n1-0", line)
	done := status("n1-0", n, bot.Done, bot.Retry, bot.Correct, bot.TakeBack)
	delete(done.Counts, "queued")
	done.Counts["delivered"] = 511
	told("the end", w.talk.NoticeStatus(done, w.p, w.ch, zone, day))
	for _, lang := range []locales.Lang{"es", "en", "ht"} {
		r, _ := w.talk.Notice(n, "tapachula", bot.Person{Lang: lang}, w.ch, zone)
		told("a reader of "+string(lang), r)
	}
}

func TestNoticesAreForCoordinators(t *testing.T) {
	for _, role := range []bot.Role{bot.Migrant, bot.Staff, bot.Trainer} {
		w := work(t, bot.Telegram, "es", role)
		for _, data := range []string{"notices", "notice-where/new", "notice-send", "notice-check/now", "notice-do/stop.n1"} {
			if turn := w.taps(data); len(turn.Effects) > 0 || strings.HasPrefix(turn.Dialogue.At.Step, "notice-") {
				t.Errorf("%q taps %s and is at %v", role, data, turn.Dialogue.At)
			}
		}
		if turn := w.says("aviso"); turn.Dialogue.At.Step == flows.Notices {
			t.Errorf("%q sees notices", role)
		}
	}
}

// TestNoticeIsNotLost: whatever is tapped out of order, without a draft or about a notice that is gone,
// leads somewhere and sets nothing off.
func TestNoticeOutOfOrder(t *testing.T) {
	for id, step := range load(t).Flows.Steps {
		if step.Role != "coordinator" {
			continue
		}
		for _, arg := range []string{"", "/new", "/stop.n9", "/n9", "/es", "/xx", "/6h", "/tapachula", "/routine", "/all", "/../..", "/" + strings.Repeat("x", 60)} {
			w := work(t, bot.Telegram, "es", bot.Coordinator)
			turn := w.taps(id + arg)
			if len(turn.Replies) == 0 || len(turn.Effects) > 0 {
				t.Errorf("%s%s: %d replies, %v", id, arg, len(turn.Replies), turn.Effects)
			}
			w.says("hola 12:00 1/12")
		}
	}
}

func TestPlacesOfANotice(t *testing.T) {
	for words, want := range map[string]string{
		"Tapachula": "[tapachula]", "tapachla": "[tapachula]", "Tapachula, Acayucan": "[tapachula acayucan]", "Tapachula y Reynosa": "[tapachula reynosa]",
		"Chiapas": "[huehuetan palenque tapachula tuxtla]", "la ventosa": "[la-ventosa]", "Ciudad Juárez": "[juarez]", "SIGLO XXI": "wrong", "Atlantis": "wrong", "🙂": "wrong", ",": "wrong",
	} {
		w := work(t, bot.SMS, "es", bot.Coordinator)
		w.taps("notice-where/new")
		turn := w.says(words)
		got := "wrong"
		if turn.Dialogue.At.Step == flows.NoticeWho {
			got = fmt.Sprint(turn.Dialogue.Draft.Notice.Facilities)
		}
		if got != want {
			t.Errorf("%q is %s, want %s", words, got, want)
		}
	}
}

func TestMomentsOfANotice(t *testing.T) {
	at := func(text string) time.Time {
		m, err := time.ParseInLocation("2006-01-02 15:04", text, zone("America/Mexico_City"))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	noon := at("2026-11-24 12:00")
	for words, want := range map[string]string{
		"18:00": "2026-11-24 18:00", "9:00": "2026-11-25 09:00", "9 pm": "2026-11-24 21:00", "12 am": "2026-11-25 00:00", "18h30": "2026-11-24 18:30", "1/12 9:00": "2026-12-01 09:00",
		"2026-12-01 9": "2026-12-01 09:00", "24/11 11:00": "wrong", "25:00": "wrong", "9:75": "wrong", "ayer": "wrong", "1/1/2028 9:00": "wrong", "13 pm": "wrong", "": "wrong",
	} {
		w := work(t, bot.SMS, "es", bot.Coordinator)
		w.now = noon
		w.taps("notice-where/new")
		w.says("Tapachula")
		for _, tap := range []string{"notice-what/all", "notice-fill/water-back"} {
			w.taps(tap)
		}
		turn := w.says(words)
		switch got := turn.Dialogue.Draft.Notice.Until; {
		case want == "wrong" && turn.Dialogue.At.Step != flows.NoticeUntil && words != "":
			t.Errorf("%q is taken as %v", words, got)
		case want != "wrong" && !got.Equal(at(want)):
			t.Errorf("%q is %v, want %s", words, got, want)
		}
	}
}

// TestHostileNotice: nothing a coordinator writes disguises the text or breaks out of it.
func TestHostileNotice(t *testing.T) {
	w := work(t, bot.Telegram, "es", bot.Coordinator)
	w.taps("notice-where/new")
	w.says("Tapachula")
	for _, tap := range []string{"notice-what/all", "notice-urgency/own", "notice-lang/routine", "notice-write/es"} {
		w.taps(tap)
	}
	w.says("Agua \u202e*no* \u200b_hay_ {{.phone}} <b>\x00\n\n\nfin\xff")
	n := w.d.Draft.Notice
	if got := n.Texts["es"]; got != "Agua *no* _hay_ {{.phone}} <b>\nfin" {
		t.Errorf("kept as %q", got)
	}
	n.Until = day.Add(time.Hour)
	r, ok := w.talk.Notice(*n, "tapachula", bot.Person{Lang: "en"}, bot.SMS, zone("America/Mexico_City"))
	if !ok || !strings.Contains(r.Text, "This notice is in Español.") || !strings.Contains(r.Text, "{{.phone}}") {
		t.Errorf("a reader of English reads %q", r.Text)
	}
	w.taps("notice-write/es")
	if turn := w.says(strings.Repeat("agua", 2500)); turn.Dialogue.At.Step != flows.NoticeWrite || !strings.Contains(said(turn), "sobran 9520") {
		t.Errorf("10,000 letters: %.100q", said(turn))
	}
	if _, ok := w.talk.Notice(bot.Notice{}, "tapachula", w.p, bot.SMS, time.UTC); ok {
		t.Error("a notice without text says something")
	}
}

// TestANoticeStaysToBeRead: a button under a notice leads where it says and leaves the notice in the chat.
func TestANoticeStaysToBeRead(t *testing.T) {
	c := load(t)
	for _, l := range c.Book.Languages() {
		s := known(t, bot.Telegram, l.Tag)
		n, _ := s.talk.Notice(bot.Notice{Ready: "water-back"}, "tapachula", s.p, bot.Telegram, time.UTC)
		if len(n.Nav) != 2 {
			t.Fatalf("%s: the ways out are %v", l.Tag, n.Nav)
		}
		for i, want := range []string{c.Flows.Menu, c.Flows.Emergency} {
			turn := s.send(bot.Input{Kind: bot.Choice, Choice: n.Nav[i].Data, Message: 7})
			if at := turn.Dialogue.At; strings.Trim(at.Step+"/"+at.Arg, "/") != want || turn.Replies[0].Replace {
				t.Errorf("%s: %s leads to %v, in its place: %v", l.Tag, n.Nav[i].Label, at, turn.Replies[0].Replace)
			}
			if turn := s.send(bot.Input{Kind: bot.Choice, Choice: "group/" + c.Flows.Groups[0], Message: 8}); i == 0 && !turn.Replies[0].Replace {
				t.Errorf("%s: the menu stays after its choice", l.Tag)
			}
		}
	}
}

// TestReadyNoticesBySMS: as a reader gets them, with blanks as long as they may be, each fits what one
// notice may cost.
func TestReadyNoticesBySMS(t *testing.T) {
	c := load(t)
	for _, r := range c.Flows.ReadyNotices() {
		for _, l := range c.Book.Languages() {
			n := bot.Notice{Facilities: []string{"gomez-palacio"}, Ready: r.ID, Urgency: r.Urgency, Until: day.Add(time.Hour), Corrects: "n1",
				Blanks: map[string]string{"day": "2026-09-23", "time": "09:00", "until": "18:00", "place": strings.Repeat("Auditorio ", 6)}}
			talk := bot.New(c.Flows, c.Book, nil, bot.Host{})
			reply, ok := talk.Notice(n, "gomez-palacio", bot.Person{Lang: l.Tag}, bot.SMS, time.UTC)
			reply.Budget = 99
			m := sms.Render(reply)
			if !ok || m.Segments > 4 || strings.Contains(m.Text, "<no value>") || strings.Contains(m.Text, "2026-") {
				t.Errorf("%s in %s: %d segments %s: %q", r.ID, l.Tag, m.Segments, m.Encoding, m.Text)
			}
		}
	}
}

// TestFollowing: by the keyword a poster prints, by a button, and leaving again; staff keep their role.
func TestFollowing(t *testing.T) {
	for _, l := range load(t).Book.Languages() {
		for words, want := range map[string]string{"TAPACHULA": "tapachula", "la ventosa": "la-ventosa", "La-Ventosa": "la-ventosa", "ciudad juarez": "juarez", "JUAREZ": "juarez", "Mérida": "merida"} {
			s := known(t, bot.SMS, l.Tag)
			s.says(words)
			if s.p.Facility != want || s.d.At.Step != flows.Following {
				t.Errorf("%s: %q follows %q, at %v", l.Tag, words, s.p.Facility, s.d.At)
			}
			s.says(word(load(t), "follow", l.Tag))
			if s.d.At.Step != flows.Follow {
				t.Errorf("%s: at %v", l.Tag, s.d.At)
			}
			s.taps("leave")
			if s.p.Facility != "" {
				t.Errorf("%s: still follows %q", l.Tag, s.p.Facility)
			}
		}
	}
	s := known(t, bot.SMS, "es")
	s.taps("answer/find-facility")
	s.says("Tapachula")
	if s.p.Facility != "" || s.d.At.Step != flows.Places {
		t.Errorf("who asks for a place follows %q, at %v", s.p.Facility, s.d.At)
	}
	s.taps("following/tapachula")
	if s.p.Facility != "tapachula" {
		t.Error("the button does not follow")
	}
	w := work(t, bot.SMS, "es", bot.Staff)
	w.says("tapachula")
	if turn := w.does(bot.Input{Words: "acayucan"}); len(turn.Effects) != 1 || turn.Effects[0].Place == nil || *turn.Effects[0].Place != "acayucan" {
		t.Errorf("staff who choose their place set off %v", turn.Effects)
	}
	if turn := w.taps("leave"); turn.Person.Facility != "" || turn.Person.Role != bot.Staff {
		t.Errorf("staff who leave: %q, %q", turn.Person.Facility, turn.Person.Role)
	}
}
