package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"faro/internal/notices"
)

// FuzzLines holds that each line that is read is answered with one line, and that a bad one ends it with
// an error that names it.
func FuzzLines(f *testing.F) {
	for _, lines := range []string{`{"text":"hola"}`, "{\"text\":\"a\"}\n\n{\"text\":\"ñ😀\\u0000\"}", `{"text":1}`, `{"lang":"es"}`, "{}{}", "[", "null", strings.Repeat("[", 10000), `{"text":"` + "\xff\"}"} {
		f.Add([]byte(lines))
	}
	f.Fuzz(func(t *testing.T, lines []byte) {
		var out bytes.Buffer
		err := segmentsCmd{}.Run(streams{in: bytes.NewReader(lines), out: &out})
		if err != nil && !strings.HasPrefix(err.Error(), "line ") {
			t.Fatalf("the error does not say where: %v", err)
		}
		for line := range strings.Lines(out.String()) {
			if !json.Valid([]byte(line)) {
				t.Fatalf("written: %q", line)
			}
		}
	})
}

// FuzzPrices holds that prices that are read are prices.
func FuzzPrices(f *testing.F) {
	for _, text := range []string{"USD MX=0.06 US=0.01 *=0.10", "", "USD", "USD MX=NaN", "USD MX=-1", "USD MX=1e3", "USD *=0x1p-2", "usd MX=1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := notices.ParsePrices(text)
		if err != nil {
			return
		}
		for region, price := range p.ByRegion {
			if region == "" || !(price >= 0 && price < 1000) {
				t.Fatalf("%q: %q costs %v", text, region, price)
			}
		}
	})
}
