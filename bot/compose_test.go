package bot_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/flows"
	"faro/locales"
)

// writing is a coordinator at a step of a notice with all that comes before it done.
func writing(t *testing.T, ch bot.Channel, lang locales.Lang, taps ...string) *worker {
	t.Helper()
	w := work(t, ch, lang, bot.Coordinator)
	w.taps("notice-where/new")
	w.says("Tapachula")
	for _, tap := range taps {
		w.taps(tap)
	}
	return w
}

// TestWrongInputOfANotice: every step of writing that asks for something says what is wrong with it,
// in every language, stays where it is and loses nothing.
func TestWrongInputOfANotice(t *testing.T) {
	before := []string{"notice-what/all"}
	filling := append(slices.Clone(before), "notice-fill/doctor")
	valid := append(slices.Clone(before), "notice-fill/water-back", "notice-when/6h")
	for _, c := range []struct {
		step  string
		taps  []string
		says  []string // first what is right
		wrong []string
	}{
		{flows.NoticeWhere, []string{"notice-where"}, nil, []string{"Atlantis", "Tapachula, Atlantis", ",", "Tapachula y", "99", "<b>", strings.Repeat("x", 10_000)}},
		{flows.NoticeFill, filling, nil, []string{"mañana", "31/2", "9:00", "30/11/2020", "30/11/2026"}},
		{flows.NoticeFill, filling, []string{"2/12"}, []string{"25:00", "9:60", "2/12", "-9", "noon"}},
		{flows.NoticeFill, filling, []string{"2/12", "9"}, []string{strings.Repeat("x", 61)}},
		{flows.NoticeWrite, append(slices.Clone(before), "notice-urgency/own", "notice-lang/routine", "notice-write/en"), nil, []string{strings.Repeat("ñ", 481), strings.Repeat("agua ", 2000)}},
		{flows.NoticeUntil, append(slices.Clone(before), "notice-fill/water-back"), nil, []string{"ayer", "30/11 9:00", "15/1 9:00", "25:00", "1/12"}},
		{flows.NoticeWhen, valid, nil, []string{"ayer", "30/11 9:00", "3/12 9:00", "99:00"}},
	} {
		for _, l := range load(t).Book.Languages() {
			w := writing(t, bot.SMS, l.Tag, c.taps...)
			for _, right := range c.says {
				w.says(right)
			}
			kept, at := w.d.Draft.Record(), w.d.At
			if at.Step != c.step {
				t.Fatalf("at %v, want %s", at, c.step)
			}
			asked := said(bot.Turn{Replies: []bot.Reply{shown(w)}})
			for _, wrong := range append(c.wrong, "\u200b\u202e", "🙂") {
				if c.step == flows.NoticeWrite && wrong == "🙂" || wrong == "🙂" && len(c.says) == 2 {
					continue // may be all there is to say
				}
				turn := w.says(wrong)
				if turn.Dialogue.At.Step != at.Step || !bytes.Equal(turn.Dialogue.Draft.Record(), kept) || len(turn.Effects) > 0 {
					t.Errorf("%s, %s: %.20q leads to %v", l.Tag, c.step, wrong, turn.Dialogue.At)
				}
				text := said(turn)
				if strings.Contains(text, "<no value>") || strings.ContainsAny(text, "\u200b\u202e") || len([]rune(text)) > len([]rune(asked))+150 {
					t.Errorf("%s, %s: %.20q is answered %.300q", l.Tag, c.step, wrong, text)
				}
			}
			if w.taps("back"); w.d.At.Step == c.step {
				t.Errorf("%s: back leads nowhere", c.step)
			}
			if !bytes.Equal(w.d.Draft.Record(), kept) {
				t.Errorf("%s: back loses what was written", c.step)
			}
		}
	}
}

// shown is the screen someone is on.
func shown(w *worker) bot.Reply {
	r, _ := w.talk.ShowWith(w.d.At, w.p.Lang, w.ch, w.desk, w.d.Draft, w.now)
	return r
}

