package answers

import (
	"math/rand/v2"
	"slices"
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
	hear := sound
	if lang == "fr" {
		text = strings.NewReplacer("'", "", "’", "", "ç", "ss").Replace(text) // "ma" for "m'a", "sa" for "ça"
		hear = soundFrench
	}
	words := strings.Fields(locales.Fold(text))
	for i, w := range words {
		words[i] = hear(w)
	}
	return strings.Join(words, " ")
}

// frenchSounds keep "ch" and "ien", which have a "h" and an "en" in them.
var frenchSounds = strings.NewReplacer("ch", "ch", "ien", "ien", "tion", "sion", "eau", "o", "au", "o", "ai", "e", "ei", "e", "ph", "f", "qu", "k",
	"ca", "ka", "co", "ko", "cu", "ku", "cl", "kl", "cr", "kr", "en", "an", "em", "am", "h", "", "y", "i")

// soundFrench is roughly how a French word sounds, in French spelling. Doubled letters count once.
func soundFrench(word string) string {
	for _, end := range []string{"aient", "ait", "ais", "er", "ez", "ees", "es", "ee"} {
		if stem, ok := strings.CutSuffix(word, end); ok && len(stem) > 1 {
			word = stem + "e"
			break
		}
	}
	if heard := strings.TrimRight(word, "tsdxpz"); heard != "" {
		word = heard
	}
	return string(slices.Compact([]rune(frenchSounds.Replace(word))))
}
