// Package readability measures how easy a text is to read: the length of its sentences, and the
// published index for its language where there is one. It keeps nothing and may be used from several
// goroutines.
package readability

import (
	"regexp"
	"strings"
	"unicode"
)

// An Index is a published formula: Base - PerWord*(words a sentence) - PerSyllable*(syllables a word).
type Index struct {
	Name                       string
	base, perWord, perSyllable float64
	// Normal and FairlyEasy are where those bands of its scale begin; higher is easier.
	Normal, FairlyEasy float64
	syllables          func(string) int
}

// Indexes are the formulas by language. Haitian Creole has none that was published.
var Indexes = map[string]Index{
	// Szigriszt-Pazos 1993, with the INFLESZ scale of Barrio-Cantalejo et al. 2008.
	"es": {"INFLESZ", 206.835, 1, 62.3, 55, 65, groups("aeiouáéíóúü", "aeoáéíóú")},
	// Flesch 1948.
	"en": {"Flesch", 206.835, 1.015, 84.6, 60, 70, english},
	// Kandel and Moles 1958, on Flesch's scale.
	"fr": {"Kandel-Moles", 207, 1.015, 73.6, 60, 70, french},
	// Martins et al. 1996: Flesch moved by 42 points. Their scale calls 50 to 75 easy.
	"pt": {"Flesch (pt)", 248.835, 1.015, 84.6, 50, 60, groups("aeiouáéíóúâêôãõàü", "aeoáéíóúâêôãõ")},
}

// A Measure is how a text came out.
type Measure struct {
	Words, Sentences int
	Score            float64 // by the language's index, 0 if it has none
}

// Length is the words a sentence has on average.
func (m Measure) Length() float64 { return float64(m.Words) / float64(max(1, m.Sentences)) }

var (
	filled   = regexp.MustCompile(`\{\{[^}]*\}\}`)
	sentence = regexp.MustCompile(`[.!?:;…]+(\s|$)|\n+`)
	quoted   = strings.NewReplacer(`"`, " ", "«", " ", "»", " ", "(", " ", ")", " ", "•", " ", "“", " ", "”", " ")
)

// Of measures a text in a language. Numbers and names in capitals count as words of one syllable:
// nobody reads IFDP as a word.
func Of(lang, text string) Measure {
	var m Measure
	var syllables int
	index, known := Indexes[lang]
	for _, s := range sentence.Split(filled.ReplaceAllString(quoted.Replace(text), "1"), -1) {
		words := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '’' })
		if len(words) == 0 {
			continue
		}
		m.Sentences++
		m.Words += len(words)
		for _, w := range words {
			n := 1
			if known && strings.ToUpper(w) != w {
				n = max(1, index.syllables(strings.ToLower(w)))
			}
			syllables += n
		}
	}
	if known && m.Words > 0 {
		m.Score = index.base - index.perWord*m.Length() - index.perSyllable*float64(syllables)/float64(m.Words)
	}
	return m
}

// unheard takes away a u that only tells how the letter before it sounds.
var unheard = strings.NewReplacer("qu", "k", "gue", "ge", "gui", "gi")

// groups counts vowels, two weak ones or a weak and a strong one together as one; two strong ones
// are two.
func groups(vowels, strong string) func(string) int {
	return func(word string) (n int) {
		word = unheard.Replace(word)
		var before rune
		for _, r := range word {
			is := strings.ContainsRune(vowels, r)
			if is && (!strings.ContainsRune(vowels, before) || strings.ContainsRune(strong, before) && strings.ContainsRune(strong, r)) {
				n++
			}
			before = r
		}
		return n
	}
}

var silent = regexp.MustCompile(`([^l]e|[^td]ed|[^sxzcgh]es)$`)

// english counts groups of vowels, without an ending that is not heard: make, makes, asked.
func english(word string) int {
	n := groups("aeiouy", "")(word)
	if n > 1 && silent.MatchString(word) {
		n--
	}
	return n
}

// french counts groups of vowels, without a silent e at the end.
func french(word string) int {
	n := groups("aeiouyàâéèêëîïôùûüœ", "")(word)
	for _, silent := range []string{"e", "es", "ent"} {
		if n > 1 && strings.HasSuffix(word, silent) {
			return n - 1
		}
	}
	return n
}