// TestUnfinishedNotice: what is lacking is asked for before anything is counted, tried or sent.
func TestUnfinishedNotice(t *testing.T) {
	for want, taps := range map[string][]string{
		flows.NoticeWhat:  {"notice-what/all"},
		flows.NoticeFill:  {"notice-what/all", "notice-fill/doctor"},
		flows.NoticeUntil: {"notice-what/all", "notice-fill/water-back"},
	} {
		for _, early := range []string{"notice-check/now", "notice-test", "notice-send"} {
			w := writing(t, bot.Telegram, "es", taps...)
			if turn := w.taps(early); turn.Dialogue.At.Step != want || len(turn.Effects) > 0 || turn.Dialogue.Draft.Notice == nil {
				t.Errorf("%s leads to %v and sets off %v, want %s", early, turn.Dialogue.At, turn.Effects, want)
			}
		}
	}
	w := work(t, bot.Telegram, "es", bot.Coordinator)
	w.taps("notice-where/new")
	if turn := w.taps("notice-send"); turn.Dialogue.At.Step != flows.NoticeWhere || len(turn.Effects) > 0 {
		t.Errorf("without a place: %v, %v", turn.Dialogue.At, turn.Effects)
	}
}

// TestNoticeIsTheSameAgain: the same turn gives the same result, and neither it nor what follows changes
// the dialogue it began with.
func TestNoticeIsTheSameAgain(t *testing.T) {
	w := writing(t, bot.Telegram, "es", "notice-what/all", "notice-fill/doctor")
	for _, words := range []string{"2/12", "9", "Patio", "3/12 18:00"} {
		d, p := w.d, w.p
		before := d.Draft.Record()
		in := bot.Input{ID: "again" + words, Channel: w.ch, Words: bot.Words(words), Desk: w.desk}
		one, two := w.talk.Step(d, p, in, w.now), w.talk.Step(d, p, in, w.now)
		if !reflect.DeepEqual(one, two) {
			t.Errorf("%q gives two different turns", words)
		}
		if !bytes.Equal(d.Draft.Record(), before) {
			t.Errorf("%q changes the dialogue it was said in", words)
		}
		w.says(words)
	}
	turn := w.taps("notice-check/now")
	deed := turn.Effects[0].Deed
	deed.Notice.Facilities[0], deed.Notice.Blanks["place"] = "x", "x"
	if n := turn.Dialogue.Draft.Notice; n.Facilities[0] != "tapachula" || n.Blanks["place"] != "Patio" {
		t.Error("an effect shares the draft")
	}
	st := status("n1-0", *w.d.Draft.Notice, bot.Done, bot.Correct)
	w.desk.Notices = []bot.Status{st}
	w.taps("notice-do/correct.n1-0")
	w.d.Draft.Notice.Facilities[0] = "x"
	if st.Facilities[0] != "tapachula" {
		t.Error("a correction shares the notice it corrects")
	}
}

// TestNoticeThatIsGone: a notice that is not before a coordinator any more, or may not be done that to,
// leads to those that are; for others there is nothing.
func TestNoticeThatIsGone(t *testing.T) {
	for _, data := range []string{"notice-show/n9-0", "notice-do/stop.n9-0", "notice-sure/take-back.n9-0", "notice-do/approve.n1-0", "notice-do/nonsense"} {
		w := work(t, bot.Telegram, "en", bot.Coordinator)
		w.desk.Notices = []bot.Status{status("n1-0", bot.Notice{Ready: "water-back"}, bot.Sending, bot.Pause)}
		if turn := w.taps(data); turn.Dialogue.At.Step != flows.Notices || len(turn.Effects) > 0 {
			t.Errorf("%s leads to %v and sets off %v", data, turn.Dialogue.At, turn.Effects)
		}
		staff := work(t, bot.Telegram, "en", bot.Staff)
		if turn := staff.taps(data); turn.Dialogue.At.Step != flows.Gone {
			t.Errorf("%s leads staff to %v", data, turn.Dialogue.At)
		}
	}
}

