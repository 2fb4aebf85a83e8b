package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"faro/bot"
)

func body(fields string) string { return `{"session":"` + string(someone) + `",` + fields + `}` }

func TestSayIsPassedOn(t *testing.T) {
	for _, test := range []struct {
		name, fields string
		want         bot.Input // but for its ID
	}{
		{"words on telegram", `"phone":"telegram","kind":"text","text":"¿dónde?","lang":"es-MX"`,
			bot.Input{Channel: bot.Telegram, Kind: bot.Text, Words: "¿dónde?", Hint: "es", Message: 1}},
		{"words by text message", `"phone":"sms","kind":"text","text":"HOLA","lang":"PT"`,
			bot.Input{Channel: bot.SMS, Kind: bot.Text, Words: "HOLA", Hint: "pt"}},
		{"start", `"phone":"telegram","kind":"text","text":"/start"`,
			bot.Input{Channel: bot.Telegram, Kind: bot.Start, Message: 1}},
		{"start with a payload", `"phone":"telegram","kind":"text","text":"/start t-asylum"`,
			bot.Input{Channel: bot.Telegram, Kind: bot.Start, Choice: "t-asylum", Message: 1}},
		{"start by text message is words", `"phone":"sms","kind":"text","text":"/start"`,
			bot.Input{Channel: bot.SMS, Kind: bot.Text, Words: "/start"}},
		{"other commands are words", `"phone":"telegram","kind":"text","text":"/menu"`,
			bot.Input{Channel: bot.Telegram, Kind: bot.Text, Words: "/menu", Message: 1}},
		{"what only begins like start", `"phone":"telegram","kind":"text","text":"/started"`,
			bot.Input{Channel: bot.Telegram, Kind: bot.Text, Words: "/started", Message: 1}},
		{"tap", `"phone":"telegram","kind":"tap","data":"lang/es","message":7,"lang":"fr"`,
			bot.Input{Channel: bot.Telegram, Kind: bot.Choice, Choice: "lang/es", Message: 7, Hint: "fr"}},
		{"language that is none", `"phone":"sms","kind":"text","text":"a","lang":"x"`,
			bot.Input{Channel: bot.SMS, Kind: bot.Text, Words: "a"}},
		{"longest text", `"phone":"sms","kind":"text","text":"` + strings.Repeat("a", maxText) + `"`,
			bot.Input{Channel: bot.SMS, Kind: bot.Text, Words: bot.Words(strings.Repeat("a", maxText))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, server := newScript(t)
			if answer := say(t, server, body(test.fields)); answer.StatusCode != http.StatusOK {
				t.Fatalf("status %d", answer.StatusCode)
			}
			got := s.inputs()
			if len(got) != 1 {
				t.Fatalf("%d inputs, want 1", len(got))
			}
			if got[0].ID == "" {
				t.Error("no id")
			}
			got[0].ID = ""
			if !reflect.DeepEqual(got[0], test.want) {
				t.Error("another input than wanted")
			}
		})
	}
}

func TestSayIsRefused(t *testing.T) {
	long := strings.Repeat("a", maxText+1)
	for _, test := range []struct {
		name, body string
		status     int
	}{
		{"nothing", "", 400},
		{"not JSON", "hola", 400},
		{"null", "null", 400},
		{"unknown field", body(`"phone":"sms","kind":"text","text":"a","more":1`), 400},
		{"two values", body(`"phone":"sms","kind":"text","text":"a"`) + "{}", 400},
		{"not UTF-8", body("\"phone\":\"sms\",\"kind\":\"text\",\"text\":\"\xff\""), 400},
		{"no session", `{"phone":"sms","kind":"text","text":"a"}`, 400},
		{"session in upper case", strings.ReplaceAll(body(`"phone":"sms","kind":"text","text":"a"`), "3f2b", "3F2B"), 400},
		{"session that is no random UUID", strings.ReplaceAll(body(`"phone":"sms","kind":"text","text":"a"`), "-4e6f-", "-1e6f-"), 400},
		{"session with a line break", strings.ReplaceAll(body(`"phone":"sms","kind":"text","text":"a"`), "4a5b\"", "4a5b\\n\""), 400},
		{"unknown phone", body(`"phone":"fax","kind":"text","text":"a"`), 400},
		{"unknown kind", body(`"phone":"sms","kind":"photo","text":"a"`), 400},
		{"empty text", body(`"phone":"sms","kind":"text","text":" "`), 400},
		{"text with a button", body(`"phone":"telegram","kind":"text","text":"a","data":"b"`), 400},
		{"tap by text message", body(`"phone":"sms","kind":"tap","data":"a","message":1`), 400},
		{"tap on nothing", body(`"phone":"telegram","kind":"tap","data":"a"`), 400},
		{"tap without data", body(`"phone":"telegram","kind":"tap","message":1`), 400},
		{"tap with too much data", body(`"phone":"telegram","kind":"tap","message":1,"data":"` + long[:maxData+1] + `"`), 400},
		{"language too long", body(`"phone":"sms","kind":"text","text":"a","lang":"` + long[:maxLang+1] + `"`), 400},
		{"text too long", body(`"phone":"sms","kind":"text","text":"` + long + `"`), 413},
		{"body too long", body(`"phone":"sms","kind":"text","text":"` + strings.Repeat("a", maxBody) + `"`), 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, server := newScript(t)
			if answer := say(t, server, test.body); answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
			if len(s.inputs()) != 0 {
				t.Error("it was passed on")
			}
		})
	}
}

func TestSayFromAnotherSiteIsRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		header []string
		status int
	}{
		{"same origin", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another subdomain", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"older browser, another site", []string{"Origin", "https://example.com"}, 403},
		{"older browser, no origin", []string{"Origin", "null"}, 403},
		{"a form", []string{"Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"plain text", []string{"Content-Type", "text/plain"}, 415},
		{"no type", []string{"Content-Type", ""}, 415},
		{"with a character set", []string{"Content-Type", "application/json; charset=utf-8"}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, server := newScript(t)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/demo/say",
				strings.NewReader(body(`"phone":"sms","kind":"text","text":"HOLA"`)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			if answer := do(t, server, r); answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
			if passed := len(s.inputs()) > 0; passed != (test.status == 200) {
				t.Errorf("passed on: %v", passed)
			}
		})
	}
}

func TestSayIsNumbered(t *testing.T) {
	s, server := newScript(t)
	for _, want := range []int{1, 3} { // each is answered in between
		var got heard
		answer := say(t, server, body(`"phone":"telegram","kind":"text","text":"hi"`))
		if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.ID != want || got.Epoch == "" {
			t.Errorf("id %d, want %d", got.ID, want)
		}
	}
	in := s.inputs()
	if in[0].ID == in[1].ID {
		t.Error("two inputs with one id")
	}
	other, server := newScript(t)
	say(t, server, body(`"phone":"telegram","kind":"text","text":"hi"`))
	if other.inputs()[0].ID == in[0].ID {
		t.Error("two processes give one id")
	}
}

// Nobody's words: not in the log, not in what is said about an error.
func TestNothingSaidIsPrinted(t *testing.T) {
	const canary = "canary-7731"
	var log bytes.Buffer
	s, _ := newScript(t)
	s.away = true
	s.page.log = slog.New(slog.NewTextHandler(&log, nil))
	for _, b := range []string{
		body(`"phone":"sms","kind":"text","text":"` + canary + `"`),
		body(`"phone":"telegram","kind":"tap","message":1,"data":"` + canary + `"`),
		body(`"phone":"` + canary + `","kind":"text","text":"a"`),
		body(`"` + canary + `":1`),
	} {
		answer := record(s.page, b)
		if answer.Code == http.StatusOK {
			t.Error("it was taken")
		}
		log.Write(answer.Body.Bytes())
	}
	m := Shown{Text: canary, Rows: [][]bot.Option{row(canary, canary)}}
	fmt.Fprintf(&log, "%v %+v %#v %s", m, m, m, someone)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("shown", "message", m, "session", someone)
	if strings.Contains(log.String(), canary) || strings.Contains(log.String(), string(someone)) {
		t.Errorf("printed: %s", log.String())
	}
	if !strings.Contains(log.String(), "not stored") {
		t.Error("the failure was not logged")
	}
}

func FuzzSay(f *testing.F) {
	f.Add([]byte(body(`"phone":"telegram","kind":"text","text":"/start f-1","lang":"es"`)))
	f.Add([]byte(body(`"phone":"telegram","kind":"tap","data":"lang/es","message":3,"lang":"zh-Hant"`)))
	f.Add([]byte(body(`"phone":"sms","kind":"text","text":"عربي \u0000 \ud800"`)))
	f.Add([]byte(`[{"session":null}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := hear(b)
		if err != nil {
			if err != errNotSaid && err != errTooLong {
				t.Fatal("an error of another's making may quote the body")
			}
			return
		}
		in := s.input()
		switch {
		case !s.Session.valid():
			t.Error("bad session")
		case in.Channel != bot.Telegram && in.Channel != bot.SMS:
			t.Error("bad channel")
		case in.Kind == bot.Text && (in.Words == "" || in.Choice != "" || len([]rune(string(in.Words))) > maxText):
			t.Error("bad text")
		case in.Kind == bot.Choice && (in.Choice == "" || len(in.Choice) > maxData || in.Message < 1 || in.Channel != bot.Telegram):
			t.Error("bad choice")
		case in.Kind == bot.Start && in.Channel != bot.Telegram:
			t.Error("bad start")
		case in.Kind != bot.Text && in.Kind != bot.Choice && in.Kind != bot.Start:
			t.Error("bad kind")
		case len(in.Hint) > 8 || strings.ContainsAny(string(in.Hint), "-_ \n"):
			t.Error("bad hint")
		}
	})
}
