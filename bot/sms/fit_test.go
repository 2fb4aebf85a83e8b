package sms

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	long := func(s string) string { return s + strings.Repeat(" ley", 20) } // past 70 units, below 160 septets
	for name, test := range map[string]struct{ text, want string }{
		"empty":                     {"", ""},
		"plain":                     {"Hello [you] €5\r\n", "Hello [you] €5\r\n"},
		"quotes":                    {"‘a’ “b” „c‟ it’s `x´", `'a' "b" "c" it's 'x'`},
		"guillemets":                {"Écrivez «\u00a0SOS\u00a0» ou «MENU»", `Écrivez "SOS" ou "MENU"`},
		"dashes":                    {"a–b — c‑d − 1", "a-b - c-d - 1"},
		"ellipsis":                  {"wait…", "wait..."},
		"no-break spaces":           {"5\u00a0000\u202f€ a\u2009b\tc", "5 000 € a b c"},
		"bullets":                   {"• one\n• two", "- one\n- two"},
		"other newlines":            {"a\u2028b\u0085c", "a\nb\nc"},
		"emoji before":              {"🆘 Danger", "Danger"},
		"emoji after":               {"Danger 🆘", "Danger"},
		"emoji between":             {"a 🆘 b", "a b"},
		"emoji without spaces":      {"a🆘b", "ab"},
		"emoji before a stop":       {"Hello 👋!", "Hello!"},
		"emoji at ends of lines":    {"Hi 👋\n👍 yes\nno", "Hi\nyes\nno"},
		"emoji as a line":           {"Faro\n🆘\n911", "Faro\n911"},
		"emoji as the last line":    {"Faro\n🆘", "Faro"},
		"emoji of several parts":    {"a 👩‍👩‍👧 👍🏽 🇲🇽 ☰ ⬅️ b", "a b"},
		"keycap":                    {"1️⃣ Rights", "1 Rights"},
		"number in an option":       {"1 👍 This helped", "1 This helped"},
		"only emoji":                {"👍🏽", "👍🏽"},
		"emoji with digits":         {"🆘 911", "911"},
		"emoji in Arabic":           {"🆘 خطر", "🆘 خطر"},
		"invisible":                 {"in\u00adfor\u200bma\ufefftion", "information"},
		"not UTF-8":                 {"a\xffb", "a\uFFFDb"},
		"short Spanish":             {"información", "información"},
		"Spanish":                   {long("información médica: ¿Qué año? ¡Sí!"), long("informacion médica: ¿Qué año? ¡Si!")},
		"Spanish capitals":          {long("INFORMACIÓN MÉDICA Ñ"), long("INFORMACION MÉDICA Ñ")},
		"decomposed":                {long("me\u0301dica informacio\u0301n n\u0303"), long("médica informacion ñ")},
		"French":                    {long("Où êtes-vous reçu ? À l’œuvre, çà et là, Ç"), long("Où etes-vous recu ? A l'oeuvre, cà et là, Ç")},
		"Portuguese":                {long("Não há prisão: petição, você, avó, ação"), long("Nao ha prisao: peticao, voce, avo, acao")},
		"Creole":                    {long("Kreyòl ayisyen ò è"), long("Kreyòl ayisyen ò è")},
		"Creole with an odd accent": {long("Kreyòl ayisyen á"), long("Kreyòl ayisyen a")},
		"German stays":              {long("Größe für Ärzte"), long("Größe für Ärzte")},
		"Vietnamese":                {long("Tôi cần người phiên dịch đi"), long("Toi can nguoi phien dich di")},
		"Hausa":                     {long("ɓ ɗ ƙ ƴ Ɓ"), long("b d k y B")},
		"saltillo":                  {long("Mèꞌpháa"), long("Mè'phaa")},
		"signs":                     {long("1º 2ª n° 5 → ½ © ™ ﬁn"), long("1o 2a no 5 -> 1/2 (c) TM fin")},
		"powers stay":               {long("10² días"), long("10² días")},
		"mixed fractions stay":      {long("10½ días"), long("10½ días")},
		"no spelling known":         {long("día ∞"), long("día ∞")},
		"with Ukrainian":            {long("información Київ"), long("información Київ")},
		"Ukrainian":                 {"Київ – «так»…", "Київ - «так»…"},
		"Arabic":                    {"مرحبا “فارو”", `مرحبا "فارو"`},
		"ellipses that cost more":   {strings.Repeat("…", 70), strings.Repeat("…", 70)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Fit(test.text); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			checkFit(t, test.text)
		})
	}
}

// Every character of GSM-7 is left alone, and each accent it lacks has a spelling.
func TestFitKeepsTheAlphabet(t *testing.T) {
	for _, r := range alphabet + extension + "ΓΔΘΛΞΠΣΦΨΩ€" {
		if got := Fit(string(r)); got != string(r) {
			t.Errorf("%q became %q", r, got)
		}
	}
	for _, r := range "áíóúçãõâêôîûëïœæøÁÍÓÚÀÈÌÒÙÂÊÔÎÛËÏÃÕŒăşţčšžłđ" {
		got, ok := spellOne(string(r))
		if !ok || !narrow(got) {
			t.Errorf("%q became %q", r, got)
		}
	}
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkFit checks what holds for every text.
func checkFit(t failer, text string) {
	t.Helper()
	got := Fit(text)
	if again := Fit(got); again != got {
		t.Errorf("%q: once %q, twice %q", text, got, again)
	}
	if before, after := Measure(text).Segments, Measure(got).Segments; after > before {
		t.Errorf("%q took %d segments, %q takes %d", text, before, got, after)
	}
	if !utf8.ValidString(got) {
		t.Errorf("%q became %q, which is not UTF-8", text, got)
	}
}

func TestFitTwiceIsFitOnceAndNeverLonger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkFit(t, someText(t, "text")) })
}

func FuzzFit(f *testing.F) {
	for _, seed := range []string{"información", "« œuvre » … 👍🏽 ok", "e\u200d\u0301", "مرحبا", "a 🆘\n🆘\n", "\xff", "\u212a\u2126\u0345"} {
		f.Add(seed, 1)
		f.Add(seed, 20)
	}
	f.Fuzz(func(t *testing.T, text string, times int) {
		if times < 1 || times > 100 || len(text) > 1000 {
			return
		}
		checkFit(t, strings.Repeat(text, times))
	})
}
