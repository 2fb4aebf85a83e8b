package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"faro/internal/answers"
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

// FuzzForget holds that how long people are kept is within its bounds, and written as it is read.
func FuzzForget(f *testing.F) {
	for _, text := range []string{"72h", "30d", "365d", "1095d", "2h", "1.5h", "-1d", "9223372036854775807d", "90m", "", "d", "1e3h", "00072h"} {
		f.Add(text, text)
	}
	f.Add("7d", "90d")
	f.Fuzz(func(t *testing.T, dialogue, person string) {
		life, err := forgetSettings{dialogue, person}.parse()
		if err != nil {
			return
		}
		for d, bounds := range map[time.Duration][2]time.Duration{life.Dialogue: {minDialogue, maxDialogue}, life.Person: {minPerson, maxPerson}} {
			if d != 0 && (d < bounds[0] || d > bounds[1]) {
				t.Errorf("%q and %q are read as %v", dialogue, person, d)
			}
		}
		if again, err := (forgetSettings{written(life.Dialogue), written(life.Person)}).parse(); life.Dialogue != 0 && life.Person != 0 && (err != nil || again != life) {
			t.Errorf("%v is written so that it is read as %v, %v", life, again, err)
		}
	})
}

// FuzzAddresses holds that addresses in the settings that are not refused are some, and that no error tells one.
func FuzzAddresses(f *testing.F) {
	for _, text := range []string{"https://faro.example.org", "http://127.0.0.1:8080/", "https://", "//x", "https://x?a=b", "ftp://x", "https://user:canary@x", "https://[::1", "https://x#canary", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := serveCmd{PublicURL: text}
		c.Telegram.Token, c.Telegram.API, c.Telegram.Mode, c.Telegram.Secret = "1:x", text, "webhook", "x"
		c.Twilio.AccountSID, c.Twilio.AuthToken, c.Twilio.From, c.Twilio.API = "AC1", "x", "1", text
		err := c.validate()
		u, failed := url.Parse(text)
		if some := failed == nil && u.Host != ""; err == nil && !some {
			t.Errorf("%q is taken", text)
		}
		if err != nil && strings.Contains(text, "canary") && strings.Contains(err.Error(), "canary") {
			t.Errorf("an error tells the address: %v", err)
		}
	})
}

// FuzzMoment holds that a time of a notice that is read is the one that is written.
func FuzzMoment(f *testing.F) {
	zone, err := time.LoadLocation("America/Tijuana")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"2026-12-01T18:00", "6h", "-6h", "2026-03-08T02:30", "2026-12-01", "9999-12-31T23:59", "9999999h", "", "0"} {
		f.Add(text)
	}
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, zone)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := moment(text, now, zone)
		if err != nil {
			return
		}
		if d, err := time.ParseDuration(text); err == nil && !at.Equal(now.Add(d)) {
			t.Errorf("%q is %v from now", text, at.Sub(now))
		}
		if _, err := json.Marshal(at); err != nil {
			t.Errorf("%q cannot be kept: %v", text, err)
		}
	})
}

// FuzzCases holds that questions that are read to be measured have a text and a language, and that an error names
// the line.
func FuzzCases(f *testing.F) {
	const question = `{"lang":"es","text":"hola","topic":"asylum","kind":"plain"}`
	for _, lines := range []string{question, question + "\n\n" + question, `{"text":"a"}`, `{"lang":"es"}`, question + question, `{"texto":"a"}`, "null", "[]", "\xff"} {
		f.Add([]byte(lines))
	}
	f.Fuzz(func(t *testing.T, lines []byte) {
		cases, err := answers.ReadCases(bytes.NewReader(lines), "es")
		if err != nil && !strings.HasPrefix(err.Error(), "line ") && !strings.HasPrefix(err.Error(), "read cases: ") {
			t.Fatalf("the error does not say where: %v", err)
		}
		for i, c := range cases {
			if c.Text == "" || c.Lang == "" {
				t.Fatalf("case %d is empty", i)
			}
		}
	})
}
