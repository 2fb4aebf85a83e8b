package sms

import (
	"sort"
	"strings"
	"unicode"
)

// maxBudget is the most segments one page may take: Twilio refuses a message of more than 1,600
// characters (its error 21617), and ten segments of GSM-7 are 1,530.
const maxBudget = 10

// Pages are the pages of a message in order, at least one, each fitted (see Fit) and of at most budget
// segments; a budget below 1 counts as 1, one above 10 as 10. All pages are spelled alike.
//
// A page is text, then option lines, then a last line: more if another page follows, and nav. No word
// is lost. A page ends with a line if it can, else with a sentence, else with a word, and only inside a
// word that is longer than a page. Digits parted by a space, such as those of a phone number, stay
// together, and so do an option's words if a page has room for them. Where it costs no page more, the
// first of several options is not left alone under a text and pages end well before they are full.
//
// A last line that would take more than half of a page is left out of what does not fit in one page
// with it: first nav, then more.
func Pages(body string, options []string, more, nav string, budget int) []string {
	budget = min(max(budget, 1), maxBudget)
	parts := append(make([]string, 0, len(options)+3), tidy(body))
	for _, o := range options {
		parts = append(parts, tidy(o))
	}
	parts = fit(append(parts, oneLine(nav)))
	text := join(parts)
	if Measure(text).Segments <= budget {
		return []string{text}
	}
	last := len(parts) - 1
	nav, more = oneLine(parts[last]), oneLine(fitTo(text, more))
	s := newSheet(parts[0], parts[1:last], budget)
	if s.text == "" { // all there is to say is nav
		s, nav = newSheet(nav, nil, budget), ""
	}
	s.foot(more, nav)
	return s.pages()
}

// A rank says how well a page may end before a character.
type rank uint8

const (
	inside     rank = iota // within a character as people see it, or within spaces
	letter                 // within a word
	optionWord             // between words of an option
	word
	sentence
	line
)

// A cell is a character with what it takes.
type cell struct {
	at             int32 // where it is in the text, in bytes
	septets, units uint8
	rank           rank // of a page that ends before it
	space          bool
}

// A sheet is the text and the options of a message that has to be cut.
type sheet struct {
	text    string
	cells   []cell
	options int // the cell where the options begin
	second  int // the cell that ends the first option, if others follow it
	budget  int32
	wide    bool // something in the message needs UCS-2

	mid, end           string // the last line of a page that another follows, and of the last page
	midCells, endCells []cell
	counts             []count // scratch: the sizes of the page that is being filled
}

func newSheet(body string, options []string, budget int) *sheet {
	s := &sheet{budget: int32(budget), second: -1}
	var first string
	several := 0
	for _, o := range options {
		if o = tidy(o); o != "" {
			if several++; several == 1 {
				first = o
			}
		}
	}
	list := join(options)
	s.text = join([]string{body, list})
	start := len(s.text) - len(list)
	s.cells = cells(s.text, start)
	s.counts = make([]count, 0, min(len(s.cells), budget*septetsAlone)+1)
	for i, c := range s.cells {
		s.wide = s.wide || c.septets == 0
		if int(c.at) == start {
			s.options = i
		}
		if several > 1 && int(c.at) == start+len(first) {
			s.second = i
		}
	}
	return s
}

// foot sets the last lines of the pages.
func (s *sheet) foot(more, nav string) {
	for _, mid := range []string{oneLine(more + " " + nav), more} {
		if s.midCells = underline(mid); s.spares(s.midCells) {
			s.mid = mid
			break
		}
		s.midCells = nil
	}
	if s.endCells = underline(nav); s.spares(s.endCells) {
		s.end = nav
	} else {
		s.endCells = nil
	}
}

// underline are the cells of a last line with the newline before it.
func underline(text string) []cell {
	if text == "" {
		return nil
	}
	return cells("\n"+text, 0)
}

// spares reports whether a last line leaves half of a page or more to the text.
func (s *sheet) spares(foot []cell) bool {
	var c count
	c.wide = s.wide
	for _, f := range foot {
		c.add(f.septets, f.units)
	}
	most := s.budget * septetsEach
	taken := c.septets.units()
	if c.wide {
		most, taken = s.budget*unitsEach, c.utf16.units()
	}
	return taken*2 <= most
}

// A style is how much of a page may stay empty so that it ends well.
type style struct {
	full   int  // percent of the page that is filled before a better end is looked for
	orphan bool // the first option may be alone under a text
}

// The styles from the best-looking to the one that fills every page. The best that costs no page more
// than the last is taken: a page costs the person a message and a wait.
var (
	styles = []style{{full: 50}, {full: 75}, {full: 90}, {full: 100}}
	filled = style{full: 100, orphan: true}
)

func (s *sheet) pages() []string {
	ends := s.cut(filled)
	for _, st := range styles {
		if nicer := s.cut(st); len(nicer) <= len(ends) {
			ends = nicer
			break
		}
	}
	pages := make([]string, len(ends))
	from := 0
	for i, to := range ends {
		foot := s.mid
		if i == len(ends)-1 {
			foot = s.end
		}
		pages[i] = s.slice(from, to)
		if foot != "" {
			pages[i] += "\n" + foot
		}
		from = to
	}
	return pages
}

// slice is the text from one cell to before another, without the spaces around.
func (s *sheet) slice(from, to int) string {
	end := len(s.text)
	if to < len(s.cells) {
		end = int(s.cells[to].at)
	}
	return strings.TrimSpace(s.text[s.cells[from].at:end])
}

