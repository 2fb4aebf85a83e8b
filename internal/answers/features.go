package answers

import (
	"cmp"
	"slices"
	"strings"

	"faro/locales"
)

// Features are what a text has that a model can learn from, each once and sorted.
type features []weighed

type weighed struct {
	feature
	weight float32
}

func (f *features) add(name feature, weight float32) { *f = append(*f, weighed{name, weight}) }

// sum adds up the weights of what was added more than once.
func (f features) sum() features {
	slices.SortFunc(f, func(a, b weighed) int { return cmp.Compare(a.feature, b.feature) })
	n := 0
	for _, w := range f {
		if n > 0 && f[n-1].feature == w.feature {
			f[n-1].weight += w.weight
			continue
		}
		f[n] = w
		n++
	}
	return f[:n]
}

func (f features) has(name feature) bool {
	_, found := slices.BinarySearchFunc(f, name, func(w weighed, name feature) int { return cmp.Compare(w.feature, name) })
	return found
}

// A feature is the hash of its kind and text: with 64 bits two never meet, and no text is kept.
type feature uint64

func of(kind byte, text ...string) feature {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := (offset ^ uint64(kind)) * prime
	for _, t := range text {
		for i := range len(t) {
			h = (h ^ uint64(t[i])) * prime
		}
		h *= prime
	}
	return feature(h)
}

// What the features weigh against each other.
const (
	wordWeight    = 1.0 // a word
	pairWeight    = 1.2 // two words that follow each other
	partWeight    = 0.5 // a part of a word, three or four letters: forgives typos and endings
	soundWeight   = 0.6 // a word as it sounds: forgives "k" for "qu", "b" for "v", a missing "h"
	conceptWeight = 0.7 // what a word means: "abogada", "attorney" and "avoka" are one concept
	bothWeight    = 0.7 // two concepts in one text
)

// A reader takes texts apart. It knows which words mean the same.
type reader map[locales.Lang]*meanings

// Meanings are the concepts of the words of a language.
type meanings struct {
	exact  map[string][]string // of one or more words
	begins map[string][]string // of words that begin so
	most   int                 // words the longest of exact has
}

func newReader(book *locales.Book) reader {
	r := reader{}
	for _, l := range book.Languages() {
		m := &meanings{exact: map[string][]string{}, begins: map[string][]string{}, most: 1}
		r[l.Tag] = m
		for _, c := range book.Concepts() {
			for _, w := range c.Words[l.Tag] {
				folded := locales.Fold(w)
				if strings.HasSuffix(w, "*") {
					m.begins[folded] = append(m.begins[folded], c.Name)
				} else {
					m.exact[folded] = append(m.exact[folded], c.Name)
					m.most = max(m.most, strings.Count(folded, " ")+1)
				}
			}
		}
	}
	return r
}

// features of a text, for its topic. Its words mean what they mean in the languages given.
func (r reader) features(text string, langs ...locales.Lang) features {
	var f features
	words := strings.Fields(locales.Fold(text))
	before := ""
	for _, w := range words {
		f.add(of('w', w), wordWeight)
		f.add(of('p', before, w), pairWeight)
		f.add(of('s', sound(w)), soundWeight)
		f.parts(w, 3, 4)
		before = w
	}
	concepts := r.concepts(words, langs)
	for i, c := range concepts {
		f.add(of('c', c), conceptWeight)
		for _, other := range concepts[i+1:] {
			f.add(of('b', c, other), bothWeight)
		}
	}
	return f.sum()
}

// concepts a text is about, sorted, each once.
func (r reader) concepts(words []string, langs []locales.Lang) []string {
	var found []string
	for _, l := range slices.Compact(langs) {
		m, known := r[l]
		if !known {
			continue
		}
		for i, w := range words {
			for n := 1; n <= m.most && i+n <= len(words); n++ {
				found = append(found, m.exact[strings.Join(words[i:i+n], " ")]...)
			}
			for n := 2; n <= len(w); n++ {
				found = append(found, m.begins[w[:n]]...)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// parts adds the parts of a word, its ends marked.
func (f *features) parts(word string, least, most int) {
	word = " " + word + " "
	starts := make([]int, 0, len(word)+1) // of its letters, and its end
	for i := range word {
		starts = append(starts, i)
	}
	starts = append(starts, len(word))
	for n := least; n <= most; n++ {
		for i := 0; i+n < len(starts); i++ {
			f.add(of('n', word[starts[i]:starts[i+n]]), partWeight)
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
	var f features
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isLetter(r) }) {
		f.add(of('w', w), wordWeight)
		f.parts(w, 1, 4)
		if plain := locales.Fold(w); plain != w { // many type without accents
			f.add(of('w', plain), wordWeight)
			f.parts(plain, 2, 4)
		}
	}
	return f.sum()
}
