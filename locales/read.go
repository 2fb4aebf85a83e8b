package locales

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// uiFile holds the texts of the conversation itself, in tables; the keys in the Book are those of
// the file ("menu.text"). Each file in topics/ is one topic's, and its keys begin with "topic." and
// the file's name ("topic.asylum.sms"). Those of the ready-made notices begin with "ready." and the
// table's name ("ready.water-off.text").
const (
	uiFile      = "ui.toml"
	topicFolder = "topics"
	topicPrefix = "topic."
	readyFile   = "notices.toml"
	readyPrefix = "ready."
)

// TopicTexts are the texts every topic has.
var TopicTexts = []string{"title", "action", "telegram", "sms"}

// ReadyTexts are the texts every ready-made notice has.
var ReadyTexts = []string{"title", "text"}

// optional is the one field a language may leave out: without it the text serves SMS too.
const optional = ".sms"

type place struct {
	file string
	line int
}

func (p place) errorf(format string, args ...any) Finding {
	return Finding{File: p.file, Line: p.line, Message: fmt.Sprintf(format, args...)}
}

func (b *Book) loadTexts(fsys fs.FS, l Lang) []Finding {
	b.texts[l], b.lines[l], b.topics[l] = map[string]string{}, map[string]place{}, map[string]Topic{}
	found := b.loadTables(fsys, l, uiFile, "", nil)
	found = append(found, b.loadTables(fsys, l, readyFile, readyPrefix, ReadyTexts)...)
	found = append(found, b.loadUnrelated(fsys, l)...)
	names, err := fs.Glob(fsys, string(l)+"/"+topicFolder+"/*.toml")
	if err != nil || len(names) == 0 {
		found = append(found, Finding{File: "locales/" + string(l) + "/" + topicFolder, Line: 1, Message: "no topic here"})
	}
	for _, name := range names {
		found = append(found, b.loadTopic(fsys, l, name)...)
	}
	return found
}

// lines is where the keys of a file stand.
type lines struct {
	file string
	at   map[string]place
}

// of is where a key stands; the file, if it is written in a way that scan does not find.
func (l lines) of(key string) place {
	if p, ok := l.at[key]; ok {
		return p
	}
	return place{l.file, 1}
}

// open reads a TOML file of texts and where its keys stand.
func (b *Book) open(fsys fs.FS, file string) (read map[string]any, at lines, found []Finding) {
	name := "locales/" + file
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		b.unread[name] = true
		return nil, lines{}, []Finding{{File: name, Line: 1, Message: "cannot read it: " + err.Error()}}
	}
	if _, err := toml.Decode(string(src), &read); err != nil {
		b.unread[name] = true
		return nil, lines{}, []Finding{syntax(name, err)}
	}
	return read, lines{name, scan(name, string(src))}, nil
}

// loadTables reads a file of texts in tables; their keys begin with prefix. A table has the fields in
// known and no others, any if known is nil.
func (b *Book) loadTables(fsys fs.FS, l Lang, file, prefix string, known []string) []Finding {
	read, at, found := b.open(fsys, string(l)+"/"+file)
	for table, v := range read {
		fields, ok := v.(map[string]any)
		if !ok {
			found = append(found, at.of(table).errorf("%s stands outside a table; put it under [name]", table))
			continue
		}
		for field, v := range fields {
			where := at.of(table + "." + field)
			if known != nil && !slices.Contains(known, field) {
				found = append(found, where.errorf("unknown key %q; known are %s", field, strings.Join(known, ", ")))
				continue
			}
			found = append(found, b.put(l, prefix+table+"."+field, v, where)...)
		}
	}
	return found
}

// put takes a text in.
func (b *Book) put(l Lang, key string, v any, at place) []Finding {
	text, ok := v.(string)
	if !ok {
		return []Finding{at.errorf("%s is not a text in quotes", key)}
	}
	text = strings.TrimSpace(text)
	b.texts[l][key], b.lines[l][key] = text, at
	if text == "" {
		return []Finding{at.errorf("%s is empty", key)}
	}
	return nil
}

func (b *Book) loadTopic(fsys fs.FS, l Lang, file string) []Finding {
	read, at, found := b.open(fsys, file)
	if read == nil {
		return found
	}
	id := strings.TrimSuffix(path.Base(file), ".toml")
	t := Topic{File: "locales/" + file}
	for field, v := range read {
		switch {
		case slices.Contains(TopicTexts, field):
			found = append(found, b.put(l, topicPrefix+id+"."+field, v, at.of(field))...)
		case field == "state":
			t.State, _ = v.(string)
			if !slices.Contains(States, t.State) {
				found = append(found, at.of(field).errorf("state %q is not known; known are %s", v, strings.Join(States, ", ")))
			}
		case field == "questions":
			more, bad := questions(v, t.File, at.of(field).line)
			t.Questions, found = more, append(found, bad...)
		default:
			found = append(found, at.of(field).errorf("unknown key %q; known are %s, state, questions", field, strings.Join(TopicTexts, ", ")))
		}
	}
	if t.State == "" {
		found = append(found, Finding{File: t.File, Line: 1, Message: "state is missing; write draft until someone has reviewed the text"})
	}
	b.topics[l][id] = t
	return found
}

// unrelatedFile holds examples of what belongs to no topic.
const unrelatedFile = "unrelated.toml"

