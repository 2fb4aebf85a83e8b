package answers

import (
	"math/rand/v2"
	"strings"

	"faro/locales"
)

// lettersATypo is how many letters are typed for each typo.
const lettersATypo = 14

// mistyped is a text as thumbs type it: letters swapped, left out, doubled, or missed by a key. The same text and seed
// give the same.
func mistyped(text string, seed int) string {
	r := rand.New(rand.NewPCG(uint64(seed), uint64(len(text))))
	letters := []rune(text)
	for range max(1, len(letters)/lettersATypo) {
		i := r.IntN(len(letters))
		if i+1 == len(letters) {
			continue
		}
		switch r.IntN(5) {
		case 0:
			letters[i], letters[i+1] = letters[i+1], letters[i]
		case 1, 2:
			letters = append(letters[:i:i], letters[i+1:]...)
		case 3:
			letters = append(letters[:i+1:i+1], letters[i:]...)
		default:
			letters[i] = beside(letters[i], r)
		}
	}
	return string(letters)
}

// beside is a letter on a key beside that of another.
func beside(letter rune, r *rand.Rand) rune {
	for _, row := range []string{"qwertyuiop", "asdfghjkl", "zxcvbnm"} {
		if i := strings.IndexRune(row, letter); i >= 0 {
			if i == 0 || i+1 < len(row) && r.IntN(2) == 0 {
				return rune(row[i+1])
			}
			return rune(row[i-1])
		}
	}
	return letter
}

// byEar is a text as someone spells it who goes by its sound: without accents and silent letters.
func byEar(text string, lang locales.Lang) string {
	words := strings.Fields(locales.Fold(text))
	for i, w := range words {
		if lang == "fr" {
			w = silent(w)
		}
		words[i] = sound(w)
	}
	return strings.Join(words, " ")
}

// silent leaves out what is not heard at the end of a French word, and rather too much than too little.
func silent(word string) string {
	for _, end := range []string{"aient", "ait", "ais", "er", "ez", "ees", "es", "ee"} {
		if stem, ok := strings.CutSuffix(word, end); ok && len(stem) > 1 {
			return stem + "e"
		}
	}
	if len(word) > 3 {
		return strings.TrimRight(word, "estxdp")
	}
	return word
}
