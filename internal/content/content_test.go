package content_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/internal/content"
	"faro/internal/content/sample"
	"faro/locales"
)

// copied is the built-in content in a folder, to be broken.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := sample.Copy(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// change replaces a text in a file and returns the line it stands in.
func change(t *testing.T, dir, file, from, to string) int {
	t.Helper()
	path := filepath.Join(dir, file)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(b), from)
	if !found {
		t.Fatalf("%s lacks %q", file, from)
	}
	if err := os.WriteFile(path, []byte(before+to+after), 0o644); err != nil {
		t.Fatal(err)
	}
	return strings.Count(before, "\n") + 1
}

func TestBuiltInContentIsSound(t *testing.T) {
	if c, found := content.Load(""); c == nil || len(found) > 0 {
		t.Error(found)
	}
}

func TestFaultsAreFoundWhereTheyAre(t *testing.T) {
	long := strings.Repeat("una frase larga ", 30)
	cases := []struct {
		name, file, from, to, says string
		line                       int // after the line of the change; -1 if any line of the file will do
	}{
		{"unknown key", "flows/conversation.yaml", "    text: menu\n", "    texst: menu\n", "texst", 0},
		{"broken YAML", "flows/commands.yaml", "stop:", "stop: [", "", -1},
		{"broken TOML", "locales/fr/ui.toml", "[menu]", "[menu", "not TOML", 1},
		{"outside a table", "locales/fr/ui.toml", "[welcome]", "stray = \"x\"\n[welcome]", "outside a table", 0},
		{"missing text", "locales/ht/ui.toml", "[gone]", "[gonne]", "gone.text is missing in ht", -1},
		{"link to nowhere", "flows/conversation.yaml", "go: next}", "go: nowhere}", "there is no step nowhere", 0},
		{"button too long", "flows/conversation.yaml", "go: next}", "go: notice/" + strings.Repeat("x", 64) + "}", "64", 0},
		{"dead end", "flows/conversation.yaml", "    bare: true\n    last: true\n", "    bare: true\n", "dead end", -1},
		{"unreachable", "flows/conversation.yaml", "steps:\n", "steps:\n  attic:\n    text: menu\n    list: groups\n", "step attic cannot be reached", 1},
		{"missing step", "flows/conversation.yaml", "  gone:\n    text: gone\n    list: groups\n", "", "step gone is missing", -1},
		{"SMS over its budget", "locales/es/ui.toml", "Escribe un número o tu pregunta.", long, "SMS segments", 0},
		{"unknown place", "locales/pt/ui.toml", "{{.operator}}", "{{.boss}}", "who.operator fills", 0},
		{"unknown contact", "flows/topics/asylum.yaml", "ask: comar", "ask: nobody", "nobody", 0},
		{"wrong date", "flows/topics/asylum.yaml", "as_of: 2026-11-23", "as_of: 2026-13-23", "", -1},
		{"review before check", "flows/topics/asylum.yaml", "review_by: 2027-05-23", "review_by: 2026-01-01", "not after as_of", 0},
		{"no source", "flows/topics/about.yaml", "sources:\n  - {title: \"IFDP, Defensatel\", seen: [S45, S48]}\n", "sources: []\n", "no source", 0},
		{"word of two commands", "flows/commands.yaml", "en: [exit]", "en: [exit, stop]", "\"stop\" is a word of", -1},
		{"command of two signs", "flows/commands.yaml", "any: [\"?\"]", "any: [\"??\"]", "never heard", -1},
		{"unconfirmed number", "flows/contacts.yaml", "confidence: likely", "confidence: unverified", "verified or likely", 0},
		{"phone in letters", "flows/contacts.yaml", "\"800 22 42 426\"", "\"call me\"", "digits", 0},
		{"text nobody uses", "locales/es/ui.toml", "[gone]", "[attic]\ntext = \"x\"\n\n[gone]", "attic.text", -1},
		{"facility of no kind", "flows/facilities.yaml", "kind: station", "kind: prison", "prison", 0},
		{"example of two topics", "locales/fr/topics/work.toml", "questions = [\n", "questions = [\n  \"je veux un amparo\",\n", "also an example of", 1},
		{"hard to read", "locales/es/topics/about.toml", "action = \"", "action = \"Procedimiento administrativamente excepcional, extraordinariamente desproporcionado, constitucionalmente incomprensible, institucionalmente inadmisible, jurisprudencialmente incontrovertible, internacionalmente responsabilizado. ", "hard to read", 1},
		{"long sentences", "locales/ht/topics/about.toml", "telegram = \"\"\"\n", "telegram = \"\"\"\n" + strings.Repeat("yon fraz ki long anpil epi ki pa janm fini ", 60) + "\n", "words on average", 0},
		{"unknown blank", "flows/notices.yaml", "blanks: [place]", "blanks: [place, who]", "blank \"who\" is not known", 0},
		{"blank named twice", "flows/notices.yaml", "blanks: [place]", "blanks: [place, place]", "blank place is named twice", 0},
		{"blank no text uses", "flows/notices.yaml", "blanks: [place]", "blanks: [place, day]", "ready.evacuation.text lacks {{.day}}", -1},
		{"blank not declared", "flows/notices.yaml", "blanks: [place]", "blanks: []", "ready.evacuation.text uses {{.place}}", -1},
		{"blank one language lacks", "locales/ht/notices.toml", "rasanble: {{.place}}", "rasanble: lakou a", "ready.evacuation.text fills", 0},
		{"unknown urgency", "flows/notices.yaml", "urgency: emergency", "urgency: panic", "urgency \"panic\" is not known", 0},
		{"same order", "flows/notices.yaml", "order: 2,", "order: 1,", "has order 1, and so has bad-weather", -1},
		{"no order", "flows/notices.yaml", "order: 2,", "", "order is missing", 0},
		{"notice without a text", "flows/notices.yaml", "evacuation:", "attic: {order: 99, urgency: routine}\nevacuation:", "ready.attic.text is missing in ht", 0},
		{"notice without a title", "flows/notices.yaml", "evacuation:", "attic: {order: 99, urgency: routine}\nevacuation:", "ready.attic.title is missing in ht", 0},
		{"notice of a wrong name", "flows/notices.yaml", "water-back:", "Water:", "lower-case", 0},
		{"text of no notice", "flows/notices.yaml", "water-back:", "#", "nothing uses the text ready.water-back.title", -1},
		{"empty notice", "flows/notices.yaml", "evacuation:", "attic:\nevacuation:", "attic is empty", 0},
		{"title too long", "locales/ht/notices.toml", "title = \"Vaksen\"", "title = \"" + strings.Repeat("ò", 35) + "\"", "ready.vaccination.title has 35 characters", 0},
		{"unknown key of a notice", "locales/fr/notices.toml", "[meeting]", "[meeting]\nsms = \"x\"", "unknown key \"sms\"", 1},
		{"notice too long", "locales/en/notices.toml", "Bring your questions.", strings.Repeat("Bring all your questions. ", 10), "ready.meeting.text takes 4 SMS segments (GSM-7)", 0},
		{"unknown language key", "locales/languages.toml", "name = \"Français\"", "name = \"Français\"\nrtl = true", "rtl", 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := copied(t)
			line := change(t, dir, c.file, c.from, c.to) + c.line
			loaded, found := content.Load(dir)
			if loaded != nil {
				t.Fatal("broken content was loaded")
			}
			if !slices.ContainsFunc(found, func(f locales.Finding) bool {
				return (f.File == c.file || c.line < 0 && strings.HasPrefix(f.File, "flows/") || c.line < 0 && strings.HasPrefix(f.File, "locales/")) &&
					(f.Line == line || c.line < 0 && f.Line > 0) && strings.Contains(f.Message, c.says)
			}) {
				t.Errorf("want %s:%d … %s, got %v", c.file, line, c.says, found)
			}
		})
	}
}

