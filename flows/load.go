package flows

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"faro/locales"
)

// file is one YAML file: its content as nodes, which know their lines.
type file struct {
	name string
	root *yaml.Node
}

// errorf makes a finding about what stands under the keys in path.
func (f file) errorf(path []string, format string, args ...any) locales.Finding {
	return locales.Finding{File: f.name, Line: f.line(path...), Message: fmt.Sprintf(format, args...)}
}

// line is where the value under the keys stands, or the nearest key above it. A key "#2" is the
// third item of a list.
func (f file) line(path ...string) int {
	if f.root == nil || len(f.root.Content) == 0 {
		return 1
	}
	n, line := f.root.Content[0], 1
	for _, want := range path {
		next := (*yaml.Node)(nil)
		if n.Kind == yaml.SequenceNode {
			for i, item := range n.Content {
				if want == "#"+strconv.Itoa(i) {
					next, line = item, item.Line
				}
			}
		}
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == want {
				next, line = n.Content[i+1], n.Content[i].Line
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return line
}

// read decodes a YAML file strictly into out.
func read(fsys fs.FS, name string, out any) (file, []locales.Finding) {
	f := file{name: "flows/" + name}
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return f, []locales.Finding{{File: f.name, Line: 1, Message: "cannot read it: " + err.Error()}}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(src, &root); err != nil {
		return f, problems(f.name, err)
	}
	f.root = &root
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	if err := d.Decode(out); err != nil {
		return f, problems(f.name, err)
	}
	return f, nil
}

func problems(name string, err error) []locales.Finding {
	var many *yaml.LoadErrors
	var one *yaml.LoadError
	var found []locales.Finding
	switch {
	case errors.As(err, &many):
		for _, e := range many.Errors {
			found = append(found, locales.Finding{File: name, Line: e.Mark.Line, Message: e.Message})
		}
	case errors.As(err, &one):
		found = append(found, locales.Finding{File: name, Line: one.Mark.Line, Message: one.Message})
	default:
		found = append(found, locales.Finding{File: name, Line: 1, Message: err.Error()})
	}
	return found
}

// conversation is flows/conversation.yaml as written.
type conversation struct {
	Start     string           `yaml:"start"`
	Menu      string           `yaml:"menu"`
	Emergency string           `yaml:"emergency"`
	Groups    []string         `yaml:"groups"`
	Zones     map[string]*Zone `yaml:"zones"`
	Steps     map[string]*Step `yaml:"steps"`
}

// Load reads the content and checks it against the texts. The findings carry file and line; the
// Content is nil when any of them is an error.
func Load(fsys fs.FS, book *locales.Book) (*Content, []locales.Finding) {
	var conv conversation
	c := &Content{Topics: map[string]*Topic{}}
	k := &checker{content: c, book: book, topics: map[string]file{}}

	var found []locales.Finding
	note := func(f file, more []locales.Finding) file {
		found = append(found, more...)
		return f
	}
	k.conversation = note(read(fsys, "conversation.yaml", &conv))
	k.commands = note(read(fsys, "commands.yaml", &c.Commands))
	k.contacts = note(read(fsys, "contacts.yaml", &c.Contacts))
	k.facilities = note(read(fsys, "facilities.yaml", &c.Facilities))
	k.ready = note(read(fsys, "notices.yaml", &c.Ready))
	names, err := fs.Glob(fsys, "topics/*.yaml")
	if err != nil || len(names) == 0 {
		found = append(found, locales.Finding{File: "flows/topics", Line: 1, Message: "no topic here"})
	}
	for _, name := range names {
		id := strings.TrimSuffix(path.Base(name), ".yaml")
		t := &Topic{}
		k.topics[id] = note(read(fsys, name, t))
		t.ID = id
		c.Topics[id] = t
	}

	c.Start, c.Menu, c.Emergency, c.Groups, c.Steps = conv.Start, conv.Menu, conv.Emergency, conv.Groups, conv.Steps
	c.Zones = conv.Zones
	for id, z := range c.Zones {
		location, err := time.LoadLocation(id)
		if err != nil || z == nil || z.City == "" {
			found = append(found, k.conversation.errorf([]string{"zones", id}, "zone %s: write an IANA time zone and the city it is known by, like America/Tijuana: Tijuana", id))
			continue
		}
		z.Location = location
	}
	found = append(found, name(k.conversation, "steps", c.Steps, func(s *Step, id string) { s.ID = id })...)
	found = append(found, name(k.commands, "", c.Commands, func(x *Command, id string) { x.ID = id })...)
	found = append(found, name(k.contacts, "", c.Contacts, func(x *Contact, id string) { x.ID = id })...)
	found = append(found, name(k.facilities, "", c.Facilities, func(x *Facility, id string) { x.ID = id })...)
	found = append(found, name(k.ready, "", c.Ready, func(x *Ready, id string) { x.ID = id })...)
	if locales.HasErrors(found) {
		return nil, locales.SortFindings(found)
	}
	for _, s := range c.Steps {
		if s.Segments == 0 {
			s.Segments = menuSegments
		}
	}
	c.words = map[string]heard{}
	for _, id := range sorted(c.Commands) {
		for lang, words := range c.Commands[id].Words {
			for _, w := range words {
				c.hear(c.Commands[id], locales.Lang(lang), commandKey(w))
			}
		}
	}
	found = append(found, k.check()...)
	found = locales.SortFindings(found)
	if locales.HasErrors(found) {
		return nil, found
	}
	return c, found
}

// menuSegments is the budget of a step that names none: a menu must be cheap to send often.
const menuSegments = 2

// name gives each entry of a map its key, and reports the ones left empty.
func name[T any](f file, under string, all map[string]*T, set func(*T, string)) []locales.Finding {
	var found []locales.Finding
	for _, id := range sorted(all) {
		if all[id] == nil {
			where := []string{id}
			if under != "" {
				where = []string{under, id}
			}
			found = append(found, f.errorf(where, "%s is empty", id))
			continue
		}
		set(all[id], id)
	}
	return found
}

func sorted[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
