package answers_test

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"faro/bot"
	"faro/internal/answers"
	"faro/internal/content"
	"faro/locales"
)

var builtin = sync.OnceValue(func() *content.Content {
	c, found := content.Load("")
	if c == nil {
		panic(found)
	}
	return c
})

var index = sync.OnceValue(func() *answers.Index { return answers.New(builtin().Flows, builtin().Book) })

// The floors are a little below what was measured (docs/answers.md), in each language: a change to
// the content or the model that makes answers worse is seen.
func TestQuestionSets(t *testing.T) {
	own, err := answers.QuestionSet()
	if err != nil {
		t.Fatal(err)
	}
	short := shortSet(t)
	for name, set := range map[string]struct {
		cases                  []answers.Case
		first, danger, outside float64
	}{
		"own": {own, 0.95, 0.98, 0.94}, "short": {short, 0.95, 0.92, 0.95},
	} {
		report := index().Measure(set.cases)
		for _, l := range report.Languages() {
			s := report.Shares(l)
			for _, f := range []struct {
				what         string
				share, floor float64
			}{
				{"top-1", s.First, set.first}, {"top-3", s.Third, 0.98}, {"danger found", s.Danger, set.danger}, {"language", s.Language, 0.97},
				{"not surely wrong", 1 - s.SurelyWrong, 0.98}, {"nothing answered outside", 1 - s.Outside, set.outside}, {"no false alarm", 1 - s.Alarms, 0.97},
			} {
				if f.share < f.floor {
					t.Errorf("%s, %s: %s in %.1f %%, at least %.1f %% is expected", name, l, f.what, 100*f.share, 100*f.floor)
				}
			}
		}
	}
}