// TestNoticesThatAreNotThere: a folder of one's own made before there were ready-made notices is told
// what it lacks, once.
func TestNoticesThatAreNotThere(t *testing.T) {
	for _, file := range []string{"flows/notices.yaml", "locales/pt/notices.toml"} {
		dir := copied(t)
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		if _, found := content.Load(dir); len(found) != 1 || found[0].File != file || !strings.Contains(found[0].Message, "cannot read it: open") {
			t.Errorf("without %s: found %v", file, found)
		}
	}
	dir := copied(t)
	const file = "locales/pt/notices.toml"
	change(t, dir, file, "[meeting]", "[meating]")
	if _, found := content.Load(dir); !slices.ContainsFunc(found, func(f locales.Finding) bool {
		return f.File == file && f.Message == "ready.meeting.text is missing in pt"
	}) {
		t.Errorf("found %v", found)
	}
}

// TestNoticesWrongInEveryLanguage: where all languages agree, what they agree on is held to what can be
// filled in.
func TestNoticesWrongInEveryLanguage(t *testing.T) {
	for _, c := range []struct{ name, from, to, says string }{
		{"a place in a title", "[water-back]\ntitle = \"", "[water-back]\ntitle = \"{{.day}} ", "ready.water-back.title has a place to fill"},
		{"a phone nobody has", "{{.phone.emergency}}", "{{.phone.nobody}}", "nothing fills {{.phone.nobody}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copied(t)
			langs := []string{"es", "en", "fr", "pt", "ht"}
			for _, l := range langs {
				change(t, dir, "locales/"+l+"/notices.toml", c.from, c.to)
			}
			loaded, found := content.Load(dir)
			if loaded != nil {
				t.Fatal("broken content was loaded")
			}
			for _, l := range langs {
				if !slices.ContainsFunc(found, func(f locales.Finding) bool {
					return f.File == "locales/"+l+"/notices.toml" && f.Line > 1 && strings.Contains(f.Message, c.says)
				}) {
					t.Errorf("nothing of %s in %s: %v", c.says, l, found)
				}
			}
		})
	}
}

