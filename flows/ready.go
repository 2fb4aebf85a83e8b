package flows

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Ready is a ready-made notice: what a coordinator sends to everyone at a facility without having to
// translate it. Its title and text are in locales/*/notices.toml, under the keys TitleKey and TextKey.
type Ready struct {
	ID      string   `yaml:"-"`
	Order   int      `yaml:"order"`   // where it stands among the others, from 1
	Blanks  []string `yaml:"blanks"`  // what the coordinator fills in, of Blanks, in the order they are asked for
	Urgency string   `yaml:"urgency"` // one of Urgencies
}

// Blanks are what can be filled into a ready-made notice: a day, an hour, an hour at which it ends, and
// a few words on where.
var Blanks = []string{"day", "time", "until", "place"}

// Urgencies are how much a ready-made notice presses, least first.
var Urgencies = []string{"routine", "important", "emergency"}

// MorePressing is the one of two urgencies that presses more.
func MorePressing(a, b string) string {
	if slices.Index(Urgencies, b) > slices.Index(Urgencies, a) {
		return b
	}
	return a
}

// TitleKey is the text that names the notice on a button.
func (r *Ready) TitleKey() string { return readyPrefix + r.ID + ".title" }

// TextKey is the text people read, with its blanks.
func (r *Ready) TextKey() string { return readyPrefix + r.ID + ".text" }

const readyPrefix = "ready." // as package locales names the texts of notices.toml

// maxReadyTitle is how many characters a title has at most: a small phone shows them on one button,
// with a sign before them.
const maxReadyTitle = 34

// ReadyNotices lists the ready-made notices in the order they are offered.
func (c *Content) ReadyNotices() []*Ready {
	all := make([]*Ready, 0, len(c.Ready))
	for _, r := range c.Ready {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Ready) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.ID, b.ID))
	})
	return all
}

func (k *checker) checkReady() {
	f := k.ready
	orders := map[int]string{}
	for _, id := range sorted(k.content.Ready) {
		r := k.content.Ready[id]
		if !ident.MatchString(id) {
			k.add(f.errorf([]string{id}, "notice %q: a name has lower-case letters, digits and hyphens, at most 40", id))
		}
		if r.Order < 1 {
			k.add(f.errorf([]string{id, "order"}, "notice %s: order is missing; it is a number from 1", id))
		} else if other, taken := orders[r.Order]; taken {
			k.add(f.errorf([]string{id, "order"}, "notice %s has order %d, and so has %s", id, r.Order, other))
		}
		orders[r.Order] = id
		if !slices.Contains(Urgencies, r.Urgency) {
			k.add(f.errorf([]string{id, "urgency"}, "notice %s: urgency %q is not known; known are %s", id, r.Urgency, strings.Join(Urgencies, ", ")))
		}
		for i, b := range r.Blanks {
			if !slices.Contains(Blanks, b) {
				k.add(f.errorf([]string{id, "blanks"}, "notice %s: blank %q is not known; known are %s", id, b, strings.Join(Blanks, ", ")))
			}
			if slices.Index(r.Blanks, b) != i {
				k.add(f.errorf([]string{id, "blanks"}, "notice %s: blank %s is named twice", id, b))
			}
		}
		k.need(f, []string{id}, r.TitleKey())
		k.need(f, []string{id}, r.TextKey())
		k.checkReadyTexts(r)
	}
}

// checkReadyTexts holds the texts of a notice to its blanks. Where one text lacks a blank the people
// who read that language would miss the hour the others are told.
func (k *checker) checkReadyTexts(r *Ready) {
	for _, l := range k.book.Languages() {
		if title, ok := k.book.Raw(l.Tag, r.TitleKey()); ok {
			if n := utf8.RuneCountInString(title); n > maxReadyTitle {
				k.addAt(l.Tag, r.TitleKey(), "%s has %d characters; a button's label has at most %d", r.TitleKey(), n, maxReadyTitle)
			}
			if strings.Contains(title, "{{") {
				k.addAt(l.Tag, r.TitleKey(), "%s has a place to fill; a button's label has none", r.TitleKey())
			}
		}
		text, ok := k.book.Raw(l.Tag, r.TextKey())
		if !ok {
			continue
		}
		var used []string
		for _, m := range filled.FindAllStringSubmatch(text, -1) {
			if m[2] != "" { // a phone, which checkTexts knows
				continue
			}
			used = append(used, m[1])
			if !slices.Contains(r.Blanks, m[1]) {
				k.addAt(l.Tag, r.TextKey(), "%s uses %s, which is not among the blanks of %s in flows/notices.yaml", r.TextKey(), m[0], r.ID)
			}
		}
		for _, b := range r.Blanks {
			if !slices.Contains(used, b) {
				k.addAt(l.Tag, r.TextKey(), "%s lacks {{.%s}}, a blank of %s in flows/notices.yaml", r.TextKey(), b, r.ID)
			}
		}
	}
}
