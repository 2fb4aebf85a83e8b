package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/locales"
)

// groups are so many groups with a session on each of ten days, all at the same time and of the same title, as a
// national course has them.
func (w *worker) groups(n int, mine bool) {
	first := w.desk.Sessions[0]
	w.desk.Sessions, w.desk.Courses = nil, nil
	for g := range n {
		w.desk.Courses = append(w.desk.Courses, bot.Course{ID: fmt.Sprintf("grupo-%d", g+1), Title: fmt.Sprintf("Grupo %d", g+1)})
	}
	for d := range 10 {
		for g := range n {
			x := first
			x.ID, x.Course, x.Mine = fmt.Sprintf("g%d-d%02d", g+1, d+1), w.desk.Courses[g].ID, mine
			x.Start, x.End = x.Start.AddDate(0, 0, d), x.End.AddDate(0, 0, d)
			w.desk.Sessions = append(w.desk.Sessions, x)
		}
	}
	if !w.desk.Role.Trains() {
		w.desk.Courses = nil
	}
}

// reach follows every choice of the lists of sessions, and returns the labels of the sessions they lead to.
func (w *worker) reach() (labels map[string]string, most int) {
	labels = map[string]string{}
	seen := map[string]bool{}
	follow := []string{"training"}
	for len(follow) > 0 {
		turn := w.taps(follow[0])
		follow = follow[1:]
		for i, o := range turn.Replies[0].Options {
			most = max(most, i+1)
			if id, ok := strings.CutPrefix(o.Data, "session/"); ok {
				labels[id] = o.Label
			} else if strings.HasPrefix(o.Data, "training/") && !seen[o.Data] {
				seen[o.Data] = true
				follow = append(follow, o.Data)
			}
		}
	}
	return labels, most
}

// TestEverySessionIsReached: however many sessions there are, pages or groups lead to each.
func TestEverySessionIsReached(t *testing.T) {
	for _, ch := range bot.Channels {
		for name, test := range map[string]struct {
			role        bot.Role
			groups, all int
		}{"a trainer of eight groups": {bot.Trainer, 8, 80}, "of twelve": {bot.Trainer, 12, 120}, "of one": {bot.Trainer, 1, 10}, "staff": {bot.Staff, 1, 10}} {
			w := work(t, ch, "en", test.role)
			w.groups(test.groups, test.role == bot.Staff)
			labels, most := w.reach()
			if len(labels) != test.all || most > 12 {
				t.Errorf("%s, %s: %d of %d sessions are reached, a page has up to %d choices", ch, name, len(labels), test.all, most)
			}
		}
	}
	w := work(t, bot.SMS, "en", bot.Trainer)
	w.groups(8, false)
	if text := said(w.says("training")); !strings.Contains(text, "Choose a group") {
		t.Errorf("with many sessions of many groups: %q", text)
	}
	w.says("2")
	if w.says("10"); w.d.At.Arg != "grupo-2+1" { // 8 sessions, then the later ones
		t.Errorf("the later sessions of a group are at %v", w.d.At)
	}
	if w.says("2"); w.d.At.Arg != "g2-d10" {
		t.Errorf("the second of the later ones is %v", w.d.At)
	}
	if w.says("back"); w.d.At.Arg != "grupo-2+1" {
		t.Errorf("back leads to %v", w.d.At)
	}
	for _, data := range []string{"training/nope", "training/grupo-1+99", "training/+-1"} {
		if w.taps(data); w.d.At.Step != "gone" {
			t.Errorf("%s leads to %v", data, w.d.At)
		}
	}
}

// TestLabelsNameTheGroup where sessions would look the same.
func TestLabelsNameTheGroup(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Trainer)
	w.groups(2, false)
	w.desk.Sessions = w.desk.Sessions[:5]
	labels, _ := w.reach()
	for id, want := range map[string]string{"g1-d01": "7 Dec 09:00 Derechos humanos · Grupo 1", "g2-d02": "8 Dec 09:00 Derechos humanos · Grupo 2", "g1-d03": "9 Dec 09:00 Derechos humanos"} {
		if labels[id] != want {
			t.Errorf("%s is called %q, want %q", id, labels[id], want)
		}
	}
	for lang, want := range map[locales.Lang][2]string{"fr": {"7 juin", "7 juil"}, "es": {"7 jun", "7 jul"}} {
		for i, month := range []time.Month{time.June, time.July} {
			w := work(t, bot.Telegram, lang, bot.Staff)
			x := &w.desk.Sessions[0]
			x.Start = time.Date(2027, month, 7, 9, 0, 0, 0, x.Start.Location())
			if label := w.taps("training").Replies[0].Options[0].Label; !strings.HasPrefix(label, want[i]+" ") {
				t.Errorf("%s: %q", lang, label)
			}
		}
	}
}

