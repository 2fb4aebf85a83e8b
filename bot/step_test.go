package bot_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"faro/bot"
	"faro/flows"
	"faro/internal/answers"
	"faro/internal/content"
	"faro/locales"
)

var day = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// loaded is the content and its index, which never change, read once for all tests.
var loaded = sync.OnceValues(func() (*content.Content, *answers.Index) {
	c, found := content.Load("")
	if c == nil {
		panic(found)
	}
	return c, answers.New(c.Flows, c.Book)
})

func load(testing.TB) *content.Content {
	c, _ := loaded()
	return c
}

func talk(testing.TB) *bot.Talk {
	c, index := loaded()
	return bot.New(c.Flows, c.Book, index.Find, bot.Host{})
}

// someone has a conversation.
type someone struct {
	t    testing.TB
	talk *bot.Talk
	ch   bot.Channel
	now  time.Time
	d    bot.Dialogue
	p    bot.Person
	n    int

	hasty bool // writes without pausing; others rest before each turn, though the clock stands
}

func meet(t testing.TB, ch bot.Channel) *someone {
	return &someone{t: t, talk: talk(t), ch: ch, now: day}
}

// known is someone who has chosen a language and seen the notice.
func known(t testing.TB, ch bot.Channel, lang locales.Lang) *someone {
	s := meet(t, ch)
	s.p = bot.Person{Lang: lang, Noticed: true}
	return s
}

func (s *someone) send(in bot.Input) bot.Turn {
	s.n++
	if in.ID == "" {
		in.ID = strconv.Itoa(s.n)
	}
	in.Channel = s.ch
	if !s.hasty {
		s.d.Pace = bot.Pace{}
	}
	turn := s.talk.Step(s.d, s.p, in, s.now)
	s.d, s.p = turn.Dialogue, turn.Person
	return turn
}

func (s *someone) says(words string) bot.Turn { return s.send(bot.Input{Words: bot.Words(words)}) }

func (s *someone) taps(data string) bot.Turn {
	return s.send(bot.Input{Kind: bot.Choice, Choice: data, Message: 7})
}

func said(turn bot.Turn) string {
	var b strings.Builder
	for _, r := range turn.Replies {
		b.WriteString(r.Title + "\n" + r.Text + "\n")
	}
	return b.String()
}

func TestOnce(t *testing.T) {
	s := known(t, bot.Telegram, "es")
	first := s.send(bot.Input{ID: "a", Words: "menu"})
	if len(first.Replies) != 1 {
		t.Fatalf("%d replies", len(first.Replies))
	}
	again := s.send(bot.Input{ID: "a", Words: "menu"})
	if !again.Silent || again.Heard != bot.HeardDuplicate || len(again.Replies) != 0 {
		t.Errorf("a redelivered input made a turn: %+v", again.Heard)
	}
}

func TestFirstContact(t *testing.T) {
	s := meet(t, bot.SMS)
	turn := s.says("hola")
	for _, l := range []string{"Español", "English", "Français", "Português", "Kreyòl ayisyen"} {
		if !slices.ContainsFunc(turn.Replies[0].Options, func(o bot.Option) bool { return o.Label == l }) {
			t.Errorf("%s is not offered", l)
		}
	}
	if s.d.At.Step != "welcome" {
		t.Fatalf("at %v", s.d.At)
	}
	s.says("2")
	if s.p.Lang != "en" || s.d.At.Step != "notice" {
		t.Fatalf("after the language: %v, %v", s.p.Lang, s.d.At)
	}
	s.says("1")
	if s.d.At.Step != "menu" {
		t.Errorf("after the notice: %v", s.d.At)
	}
}

func TestHintOnlyOrdersTheList(t *testing.T) {
	s := meet(t, bot.Telegram)
	turn := s.send(bot.Input{Kind: bot.Start, Hint: "ht"})
	if first := turn.Replies[0].Options[0].Data; first != "lang/ht" {
		t.Errorf("first offered is %s", first)
	}
	if s.p.Lang != "" {
		t.Errorf("the hint chose %s", s.p.Lang)
	}
	s.says("1") // typed instead of tapped: the number is that of the list as shown
	if s.p.Lang != "ht" {
		t.Errorf("1 chose %s", s.p.Lang)
	}
}

func TestDeepLinkWaitsForLanguageAndNotice(t *testing.T) {
	s := meet(t, bot.Telegram)
	s.send(bot.Input{Kind: bot.Start, Choice: "t-asylum"})
	s.taps("lang/fr")
	if s.d.At.Step != "notice" {
		t.Fatalf("at %v", s.d.At)
	}
	s.taps("next")
	if s.d.At != (bot.Screen{Step: "answer", Arg: "asylum"}) {
		t.Errorf("at %v", s.d.At)
	}
}

