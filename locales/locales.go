// Package locales holds every text Faro sends, per language, and the one way to look one up.
//
// A text is looked up in exactly the language asked for. There is no fallback to a neighbour
// language: what is missing is reported missing, and the caller offers the languages that exist.
// The package does no I/O but reading the file system it is given. A Book does not change after
// Load and may be used from several goroutines.
package locales

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Builtin is the content compiled into the program, laid out as Load wants it.
//
//go:embed *.toml */*.toml */topics/*.toml
var Builtin embed.FS

// A Lang is a language Faro speaks, named by the folder of its texts: "es", "ht".
type Lang string

// A Language is what there is to know of a Lang besides its texts.
type Language struct {
	Tag         Lang     `toml:"-"`
	Name        string   `toml:"name"`          // in its own script
	Also        []string `toml:"also"`          // other ways people write its name
	Plural      string   `toml:"plural"`        // BCP 47 tag whose plural rule counts, "" for its own
	RightToLeft bool     `toml:"right_to_left"` // the direction of its script
}

// Args fill the {{.name}} places of a text.
type Args map[string]any

// A Topic is what a language has for a topic besides its texts.
type Topic struct {
	File      string
	State     string     // one of States: whether a lawyer and a native speaker have read its texts
	Questions []Question // examples of how people ask for it
}

// States of a topic's texts in a language.
var States = []string{"draft", "reviewed"}

// A Question is an example of how people ask, and where it stands.
type Question struct {
	Text string
	File string
	Line int
}

// A Concept is words that mean the same for finding a topic, by language. A word that ends
// in * stands for all words that begin so.
type Concept struct {
	Name  string
	Words map[Lang][]string
}

// A Book is all texts in all languages.
type Book struct {
	languages []Language
	texts     map[Lang]map[string]string
	filled    map[Lang]*i18n.Localizer
	lines     map[Lang]map[string]place
	topics    map[Lang]map[string]Topic
	names     map[string]Lang
	concepts  []Concept
	unrelated map[Lang][]Question
	asides    map[Lang][]Question
	past      map[Lang][]Question
	unspoken  map[string]bool // names of languages that are not spoken
	unread    map[string]bool // files whose texts are missing because the file is broken
}

// Load reads languages.toml and a folder for each language named there. It reports everything it
// finds wrong, each with file and line; the Book is nil when anything was an error.
func Load(fsys fs.FS) (*Book, []Finding) {
	b := &Book{
		texts:  map[Lang]map[string]string{},
		filled: map[Lang]*i18n.Localizer{},
		lines:  map[Lang]map[string]place{},
		topics: map[Lang]map[string]Topic{},
		names:  map[string]Lang{},

		unspoken:  map[string]bool{},
		unrelated: map[Lang][]Question{},
		asides:    map[Lang][]Question{},
		past:      map[Lang][]Question{},
		unread:    map[string]bool{},
	}
	found := slices.Concat(b.loadLanguages(fsys), b.loadUnspoken(fsys), b.loadConcepts(fsys))
	bundle := i18n.NewBundle(language.Und)
	for _, l := range b.languages {
		found = append(found, b.loadTexts(fsys, l.Tag)...)
		tag, err := pluralTag(l)
		if err == nil {
			err = bundle.AddMessages(tag, messages(b.texts[l.Tag])...)
		}
		if err != nil {
			found = append(found, Finding{File: languagesFile, Line: 1,
				Message: fmt.Sprintf("language %s: %v; name a language with a plural rule in plural", l.Tag, err)})
			continue
		}
		b.filled[l.Tag] = i18n.NewLocalizer(bundle, tag.String())
	}
	found = append(found, b.compare()...)
	if HasErrors(found) {
		return nil, found
	}
	return b, found
}

const languagesFile = "locales/languages.toml"

func (b *Book) loadLanguages(fsys fs.FS) []Finding {
	src, err := fs.ReadFile(fsys, "languages.toml")
	if err != nil {
		return []Finding{{File: languagesFile, Line: 1, Message: "cannot read it: " + err.Error()}}
	}
	var read map[Lang]Language
	meta, err := toml.Decode(string(src), &read)
	if err != nil {
		return []Finding{syntax(languagesFile, err)}
	}
	lines := scan(languagesFile, string(src))
	var found []Finding
	for _, k := range meta.Undecoded() {
		found = append(found, Finding{File: languagesFile, Line: lines[k.String()].line,
			Message: fmt.Sprintf("unknown key %q; known are name, also, plural, right_to_left", k)})
	}
	for _, k := range meta.Keys() {
		if len(k) != 1 {
			continue
		}
		l := read[Lang(k[0])]
		l.Tag = Lang(k[0])
		at := lines[k[0]]
		if l.Name == "" {
			found = append(found, at.errorf("language %s has no name", l.Tag))
		}
		if len(l.Tag) > maxTag {
			found = append(found, at.errorf("language %s: a tag has at most %d characters, because buttons carry it", l.Tag, maxTag))
		}
		for _, n := range append([]string{l.Name, string(l.Tag)}, l.Also...) {
			n = Fold(n)
			if other, taken := b.names[n]; taken && other != l.Tag {
				found = append(found, at.errorf("the name %q belongs to %s and to %s", n, other, l.Tag))
			}
			b.names[n] = l.Tag
		}
		b.languages = append(b.languages, l)
	}
	if len(b.languages) == 0 {
		found = append(found, Finding{File: languagesFile, Line: 1, Message: "no language"})
	}
	return found
}

