package sms

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestMeasure(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	for name, test := range map[string]struct {
		text string
		want Size
	}{
		"empty":                      {"", Size{GSM7, 0, 0}},
		"one":                        {"a", Size{GSM7, 1, 1}},
		"GSM-7 full":                 {a(160), Size{GSM7, 160, 1}},
		"GSM-7 one over":             {a(161), Size{GSM7, 161, 2}},
		"GSM-7 two full":             {a(2 * 153), Size{GSM7, 306, 2}},
		"GSM-7 two and one":          {a(2*153 + 1), Size{GSM7, 307, 3}},
		"extension":                  {"^{}\\[~]|€\f", Size{GSM7, 20, 1}},
		"euro fills one":             {a(158) + "€", Size{GSM7, 160, 1}},
		"euro over one":              {a(159) + "€", Size{GSM7, 161, 2}},
		"euro ends a segment":        {a(151) + "€" + a(153), Size{GSM7, 306, 2}},
		"euro straddles":             {a(152) + "€" + a(152), Size{GSM7, 306, 3}},
		"euro straddles in one":      {a(152) + "€" + a(6), Size{GSM7, 160, 1}},
		"only euros":                 {strings.Repeat("€", 77), Size{GSM7, 154, 1}},
		"only euros, 76 a segment":   {strings.Repeat("€", 153), Size{GSM7, 306, 3}},
		"Greek capitals":             {"ΔΦΓΛΩΠΨΣΘΞ", Size{GSM7, 10, 1}},
		"other Greek":                {"Α", Size{UCS2, 1, 1}},
		"escape is no character":     {"\x1b", Size{UCS2, 1, 1}},
		"grave accent is not there":  {"`", Size{UCS2, 1, 1}},
		"tab is not there":           {"\t", Size{UCS2, 1, 1}},
		"cedilla only as a capital":  {"Çç", Size{UCS2, 2, 1}},
		"Creole":                     {"Kreyòl ayisyen ò è", Size{GSM7, 18, 1}},
		"Spanish kept":               {"¿Qué? ¡Ñandú ü", Size{UCS2, 14, 1}},
		"UCS-2 full":                 {strings.Repeat("ا", 70), Size{UCS2, 70, 1}},
		"UCS-2 one over":             {strings.Repeat("ا", 71), Size{UCS2, 71, 2}},
		"UCS-2 two full":             {strings.Repeat("ا", 134), Size{UCS2, 134, 2}},
		"UCS-2 two and one":          {strings.Repeat("ا", 135), Size{UCS2, 135, 3}},
		"Arabic":                     {"مرحبا بكم في فارو", Size{UCS2, 17, 1}},
		"surrogates end a segment":   {a(65) + "😀" + a(67), Size{UCS2, 134, 2}},
		"surrogates straddle":        {a(66) + "😀" + a(66), Size{UCS2, 134, 3}},
		"surrogates straddle in one": {a(66) + "😀" + a(2), Size{UCS2, 70, 1}},
		"extension is one in UCS-2":  {"[á]", Size{UCS2, 3, 1}},
		"not UTF-8":                  {"a\xff\xfe", Size{UCS2, 3, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Measure(test.text); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestSizeAsJSON(t *testing.T) {
	got, err := json.Marshal(Measure("hola"))
	if want := `{"encoding":"GSM-7","units":4,"segments":1}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// measureSlowly cuts the text as a phone would, and counts what it gets.
func measureSlowly(text string) Size {
	const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	var gsm, ucs []int // the widths of the characters
	encoding, alone, each := GSM7, 160, 153
	for _, r := range text {
		ucs = append(ucs, len(utf16.Encode([]rune{r})))
		switch {
		case strings.ContainsRune(basic, r):
			gsm = append(gsm, 1)
		case strings.ContainsRune("^{}\\[~]|€\f", r):
			gsm = append(gsm, 2)
		default:
			encoding, alone, each = UCS2, 70, 67
		}
	}
	widths := gsm
	if encoding == UCS2 {
		widths = ucs
	}
	size := Size{Encoding: encoding}
	room := 0
	for _, w := range widths {
		size.Units += w
		if w > room {
			size.Segments++
			room = each
		}
		room -= w
	}
	if size.Units > 0 && size.Units <= alone {
		size.Segments = 1
	}
	return size
}

func TestMeasureAgreesWithCuttingIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := someText(t, "text")
		if got, want := Measure(text), measureSlowly(text); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// Pages are filled by bisection, which is right only if this holds.
func TestNoTextTakesLessThanItsBeginning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, rest, foot := someText(t, "start"), someText(t, "rest"), someText(t, "foot")
		if a, b := Measure(start+foot), Measure(start+rest+foot); a.Segments > b.Segments {
			t.Errorf("with less %+v, with more %+v", a, b)
		}
	})
}

// someText draws texts of one script or several, with what is awkward in each.
func someText(t *rapid.T, label string) string {
	pieces := [][]string{
		{"a", "b ", "Ley. ", "derechos ", "\n", "\n\n", "0", "800 22 42 426 ", "no? ", "m/", "(", ") ", "Art. 5 "},
		{"á", "ç", "õ", "œ", "ü", "ñ", "¿", "información ", "e\u0301", "n\u0303", "’", "…", "« ", "\u00a0»", "–", "• ", "\t", "1º", "½", "m²"},
		{"€", "[", "]", "{", "^", "~", "|", "\\", "\f", "\r\n"},
		{"😀", "🆘 ", "👩‍👩‍👧", "🇲🇽", "1️⃣", "⚠️ ", "👍🏽", "☰", "\u200d", "\ufe0f", "\u0301"},
		{"ا", "مرحبا ", "بِكُم", "؟ ", "٣"}, {"ю", "Київ ", "й"}, {"権", "利。", "、"}, {"कि", "क्ष ", "।"},
		{"ภา", "ษา"}, {"한", "\u1112\u1161\u11ab"}, {"\xff", "\xe2\x80"}, {"Ω", "Δ"}, {"\u2028", "\u0085", "\v"},
	}
	chosen := rapid.SliceOfN(rapid.IntRange(0, len(pieces)-1), 1, 3).Draw(t, label+" alphabets")
	var all []string
	for _, i := range chosen {
		all = append(all, pieces[i]...)
	}
	repeat := rapid.SampledFrom([]int{1, 1, 1, 7, 40}).Draw(t, label+" repeat")
	drawn := rapid.SliceOfN(rapid.SampledFrom(all), 0, 60).Draw(t, label)
	return strings.Repeat(strings.Join(drawn, ""), repeat)
}

func FuzzMeasure(f *testing.F) {
	for _, seed := range []string{"", "hola", strings.Repeat("a", 152) + "€", strings.Repeat("я", 66) + "😀", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Measure(text), measureSlowly(text); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
