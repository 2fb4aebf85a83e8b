package content

import (
	"testing"
	"unicode/utf8"

	"faro/flows"
)

// TestEveryBlankHasALongSample: a blank without one would be measured as nothing.
func TestEveryBlankHasALongSample(t *testing.T) {
	for _, blank := range flows.Blanks {
		if long, _ := longBlanks[blank].(string); long == "" {
			t.Errorf("%s has no sample", blank)
		}
	}
	if place, _ := longBlanks["place"].(string); utf8.RuneCountInString(place) != 60 {
		t.Errorf("the place has %d characters", utf8.RuneCountInString(place))
	}
}
