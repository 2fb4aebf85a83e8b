package content

import (
	"slices"

	"faro/internal/readability"
	"faro/locales"
)

// longestSentences is how many words the sentences of an answer may have on average: people under
// stress lose longer ones.
const longestSentences = 15

// checkReadable holds every answer to short sentences and a normal reading level at least.
func (c *Content) checkReadable() []locales.Finding {
	var found []locales.Finding
	for _, l := range c.Book.Languages() {
		for _, id := range c.topics() {
			for _, field := range []string{"telegram", "sms"} {
				key := "topic." + id + "." + field
				m, ok := c.reads(l.Tag, id, field)
				if !ok {
					continue
				}
				if m.Length() > longestSentences {
					found = append(found, c.finding(l.Tag, key, "%s: sentences have %.1f words on average; at most %d", key, m.Length(), longestSentences))
				}
				if index, known := readability.Indexes[string(l.Tag)]; known && m.Score < index.Normal {
					found = append(found, c.finding(l.Tag, key, "%s: %s is %.0f, hard to read; %.0f is normal, %.0f fairly easy. Use shorter words and sentences", key, index.Name, m.Score, index.Normal, index.FairlyEasy))
				}
			}
		}
	}
	return found
}

// reads measures an answer as it is read: on Telegram with its action.
func (c *Content) reads(l locales.Lang, id, field string) (readability.Measure, bool) {
	text, ok := c.Book.Raw(l, "topic."+id+"."+field)
	if field == "telegram" {
		action, _ := c.Book.Raw(l, "topic."+id+".action")
		text = action + "\n" + text
	}
	return readability.Of(string(l), text), ok
}

func (c *Content) topics() []string {
	var ids []string
	for id := range c.Flows.Topics {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