func TestDeepLinkRemembersTheFacility(t *testing.T) {
	s := meet(t, bot.Telegram)
	s.send(bot.Input{Kind: bot.Start, Choice: "f-tapachula"})
	s.taps("lang/es")
	turn := s.taps("next")
	if s.p.Facility != "tapachula" || !strings.Contains(said(turn), "Tapachula") {
		t.Errorf("facility %q, said %q", s.p.Facility, said(turn))
	}
	s.send(bot.Input{Kind: bot.Start, Choice: "f-nowhere"})
	if s.d.At.Step != "nofacility" || s.p.Facility != "tapachula" {
		t.Errorf("an unknown place: at %v, facility %q", s.d.At, s.p.Facility)
	}
}

func TestDangerSkipsTheNotice(t *testing.T) {
	s := meet(t, bot.SMS)
	s.says("SOS")
	turn := s.says("1")
	if s.d.At != (bot.Screen{Step: "answer", Arg: "emergency"}) || !strings.Contains(said(turn), "911") {
		t.Errorf("at %v", s.d.At)
	}
}

func TestNumbersInAnyScript(t *testing.T) {
	for _, three := range []string{"3", "٣", "۳", "३", "３", "3.", " 3 ", "3️⃣", "(3)", "\u200f3"} {
		s := known(t, bot.SMS, "es")
		s.says("menu")
		s.says(three)
		if s.d.At != (bot.Screen{Step: "group", Arg: "legal"}) {
			t.Errorf("%q led to %v", three, s.d.At)
		}
	}
}

func TestMorePages(t *testing.T) {
	s := known(t, bot.SMS, "es")
	s.says("sos")
	if turn := s.says("9"); turn.Replies[0].Page != 1 || s.d.At.Step != "answer" {
		t.Errorf("9 gave page %d at %v", turn.Replies[0].Page, s.d.At)
	}
	s.says("0")
	if s.d.At.Step != "menu" {
		t.Errorf("0 led to %v", s.d.At)
	}
}

func TestLanguageByNameAtAnyTime(t *testing.T) {
	for _, c := range []struct {
		words string
		lang  locales.Lang
	}{{"kreyol", "ht"}, {"CREOLE", "ht"}, {"inglés", "en"}, {"Ingles", "en"}, {"Português", "pt"}, {"francés", "fr"}, {"espagnol", "es"}} {
		s := known(t, bot.Telegram, "es")
		if c.lang == "es" {
			s.p.Lang = "en"
		}
		s.says("sos")
		turn := s.says(c.words)
		if s.p.Lang != c.lang || s.d.At.Arg != "emergency" || turn.Replies[0].Lang != c.lang {
			t.Errorf("%q: language %s at %v", c.words, s.p.Lang, s.d.At)
		}
	}
}

func TestALanguageWeDoNotSpeakIsSaid(t *testing.T) {
	s := known(t, bot.Telegram, "en")
	turn := s.says("українська")
	if !strings.Contains(said(turn), "does not speak that language yet") || s.p.Lang != "en" {
		t.Errorf("said %q", said(turn))
	}
	if s.says("Português"); s.p.Lang != "pt" {
		t.Errorf("the language is %q", s.p.Lang)
	}
	stranger := meet(t, bot.Telegram)
	if turn := stranger.says("العربية"); len(turn.Replies) != 1 || len(turn.Replies[0].Options) != 5 || stranger.p.Lang != "" {
		t.Errorf("a stranger is told %q", said(turn))
	}
}

// TestDangerFirst: danger is answered at once: mid-flow, before a language was chosen, after STOP (and
// then silence again), whatever else the message says.
func TestDangerFirst(t *testing.T) {
	const cry = "quería preguntar por mis papeles, pero mi hermano no respira, está sangrando mucho"
	atDanger := func(s *someone, turn bot.Turn) {
		t.Helper()
		if s.d.At.Step != "answer" || s.d.At.Arg != "emergency" || len(turn.Replies) != 1 || !strings.Contains(said(turn), "911") || turn.Heard != bot.HeardDanger {
			t.Errorf("at %v, said %q", s.d.At, said(turn))
		}
	}
	for _, ch := range bot.Channels {
		s := known(t, ch, "es")
		s.says("menu")
		atDanger(s, s.says(cry))

		stranger := meet(t, ch)
		stranger.says("hola")
		atDanger(stranger, stranger.says(cry))
		if stranger.p.Lang != "" {
			t.Error("a language was chosen for a person in danger")
		}

		s.says("ALTO")
		if turn := s.says("quiero pedir asilo"); len(turn.Replies) > 0 {
			t.Errorf("after STOP a question is answered: %q", said(turn))
		}
		atDanger(s, s.says(cry))
		if turn := s.says("asilo"); len(turn.Replies) > 0 || !s.p.Stopped {
			t.Error("after an answer to danger STOP holds no more")
		}
	}
}

