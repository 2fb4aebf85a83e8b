package answers

import (
	"slices"
	"strings"

	"faro/locales"
)

// Features are what a text has that a model can learn from, each with its weight.
type features map[string]float32

// What the features weigh against each other.
const (
	wordWeight    = 1.0 // a word
	pairWeight    = 0.7 // two words that follow each other
	partWeight    = 0.4 // a part of a word, three to five letters: forgives typos and endings
	soundWeight   = 0.6 // a word as it sounds: forgives "k" for "qu", "b" for "v", a missing "h"
	conceptWeight = 1.0 // what a word means: "abogada", "attorney" and "avoka" are one concept
	bothWeight    = 0.3 // two concepts in one text
)

// A reader takes texts apart. It knows which words mean the same.
type reader struct {
	exact  map[string][]string // concepts of one or more words
	begins map[string][]string // concepts of words that begin so
	most   int                 // words the longest of exact has
}

func newReader(book *locales.Book) *reader {
	r := &reader{exact: map[string][]string{}, begins: map[string][]string{}, most: 1}
	for _, c := range book.Concepts() {
		for _, w := range c.Words {
			folded := locales.Fold(w)
			if strings.HasSuffix(w, "*") {
				r.begins[folded] = append(r.begins[folded], c.Name)
			} else {
				r.exact[folded] = append(r.exact[folded], c.Name)
				r.most = max(r.most, strings.Count(folded, " ")+1)
			}
		}
	}
	return r
}

// features of a text, for its topic.
func (r *reader) features(text string) features {
	f := features{}
	words := strings.Fields(locales.Fold(text))
	before := "^"
	for _, w := range words {
		f["w:"+w] += wordWeight
		f["b:"+before+" "+w] += pairWeight
		before = w
		f.parts("", w, 3, 5, partWeight)
		s := sound(w)
		f["s:"+s] += soundWeight
		f.parts("s", s, 3, 4, soundWeight/2)
	}
	concepts := r.concepts(words)
	for i, c := range concepts {
		f["c:"+c] += conceptWeight
		for _, other := range concepts[i+1:] {
			f["cc:"+c+"+"+other] += bothWeight
		}
	}
	return f
}

// concepts a text is about, sorted, each once.
func (r *reader) concepts(words []string) []string {
	var found []string
	for i, w := range words {
		for n := 1; n <= r.most && i+n <= len(words); n++ {
			found = append(found, r.exact[strings.Join(words[i:i+n], " ")]...)
		}
		for n := 2; n <= len(w); n++ {
			found = append(found, r.begins[w[:n]]...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// parts adds the parts of a word, its ends marked.
func (f features) parts(kind, word string, least, most int, weight float32) {
	r := []rune(" " + word + " ")
	for n := least; n <= most; n++ {
		for i := 0; i+n <= len(r); i++ {
			f[kind+string(r[i:i+n])] += weight
		}
	}
}

var sounds = strings.NewReplacer("qu", "k", "ce", "se", "ci", "si", "c", "k", "z", "s", "v", "b", "ll", "y", "h", "",
	"w", "u", "x", "ks", "ou", "u", "ph", "f", "y", "i")

// sound is roughly how a word sounds in Spanish and its neighbours. Doubled letters count once.
func sound(word string) string {
	return string(slices.Compact([]rune(sounds.Replace(word))))
}

// spelling has the features that tell a text's language: short parts of words, with accents kept.
func spelling(text string) features {
	f := features{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isLetter(r) }) {
		f["w:"+w] += wordWeight
		f.parts("", w, 1, 4, partWeight)
	}
	return f
}
