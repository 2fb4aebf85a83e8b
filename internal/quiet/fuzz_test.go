package quiet_test

import (
	"testing"

	"faro/internal/quiet"
)

// FuzzParse holds that what is read is written the same again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"21:00-07:00", "none", "", "24:00-1:00", "-", "9:00-9:00", "21:00-07:00-", "９:00-10:00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := quiet.Parse(text)
		if err != nil {
			return
		}
		if again, err := quiet.Parse(h.String()); err != nil || again != h && h.From != h.Until {
			t.Fatalf("%q became %q: %v", text, h, err)
		}
	})
}
