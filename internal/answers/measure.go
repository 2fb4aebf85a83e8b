package answers

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"faro/bot"
	"faro/locales"
)

// A Case is a question of which it is known what it asks. It is used for measuring, never for
// learning.
type Case struct {
	Lang  locales.Lang `json:"lang"`
	Text  string       `json:"text"`
	Topic string       `json:"topic"`          // "" if it belongs to none
	Also  []string     `json:"also,omitempty"` // topics that would be as good
	Kind  string       `json:"kind"`
}

// fits reports whether a topic answers the question.
func (c Case) fits(topic string) bool {
	return topic != "" && (topic == c.Topic || slices.Contains(c.Also, topic))
}

// A tally counts how some cases went.
type tally struct {
	asked, first, third  int // with a topic
	sure, sureWrong      int // of these answered without asking, and wrongly so
	outside, outsideSure int // without one
	danger, dangerFound  int // about danger
	calm, alarm          int // not about danger
	all, tongue          int // whose language was found without being told
}

// Shares are how often things went well or badly, 0 to 1.
type Shares struct {
	First, Third float64 // a fitting topic was the first, was among the first three
	SurelyWrong  float64 // another topic was answered without asking
	Outside      float64 // a message about none of the topics was answered
	Danger       float64 // danger was found
	Alarms       float64 // no danger, yet alarmed
	Language     float64 // the language was told from the words alone
}

// Languages lists the languages asked in.
func (r *Report) Languages() []locales.Lang { return sortedKeys(r.langs) }

// Shares are those of a language.
func (r *Report) Shares(l locales.Lang) Shares {
	t := r.langs[l]
	of := func(n, all int) float64 { return float64(n) / float64(max(all, 1)) }
	return Shares{of(t.first, t.asked), of(t.third, t.asked), of(t.sureWrong, t.asked), of(t.outsideSure, t.outside),
		of(t.dangerFound, t.danger), of(t.alarm, t.calm), of(t.tongue, t.all)}
}

func share(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*float64(n)/float64(of))
}

// A Report is how an index did on some cases.
type Report struct {
	langs    map[locales.Lang]*tally
	kinds    map[string]*tally
	confused map[[2]string]int // what was asked, what was found
	learned  int               // cases left out because the index learned from them
	scored   [10]scored        // by the score of the first topic, each a tenth wide
}

// Scored are cases whose first topic has a score in the same tenth.
type scored struct {
	cases, fits int
	sum         float64 // of the scores
}

// Calibration is how far scores are from how often the first topic fits, on average: 0 if of the cases with a score
// of 0.7 seven in ten fit. (The expected calibration error, in tenths.)
func (r *Report) Calibration() float64 {
	off, all := 0.0, 0
	for _, s := range r.scored {
		off += math.Abs(s.sum - float64(s.fits))
		all += s.cases
	}
	return off / float64(max(all, 1))
}

// Measure asks every case with its language as the chosen one. Cases that are word for word among
// the examples say nothing and are left out.
func (x *Index) Measure(cases []Case) *Report {
	r := &Report{langs: map[locales.Lang]*tally{}, kinds: map[string]*tally{}, confused: map[[2]string]int{}}
	examples := x.examples()
	for _, c := range cases {
		if examples[locales.Fold(c.Text)] {
			r.learned++
			continue
		}
		if r.langs[c.Lang] == nil {
			r.langs[c.Lang] = &tally{}
		}
		if r.kinds[c.Kind] == nil {
			r.kinds[c.Kind] = &tally{}
		}
		m := x.Find(c.Lang, bot.Words(c.Text))
		if len(m.Topics) > 0 {
			s := &r.scored[min(int(m.Topics[0].Score*10), 9)]
			s.cases++
			s.sum += m.Topics[0].Score
			if c.fits(first(m)) {
				s.fits++
			}
		}
		spoken := x.Find("", bot.Words(c.Text)).Lang == c.Lang
		for _, t := range []*tally{r.langs[c.Lang], r.kinds[c.Kind]} {
			x.count(t, c, m, spoken)
		}
		if c.Topic != "" && !c.fits(first(m)) || c.Topic == "" && m.Decision == bot.Sure {
			r.confused[[2]string{c.Topic, first(m)}]++
		}
	}
	return r
}

