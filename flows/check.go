package flows

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"faro/locales"
)

// checker holds the content against itself and the texts.
type checker struct {
	content                                             *Content
	book                                                *locales.Book
	conversation, commands, contacts, facilities, ready file
	topics                                              map[string]file
	found                                               []locales.Finding
	used                                                map[string]bool // keys of texts something needs
}

func (k *checker) add(f locales.Finding) { k.found = append(k.found, f) }

func (k *checker) check() []locales.Finding {
	k.used = map[string]bool{}
	k.checkFrame()
	for _, id := range sorted(k.content.Steps) {
		k.checkStep(k.content.Steps[id])
	}
	k.checkReach()
	k.checkCommands()
	for _, id := range sorted(k.content.Topics) {
		k.checkTopic(k.content.Topics[id])
	}
	k.checkContacts()
	k.checkFacilities()
	k.checkReady()
	k.checkTexts()
	return k.found
}

var ident = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func (k *checker) checkFrame() {
	c, f := k.content, k.conversation
	for _, named := range []struct{ key, step string }{{"start", c.Start}, {"menu", c.Menu}, {"emergency", c.Emergency}} {
		if named.step == "" {
			k.add(f.errorf([]string{named.key}, "%s is missing; name a step", named.key))
			continue
		}
		k.checkTarget(f, []string{named.key}, named.step)
	}
	for _, id := range Entered {
		if c.Steps[id] == nil {
			k.add(f.errorf([]string{"steps"}, "step %s is missing: the conversation enters it by itself", id))
		}
	}
	for i, g := range c.Groups {
		k.need(f, []string{"groups"}, "groups."+g)
		if slices.Index(c.Groups, g) != i {
			k.add(f.errorf([]string{"groups"}, "group %s is named twice", g))
		}
		if len(c.InGroup(g)) == 0 {
			k.add(f.errorf([]string{"groups"}, "group %s has no topic, so its menu would be empty", g))
		}
	}
}

// need reports a text that is missing in a language.
func (k *checker) need(f file, path []string, key string) {
	k.used[key] = true
	for _, l := range k.book.Languages() {
		if _, ok := k.book.Raw(l.Tag, key); !ok {
			k.add(f.errorf(path, "the text %s is missing in %s", key, l.Tag))
		}
	}
}

func (k *checker) checkStep(s *Step) {
	f, at := k.conversation, []string{"steps", s.ID}
	if !ident.MatchString(s.ID) {
		k.add(f.errorf(at, "step %q: a name has lower-case letters, digits and hyphens, at most 40", s.ID))
	}
	if (s.Text == "") == (s.Show == "") {
		k.add(f.errorf(at, "step %s needs either text or show", s.ID))
	}
	if s.Text != "" {
		k.need(f, append(at, "text"), s.Text+".text")
		k.used[s.Text+".title"], k.used[s.Text+".sms"] = true, true
	}
	for _, v := range []struct {
		key, value string
		known      []string
	}{{"show", s.Show, Shows}, {"list", s.List, Lists}, {"does", s.Does, Acts}, {"role", s.Role, Roles}, {"of", s.Of, Ofs}, {"when", s.When, Whens}, {"ask", s.Ask, Asks}} {
		if v.value != "" && !slices.Contains(v.known, v.value) {
			k.add(f.errorf(append(at, v.key), "%s: %q is not known; known are %s", v.key, v.value, strings.Join(v.known, ", ")))
		}
	}
	if s.Segments < 1 || s.Segments > maxSegments {
		k.add(f.errorf(append(at, "segments"), "step %s: segments is 1 to %d", s.ID, maxSegments))
	}
	for i, o := range s.Options {
		where := append(at, "options", "#"+strconv.Itoa(i))
		if o.Label == "" || o.Go == "" {
			k.add(f.errorf(where, "step %s: an option needs label and go", s.ID))
			continue
		}
		k.need(f, where, "label."+o.Label)
		k.checkTarget(f, where, o.Go)
		if len(o.Go) > maxData {
			k.add(f.errorf(where, "step %s: %q has %d bytes; Telegram's callback data holds %d", s.ID, o.Go, len(o.Go), maxData))
		}
	}
	if (s.Ask == "" || s.Ask == Proof) != (s.Go == "") {
		k.add(f.errorf(at, "step %s: ask and go belong together: what is asked for, and where the answer leads", s.ID))
	}
	if s.Ask != "" {
		k.need(f, at, s.Text+".wrong")
	}
	if s.Go != "" {
		k.checkTarget(f, append(at, "go"), s.Go)
	}
	if s.Bare && !s.Last && s.List == "" && len(s.Options) == 0 {
		k.add(f.errorf(at, "step %s is a dead end: give it options or a list, or say last: true", s.ID))
	}
	if s.Last && (s.List != "" || len(s.Options) > 0) {
		k.add(f.errorf(at, "step %s is last but has choices; drop one of the two", s.ID))
	}
}