func shortSet(t *testing.T) []answers.Case {
	t.Helper()
	file, err := os.Open("testdata/short/all.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	short, err := answers.ReadCases(file, "")
	if err != nil {
		t.Fatal(err)
	}
	return short
}

// TestDangerInPassing: a few words of danger before or after a calm message, with and without a full stop between them.
func TestDangerInPassing(t *testing.T) {
	danger, calm := map[locales.Lang][]string{}, map[locales.Lang][]string{}
	for _, c := range shortSet(t) {
		if topic := builtin().Flows.Topics[c.Topic]; topic != nil && topic.Urgent {
			danger[c.Lang] = append(danger[c.Lang], c.Text)
		} else {
			calm[c.Lang] = append(calm[c.Lang], c.Text)
		}
	}
	for lang, some := range danger {
		for between, floor := range map[string]float64{". ": 0.85, " ": 0.82} {
			found := 0
			for i, words := range some {
				pair := []string{words, calm[lang][i%len(calm[lang])]}
				if i%2 == 0 {
					slices.Reverse(pair)
				}
				if index().Find(lang, bot.Words(strings.Join(pair, between))).Urgent {
					found++
				}
			}
			share := float64(found) / float64(len(some))
			t.Logf("%s, %q between: %.1f %%", lang, between, 100*share)
			if share < floor {
				t.Errorf("%s, %q between: danger is found in %.1f %%, at least %.1f %% is expected", lang, between, 100*share, 100*floor)
			}
		}
	}
}

func TestDangerIsFound(t *testing.T) {
	for _, c := range []struct {
		lang        locales.Lang
		words, want string
	}{
		{"es", "Quiero saber de la comar. Ah y tienen secuestrada a mi hermana y piden dinero", "kidnapping"},
		{"en", "he is bleeding a lot please help", "emergency"},
		{"fr", "je veux mourir", "mental-health"},
		{"pt", "meu filho sumiu no caminho", "missing-person"},
		{"ht", "yo vyole m", "violence"},
		{"es", "yo vyole m", "violence"}, // in another language than the chosen one
	} {
		if m := index().Find(c.lang, bot.Words(c.words)); !m.Urgent || m.Topics[0].Topic != c.want || m.Decision != bot.Sure {
			t.Errorf("%q: %+v, want %s at once", c.words, m, c.want)
		}
	}
	for _, calm := range []string{"me muero de hambre", "this bus is killing me", "mort de rire", "meu celular morreu", "m mouri ri"} {
		if m := index().Find("", bot.Words(calm)); m.Urgent {
			t.Errorf("%q was taken for danger: %+v", calm, m)
		}
	}
}

// TestLanguageOfNobodyHere: a language that is none of ours leaves the chosen one, and tells none.
func TestLanguageOfNobodyHere(t *testing.T) {
	for _, words := range []bot.Words{"救命", "помогите", "مساعدة", "🙏🙏", "12345"} {
		for _, chosen := range []locales.Lang{"", "es", "ht"} {
			if m := index().Find(chosen, words); m.Lang != chosen || m.Decision != bot.None {
				t.Errorf("%q after choosing %q: %q, %v", words, chosen, m.Lang, m.Decision)
			}
		}
	}
}

// Written in another language than the chosen one.
func TestLanguageWritten(t *testing.T) {
	for want, words := range map[locales.Lang]string{
		"es": "¿cuánto tiempo me pueden tener aquí?", "en": "how long can they keep me here?", "fr": "combien de temps on peut me garder ici ?",
		"pt": "quanto tempo podem me manter aqui?", "ht": "konbyen tan yo ka kenbe m isit?",
	} {
		for _, chosen := range []locales.Lang{"", "es", "en", "fr", "pt", "ht"} {
			if m := index().Find(chosen, bot.Words(words)); m.Lang != want {
				t.Errorf("%q after choosing %q is %q, want %q", words, chosen, m.Lang, want)
			}
		}
	}
}

func TestNothingToFind(t *testing.T) {
	for _, words := range []string{"", "   ", "😀😀", "...", "1234567", "\x00\xff\xfe", strings.Repeat("zzzz ", 3000)} {
		if m := index().Find("es", bot.Words(words)); m.Decision == bot.Sure {
			t.Errorf("%.20q was answered: %+v", words, m)
		}
	}
}

// FuzzFind reads foreign bytes: whatever they are, scores are shares and topics exist.
func FuzzFind(f *testing.F) {
	for _, s := range []string{"quiero pedir refugio", "😀", "\xff\xfe", "a\u202eb", strings.Repeat("ñ", 5000), "1 2 3", "ＡＢＣ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := index().Find("es", bot.Words(s))
		for _, x := range m.Topics {
			if builtin().Flows.Topics[x.Topic] == nil || !(x.Score >= 0 && x.Score <= 1.0001) {
				t.Errorf("%q: %+v", s, m)
			}
		}
		if m.Urgent && len(m.Topics) == 0 {
			t.Errorf("%q is urgent without a topic", s)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	cases, err := answers.QuestionSet()
	if err != nil {
		b.Fatal(err)
	}
	index().Warm()
	for i := 0; b.Loop(); i++ {
		c := cases[i%len(cases)]
		index().Find(c.Lang, bot.Words(c.Text))
	}
}

// BenchmarkFindLong: the longest message that is read, without a full stop.
func BenchmarkFindLong(b *testing.B) {
	index().Warm()
	long := bot.Words(strings.Repeat("quiero saber cuando puedo visitar la escuela con mi hija el martes ", 30))
	for b.Loop() {
		index().Find("es", long)
	}
}

// TestExamplesAreSure: who writes word for word what stands in the content gets the topic it stands in.
func TestExamplesAreSure(t *testing.T) {
	for _, l := range builtin().Book.Languages() {
		for id, topic := range builtin().Flows.Topics {
			for _, q := range builtin().Book.Topic(l.Tag, id).Questions {
				m := index().Find(l.Tag, bot.Words(strings.ToUpper(q.Text)+" !"))
				if m.Lang == l.Tag && (m.Decision != bot.Sure || m.Topics[0].Topic != id || m.Urgent != topic.Urgent) {
					t.Errorf("%s: %q is about %v, %s, urgent: %v; not surely about %s", l.Tag, q.Text, m.Topics[0], m.Decision, m.Urgent, id)
				}
			}
		}
	}
}
