package content

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/internal/readability"
	"faro/locales"
)

// Report writes what the content still needs before people rely on it: which texts nobody has
// reviewed, what is due for review when, which numbers nobody has called, how hard the answers are to
// read and how long they are by SMS.
func (c *Content) Report(w io.Writer, today time.Time) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	langs := c.Book.Languages()
	fmt.Fprint(out, "topic\treviewer\treview by\t")
	for _, l := range langs {
		fmt.Fprintf(out, "%s\t", l.Tag)
	}
	fmt.Fprintln(out)
	drafts, all := 0, 0
	for _, id := range c.topics() {
		t := c.Flows.Topics[id]
		fmt.Fprintf(out, "%s\t%s\t%s\t", id, t.Reviewer, due(t.ReviewBy.Time, today))
		for _, l := range langs {
			state := c.Book.Topic(l.Tag, id).State
			if all++; state != "reviewed" {
				drafts++
			}
			m, ok := c.reads(l.Tag, id, "telegram")
			if !ok {
				state = "missing"
			}
			fmt.Fprintf(out, "%s%s\t", state, grade(string(l.Tag), m))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprint(out, "\nnumber\tof\tconfidence\tas of\n")
	for _, key := range slices.Sorted(maps.Keys(c.Flows.Contacts)) {
		k := c.Flows.Contacts[key]
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", k.Phone, k.Who, k.Confidence, k.AsOf.Format(time.DateOnly))
	}
	fmt.Fprint(out, "\nby SMS\tmedian segments\tmost\n")
	for _, l := range langs {
		sizes := c.segments(l.Tag)
		fmt.Fprintf(out, "%s\t%d\t%d\n", l.Tag, sizes[len(sizes)/2], sizes[len(sizes)-1])
	}
	fmt.Fprintf(out, "\n%d of %d texts are drafts: nobody answers for them yet\n", drafts, all)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// due is a review date, marked if it has passed.
func due(day, today time.Time) string {
	s := day.Format(time.DateOnly)
	if today.After(day.AddDate(0, 0, 1)) {
		return s + " (past)"
	}
	return s
}

// grade is how easy a text is to read, "" where no index is published for the language.
func grade(lang string, m readability.Measure) string {
	index, known := readability.Indexes[lang]
	switch {
	case !known:
		return fmt.Sprintf(", %.0f words a sentence", m.Length())
	case m.Score >= index.FairlyEasy:
		return fmt.Sprintf(", %s %.0f", index.Name, m.Score)
	}
	return fmt.Sprintf(", %s %.0f (normal)", index.Name, m.Score)
}

// segments are the segments of the first page of every screen by SMS, fewest first.
func (c *Content) segments(lang locales.Lang) []int {
	talk := bot.New(c.Flows, c.Book, nil, bot.Host{Operator: longName})
	var sizes []int
	desk, draft := c.sample()
	for _, at := range c.screens(lang) {
		if r, ok := talk.ShowWith(at, lang, bot.SMS, desk, draft, time.Time{}); ok {
			sizes = append(sizes, sms.Measure(sms.Render(r).Text).Segments)
		}
	}
	slices.Sort(sizes)
	return sizes
}