// TestANumberMeansWhatWasShown: once another coordinator has acted, a number of the screen from before does
// nothing but show how it stands now.
func TestANumberMeansWhatWasShown(t *testing.T) {
	n := bot.Notice{Ready: "water-back", Facilities: []string{"tapachula"}, Until: day.Add(time.Hour)}
	w := work(t, bot.SMS, "es", bot.Coordinator)
	w.desk.Notices = []bot.Status{status("n1-0", n, bot.Sending, bot.Pause, bot.Stop)}
	w.taps("notice-show/n1-0")
	w.record()
	w.desk.Notices[0] = status("n1-0", n, bot.Paused, bot.Resume, bot.Stop)
	turn := w.says("1")
	if len(turn.Effects) > 0 || turn.Dialogue.At.Step != flows.NoticeShow || !strings.Contains(said(turn), "cambió mientras") || !strings.Contains(said(turn), "En pausa") {
		t.Errorf("the number of a screen from before leads to %v, sets off %v: %q", turn.Dialogue.At, turn.Effects, said(turn))
	}
	w.record()
	turn = w.says("1")
	if turn = w.says(w.code(turn.Replies[0])); len(turn.Effects) != 1 || turn.Effects[0].Deed.Does != bot.Resume {
		t.Errorf("the number of the screen as it is now sets off %v", turn.Effects)
	}
	w.taps("notices")
	w.desk.Notices = append([]bot.Status{status("n2-0", n, bot.Sending, bot.Stop)}, w.desk.Notices...)
	if turn := w.says("1"); turn.Dialogue.At.Step != flows.Notices {
		t.Errorf("the number of a list that grew leads to %v", turn.Dialogue.At)
	}
	if turn := w.says("1"); turn.Dialogue.At.Arg != "n2-0" {
		t.Errorf("the number of the list as it is now leads to %v", turn.Dialogue.At)
	}
}

// record stores and loads the dialogue, as between two turns.
func (w *worker) record() {
	w.t.Helper()
	text, err := w.d.MarshalText()
	if err != nil {
		w.t.Fatal(err)
	}
	draft := w.d.Draft
	if err := w.d.UnmarshalText(text); err != nil {
		w.t.Fatal(err)
	}
	w.d.Draft = draft
}

// TestBySMSNoNumberChoosesElsewhere: what comes unasked has no numbers, but those of the screen that its
// reader is on.
func TestBySMSNoNumberChoosesElsewhere(t *testing.T) {
	w := writing(t, bot.SMS, "es", "notice-what/all", "notice-fill/water-back", "notice-when/6h", "notice-check/now")
	n := *w.d.Draft.Notice
	for what, r := range map[string]bot.Reply{
		"a notice that waits": w.talk.NoticeStatus(status("n1-0", n, bot.Waiting, bot.Approve, bot.Refuse), w.p, w.ch, time.UTC, day),
		"a sheet":             w.talk.Preflight(sheet(&n), n, w.desk.Secret, w.p, w.ch, day),
		"a problem":           w.talk.Preflight(bot.Sheet{Problem: "past"}, n, w.desk.Secret, w.p, w.ch, day),
	} {
		if len(r.Options) > 0 {
			t.Errorf("%s has the choices %v", what, r.Options)
		}
	}
}

