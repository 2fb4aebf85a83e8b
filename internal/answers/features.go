package answers

import (
	"iter"
	"slices"
	"strings"

	"faro/locales"
)

// Features are what a text has that a model can learn from, sorted, each as often as it was found.
type features []feature

// found are the features of a text as they are found.
type found []feature

func (f *found) add(kind kind, text ...string) { *f = append(*f, of(kind, text...)) }

// sorted takes no more memory than it needs: all that is learned from is held at once.
func (f found) sorted() features {
	slices.Sort(f)
	return append(make(features, 0, len(f)), f...)
}

func (f features) has(name feature) bool {
	_, found := slices.BinarySearch(f, name)
	return found
}

// each are the features, each once.
func (f features) each() iter.Seq[feature] {
	return func(yield func(feature) bool) {
		for i, name := range f {
			if (i == 0 || f[i-1] != name) && !yield(name) {
				return
			}
		}
	}
}

// A feature is the hash of its text, with its kind at the end: with 61 bits two never meet, and no text is kept.
type feature uint64

// A kind is what a feature is.
type kind uint64

const (
	word    kind = iota
	pair         // two words that follow each other
	part         // a part of a word: forgives typos and endings
	sounded      // a word as it sounds: forgives "k" for "qu", "b" for "v", a missing "h"
	concept      // what a word means: "abogada", "attorney" and "avoka" are one concept
	both         // two concepts in one text
	kinds   = 8  // at most
)

// weights are what the kinds weigh against each other.
var weights = [kinds]float32{word: 1, pair: 1.2, part: 0.5, sounded: 0.6, concept: 0.7, both: 0.7}

func of(kind kind, text ...string) feature {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, t := range text {
		for i := range len(t) {
			h = (h ^ uint64(t[i])) * prime
		}
		h *= prime
	}
	return feature(h/kinds*kinds + uint64(kind))
}

// A reader takes texts apart. It knows which words mean the same.
type reader map[locales.Lang]*meanings

// Meanings are the concepts of the words of a language.
type meanings struct {
	exact  map[string][]string // of one or more words
	begins map[string][]string // of words that begin so
	most   int                 // words the longest of exact has
}

func newReader(given lessons) reader {
	r := reader{}
	for _, l := range given.Languages {
		m := &meanings{exact: map[string][]string{}, begins: map[string][]string{}, most: 1}
		r[l.Lang] = m
		for _, c := range given.Concepts {
			for _, w := range c.Words[l.Lang] {
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
	var f found
	words := strings.Fields(locales.Fold(text))
	before := ""
	for _, w := range words {
		f.add(word, w)
		f.add(pair, before, w)
		f.add(sounded, sound(w))
		f.parts(w, 3, 4)
		before = w
	}
	concepts := r.concepts(words, langs)
	for i, c := range concepts {
		f.add(concept, c)
		for _, other := range concepts[i+1:] {
			f.add(both, c, other)
		}
	}
	return f.sorted()
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
func (f *found) parts(word string, least, most int) {
	word = " " + word + " "
	starts := make([]int, 0, len(word)+1) // of its letters, and its end
	for i := range word {
		starts = append(starts, i)
	}
	starts = append(starts, len(word))
	for n := least; n <= most; n++ {
		for i := 0; i+n < len(starts); i++ {
			if p := word[starts[i]:starts[i+n]]; p != " " {
				f.add(part, p)
			}
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
	var f found
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isLetter(r) }) {
		f.add(word, w)
		f.parts(w, 1, 4)
		if plain := locales.Fold(w); plain != w { // many type without accents
			f.add(word, plain)
			f.parts(plain, 2, 4)
		}
	}
	return f.sorted()
}
