package training

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"faro/bot"
)

// FuzzLeads holds that times before a session that are read are written the same again.
func FuzzLeads(f *testing.F) {
	for _, text := range []string{"7d 1d 1h 30m", "none", "", "0d", "999d", "1D", "90m", "none 1d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		leads, err := ParseLeads(text)
		if err != nil {
			return
		}
		for _, l := range leads {
			again, err := ParseLeads(l.String())
			if err != nil || !slices.Equal(again, []Lead{l}) {
				t.Fatalf("%q has %v, which is read as %v, %v", text, l, again, err)
			}
		}
	})
}

// FuzzProgramme holds that a damaged record of the programme is refused, and never a panic.
func FuzzProgramme(f *testing.F) {
	records, err := encode(Sample(time.Date(2027, 3, 8, 0, 0, 0, 0, time.UTC)))
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for name, record := range records {
		if n++; n < 20 {
			f.Add(name, []byte(record))
		}
	}
	f.Add("s/x", []byte(`{"Zone":"../../etc/passwd"}`))
	f.Add("m/x", []byte(`null`))
	f.Fuzz(func(t *testing.T, name string, record []byte) {
		p, err := decode(map[string]string{name: string(record)}, func(id bot.PersonID) bot.PersonID { return id })
		if err != nil {
			return
		}
		if _, err := json.Marshal(p); err != nil {
			t.Fatal(err)
		}
		p.Sorted()
		for _, m := range p.Members {
			p.Of(m)
		}
	})
}