// TestOnlyWhatWasCountedIsSent: nothing goes out before its sheet is there, and a sheet sends nothing but
// what it counts, whatever was changed since.
func TestOnlyWhatWasCountedIsSent(t *testing.T) {
	for _, ch := range bot.Channels {
		sends := func(w *worker, sheet bot.Reply) bot.Turn {
			if ch == bot.SMS {
				return w.says(strings.ToLower(w.code(sheet)))
			}
			return w.taps(sheet.Options[0].Data)
		}
		sets := func(turn bot.Turn) (does []string) {
			for _, e := range turn.Effects {
				does = append(does, e.Deed.Does)
			}
			return does
		}
		w := writing(t, ch, "es", "notice-what/all", "notice-fill/water-back", "notice-when/6h")
		old := w.sheet(w.taps("notice-check/now"))
		for _, o := range shown(w).Options {
			if strings.HasPrefix(o.Data, flows.NoticeSend) {
				t.Errorf("%s: %s is offered while it is counted", ch, o.Data)
			}
		}
		for _, early := range []string{"notice-send", "notice-send/BBBBBB"} {
			if turn := w.taps(early); slices.Contains(sets(turn), bot.Send) {
				t.Errorf("%s: %s sends", ch, early)
			}
		}
		if turn := w.says("BBBBBB"); len(turn.Effects) > 0 || !strings.Contains(said(turn), "último recuento") {
			t.Errorf("%s: a code of nothing: %v, %q", ch, sets(turn), said(turn))
		}
		w.taps("notice-where")
		w.says("Reynosa")
		for _, tap := range []string{"notice-what/all", "notice-fill/water-back", "notice-when/6h"} {
			w.taps(tap)
		}
		fresh := w.sheet(w.taps("notice-check/now"))
		if turn := sends(w, old); slices.Contains(sets(turn), bot.Send) || turn.Dialogue.At.Step != flows.NoticeCheck || !strings.Contains(said(turn), "último recuento") {
			t.Errorf("%s: the old sheet leads to %v and sets off %v: %q", ch, turn.Dialogue.At, sets(turn), said(turn))
		}
		w.taps("notice-test")
		turn := sends(w, fresh)
		if !slices.Equal(sets(turn), []string{bot.Send}) || turn.Effects[0].Deed.Notice.Facilities[0] != "reynosa" {
			t.Fatalf("%s: the new sheet sets off %v", ch, sets(turn))
		}
		if turn := sends(w, fresh); len(turn.Effects) > 0 {
			t.Errorf("%s: the sheet sends twice", ch)
		}
	}
}

// TestWhatIsToldFits: with as much as there can be in it, a message that comes unasked is sent whole: on
// Telegram in one message, by SMS on one page.
func TestWhatIsToldFits(t *testing.T) {
	c := load(t)
	n := bot.Notice{Who: bot.OnlyGuests, Urgency: "important", Until: day.Add(time.Hour), At: day.Add(time.Minute), Corrects: "n1", Texts: map[locales.Lang]string{}}
	s := bot.Sheet{People: 25118, ByLang: map[locales.Lang]int{}, ByChannel: map[bot.Channel]int{bot.Telegram: 20000, bot.SMS: 5118}, ByFacility: map[string]int{},
		Left:    map[string]int{bot.LeftStopped: 1000, bot.LeftBlocked: 1000, bot.LeftInvalid: 1000, bot.LeftQuiet: 1000},
		Lacking: map[locales.Lang]int{}, Segments: 99999, Cost: "12345.67 USD", Takes: 14 * time.Hour, Ends: day, Approval: true}
	for id := range c.Flows.Facilities {
		n.Facilities = append(n.Facilities, id)
		s.ByFacility[id] = 1234
	}
	slices.Sort(n.Facilities)
	for _, l := range c.Book.Languages() {
		n.Texts[l.Tag] = strings.Repeat("🙂", 480)
		s.ByLang[l.Tag] = 5000
		s.Messages = append(s.Messages, bot.SMSSize{Lang: l.Tag, Encoding: "UCS-2", Segments: 16, People: 1000, Text: n.Texts[l.Tag]})
	}
	st := bot.Status{Notice: n, State: bot.Sending, People: 25118, Rate: 0.4, Left: time.Hour, Acts: []string{bot.Pause, bot.Stop, bot.Retry, bot.TakeBack, bot.Correct}, Counts: map[string]int{}}
	st.ID = "n0mabc123-0"
	for _, word := range []string{"queued", "delivered", "arrived", "undelivered", "held", "expired", "opted-out", "unreachable", "stopped", "blocked", "invalid", "quiet", "failed 21211", "failed 30003"} {
		st.Counts[word] = 1000
	}
	waiting := st
	waiting.State, waiting.Acts = bot.Waiting, []string{bot.Approve, bot.Refuse}
	for _, l := range c.Book.Languages() {
		for _, ch := range bot.Channels {
			p, n, waiting := bot.Person{Lang: l.Tag}, n, waiting
			if ch == bot.SMS {
				n.Texts = map[locales.Lang]string{"es": strings.Repeat("agua ", 20)}
				waiting.Texts = n.Texts
				for i := range s.Messages { // as long as those that may be sent
					s.Messages[i].Encoding, s.Messages[i].Text = "GSM-7", strings.Repeat("agua ", 120)
				}
			}
			talk, s := talk(t), s
			s.Messages = slices.Clone(s.Messages)
			for what, r := range map[string]bot.Reply{"sheet": talk.Preflight(s, n, "of a test", p, ch, day), "status": talk.NoticeStatus(st, p, ch, time.UTC, day), "waiting": talk.NoticeStatus(waiting, p, ch, time.UTC, day)} {
				if units := len(utf16.Encode([]rune(r.Title + "\n\n" + r.Text))); ch == bot.Telegram && units > telegram.MaxText {
					t.Errorf("%s in %s has %d units", what, l.Tag, units)
				}
				if m := sms.Render(r); ch == bot.SMS && m.Pages > 1 {
					t.Errorf("%s in %s has %d pages: %s", what, l.Tag, m.Pages, r.Text)
				}
				if strings.Contains(r.Text, "<no value>") {
					t.Errorf("%s in %s: %s", what, l.Tag, r.Text)
				}
				for _, o := range r.Options {
					if len(o.Data) == 0 || len(o.Data) > 64 || o.Label == "" {
						t.Errorf("%s in %s: the button %q has %d bytes", what, l.Tag, o.Label, len(o.Data))
					}
				}
			}
		}
	}
	r := talk(t).NoticeStatus(st, bot.Person{Lang: "en"}, bot.Telegram, time.UTC, day)
	if !strings.Contains(r.Text, "0.4 a second") || !strings.Contains(r.Text, "failed (21211) 1000") {
		t.Errorf("the status is %q", r.Text)
	}
}

