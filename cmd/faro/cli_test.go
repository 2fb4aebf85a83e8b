package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// command runs a command line with this input and returns what it printed.
func command(input string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(args, streams{strings.NewReader(input), &o, &e})
	return code, o.String(), e.String()
}

func TestCommands(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		input string
		code  int
		out   string // expressions: all of the output, or all of the error if code is not 0
	}{
		"segments":              {[]string{"segments"}, `{"text":"hola"}` + "\n\n" + `{"text":"ọ€"}`, 0, `{"encoding":"GSM-7","units":4,"segments":1}\n{"encoding":"UCS-2","units":2,"segments":1}\n`},
		"segments, not JSON":    {[]string{"segments"}, `{"text":"hola"}` + "\nhola", 1, `faro: line 2: not what is expected: .*`},
		"segments, other key":   {[]string{"segments"}, `{"txt":"hola"}`, 1, `faro: line 1: .*unknown field "txt".*`},
		"segments, two values":  {[]string{"segments"}, `{"text":"a"} {"text":"b"}`, 1, `faro: line 1: more than one value`},
		"segments, a long line": {[]string{"segments"}, `{"text":"` + strings.Repeat("a", maxLine) + `"}`, 1, `faro: line 1: .*too long`},
		"ask":                   {[]string{"ask"}, `{"lang":"es","text":"quiero pedir asilo"}`, 0, `{"lang":"es","decision":"answer","topics":\[{"id":"asylum","score":[0-9.]+}.*\],"urgent":false}\n`},
		"ask, no language":      {[]string{"ask"}, `{"text":"I want asylum"}`, 0, `{"lang":"en","decision":"answer","topics":\[{"id":"asylum".*\],"urgent":false}\n`},
		"ask, --lang":           {[]string{"ask", "--lang", "fr"}, `{"text":"au secours"}`, 0, `{"lang":"fr","decision":"answer","topics":\[{"id":"emergency".*\],"urgent":true}\n`},
		"ask, nothing fits":     {[]string{"ask"}, `{"lang":"es","text":"zzz"}`, 0, `{"lang":"es","decision":"none","topics":\[.*\],"urgent":false}\n`},
		"ask, bad language":     {[]string{"ask"}, `{"lang":"xx","text":"hola"}`, 1, `faro: line 1: no language "xx"; there are es, en, fr, pt, ht`},
		"ask, bad --lang":       {[]string{"ask", "--lang", "xx"}, "", 1, `faro: no language "xx"; there are .*`},
		"check":                 {[]string{"check"}, "", 0, `(?s).*content is sound: 5 languages, .*\n`},
		"check, no content":     {[]string{"check", "--content", "/nowhere"}, "", 1, `faro: \d+ errors in the content`},
		"graph":                 {[]string{"graph"}, "", 0, `(?s)flowchart .*answer.*`},
		"chat":                  {[]string{"chat", "--lang", "en"}, "menu\n1\nsos\n", 0, `(?s).*What do you need\?.*Emergency: help now.*`},
		"chat, first contact":   {[]string{"chat"}, "hola\n", 0, `(?s).*Español.*English.*Français.*Português.*Kreyòl ayisyen.*`},
		"chat, SMS":             {[]string{"chat", "--channel", "sms", "--lang", "ht"}, "menu\n1\n", 0, `(?s).*\(GSM-7, \d+ units, [12] segments, page 1 of 1\).*`},
		"chat, a notice":        {[]string{"chat", "--as", "coordinator", "--lang", "en"}, "x\n1\nnotice\n1\nAtlantis\nTapachula\n1\n1\nThe yard\n1\n1\n2\nback\n1\n1\nnotice\n1\n2\n", 0, `(?s).*I do not know "Atlantis".*Emergency\. Goes out: now.*TEST.*Meeting place: The yard.*It is being sent.*Stop: this cannot be undone.*`},
		"chat, bad language":    {[]string{"chat", "--lang", "xx"}, "", 1, `faro: no language "xx"; there are .*`},
		"no command":            {nil, "", 2, `faro: expected one of .*`},
		"unknown command":       {[]string{"server"}, "", 2, `faro: unexpected argument server.*`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := command(c.input, c.args...)
			if code != 0 {
				out = strings.TrimSuffix(errs, "\n")
			}
			if code != c.code || !regexp.MustCompile(`^(?:`+c.out+`)$`).MatchString(out) {
				t.Errorf("code %d, want %d; printed %q, error %q", code, c.code, out, errs)
			}
		})
	}
}