// examples are all texts that are learned from, folded.
func (x *Index) examples() map[string]bool {
	all := map[string]bool{}
	for _, l := range x.book.Languages() {
		questions := slices.Concat(x.book.Unrelated(l.Tag), x.book.Asides(l.Tag), x.book.Past(l.Tag))
		for _, id := range x.ids() {
			questions = append(questions, x.book.Topic(l.Tag, id).Questions...)
		}
		for _, q := range questions {
			all[locales.Fold(q.Text)] = true
		}
	}
	return all
}

func first(m bot.Match) string {
	if len(m.Topics) == 0 {
		return ""
	}
	return m.Topics[0].Topic
}

func (x *Index) count(t *tally, c Case, m bot.Match, spoken bool) {
	t.all++
	if spoken {
		t.tongue++
	}
	urgent := func(id string) bool { return x.content.Topics[id] != nil && x.content.Topics[id].Urgent }
	switch {
	case urgent(c.Topic):
		t.danger++
		if m.Urgent {
			t.dangerFound++
		}
	case !slices.ContainsFunc(c.Also, urgent):
		t.calm++
		if m.Urgent {
			t.alarm++
		}
	}
	if c.Topic == "" {
		t.outside++
		if m.Decision == bot.Sure {
			t.outsideSure++
		}
		return
	}
	t.asked++
	if c.fits(first(m)) {
		t.first++
	} else if m.Decision == bot.Sure {
		t.sureWrong++
	}
	if m.Decision == bot.Sure {
		t.sure++
	}
	if slices.ContainsFunc(m.Topics[:min(3, len(m.Topics))], func(s bot.Scored) bool { return c.fits(s.Topic) }) {
		t.third++
	}
}

// Print writes the report: shares in per cent, and the worst confusions.
func (r *Report) Print(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "\tasked\ttop-1\ttop-3\tsure\tsurely wrong\toutside\tanswered\tdanger\tfound\tfalse alarms\tlanguage\t\n"
	line := func(name string, t *tally) {
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\t%d\t%s\t%d\t%s\t%s\t%s\t\n", name, t.asked, share(t.first, t.asked), share(t.third, t.asked),
			share(t.sure, t.asked), share(t.sureWrong, t.asked), t.outside, share(t.outsideSure, t.outside), t.danger, share(t.dangerFound, t.danger),
			share(t.alarm, t.calm), share(t.tongue, t.all))
	}
	fmt.Fprint(out, "language", head)
	for _, l := range sortedKeys(r.langs) {
		line(string(l), r.langs[l])
	}
	fmt.Fprint(out, "kind", head)
	for _, k := range sortedKeys(r.kinds) {
		line(k, r.kinds[k])
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	fmt.Fprintf(w, "scores are %.1f off how often the first topic fits, on average\n", 100*r.Calibration())
	if r.learned > 0 {
		fmt.Fprintf(w, "%d more are word for word examples of the content and were left out\n", r.learned)
	}
	pairs := sortedKeys2(r.confused)
	slices.SortStableFunc(pairs, func(a, b [2]string) int { return r.confused[b] - r.confused[a] })
	for _, p := range pairs[:min(len(pairs), worstShown)] {
		if _, err := fmt.Fprintf(w, "%3d  %s, found %s\n", r.confused[p], cmp.Or(p[0], "(outside)"), cmp.Or(p[1], "(nothing)")); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

const worstShown = 15 // more is not read

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func sortedKeys2(m map[[2]string]int) [][2]string {
	keys := make([][2]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return keys
}