// TestCryForHelp: the words for it are answered at once too, after STOP and before a language was chosen, if any language
// can be told; if none can, the screen that asks for one says 911 and leads on to the answer.
func TestCryForHelp(t *testing.T) {
	helped := func(turn bot.Turn, lang locales.Lang) bool {
		return len(turn.Replies) == 1 && turn.Replies[0].Lang == lang && turn.Dialogue.At.Step == "answer" && turn.Dialogue.At.Arg == "emergency"
	}
	for _, ch := range bot.Channels {
		for _, cry := range []string{"SOS", "911", "🆘", "emergencia", "danger"} {
			s := known(t, ch, "es")
			s.says("STOP")
			if turn := s.says(cry); !helped(turn, "es") || !s.p.Stopped {
				t.Errorf("%s: after STOP %q is answered %q", ch, cry, said(turn))
			}
			hinted := meet(t, ch)
			if turn := hinted.send(bot.Input{Words: bot.Words(cry), Hint: "fr"}); !helped(turn, "fr") {
				t.Errorf("%s: %q from a French phone is answered %q", ch, cry, said(turn))
			}
		}
		for cry, lang := range map[string]locales.Lang{"auxilio": "es", "ijans": "ht", "au secours": "fr", "perigo": "pt"} {
			s := meet(t, ch)
			if turn := s.says(cry); !helped(turn, lang) {
				t.Errorf("%s: %q from a stranger is answered %q", ch, cry, said(turn))
			}
		}
		s := meet(t, ch)
		if turn := s.says("sos"); !strings.Contains(said(turn), "911") || s.d.At.Step != "welcome" {
			t.Errorf("%s: a stranger's SOS is answered %q", ch, said(turn))
		}
		if turn := s.says("2"); !helped(turn, "en") {
			t.Errorf("%s: after the language SOS is answered %q", ch, said(turn))
		}
	}
}

// TestAnswersInTheLanguageWritten: someone who writes in another of our languages is answered in it,
// page by page, and offered to stay in it; their choice is changed only if they say so.
func TestAnswersInTheLanguageWritten(t *testing.T) {
	for _, ch := range bot.Channels {
		s := known(t, ch, "es")
		turn := s.says("I want to ask for asylum, I can't go back to my country")
		if s.p.Lang != "es" || turn.Replies[0].Lang != "en" || !strings.Contains(said(turn), "write: English") {
			t.Errorf("%s: language %s, said %q", ch, s.p.Lang, said(turn))
		}
		if turn := s.says("9"); ch == bot.SMS && turn.Replies[0].Lang != "en" {
			t.Errorf("the second page is in %s", turn.Replies[0].Lang)
		}
		if turn := s.says("English"); s.p.Lang != "en" || strings.Contains(said(turn), "write: English") {
			t.Errorf("%s: language %s, said %q", ch, s.p.Lang, said(turn))
		}
	}
}

func TestBackGoesBack(t *testing.T) {
	s := known(t, bot.Telegram, "en")
	s.says("menu")
	s.taps("group/legal")
	s.taps("answer/asylum")
	s.says("help")
	var at []string
	for range 4 {
		s.taps("back")
		at = append(at, s.d.At.Step)
	}
	if want := []string{"answer", "group", "menu", "menu"}; !slices.Equal(at, want) {
		t.Errorf("back led to %v, want %v", at, want)
	}
}

func TestGoneButtons(t *testing.T) {
	for _, data := range []string{"", "nonsense", "answer/none", "answer", "group/none", "group", "lang/xx", "offer/asylum+none",
		"stopped", "erased", "helpful/none", strings.Repeat("x", 5000), "menu/x", "following/none", "/", "answer/"} {
		s := known(t, bot.Telegram, "es")
		turn := s.taps(data)
		if turn.Heard != bot.HeardGone || len(turn.Replies) != 1 || s.p.Stopped {
			t.Errorf("%.20q: heard %s, %d replies", data, turn.Heard, len(turn.Replies))
		}
	}
}

func TestUnreadableGetsAnAnswer(t *testing.T) {
	for kind, step := range map[bot.Kind]string{bot.Media: "unreadable", bot.Location: "places", bot.Edited: "edited"} {
		s := known(t, bot.Telegram, "es")
		if turn := s.send(bot.Input{Kind: kind}); len(turn.Replies) != 1 || s.d.At.Step != step {
			t.Errorf("kind %d: %d replies at %v", kind, len(turn.Replies), s.d.At)
		}
		if turn := meet(t, bot.Telegram).send(bot.Input{Kind: kind}); len(turn.Replies) != 1 {
			t.Errorf("kind %d from a stranger: %d replies", kind, len(turn.Replies))
		}
	}
}