const unspokenFile = "locales/unspoken.toml"

func (b *Book) loadUnspoken(fsys fs.FS) []Finding {
	src, err := fs.ReadFile(fsys, "unspoken.toml")
	if err != nil {
		return []Finding{{File: unspokenFile, Line: 1, Message: "cannot read it: " + err.Error()}}
	}
	var read struct{ Names []string }
	meta, err := toml.Decode(string(src), &read)
	if err != nil {
		return []Finding{syntax(unspokenFile, err)}
	}
	var found []Finding
	for _, k := range meta.Undecoded() {
		found = append(found, Finding{File: unspokenFile, Line: 1, Message: fmt.Sprintf("unknown key %q; known is names", k)})
	}
	for _, n := range read.Names {
		if lang, spoken := b.names[Fold(n)]; spoken {
			found = append(found, Finding{File: unspokenFile, Line: lineOf(string(src), n),
				Message: fmt.Sprintf("%q names %s, which is spoken; remove it here", n, lang)})
		}
		b.unspoken[Fold(n)] = true
	}
	return found
}

// lineOf is the first line of a file that has a text, for findings.
func lineOf(src, text string) int {
	before, _, _ := strings.Cut(src, text)
	return strings.Count(before, "\n") + 1
}

// maxTag keeps the data of a language button far below Telegram's 64 bytes.
const maxTag = 12

func pluralTag(l Language) (language.Tag, error) {
	name := l.Plural
	if name == "" {
		name = string(l.Tag)
	}
	return language.Parse(name)
}

func messages(texts map[string]string) []*i18n.Message {
	var out []*i18n.Message
	for key, text := range texts {
		if strings.Contains(text, "{{") {
			out = append(out, &i18n.Message{ID: key, Other: text})
		}
	}
	return out
}

// Languages lists the languages in the order they are offered.
func (b *Book) Languages() []Language { return slices.Clone(b.languages) }

// Has reports whether l is a language of this book.
func (b *Book) Has(l Lang) bool { return b.texts[l] != nil }

// Language returns what is known of l, the zero Language if nothing is.
func (b *Book) Language(l Lang) Language {
	for _, known := range b.languages {
		if known.Tag == l {
			return known
		}
	}
	return Language{}
}

// Named finds the language that words name as a whole: "français", "FRANCES", "french".
func (b *Book) Named(words string) (Lang, bool) {
	folded := Fold(words)
	if len(folded) <= 2 {
		return "", false // "en", "es" and "pt" are words of their own in too many messages
	}
	l, ok := b.names[folded]
	return l, ok
}

// Unspoken reports whether words name, as a whole, a language that Faro does not speak.
func (b *Book) Unspoken(words string) bool { return b.unspoken[Fold(words)] }

// Text returns the text under key in exactly the language l, its places filled from args. It
// reports false if that language has no such text.
func (b *Book) Text(l Lang, key string, args Args) (string, bool) {
	text, ok := b.texts[l][key]
	if !ok || !strings.Contains(text, "{{") {
		return text, ok
	}
	filled, err := b.filled[l].Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: map[string]any(args)})
	return filled, err == nil
}

// Raw returns the text under key as written, places unfilled.
func (b *Book) Raw(l Lang, key string) (string, bool) {
	text, ok := b.texts[l][key]
	return text, ok
}

// Topic returns what a language has for a topic, the zero Topic if nothing.
func (b *Book) Topic(l Lang, id string) Topic { return b.topics[l][id] }

// Unrelated are examples of what people write that belongs to no topic.
func (b *Book) Unrelated(l Lang) []Question { return b.unrelated[l] }

// Asides are examples of what people tell before they ask.
func (b *Book) Asides(l Lang) []Question { return b.asides[l] }

// Past are examples of what people tell of danger that is over, before they ask something else.
func (b *Book) Past(l Lang) []Question { return b.past[l] }

// Concepts lists the words that mean the same, sorted by name.
func (b *Book) Concepts() []Concept { return b.concepts }

// At returns where a text stands, for findings about it.
func (b *Book) At(l Lang, key string) (file string, line int) {
	p := b.lines[l][key]
	if p.file == "" {
		return "locales/" + string(l), 1
	}
	return p.file, p.line
}

// Keys lists the keys of all texts, sorted.
func (b *Book) Keys() []string {
	seen := map[string]bool{}
	for _, texts := range b.texts {
		for k := range texts {
			seen[k] = true
		}
	}
	keys := make([]string, 0, len(seen))
	for k := range seen {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