func TestTooFewExamples(t *testing.T) {
	dir := copied(t)
	const file = "locales/en/topics/amparo.toml"
	src, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(src), "\n")
	first := slices.Index(lines, "questions = [\n")
	short := strings.Join(lines[:first+20], "") + "]\n" // 19 examples
	if err := os.WriteFile(filepath.Join(dir, file), []byte(short), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, found := content.Load(dir); len(found) != 1 || found[0].File != file || !strings.Contains(found[0].Message, "19 examples") {
		t.Errorf("found %v", found)
	}
}

func TestReport(t *testing.T) {
	dir := copied(t)
	change(t, dir, "locales/fr/topics/asylum.toml", `state = "draft"`, `state = "reviewed"`)
	c, found := content.Load(dir)
	if c == nil {
		t.Fatal(found)
	}
	var b strings.Builder
	if err := c.Report(&b, time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	all := len(c.Flows.Topics) * len(c.Book.Languages())
	for _, want := range []string{"2027-02-23 (past)", "reviewed, Kandel-Moles", "800 22 42 426", fmt.Sprintf("%d of %d texts are drafts", all-1, all)} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
}

func TestAllFaultsInOneRun(t *testing.T) {
	dir := copied(t)
	change(t, dir, "flows/topics/asylum.yaml", "ask: comar", "ask: nobody")
	change(t, dir, "flows/contacts.yaml", "confidence: likely", "confidence: unverified")
	change(t, dir, "flows/conversation.yaml", "go: next}", "go: nowhere}")
	_, found := content.Load(dir)
	files := map[string]bool{}
	for _, f := range found {
		files[f.File] = true
	}
	if len(files) < 3 {
		t.Errorf("one run found only %v", found)
	}
}
