package answers

import (
	"math"
	"testing"

	"faro/locales"
)

func TestByEar(t *testing.T) {
	for _, test := range []struct {
		lang       locales.Lang
		text, want string
	}{
		{"es", "Me violaron, ¿qué hago?", "me biolaron ke ago"},
		{"en", "the police", "te polise"},
		{"fr", "Mon mari m'a frappé hier, j'ai peur", "mon mari ma frape ie je peur"},
		{"fr", "Ils ont pris mes enfants, ça fait beaucoup", "il on pri me anfan sa fe bokou"},
		{"fr", "bien caché dans l'eau ; 2 x", "bien kache dan lo 2 x"},
	} {
		if got := byEar(test.text, test.lang); got != test.want {
			t.Errorf("%q is spelled %q, want %q", test.text, got, test.want)
		}
	}
}

// TestShort: a weight is kept to one part in 256.
func TestShort(t *testing.T) {
	for _, w := range []float32{0, 1, -1, 0.1, -3.14159, 1e-6, 12345.678} {
		if got := long(short(w)); math.Abs(float64(got-w)) > math.Abs(float64(w))/256 {
			t.Errorf("%v is kept as %v", w, got)
		}
	}
}
