package outbox

import (
	"strings"
	"testing"
)

// FuzzState holds that whatever a tally holds is an outcome of one word, and perhaps an id.
func FuzzState(f *testing.F) {
	for _, text := range []string{"delivered#12", "failed 500", "queued", "", "#", "a b#c#d", " #1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		outcome, id := OutcomeOf(text)
		if strings.ContainsAny(string(outcome), " #") || len(outcome)+len(id) > len(text) {
			t.Errorf("%q is %q and %q", text, outcome, id)
		}
	})
}
