package main

import (
	"bytes"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"faro/internal/fakes"
)

// TestPosterAsPrinted: the code on the page opens the bot at the facility, and everything is readable in
// each language, on one page.
func TestPosterAsPrinted(t *testing.T) {
	if _, err := exec.LookPath("pdftoppm"); err != nil {
		t.Skip("pdftoppm is not on the PATH")
	}
	c := posterCmd{Facility: "tapachula", Topic: "asylum", Bot: "FaroBot", Phone: "+525512345678"}
	p, err := c.poster(builtin(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "poster")
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".pdf", b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("pdftoppm", "-r", "72", "-png", "-gray", file+".pdf", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pages, err := filepath.Glob(file + "-*.png")
	if err != nil || len(pages) != 1 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	f, err := os.Open(pages[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatalf("the code cannot be read: %v", err)
	}
	if got := read.GetText(); got != "https://t.me/FaroBot?start=f-tapachula" {
		t.Errorf("the code opens %q", got)
	}
	text, err := exec.Command("pdftotext", file+".pdf", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SOS 911", "TAPACHULA", "+52 55 1234 5678", "Español", "English", "Français", "Português", "Kreyòl ayisyen", "Quiero pedir refugio", time.Now().UTC().Format(time.DateOnly)} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing in %s", want, text)
		}
	}
}

func TestEveryPosterFits(t *testing.T) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	var all []posterCmd
	for f := range builtin().Flows.Facilities {
		all = append(all, posterCmd{Facility: f})
	}
	for topic := range builtin().Flows.Topics {
		all = append(all, posterCmd{Facility: "gomez-palacio", Topic: topic}, posterCmd{Topic: topic})
	}
	for _, c := range all {
		c.Bot, c.Phone = "FaroBot_with_a_name_this_long_12", "+525512345678"
		p, err := c.poster(builtin(), now)
		if err == nil {
			err = p.Write(io.Discard)
		}
		if err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	var first, again bytes.Buffer
	p, err := posterCmd{Facility: "tapachula", Phone: "+525512345678"}.poster(builtin(), now)
	if err != nil || p.Write(&first) != nil || p.Write(&again) != nil || !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Errorf("the same poster is not the same twice: %v", err)
	}
	p.Blocks[0].Lines = []string{"Привет"}
	if err := p.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "font") {
		t.Errorf("characters the font lacks: %v", err)
	}
	p.Blocks[0].Lines = []string{strings.Repeat("muy largo ", 2000)}
	if err := p.Write(io.Discard); err == nil {
		t.Error("a text that does not fit is printed")
	}
}

func TestPosterSaysWhatIsWrong(t *testing.T) {
	for want, c := range map[string]posterCmd{
		"give --facility or --topic": {Bot: "FaroBot"},
		`"nowhere" is not in`:        {Facility: "nowhere", Bot: "FaroBot"},
		`"nothing" is not in`:        {Topic: "nothing", Bot: "FaroBot"},
		"where to write":             {Facility: "tapachula"},
		"not a bot's name":           {Facility: "tapachula", Bot: "a?start=x"},
		"not a phone number":         {Facility: "tapachula", Phone: "12"},
	} {
		if _, err := c.poster(builtin(), time.Now()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}

// TestPosterAsSet: with the settings of a running faro a facility and a topic are enough, and a part of the
// page that is missing is told.
func TestPosterAsSet(t *testing.T) {
	provider := fakes.NewTelegram(botToken, fakes.Name("Canaria", "Prueba", "canariauser"))
	t.Cleanup(provider.Close)
	const noCode, noNumber = "the poster has no QR code: give --bot", "the poster has no number for text messages: give --phone"
	for name, c := range map[string]struct {
		env  map[string]string
		more []string
		code int
		errs []string
	}{
		"both":                {env: map[string]string{"FARO_TELEGRAM_TOKEN": botToken, "FARO_TWILIO_FROM": "+525512345678"}},
		"Telegram alone":      {env: map[string]string{"FARO_TELEGRAM_TOKEN": botToken}, errs: []string{noNumber}},
		"SMS alone":           {env: map[string]string{"FARO_TWILIO_FROM": "+525512345678"}, errs: []string{noCode}},
		"a token of nobody":   {env: map[string]string{"FARO_TELEGRAM_TOKEN": "1:x", "FARO_TWILIO_FROM": "+525512345678"}, errs: []string{"Telegram does not tell the bot's name", noCode}},
		"a name that is told": {env: map[string]string{"FARO_TELEGRAM_TOKEN": "1:x", "FARO_TWILIO_FROM": "+525512345678"}, more: []string{"--bot", "FaroBot"}},
		"neither":             {code: 1, errs: []string{"FARO_TELEGRAM_TOKEN or FARO_TWILIO_FROM"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FARO_TELEGRAM_API", provider.URL())
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			code, out, errs := command("", append([]string{"poster", "--facility", "tapachula", "--topic", "asylum"}, c.more...)...)
			if code != c.code || (code == 0) != strings.HasPrefix(out, "%PDF") {
				t.Errorf("code %d, %d bytes, %s", code, len(out), errs)
			}
			if len(c.errs) != strings.Count(errs, "\n") || strings.Contains(errs, botToken) {
				t.Errorf("told %q, want %q", errs, c.errs)
			}
			for _, want := range c.errs {
				if !strings.Contains(errs, want) {
					t.Errorf("%q is missing in %q", want, errs)
				}
			}
		})
	}
}