func TestOldAnswersSaySo(t *testing.T) {
	c := load(t)
	for _, ch := range bot.Channels {
		for _, l := range c.Book.Languages() {
			s := known(t, ch, l.Tag)
			s.now = c.Flows.Topics["asylum"].ReviewBy.AddDate(0, 0, 2)
			text := s.taps("answer/asylum").Replies[0].Text
			fresh := known(t, ch, l.Tag).taps("answer/asylum").Replies[0].Text
			first, _, _ := strings.Cut(text, "\n")
			if text == fresh || !strings.Contains(first, c.Flows.Contacts["comar"].Phone) {
				t.Errorf("%s %s: an old answer begins %q", ch, l.Tag, first)
			}
			if !strings.Contains(fresh, "2026") {
				t.Errorf("%s %s: an answer does not say its date", ch, l.Tag)
			}
		}
	}
}

func TestHelpfulIsCountedForItsTopic(t *testing.T) {
	s := known(t, bot.Telegram, "es")
	s.taps("answer/asylum")
	s.taps("answer/services")
	turn := s.taps("helpful/asylum") // under the older message
	if len(turn.Effects) != 1 || *turn.Effects[0].Judged != (bot.Judgement{Topic: "asylum", Helped: true}) {
		t.Errorf("effects %v", turn.Effects)
	}
}

func TestEveryScreenHasAWayOut(t *testing.T) {
	c := load(t)
	tk := talk(t)
	for id, step := range c.Flows.Steps {
		if step.Bare {
			continue
		}
		for _, l := range c.Book.Languages() {
			arg := map[string]string{"topics": "legal", "offers": "asylum+services", "related": "asylum"}[step.List]
			if step.Of == flows.OfSession {
				arg = "s1"
			}
			r, ok := tk.ShowWith(bot.Screen{Step: id, Arg: arg}, l.Tag, bot.Telegram, desk(), draft(), day)
			if !ok {
				t.Errorf("%s in %s says nothing", id, l.Tag)
				continue
			}
			var ways []string
			for _, o := range r.Nav {
				ways = append(ways, o.Data)
			}
			if !slices.Contains(ways, c.Flows.Emergency) && arg != "emergency" || !slices.Contains(ways, "menu") && id != "menu" {
				t.Errorf("%s in %s: ways out %v", id, l.Tag, ways)
			}
		}
	}
}

// TestAnythingIsAnswered holds that whatever someone sends, a turn never panics, is answered unless
// the person stopped or repeats themselves, keeps no words, and leaves a record that can be read.
func TestAnythingIsAnswered(t *testing.T) {
	c, index := loaded()
	tk := bot.New(c.Flows, c.Book, index.Find, bot.Host{Operator: "Org"})
	var words []string
	for _, cmd := range c.Flows.Commands {
		for _, list := range cmd.Words {
			words = append(words, list...)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := &someone{talk: tk, ch: rapid.SampledFrom(bot.Channels).Draw(t, "channel"), now: day}
		for range rapid.IntRange(1, 12).Draw(t, "turns") {
			in := bot.Input{
				Kind:   bot.Kind(rapid.IntRange(0, int(bot.OptIn)).Draw(t, "kind")),
				Choice: rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"menu", "lang/ht", "answer/asylum", "next", "back", "t-asylum", "offer/asylum+services"})).Draw(t, "choice"),
				Words:  bot.Words(rapid.OneOf(rapid.String(), rapid.SampledFrom(words), rapid.StringMatching(`[0-9]{1,3}`)).Draw(t, "words")),
				Hint:   locales.Lang(rapid.SampledFrom([]string{"", "es", "ht", "uk", "x/|,:"}).Draw(t, "hint")),
			}
			stopped := s.p.Stopped
			turn := s.send(in)
			if len(turn.Replies) == 0 && !stopped && turn.Heard != bot.HeardCarrier {
				t.Fatalf("no answer; heard %s", turn.Heard)
			}
			for _, r := range turn.Replies {
				if !c.Book.Has(r.Lang) && s.d.At.Step != "welcome" || r.Text == "" {
					t.Fatalf("a reply in %q says %q", r.Lang, r.Text)
				}
			}
			record, err := s.d.MarshalText()
			if err != nil {
				t.Fatal(err)
			}
			var back bot.Dialogue
			if err := back.UnmarshalText(record); err != nil {
				t.Fatalf("record %q: %v", record, err)
			}
			if len(record) > 400 {
				t.Fatalf("a record of %d bytes", len(record))
			}
			s.d = back
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("1|answer/asylum:2|menu||menu,group/legal|abcdef"))
	f.Fuzz(func(t *testing.T, record []byte) {
		var d bot.Dialogue
		if d.UnmarshalText(record) != nil {
			return
		}
		again, err := d.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var e bot.Dialogue
		if err := e.UnmarshalText(again); err != nil {
			t.Fatalf("%q became %q: %v", record, again, err)
		}
	})
}
