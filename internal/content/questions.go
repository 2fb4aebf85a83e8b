package content

import (
	"fmt"

	"faro/locales"
)

// fewestQuestions is how many examples a topic needs in each language to be found.
const fewestQuestions = 20

// An example is a question and what it is an example of.
type example struct {
	of string
	at locales.Question
}

// checkQuestions holds every topic to enough examples, and every example to one topic: what is said
// to belong to two cannot be learned from.
func (c *Content) checkQuestions() []locales.Finding {
	var found []locales.Finding
	for _, l := range c.Book.Languages() {
		first := map[string]example{}
		add := func(of string, questions []locales.Question) {
			for _, q := range questions {
				folded := locales.Fold(q.Text)
				if before, twice := first[folded]; twice {
					found = append(found, locales.Finding{File: q.File, Line: q.Line, Message: fmt.Sprintf(
						"%q is also an example of %s (%s:%d); leave it in one place", q.Text, before.of, before.at.File, before.at.Line)})
					continue
				}
				first[folded] = example{of, q}
			}
		}
		for _, id := range c.topics() {
			t := c.Book.Topic(l.Tag, id)
			if n := len(t.Questions); n < fewestQuestions && t.File != "" {
				found = append(found, locales.Finding{File: t.File, Line: 1, Message: fmt.Sprintf(
					"%s has %d examples of how people ask for it; it needs %d", id, n, fewestQuestions)})
			}
			add(id, t.Questions)
		}
		add("no topic", c.Book.Unrelated(l.Tag))
		add("the asides", c.Book.Asides(l.Tag))
		add("what is past", c.Book.Past(l.Tag))
	}
	return found
}
