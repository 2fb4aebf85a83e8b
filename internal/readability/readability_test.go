package readability_test

import (
	"math"
	"testing"

	"faro/internal/readability"
)

func TestSentencesAndWords(t *testing.T) {
	for text, want := range map[string][2]int{
		"":                                     {0, 0},
		"Llama al {{.phone.ifdp}}. Es gratis.": {5, 2},
		"• Pide un papel.\n• Di: \"Quiero pedir refugio\".": {7, 3},
		"¿Ya pasaron 36 horas? ¡Sí!":                        {5, 2},
		"L'avocat est gratuit.":                             {3, 1},
		"Calls 800 911 2000...":                             {4, 1},
	} {
		if m := readability.Of("es", text); m.Words != want[0] || m.Sentences != want[1] {
			t.Errorf("%q: %d words in %d sentences, want %v", text, m.Words, m.Sentences, want)
		}
	}
}

// TestIndexes holds the formulas to values worked out by hand from the syllables of the words.
func TestIndexes(t *testing.T) {
	for _, c := range []struct {
		lang, text string
		syllables  float64
	}{
		{"es", "El gato come pescado", 1 + 2 + 2 + 3},
		{"es", "Ciudad poeta guerra queso", 2 + 3 + 2 + 2},
		{"en", "The cat makes little noise", 1 + 1 + 1 + 2 + 1},
		{"fr", "Le chat mange une pomme", 1 + 1 + 1 + 1 + 1},
		{"pt", "O gato come peixe", 1 + 2 + 2 + 2},
	} {
		words := float64(readability.Of(c.lang, c.text).Words)
		formula := map[string][3]float64{"es": {206.835, 1, 62.3}, "en": {206.835, 1.015, 84.6}, "fr": {207, 1.015, 73.6}, "pt": {248.835, 1.015, 84.6}}[c.lang]
		want := formula[0] - formula[1]*words - formula[2]*c.syllables/words
		if got := readability.Of(c.lang, c.text).Score; math.Abs(got-want) > 0.01 {
			t.Errorf("%s %q: %.2f, want %.2f", c.lang, c.text, got, want)
		}
	}
	if got := readability.Of("ht", "Rele avoka a").Score; got != 0 {
		t.Errorf("a language without an index scores %.1f", got)
	}
}