// TestOnlyWhatMakesSense: a session that is cancelled, has begun or is not theirs offers no more than can be done, and
// old buttons do no more.
func TestOnlyWhatMakesSense(t *testing.T) {
	all := []string{"here", "coming", "not-coming", "maybe", "calendar", "who", "post-title", "remind", "cancel"}
	for name, test := range map[string]struct {
		change func(*worker, *bot.Session)
		want   []string
	}{
		"days ahead":             {func(*worker, *bot.Session) {}, all[1:]},
		"soon":                   {func(w *worker, x *bot.Session) { w.now = x.Start.Add(-time.Hour) }, all},
		"begun":                  {func(w *worker, x *bot.Session) { w.now = x.Start }, []string{"here", "calendar", "who"}},
		"cancelled":              {func(w *worker, x *bot.Session) { x.Cancelled = true }, []string{"calendar", "who"}},
		"cancelled, its time":    {func(w *worker, x *bot.Session) { x.Cancelled = true; w.now = x.Start }, []string{"calendar", "who"}},
		"of those who are":       {func(w *worker, x *bot.Session) { x.Mine = false }, []string{"calendar", "who", "post-title", "remind", "cancel"}},
		"no link for a calendar": {func(w *worker, x *bot.Session) { w.desk.Feed = "" }, nil},
	} {
		for _, ch := range bot.Channels {
			w := work(t, ch, "en", bot.Trainer)
			test.change(w, &w.desk.Sessions[0])
			want := test.want
			if want == nil {
				want = slices.DeleteFunc(slices.Clone(all[1:]), func(to string) bool { return to == "calendar" && ch == bot.SMS })
			}
			turn := w.taps("session/s1")
			var got []string
			for _, o := range turn.Replies[0].Options {
				to, _, _ := strings.Cut(o.Data, "/")
				got = append(got, to)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: offers %v, want %v", ch, name, got, want)
			}
			if asks := strings.Contains(said(turn), "Will you come?"); asks != slices.Contains(want, "coming") {
				t.Errorf("%s, %s: %q", ch, name, said(turn))
			}
			for _, to := range append(all, "present", "cancel-yes", "remind-all", "remind-unanswered", "remind-all-yes", "remind-unanswered-yes") {
				if needs := strings.SplitN(strings.Replace(to, "present", "here", 1), "-", 2)[0]; slices.Contains(want, needs) || slices.Contains(want, to) {
					continue
				}
				if turn := w.taps(to + "/s1"); len(turn.Effects) != 0 || w.d.At.Step != "session" {
					t.Errorf("%s, %s: an old button %s leads to %v and sets off %v", ch, name, to, w.d.At, turn.Effects)
				}
			}
		}
	}
	// YES means a session that can be answered.
	w := work(t, bot.SMS, "en", bot.Trainer)
	w.desk.Sessions[0].Mine = false
	if turn := w.says("yes"); len(turn.Effects) != 1 || turn.Effects[0].Answer.Session != "s2" {
		t.Errorf("YES sets off %+v", turn.Effects)
	}
}

// TestCalendarHasAllOnesOwn: the file has all of one's own sessions, and a trainer's has the one they asked for.
func TestCalendarHasAllOnesOwn(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Trainer)
	w.groups(1, true)
	ids := func() (ids []string) {
		for _, x := range w.taps("calendar/g1-d03").Replies[0].Events {
			ids = append(ids, x.ID)
		}
		return ids
	}
	if all := ids(); len(all) != 10 {
		t.Errorf("the file has %v", all)
	}
	w.groups(1, false)
	if all := ids(); !slices.Equal(all, []string{"g1-d03"}) {
		t.Errorf("a trainer's has %v", all)
	}
	w = work(t, bot.SMS, "en", bot.Staff)
	if text := said(w.taps("calendar/s1")); !strings.Contains(text, w.desk.Feed) {
		t.Errorf("by SMS: %q", text)
	}
}

// TestTheirOwnDay: where the day differs it is told too.
func TestTheirOwnDay(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Staff)
	w.desk.Sessions[0].Start = time.Date(2026, 12, 7, 22, 30, 0, 0, zone("America/Tijuana"))
	if text := said(w.taps("session/s1")); !strings.Contains(text, "Monday 7 December, 22:30") || !strings.Contains(text, "= Tuesday 8 December, 01:30 Cancún time") {
		t.Errorf("late in Tijuana, in Cancún: %q", text)
	}
}

func TestTrainerWithoutGroups(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Trainer)
	w.desk.Courses = nil
	if text := said(w.taps("post-course")); !strings.Contains(text, "There is no group yet.") {
		t.Errorf("without a group: %q", text)
	}
}