const (
	maxSegments = 3  // a person on a prepaid phone pays for, and reads, no more at once
	maxData     = 64 // bytes of callback_data (Telegram Bot API, InlineKeyboardButton)
)

// checkTarget reports a link to nowhere.
func (k *checker) checkTarget(f file, path []string, target string) {
	step, arg := Split(target)
	switch step {
	case Next, Back, Language:
		return
	}
	s := k.content.Steps[step]
	if arg == Same {
		arg = ""
	}
	if s == nil {
		k.add(f.errorf(path, "%q leads nowhere: there is no step %s", target, step))
		return
	}
	switch {
	case s.Show == "answer" && arg != "" && k.content.Topics[arg] == nil:
		k.add(f.errorf(path, "%q leads nowhere: there is no topic %s", target, arg))
	case s.List == "topics" && arg != "" && !slices.Contains(k.content.Groups, arg):
		k.add(f.errorf(path, "%q leads nowhere: there is no group %s", target, arg))
	}
}

// checkReach reports steps nothing leads to.
func (k *checker) checkReach() {
	c := k.content
	reached := map[string]bool{}
	queue := append([]string{c.Start, c.Menu, c.Emergency}, Entered...)
	for _, cmd := range c.Commands {
		queue = append(queue, cmd.Go)
	}
	for len(queue) > 0 {
		id, _ := Split(queue[0])
		queue = queue[1:]
		s := c.Steps[id]
		if s == nil || reached[id] {
			continue
		}
		reached[id] = true
		for _, o := range s.Options {
			queue = append(queue, o.Go)
		}
		if s.Go != "" {
			queue = append(queue, s.Go)
		}
		if s.List == "groups" {
			queue = append(queue, "group")
		}
	}
	for _, id := range sorted(c.Steps) {
		if !reached[id] {
			k.add(k.conversation.errorf([]string{"steps", id}, "step %s cannot be reached: nothing leads to it", id))
		}
	}
}

func (k *checker) checkCommands() {
	owner := map[string]string{}
	f := k.commands
	for _, id := range sorted(k.content.Commands) {
		cmd := k.content.Commands[id]
		if cmd.Go == "" {
			k.add(f.errorf([]string{id}, "command %s needs go", id))
			continue
		}
		k.checkTarget(f, []string{id, "go"}, cmd.Go)
		if cmd.Role != "" && !slices.Contains(Roles, cmd.Role) {
			k.add(f.errorf([]string{id, "role"}, "role: %q is not known; known are %s", cmd.Role, strings.Join(Roles, ", ")))
		}
		for _, l := range k.book.Languages() {
			if len(cmd.Words[string(l.Tag)]) == 0 {
				k.add(f.errorf([]string{id, "words"}, "command %s has no word in %s", id, l.Tag))
			}
		}
		for _, lang := range sorted(cmd.Words) {
			at := []string{id, "words", lang}
			if lang != anyLanguage && !k.book.Has(locales.Lang(lang)) {
				k.add(f.errorf(at, "%q is not a language of locales/languages.toml, nor \"any\"", lang))
			}
			for _, w := range cmd.Words[lang] {
				word := commandKey(w)
				if other := owner[word]; other != "" && other != id {
					k.add(f.errorf(at, "%q is a word of %s already", w, other))
				}
				owner[word] = id
				if locales.Fold(w) == "" && len([]rune(word)) != 1 {
					k.add(f.errorf(at, "%q is never heard: of signs alone a command is one", w))
				}
				if named, ok := k.book.Named(w); ok {
					k.add(f.errorf(at, "%q is also the name of the language %s", w, named))
				}
			}
		}
	}
}

// anyLanguage stands for words that belong to no language.
const anyLanguage = "any"

// commandKey is how a command is recognised: folded, or as it stands when it is a sign, which is one character.
func commandKey(w string) string {
	if folded := locales.Fold(w); folded != "" {
		return folded
	}
	return strings.TrimSpace(w)
}

// hear makes a word known. A word of two languages tells neither.
func (c *Content) hear(cmd *Command, lang locales.Lang, word string) {
	if before, known := c.words[word]; lang == anyLanguage || known && before.lang != lang {
		lang = ""
	}
	c.words[word] = heard{cmd, lang}
}

// Command finds the command that words are as a whole, nil if they are none, and the language the
// command was given in, "" if that cannot be told. Of signs alone ("🆘🆘!!") it is the first that is one.
func (c *Content) Command(words string) (*Command, locales.Lang) {
	if folded := locales.Fold(words); folded != "" {
		h := c.words[folded]
		return h.Command, h.lang
	}
	for _, sign := range words {
		if h, known := c.words[string(sign)]; known {
			return h.Command, h.lang
		}
	}
	return nil, ""
}

// addAt adds a finding about a text, where the text stands.
func (k *checker) addAt(l locales.Lang, key, format string, args ...any) {
	file, line := k.book.At(l, key)
	k.add(locales.Finding{File: file, Line: line, Message: fmt.Sprintf(format, args...)})
}