// cut are the cells where pages end.
func (s *sheet) cut(st style) []int {
	var ends []int
	for from := 0; ; {
		for s.cells[from].space {
			from++
		}
		s.fill(from)
		reach := len(s.counts) - 1
		if from+reach == len(s.cells) && s.fits(s.counts[reach], s.endCells) {
			return append(ends, len(s.cells))
		}
		// At least one character: the last line leaves half of the page.
		most := min(reach, len(s.cells)-1-from)
		most = max(1, sort.Search(most, func(i int) bool { return !s.fits(s.counts[i+1], s.midCells) }))
		from = s.choose(from, from+most, st)
		ends = append(ends, from)
	}
}

// fill counts from a cell on as far as the budget goes: counts[i] is the size of i cells.
func (s *sheet) fill(from int) {
	var c count
	s.counts = append(s.counts[:0], c)
	for _, cell := range s.cells[from:] {
		if c.add(cell.septets, cell.units); c.segments() > s.budget {
			return
		}
		s.counts = append(s.counts, c)
	}
}

func (s *sheet) fits(c count, foot []cell) bool {
	for _, f := range foot {
		c.add(f.septets, f.units)
	}
	return c.segments() <= s.budget
}

// choose is where to end the page that begins at one cell and can reach to before another.
func (s *sheet) choose(from, to int, st style) int {
	full := from + (to-from)*st.full/100
	var last [line + 1]int // the last end of each rank, 0 if none
	for i := to; i > from; i-- {
		r := s.cells[i].rank
		if i == s.second && from < s.options && !st.orphan {
			continue
		}
		if last[r] == 0 {
			last[r] = i
		}
		if i <= full && max(last[line], last[sentence], last[word]) > 0 {
			break
		}
	}
	switch {
	case last[line] >= full && last[line] > 0:
		return last[line]
	case last[sentence] >= full && last[sentence] > 0:
		return last[sentence]
	}
	if i := max(last[line], last[sentence], last[word]); i > 0 {
		return i
	}
	for _, r := range []rank{optionWord, letter} {
		if last[r] > 0 {
			return last[r]
		}
	}
	return to
}

// cells takes a text apart. Options begin at a byte of it.
func cells(text string, options int) []cell {
	out := make([]cell, 0, len(text))
	var before, prev rune // the two characters before, spaces apart
	gap := -1             // the cell of the first space before, -1 if there is none
	var g joiner
	for at, r := range text {
		c := cell{at: int32(at), septets: septets(r), units: units(r), space: unicode.IsSpace(r)}
		joined := g.joins(r)
		switch {
		case c.space && gap >= 0:
			if r == '\n' {
				out[gap].rank = line
			}
		case c.space:
			gap = len(out)
			c.rank = endOf(before, prev, r, at < options)
		case gap >= 0:
			if out[gap].rank = downgrade(out[gap].rank, prev, r); joined && out[gap].rank != line {
				out[gap].rank = inside
			}
			gap = -1
			before, prev = prev, r
		default:
			if !joined {
				c.rank = within(prev, r)
			}
			before, prev = prev, r
		}
		out = append(out, c)
	}
	if len(out) > 0 {
		out[0].rank = inside
	}
	return out
}

// endOf ranks an end before a space.
func endOf(before, prev, space rune, body bool) rank {
	if strings.ContainsRune(`"'”’»)]`, prev) {
		prev = before
	}
	switch {
	case space == '\n':
		return line
	case !body:
		return optionWord
	case strings.ContainsRune(".!?…؟۔।።。！？", prev):
		return sentence
	}
	return word
}

// downgrade looks at what follows the space: digits parted by a space are one number, French puts a
// space before some marks, and a full stop before a digit or a small letter is of an abbreviation.
func downgrade(r rank, prev, next rune) rank {
	switch {
	case r == line:
	case unicode.IsDigit(prev) && unicode.IsDigit(next), strings.ContainsRune("?!:;»", next):
		return letter
	case r == sentence && prev == '.' && (unicode.IsDigit(next) || unicode.IsLower(next)):
		return word
	}
	return r
}

// within ranks an end between two characters that no space parts. Some scripts part no words.
func within(prev, r rune) rank {
	switch {
	case prev == '\u200b': // made to say where a word ends
		return word
	case r < 0x0E00:
		return letter
	case strings.ContainsRune("。！？", prev) && unicode.IsLetter(r):
		return sentence
	case solid(r) && (solid(prev) || strings.ContainsRune("、，；：", prev)):
		return word
	}
	return letter
}

func solid(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// A joiner tells, character by character, which belong to the one before: the parts of Unicode's
// grapheme clusters (UAX #29) that texts and emoji are made of.
type joiner struct {
	prev  rune
	flags int // regional indicators so far; two make a flag
}

func (j *joiner) joins(r rune) bool {
	prev := j.prev
	j.prev = r
	if r >= 0x1F1E6 && r <= 0x1F1FF {
		j.flags++
		return j.flags%2 == 0
	}
	j.flags = 0
	switch {
	case r < 0x0300:
		return prev == '\r' && r == '\n'
	case r == 0x200C, r == 0x200D, prev == 0x200D, r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
		return true
	case r >= 0x1100 && r <= 0x11FF, r >= 0xAC00 && r <= 0xD7FF: // Korean syllables and what they are made of
		return prev >= 0x1100 && prev <= 0x115F || r >= 0x1160 && r <= 0x11FF
	}
	return unicode.IsMark(r)
}