// TestDelegationIsAskedOnce: who joins to be trained is asked for their delegation until it is known, can change it, and
// need not write it right.
func TestDelegationIsAskedOnce(t *testing.T) {
	for _, ch := range bot.Channels {
		w := work(t, ch, "en", bot.Staff)
		w.desk.Member = true
		joins := func() bot.Turn {
			d := w.desk
			d.Invitation = &bot.Invitation{Role: bot.Staff}
			return w.send(bot.Input{Words: "7qh2m0xk", Desk: d})
		}
		if text := said(joins()); !strings.Contains(text, "registered as staff") || !strings.Contains(text, "In which delegation") {
			t.Errorf("%s: joining: %q", ch, text)
		}
		if text := said(w.says("Atlantis")); !strings.Contains(text, "do not know that delegation") {
			t.Errorf("%s: Atlantis: %q", ch, text)
		}
		for words, want := range map[string]string{"sonora": "Sonora", "Sonorra": "Sonora", "I am in baja california sur": "Baja California Sur", "cdmx": "Ciudad de México",
			"Aguascalientes": "Aguascalientes", "Tapachula": "Chiapas", "baja california": "Baja California"} {
			w.taps("delegation")
			if turn := w.says(words); len(turn.Effects) != 1 || turn.Effects[0].Delegation != want || !strings.Contains(said(turn), want) {
				t.Errorf("%s: %q sets off %+v: %q", ch, words, turn.Effects, said(turn))
			}
		}
		if text := said(joins()); strings.Contains(text, "In which delegation") {
			t.Errorf("%s: asked again: %q", ch, text)
		}
		w.taps("delegation")
		if w.says("I want to apply for asylum"); w.d.At.Step != "answer" {
			t.Errorf("%s: a question instead leads to %v", ch, w.d.At)
		}
		if turn := w.taps("delegation-done/Atlantis"); len(turn.Effects) != 0 {
			t.Errorf("%s: an invented choice sets off %v", ch, turn.Effects)
		}
		w.desk.Member, w.desk.Delegation = false, "" // a trainer who is not trained
		if text := said(joins()); strings.Contains(text, "In which delegation") {
			t.Errorf("%s: who is not trained is asked: %q", ch, text)
		}
	}
}

// TestRemindingAsksFirst: how many it is for is told, and nobody is reminded before that is confirmed.
func TestRemindingAsksFirst(t *testing.T) {
	for _, ch := range bot.Channels {
		for which, unanswered := range map[string]bool{"remind-all": false, "remind-unanswered": true} {
			w := work(t, ch, "en", bot.Trainer)
			w.desk.Courses[0].People = 900 // the session is for fewer
			w.taps("remind/s1")
			turn := w.taps(which + "/s1")
			if text := said(turn); len(turn.Effects) != 0 || !strings.Contains(text, "48 people") || !strings.Contains(text, "Derechos humanos") {
				t.Errorf("%s, %s: sets off %v: %q", ch, which, turn.Effects, text)
			}
			if turn = w.says("1"); ch == bot.SMS {
				turn = w.says(w.code(turn.Replies[0]))
			}
			if len(turn.Effects) != 1 || turn.Effects[0].Remind == nil || *turn.Effects[0].Remind != (bot.Nudge{Session: "s1", Unanswered: unanswered}) {
				t.Errorf("%s, %s, confirmed: sets off %+v", ch, which, turn.Effects)
			}
		}
		w := work(t, ch, "en", bot.Trainer)
		w.desk.Courses[0].People = 900
		for _, data := range []string{"post-title/s1", "post-day", "post-time", "post-zone", "post-place"} {
			w.taps(data)
		}
		if text := said(w.taps("post-check")); !strings.Contains(text, "group: 48") {
			t.Errorf("%s: changing a session of some: %q", ch, text)
		}
	}
}

// TestReportNamesPeople of each kind, as many as there is room for.
func TestReportNamesPeople(t *testing.T) {
	w := work(t, bot.SMS, "en", bot.Trainer)
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("of-%04d", i))
	}
	r := bot.Report{Session: w.desk.Sessions[0], No: 2, None: 50, People: 52, Refused: []string{"a", "b"}, Silent: many}
	for ch, want := range map[bot.Channel]string{bot.SMS: "No answer: of-0000, of-0001, of-0002, of-0003, of-0004, of-0005, of-0006, of-0007 +42", bot.Telegram: "of-0039 +10"} {
		text := w.talk.Report(r, w.p, ch, nil, w.now).Text
		if !strings.Contains(text, "Not coming: a, b\n") || !strings.Contains(text, want) || strings.Contains(text, "Will not be reached") {
			t.Errorf("%s: %q", ch, text)
		}
	}
}

func TestPostingOverMidnight(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Trainer)
	turn := w.posts("14/12", "22:00-2:00", "tijuana")
	if text := said(turn); w.d.At.Step != "post-check" || !strings.Contains(text, "Monday 14 December, 22:00–02:00") {
		t.Errorf("over midnight: at %v, %q", w.d.At, text)
	}
	start, end, err := w.d.Draft.Times(zone("America/Tijuana"))
	if err != nil || end.Sub(start) != 4*time.Hour {
		t.Errorf("from %v until %v, %v", start, end, err)
	}
	w.taps("post-time")
	if turn = w.says("13:00-1:00"); w.d.At.Step != "post-time" {
		t.Errorf("a slip: at %v, %q", w.d.At, said(turn))
	}
}