// TestNoticeJudgedByAll: a second coordinator sees every text, not only the one in their language.
func TestNoticeJudgedByAll(t *testing.T) {
	n := bot.Notice{Facilities: []string{"tapachula"}, Until: day, Texts: map[locales.Lang]string{"es": "Hay agua.", "en": "No water."}}
	for _, ch := range bot.Channels {
		r := talk(t).NoticeStatus(status("n1-0", n, bot.Waiting, bot.Approve), bot.Person{Lang: "es"}, ch, time.UTC, day)
		if !strings.Contains(r.Text, "Hay agua.") || !strings.Contains(r.Text, "No water.") || !strings.Contains(r.Text, "Tapachula") {
			t.Errorf("%s: %q", ch, r.Text)
		}
	}
}

// TestNoticesNotWrittenInAChat: those of the command line are as plain as the others.
func TestNoticesNotWrittenInAChat(t *testing.T) {
	const hostile = "\u202eA\u200bg\u00adua\U000e0041\x00\u009f\r\n\r\n\tfin\u2028ya "
	for _, ch := range bot.Channels {
		r, ok := talk(t).Notice(bot.Notice{Until: day, Texts: map[locales.Lang]string{"es": hostile}}, "tapachula", bot.Person{Lang: "es"}, ch, time.UTC)
		if !ok || !strings.Contains(r.Text, "Agua\nfin ya\n") {
			t.Errorf("%s: %q", ch, r.Text)
		}
		r, _ = talk(t).Notice(bot.Notice{Ready: "evacuation", Blanks: map[string]string{"place": "Patio\n\u202e{{.day}}"}}, "tapachula", bot.Person{Lang: "es"}, ch, time.UTC)
		if !strings.Contains(r.Text, "Patio {{.day}}.") || strings.Contains(r.Text, "\u202e") {
			t.Errorf("%s: %q", ch, r.Text)
		}
	}
	if r, ok := talk(t).Notice(bot.Notice{Texts: map[locales.Lang]string{"es": "\u200b"}}, "tapachula", bot.Person{Lang: "es"}, bot.SMS, time.UTC); ok {
		t.Errorf("what shows nothing is sent: %q", r.Text)
	}
}

