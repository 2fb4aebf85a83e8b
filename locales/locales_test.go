package locales_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"faro/locales"
)

func book(t *testing.T) *locales.Book {
	t.Helper()
	b, found := locales.Load(locales.Builtin)
	if b == nil {
		t.Fatal(found)
	}
	return b
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"  ¡HOLA!  ":       "hola",
		"Arrêt":            "arret",
		"S'abonner":        "s abonner",
		"Kreyòl   ayisyen": "kreyol ayisyen",
		"a\u0301rbol":      "arbol",  // a combining accent
		"STOP\u200b\u200d": "stop",   // zero-width characters
		"\u202eSTOP\u202c": "stop",   // right-to-left override
		"٣":                "3",      // Arabic
		"۱۲":               "12",     // Persian
		"३":                "3",      // Devanagari
		"𝟗":                "9",      // mathematical
		"ＳＴＯＰ":             "stop",   // full width
		"ﬁn":               "fin",    // a ligature
		"straße":           "straße", // no folding across letters
		"Ελλάς":            "ελλας",
		"👍":                "",
		"no.1":             "no 1",
		"\xff\xfe":         "",
	} {
		if got := locales.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"¡Hola!", "٣", "\u202e\u200bSTOP", "\xff", "한국어"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := locales.Fold(s)
		if !utf8.ValidString(folded) {
			t.Errorf("Fold(%q) is not UTF-8", s)
		}
		if strings.TrimSpace(folded) != folded || strings.Contains(folded, "  ") {
			t.Errorf("Fold(%q) = %q: spaces are not single", s, folded)
		}
		if again := locales.Fold(folded); again != folded {
			t.Errorf("Fold is not final: %q, %q", folded, again)
		}
	})
}

// TestNeverANeighboursLanguage: a language is looked up exactly. go-i18n's own matching would answer
// Ukrainian in Russian and Canadian French in Creole.
func TestNeverANeighboursLanguage(t *testing.T) {
	b := book(t)
	for _, l := range []locales.Lang{"uk", "ru", "pt-BR", "pt-PT", "fr-CA", "fr-HT", "es-MX", "ES", "jbo", "und", ""} {
		if text, ok := b.Text(l, "menu.title", nil); ok {
			t.Errorf("%q is answered with %q", l, text)
		}
		if b.Has(l) {
			t.Errorf("the book says it speaks %q", l)
		}
	}
	titles := map[string]locales.Lang{}
	for _, l := range b.Languages() {
		title, ok := b.Text(l.Tag, "menu.title", nil)
		if !ok {
			t.Errorf("%s has no menu", l.Tag)
		}
		if other, same := titles[title]; same {
			t.Errorf("%s and %s have the same menu", l.Tag, other)
		}
		titles[title] = l.Tag
	}
}

func TestLanguagesByName(t *testing.T) {
	b := book(t)
	for words, want := range map[string]locales.Lang{
		"español": "es", "SPANISH": "es", "castellano": "es", "English": "en", "inglés": "en", "ingles!": "en", "français": "fr",
		"francés": "fr", "French": "fr", "português": "pt", "portuguese": "pt", "kreyòl": "ht", "Creole": "ht", "criollo haitiano": "ht",
		"es": "", "en": "", "pt": "", "french fries": "", "ruso": "",
	} {
		if got, ok := b.Named(words); got != want || ok != (want != "") {
			t.Errorf("Named(%q) = %q, %v; want %q", words, got, ok, want)
		}
	}
	for _, words := range []string{"العربية", "Ukrainian", "Náhuatl", "k’iche’", "中文", "chino"} {
		if !b.Unspoken(words) {
			t.Errorf("%q is not known as a language that is not spoken", words)
		}
	}
	for _, words := range []string{"español", "ht", "", "hola", "abogado"} {
		if b.Unspoken(words) {
			t.Errorf("%q is taken for a language that is not spoken", words)
		}
	}
}

// TestAFaultHasItsPlace: what is wrong with the languages is told with file and line, all at once.
func TestAFaultHasItsPlace(t *testing.T) {
	ui := &fstest.MapFile{Data: []byte("[menu]\ntitle = \"Menu {{.x}}\"\n")}
	topic := &fstest.MapFile{Data: []byte("state = \"drafty\"\ntitel = \"X\"\nquestions = [\n \"a\",\n \"!\",\n]\n")}
	_, found := locales.Load(fstest.MapFS{
		"languages.toml": {Data: []byte("[aa]\nname = \"Aa\"\nplural = \"zz\"\n\n[bb]\nnmae = \"Bb\"\n")},
		"unspoken.toml":  {Data: []byte("names = [\n\"cc\",\n\"Aa\",\n]\n")},
		"aa/ui.toml":     ui, "aa/topics/x.toml": topic, "bb/ui.toml": ui, "bb/topics/x.toml": topic,
	})
	var all []string
	for _, f := range found {
		all = append(all, f.String())
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{
		`locales/languages.toml:6: error: unknown key "bb.nmae"`, `locales/languages.toml:5: error: language bb has no name`,
		`locales/aa/topics/x.toml:1: error: state "drafty" is not known`, `locales/aa/topics/x.toml:2: error: unknown key "titel"`,
		`locales/bb/topics/x.toml:5: error: a question is a text`,
		`locales/unspoken.toml:3: error: "Aa" names aa, which is spoken`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not found: %s\nfound:\n%s", want, text)
		}
	}
}
