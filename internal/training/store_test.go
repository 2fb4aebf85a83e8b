package training

import (
	"reflect"
	"testing"
	"time"

	"faro/bot"
)

// TestSettingsComeBack: a stored lead is read as it was written, whatever stands in its place by default.
func TestSettingsComeBack(t *testing.T) {
	for _, leads := range [][]Lead{{{Days: 1}, {Before: time.Hour}}, {{Before: 2 * time.Hour}}, {{Days: 9}, {Days: 8}, {Days: 7}, {Before: time.Minute}}, {}} {
		p := NewProgramme()
		p.Settings.Reminders = leads
		records, err := encode(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode(records, func(id bot.PersonID) bot.PersonID { return id })
		if err != nil || !reflect.DeepEqual(back.Settings, p.Settings) {
			t.Errorf("%v came back as %v, %v", p.Settings, back.Settings, err)
		}
	}
}
