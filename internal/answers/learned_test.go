package answers

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"faro/bot"
	"faro/internal/content"
	"faro/internal/content/sample"
	"faro/locales"
)

var loaded = sync.OnceValue(func() *content.Content {
	c, found := content.Builtin()
	if c == nil {
		panic(found)
	}
	return c
})

func damaged(file []byte, at int) []byte {
	file = slices.Clone(file)
	file[at] ^= 1
	return file
}

// What is read from a file finds the same as what is learned anew, to the last digit; a file that is damaged is not read.
func TestReadFindsWhatLearnedFinds(t *testing.T) {
	dir := t.TempDir()
	if err := sample.Copy(dir); err != nil {
		t.Fatal(err)
	}
	c, found := content.Load(dir)
	if c == nil {
		t.Fatal(found)
	}
	made := Learn(c.Flows, c.Book)
	name := filepath.Join(dir, "models")
	if err := os.WriteFile(name, made, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, learned := New(c.Flows, c.Book), New(c.Flows, c.Book)
	read.made, learned.made = f, bytes.NewReader(damaged(made, len(made)/2))
	cases, err := QuestionSet()
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(cases); i += 3 {
		c := cases[i]
		a, _ := json.Marshal(read.Find(c.Lang, bot.Words(c.Text)))
		b, _ := json.Marshal(learned.Find(c.Lang, bot.Words(c.Text)))
		if string(a) != string(b) {
			t.Fatalf("%q: read %s, learned %s", c.Text, a, b)
		}
	}
}

// What was learned before this was built is of this content and code.
func TestBuiltIn(t *testing.T) {
	f := built()
	if f == nil {
		t.Skip("nothing was learned before this was built; make learned does it")
	}
	if _, fits := read(f, lessonsOf(loaded().Flows, loaded().Book)); !fits {
		t.Fatal("what was learned before this was built is of other content or code: make learned")
	}
}

// few are lessons that are learned at once.
func few() lessons {
	return lessons{
		Concepts: []locales.Concept{{Name: "lawyer", Words: map[locales.Lang][]string{"en": {"lawyer", "attorney*"}, "es": {"abogad*"}}}},
		Languages: []lessonsIn{
			{Lang: "en", Topics: []topicLessons{
				{ID: "emergency", Urgent: true, Title: "Emergency", Answers: []string{"Call now, whoever you are."}, Questions: []string{"he is bleeding a lot", "she is bleeding"}},
				{ID: "rights", Title: "My rights", Answers: []string{"You have a right to a lawyer."}, Questions: []string{"do i have a right to a lawyer", "what are my rights"}},
			}, Unrelated: []string{"what is the time", "what is on tv"}, Asides: []string{"good day to you"}, Past: []string{"she was bleeding last year"}},
			{Lang: "es", Topics: []topicLessons{
				{ID: "emergency", Urgent: true, Title: "Emergencia", Questions: []string{"esta sangrando mucho", "ella sangra"}},
				{ID: "rights", Title: "Mis derechos", Questions: []string{"tengo derecho a un abogado", "cuales son mis derechos"}},
			}},
		},
	}
}

func TestDamageIsFound(t *testing.T) {
	whole := few().learned()
	if _, fits := read(bytes.NewReader(whole), few()); !fits {
		t.Fatal("what was learned is not read")
	}
	for n := 0; n < len(whole); n += 31 {
		if _, fits := read(bytes.NewReader(whole[:n]), few()); fits {
			t.Errorf("the first %d of %d bytes were read", n, len(whole))
		}
		if _, fits := read(bytes.NewReader(damaged(whole, n)), few()); fits {
			t.Errorf("damage at byte %d was not seen", n)
		}
	}
	if !bytes.Equal(whole, few().learned()) {
		t.Error("the same lessons make other bytes the second time")
	}
	if _, fits := read(bytes.NewReader(append(whole, 0)), few()); fits {
		t.Error("a byte too many was not seen")
	}
}

func TestOtherLessonsAreLearned(t *testing.T) {
	whole := few().learned()
	for name, change := range map[string]func(*lessons){
		"another question": func(l *lessons) { l.Languages[0].Topics[1].Questions[0] += "?" },
		"a question less":  func(l *lessons) { l.Languages[1].Topics[0].Questions = l.Languages[1].Topics[0].Questions[:1] },
		"another order":    func(l *lessons) { slices.Reverse(l.Languages[0].Topics[0].Questions) },
		"another answer":   func(l *lessons) { l.Languages[0].Topics[0].Answers[0] = "Call." },
		"another urgency":  func(l *lessons) { l.Languages[0].Topics[1].Urgent = true },
		"another topic":    func(l *lessons) { l.Languages[0].Topics[1].ID = "law" },
		"another language": func(l *lessons) { l.Languages[1].Lang = "pt" },
		"another concept":  func(l *lessons) { l.Concepts[0].Words["es"] = []string{"abogada"} },
		"unrelated or told": func(l *lessons) {
			l.Languages[0].Asides, l.Languages[0].Past = l.Languages[0].Past, l.Languages[0].Asides
		},
	} {
		other := few()
		change(&other)
		if _, fits := read(bytes.NewReader(whole), other); fits {
			t.Errorf("%s: what was learned before was read", name)
		}
	}
}

func BenchmarkLearn(b *testing.B) {
	loaded()
	for b.Loop() {
		Learn(loaded().Flows, loaded().Book)
	}
}

func BenchmarkRead(b *testing.B) {
	if built() == nil {
		b.Skip("nothing was learned before this was built; make learned does it")
	}
	for b.Loop() {
		New(loaded().Flows, loaded().Book).Warm()
	}
}

// TestThriftily: however many indexes learn, garbage is collected as often afterwards as before.
func TestThriftily(t *testing.T) {
	const before = 123
	defer debug.SetGCPercent(debug.SetGCPercent(before))
	var learning sync.WaitGroup
	var at atomic.Int32
	for range 4 {
		learning.Go(func() {
			thriftily(func() []byte {
				if at.Add(1) > 1 {
					t.Error("two learn at once")
				}
				runtime.Gosched()
				at.Add(-1)
				return nil
			})
		})
	}
	learning.Wait()
	if now := debug.SetGCPercent(before); now != before {
		t.Errorf("the heap may grow by %d %%, want %d", now, before)
	}
}