// TestSettings pins the whole configuration: a setting that appears, goes or is renamed must be
// meant, for operators rely on the names.
func TestSettings(t *testing.T) {
	var names []string
	var walk func(reflect.Type, string)
	walk = func(in reflect.Type, prefix string) {
		for i := range in.NumField() {
			f := in.Field(i)
			if p, ok := f.Tag.Lookup("envprefix"); ok {
				walk(f.Type, p)
			} else if env := f.Tag.Get("env"); env != "" {
				names = append(names, prefix+env+"="+f.Tag.Get("default"))
			}
		}
	}
	walk(reflect.TypeFor[commands](), "")
	walk(reflect.TypeFor[serveCmd](), "")
	slices.Sort(names)
	want := []string{
		"FARO_CONTENT=", "FARO_DATA=./data", "FARO_FORGET_DIALOGUE=72h", "FARO_FORGET_PERSON=365d", "FARO_KEEP_QUESTIONS=", "FARO_KEY_FILE=", "FARO_LISTEN=127.0.0.1:8080", "FARO_LOG=text",
		"FARO_NOTICE_APPROVAL=500", "FARO_NOTICE_PRICES=", "FARO_NOTICE_QUIET=21:00-07:00", "FARO_OPERATOR=",
		"FARO_PUBLIC_URL=", "FARO_REDIS_URL=", "FARO_TELEGRAM_API=https://api.telegram.org", "FARO_TELEGRAM_MODE=poll", "FARO_TELEGRAM_RATE=30",
		"FARO_TELEGRAM_SECRET=", "FARO_TELEGRAM_TOKEN=", "FARO_TWILIO_ACCOUNT_SID=", "FARO_TWILIO_API=https://api.twilio.com",
		"FARO_TWILIO_AUTH_TOKEN=", "FARO_TWILIO_FROM=", "FARO_TWILIO_RATE=1", "FARO_TWILIO_RETAIN=true", "FARO_TWILIO_SERVICE_SID=",
	}
	if !slices.Equal(names, want) {
		t.Errorf("settings are\n%q, want\n%q", names, want)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range want {
		if name, _, _ := strings.Cut(n, "="); !bytes.Contains(readme, []byte("`"+name+"`")) {
			t.Errorf("the README does not explain %s", name)
		}
	}
}

// TestSettingsAreRefused: nothing starts half configured or open, and the error says how to mend it
// without printing a secret.
func TestSettingsAreRefused(t *testing.T) {
	const canary = "canarysecret"
	full := func() serveCmd {
		return serveCmd{PublicURL: publicURL, Notice: noticeSettings{Quiet: "none"},
			Telegram: telegramSettings{Token: canary, API: "https://api.telegram.org", Mode: "webhook", Secret: canary},
			Twilio:   twilioSettings{AccountSID: accountSID, AuthToken: canary, From: ourNumber, API: "https://api.twilio.com"}}
	}
	for name, c := range map[string]struct {
		change func(*serveCmd)
		want   []string
	}{
		"all is well":                 {func(*serveCmd) {}, nil},
		"nothing is set":              {func(c *serveCmd) { *c = serveCmd{Notice: noticeSettings{Quiet: "none"}} }, nil},
		"notices set wrongly":         {func(c *serveCmd) { c.Notice = noticeSettings{Quiet: "", Prices: "free", Approval: -1} }, []string{"FARO_NOTICE_QUIET", "FARO_NOTICE_PRICES", "FARO_NOTICE_APPROVAL"}},
		"no webhook secret":           {func(c *serveCmd) { c.Telegram.Secret = "" }, []string{"FARO_TELEGRAM_SECRET is empty", "openssl rand"}},
		"a secret Telegram refuses":   {func(c *serveCmd) { c.Telegram.Secret = "a b" }, []string{"FARO_TELEGRAM_SECRET has other"}},
		"a secret without a token":    {func(c *serveCmd) { c.Telegram.Token = "" }, []string{"FARO_TELEGRAM_TOKEN"}},
		"no public address":           {func(c *serveCmd) { c.PublicURL = "" }, []string{"Telegram needs it", "Twilio signs it"}},
		"a public address of no kind": {func(c *serveCmd) { c.PublicURL = "faro.example.org" }, []string{"FARO_PUBLIC_URL is not"}},
		"no auth token":               {func(c *serveCmd) { c.Twilio.AuthToken = "" }, []string{"FARO_TWILIO_AUTH_TOKEN is empty"}},
		"no sender":                   {func(c *serveCmd) { c.Twilio.From = "" }, []string{"FARO_TWILIO_FROM or FARO_TWILIO_SERVICE_SID"}},
		"a token without an account":  {func(c *serveCmd) { c.Twilio.AccountSID = "" }, []string{"FARO_TWILIO_ACCOUNT_SID is empty"}},
		"an odd account":              {func(c *serveCmd) { c.Twilio.AccountSID = "AC 1" }, []string{"copy both from the Twilio console"}},
		"rates below nothing":         {func(c *serveCmd) { c.Telegram.Rate, c.Twilio.Rate = -1, -1 }, []string{"FARO_TELEGRAM_RATE", "FARO_TWILIO_RATE"}},
		"API addresses of no kind":    {func(c *serveCmd) { c.Telegram.API, c.Twilio.API = "ftp://x", "x" }, []string{"FARO_TELEGRAM_API", "FARO_TWILIO_API"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := full()
			c.change(&cfg)
			err := cfg.validate()
			if (err == nil) != (c.want == nil) {
				t.Fatalf("validate: %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error lacks %q: %v", w, err)
				}
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error prints a secret: %v", err)
			}
		})
	}
}