func (b *Book) loadUnrelated(fsys fs.FS, l Lang) []Finding {
	file := string(l) + "/" + unrelatedFile
	read, at, found := b.open(fsys, file)
	for field, v := range read {
		more, bad := questions(v, "locales/"+file, at.of(field).line)
		found = append(found, bad...)
		switch field {
		case "questions":
			b.unrelated[l] = more
		case "asides":
			b.asides[l] = more
		case "past":
			b.past[l] = more
		default:
			found = append(found, at.of(field).errorf("unknown key %q; known are questions, asides, past", field))
		}
	}
	return found
}

// conceptsFile holds the words that mean the same.
const conceptsFile = "words.toml"

func (b *Book) loadConcepts(fsys fs.FS) []Finding {
	read, at, found := b.open(fsys, conceptsFile)
	for name, v := range read {
		lists, ok := v.(map[string]any)
		if !ok {
			found = append(found, at.of(name).errorf("%s stands outside a table; put it under [concept]", name))
			continue
		}
		c := Concept{Name: name, Words: map[Lang][]string{}}
		for lang, v := range lists {
			here := at.of(name + "." + lang)
			words, ok := v.([]any)
			if !ok || !slices.ContainsFunc(b.languages, func(l Language) bool { return string(l.Tag) == lang }) {
				found = append(found, here.errorf(`%s.%s is not a language with a list like ["…", "…"]`, name, lang))
				continue
			}
			for _, w := range words {
				word, ok := w.(string)
				if !ok || Fold(word) == "" || strings.Contains(strings.TrimSuffix(word, "*"), "*") {
					found = append(found, here.errorf("%s.%s: %v is not a word; only its end may be *", name, lang, w))
					continue
				}
				c.Words[Lang(lang)] = append(c.Words[Lang(lang)], word)
			}
		}
		b.concepts = append(b.concepts, c)
	}
	slices.SortFunc(b.concepts, func(a, b Concept) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// questions reads the list of examples; it stands one on a line, from the line after its key.
func questions(v any, file string, line int) (all []Question, found []Finding) {
	list, ok := v.([]any)
	if !ok {
		return nil, []Finding{{File: file, Line: line, Message: `questions is not a list like ["…", "…"]`}}
	}
	for i, v := range list {
		text, ok := v.(string)
		at := line + 1 + i
		if !ok || Fold(text) == "" {
			found = append(found, Finding{File: file, Line: at, Message: "a question is a text in quotes, with letters or digits"})
			continue
		}
		all = append(all, Question{Text: text, File: file, Line: at})
	}
	return all, found
}

var filling = regexp.MustCompile(`\{\{[^}]*\}\}`)

// plainPlace is the only thing allowed between double braces: no logic in texts.
var plainPlace = regexp.MustCompile(`^\{\{\.[a-z]+(\.[a-z]+)?\}\}$`)

// compare holds the languages against each other: the same keys, the same places to fill.
func (b *Book) compare() []Finding {
	var found []Finding
	for _, key := range b.Keys() {
		var first Lang
		for _, l := range b.languages {
			text, ok := b.texts[l.Tag][key]
			file, line := b.At(l.Tag, key)
			if !ok {
				if !strings.HasSuffix(key, optional) && !b.unread[b.home(l.Tag, key)] {
					found = append(found, Finding{File: b.home(l.Tag, key), Line: 1,
						Message: fmt.Sprintf("%s is missing in %s", key, l.Tag)})
				}
				continue
			}
			for _, f := range filling.FindAllString(text, -1) {
				if !plainPlace.MatchString(f) {
					found = append(found, Finding{File: file, Line: line,
						Message: fmt.Sprintf("%s: %s is not a place to fill; write it as {{.name}} or {{.phone.name}}", key, f)})
				}
			}
			if first == "" {
				first = l.Tag
			} else if want, got := places(b.texts[first][key]), places(text); !slices.Equal(want, got) {
				found = append(found, Finding{File: file, Line: line,
					Message: fmt.Sprintf("%s fills %v, in %s it fills %v", key, got, first, want)})
			}
		}
	}
	return found
}

// home is the file of a language in which key belongs.
func (b *Book) home(l Lang, key string) string {
	name := uiFile
	if rest, ok := strings.CutPrefix(key, topicPrefix); ok {
		id, _, _ := strings.Cut(rest, ".")
		name = topicFolder + "/" + id + ".toml"
	} else if strings.HasPrefix(key, readyPrefix) {
		name = readyFile
	}
	return "locales/" + string(l) + "/" + name
}

// places are the things a text fills in, sorted, each once: a language may repeat a phone number.
func places(text string) []string {
	all := filling.FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

func syntax(file string, err error) Finding {
	var at toml.ParseError
	if errors.As(err, &at) {
		return Finding{File: file, Line: at.Position.Line, Message: "not TOML: " + at.Message}
	}
	return Finding{File: file, Line: 1, Message: "not as expected: " + err.Error()}
}

var (
	tableLine = regexp.MustCompile(`^\s*\[([^\[\]]+)\]`)
	fieldLine = regexp.MustCompile(`^\s*([A-Za-z0-9_-]+)\s*=`)
)

// scan finds the lines of tables and fields, which the TOML decoder does not tell.
func scan(file, src string) map[string]place {
	at := map[string]place{}
	table, inside := "", false
	for i, line := range strings.Split(src, "\n") {
		open := strings.Count(line, `"""`)
		if inside {
			inside = open%2 == 0
			continue
		}
		if m := tableLine.FindStringSubmatch(line); m != nil {
			table = strings.Trim(m[1], `" `)
			at[table] = place{file, i + 1}
		} else if m := fieldLine.FindStringSubmatch(line); m != nil {
			key := m[1]
			if table != "" {
				key = table + "." + key
			}
			at[key] = place{file, i + 1}
		}
		inside = open%2 == 1
	}
	return at
}
