// Package sms turns replies into text messages.
//
// It counts what a text costs, spells it so that it costs less, and cuts it into pages that someone on
// a prepaid phone can ask for one by one. It must never write a text, a name or a number to a log or
// an error, and must never lose a word of an answer. What shapes texts keeps no state: it may be used
// from several goroutines.
package sms

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"faro/bot"
)

// defaultBudget is the segments a page may take when a reply does not say: someone under stress reads,
// and a prepaid phone pays for, no more at once.
const defaultBudget = 3

// A Message is one page of a reply, ready to send as it is.
type Message struct {
	Text  string
	Size      // of Text
	Page  int // which page this is, from 0
	Pages int // how many there are, at least 1
}

// String hides the text.
func (m Message) String() string {
	return fmt.Sprintf("[redacted, %d segments, page %d of %d]", m.Segments, m.Page+1, m.Pages)
}

// LogValue hides the text.
func (m Message) LogValue() slog.Value { return slog.StringValue(m.String()) }

// MarshalJSON hides the text.
func (m Message) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// Render is the page of a reply that r.Page asks for, the last one if it is past the end. The title is
// shown only if there is no text, because texts for SMS stand alone.
func Render(r bot.Reply) Message {
	body := r.Text
	if body == "" {
		body = r.Title
	}
	options := make([]string, len(r.Options))
	for i, o := range r.Options {
		options[i] = strconv.Itoa(bot.OptionNumber(i)) + " " + o.Label
	}
	budget := r.Budget
	if budget == 0 {
		budget = defaultBudget
	}
	pages := Pages(body, options, r.More, r.Footer, budget)
	page := min(max(r.Page, 0), len(pages)-1)
	return Message{Text: pages[page], Size: Measure(pages[page]), Page: page, Pages: len(pages)}
}

// tidy parts paragraphs by one newline, without spaces around it.
func tidy(text string) string {
	text = strings.TrimSpace(text)
	if strings.IndexByte(text, '\n') < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
	}
	return b.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// join puts the lines that are there under one another.
func join(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		if p = tidy(p); p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p)
	}
	return b.String()
}
