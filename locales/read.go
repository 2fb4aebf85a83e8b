package locales

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// The files of a language and what their keys are called in the Book: the tables of ui.toml keep
// their names ("menu.text"), those of answers.toml are topics ("topic.asylum.sms").
var files = []struct{ name, prefix string }{
	{"ui.toml", ""},
	{"answers.toml", "topic."},
}

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
	texts, lines := map[string]string{}, map[string]place{}
	var found []Finding
	for _, f := range files {
		path := string(l) + "/" + f.name
		name := "locales/" + path
		src, err := fs.ReadFile(fsys, path)
		if err != nil {
			found = append(found, Finding{File: name, Line: 1, Message: "cannot read it: " + err.Error()})
			b.unread[name] = true
			continue
		}
		var read map[string]any
		if _, err := toml.Decode(string(src), &read); err != nil {
			found = append(found, syntax(name, err))
			b.unread[name] = true
			continue
		}
		at := scan(name, string(src))
		for table, v := range read {
			fields, ok := v.(map[string]any)
			if !ok {
				found = append(found, at[table].errorf("%s stands outside a table; put it under [name]", table))
				continue
			}
			for field, v := range fields {
				text, ok := v.(string)
				where := at[table+"."+field]
				if !ok {
					found = append(found, where.errorf("%s.%s is not a text in quotes", table, field))
					continue
				}
				if text = strings.TrimSpace(text); text == "" {
					found = append(found, where.errorf("%s.%s is empty", table, field))
				}
				key := f.prefix + table + "." + field
				texts[key], lines[key] = text, where
			}
		}
	}
	b.texts[l], b.lines[l] = texts, lines
	return found
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
	name := files[0].name
	if strings.HasPrefix(key, files[1].prefix) {
		name = files[1].name
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