// TestUrgencyOfAReadyNotice: it presses as much as its kind does unless its coordinator says otherwise, and
// a correction no less than what it corrects.
func TestUrgencyOfAReadyNotice(t *testing.T) {
	for _, r := range load(t).Flows.ReadyNotices() {
		w := writing(t, bot.Telegram, "es", "notice-what/all", "notice-fill/"+r.ID)
		if got := w.d.Draft.Notice.Urgency; got != r.Urgency {
			t.Errorf("%s is %s, want %s", r.ID, got, r.Urgency)
		}
	}
	w := writing(t, bot.Telegram, "es", "notice-what/all", "notice-fill/water-back", "notice-when/6h", "notice-check/now", "notice-urgency")
	if turn := w.taps("notice-lang/important"); turn.Dialogue.At.Step != flows.NoticeCheck || turn.Dialogue.Draft.Notice.Urgency != "important" || turn.Dialogue.Draft.Notice.Ready != "water-back" {
		t.Errorf("another urgency leads to %v, %s", turn.Dialogue.At, turn.Dialogue.Draft.Notice.Urgency)
	}
	sent := *w.d.Draft.Notice
	sent.Urgency = "emergency"
	w.desk.Notices = []bot.Status{status("n1-0", sent, bot.Done, bot.Correct)}
	w.taps("notice-do/correct.n1-0")
	if w.taps("notice-fill/water-back"); w.d.Draft.Notice.Urgency != "emergency" {
		t.Errorf("what corrects an emergency is %s", w.d.Draft.Notice.Urgency)
	}
}

// TestACorrectionKeepsItsReaders: whatever is changed of it, it goes to those who got what it corrects, and
// says nothing else.
func TestACorrectionKeepsItsReaders(t *testing.T) {
	w := work(t, bot.Telegram, "es", bot.Coordinator)
	sent := bot.Notice{Facilities: []string{"reynosa"}, Who: bot.OnlyStaff, Urgency: "routine", Ready: "water-back", Until: day.Add(6 * time.Hour)}
	w.desk.Notices = []bot.Status{status("n1-0", sent, bot.Done, bot.Correct)}
	w.taps("notice-do/correct.n1-0")
	w.taps("notice-fill/water-back")
	w.taps("notice-check/now")
	for _, tap := range []string{"notice-where", "notice-who/tapachula", "notice-who/everywhere", "notice-what/all"} {
		turn := w.taps(tap)
		n := turn.Dialogue.Draft.Notice
		if turn.Dialogue.At.Step != flows.NoticeWhat || n.Corrects != "n1-0" || !slices.Equal(n.Facilities, sent.Facilities) || n.Who != sent.Who {
			t.Errorf("%s leads to %v, for %v (%s)", tap, turn.Dialogue.At, n.Facilities, n.Who)
		}
	}
	if w.taps("notice-where/new"); w.d.Draft.Notice.Corrects != "" {
		t.Error("a new notice corrects one")
	}
}

// TestLanguagesAndAChannel: a notice can be for readers of several languages on one channel, and each choice
// can be taken back.
func TestLanguagesAndAChannel(t *testing.T) {
	w := writing(t, bot.Telegram, "en", "notice-what/all", "notice-fill/water-back", "notice-when/6h", "notice-check/now", "notice-limit")
	for _, c := range []struct {
		tap, langs string
		channel    bot.Channel
	}{
		{"notice-limit/sms", "[]", bot.SMS},
		{"notice-limit/lang.es", "[es]", bot.SMS},
		{"notice-limit/lang.ht", "[es ht]", bot.SMS},
		{"notice-limit/telegram", "[es ht]", bot.Telegram},
		{"notice-limit/lang.es", "[ht]", bot.Telegram},
		{"notice-limit/telegram", "[ht]", ""},
		{"notice-limit/any", "[]", ""},
		{"notice-limit/lang.xx", "[]", ""},
	} {
		turn := w.taps(c.tap)
		if n := turn.Dialogue.Draft.Notice; fmt.Sprint(n.Langs) != c.langs || n.Channel != c.channel {
			t.Errorf("%s: %v on %q, want %s on %q", c.tap, n.Langs, n.Channel, c.langs, c.channel)
		}
	}
	w.taps("notice-limit/lang.ht")
	w.taps("notice-limit/sms")
	turn := w.taps("notice-check")
	if text := said(turn); !strings.Contains(text, "everyone, SMS, Kreyòl ayisyen") || len(turn.Effects) != 1 {
		t.Errorf("%q sets off %v", text, turn.Effects)
	}
}
