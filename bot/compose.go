package bot

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"faro/flows"
	"faro/locales"
)

// How a coordinator writes a notice, step by step. Each choice is the argument of the step it leads to;
// compose takes it into the draft.

// Limits of what a coordinator writes.
const (
	maxNoticeText = 480                 // characters: what fits in three or four text messages
	MaxBlank      = 60                  // characters of a place
	MaxNoticeLife = 30 * 24 * time.Hour // nobody knows what holds longer
)

// everywhere is the argument for all facilities.
const everywhere = "everywhere"

// compose takes the argument of a step of writing into the draft, and says where to go: elsewhere if
// there is no draft any more or nothing is left to fill in.
func (s *step) compose(to, arg string) (string, string) {
	d := &s.Dialogue.Draft
	if to == flows.NoticeWhere && (arg != "" || d.Notice == nil) {
		*d = Draft{Notice: &Notice{}}
	}
	n := d.Notice
	if n == nil {
		return flows.Notices, ""
	}
	if n.Corrects != "" && slices.Contains([]string{flows.NoticeWhere, flows.NoticeWho}, to) {
		return flows.NoticeWhat, "" // it goes to those who got what it corrects, wherever they are
	}
	switch {
	case arg == "":
	case to == flows.NoticeWho && arg == everywhere:
		n.Facilities = nil
		for _, f := range s.places() {
			n.Facilities = append(n.Facilities, f.ID)
		}
	case to == flows.NoticeWho:
		n.Facilities = []string{arg}
	case to == flows.NoticeWhat && n.Corrects == "":
		n.Who = Who(arg)
	case to == flows.NoticeFill:
		urgency := s.content.Ready[arg].Urgency
		if n.Corrects != "" { // no less than what it corrects
			urgency = flows.MorePressing(urgency, n.Urgency)
		}
		n.Urgency = urgency
		n.Ready, n.Blanks, n.Texts = arg, map[string]string{}, nil
	case to == flows.NoticeLang:
		n.Urgency = arg
		if at := s.Dialogue.At; at.Step == flows.NoticeUrgency && at.Arg == "" && s.lacks(n) == "" {
			return flows.NoticeCheck, "" // where they came from
		}
	case to == flows.NoticeWhen:
		hours, _ := strconv.Atoi(strings.TrimSuffix(arg, "h")) // one of lives
		n.Until = s.now.Add(time.Duration(hours) * time.Hour).Truncate(time.Minute)
	case to == flows.NoticeCheck: // its argument is "now"
		n.At = time.Time{}
	case to == flows.NoticeLimit:
		n.limit(arg)
	}
	switch {
	case to == flows.NoticeWhen && n.Until.IsZero():
		return flows.NoticeUntil, ""
	case to == flows.NoticeCheck, to == flows.NoticeTest, to == flows.NoticeSend:
		if lacks := s.lacks(n); lacks != "" {
			return lacks, ""
		}
		if to == flows.NoticeSend && !s.in.Desk.Secret.proves(arg, n.sheet()) {
			s.wrong = "wrong" // nobody sends what they have not seen counted
			return flows.NoticeCheck, ""
		}
		return to, ""
	case to == flows.NoticeFill && s.content.Ready[n.Ready] == nil:
		return flows.NoticeWhat, ""
	case to == flows.NoticeFill && s.blank(n) == "":
		if !n.Until.IsZero() { // a correction keeps it
			return flows.NoticeWhen, ""
		}
		return flows.NoticeUntil, ""
	case to == flows.NoticeWrite, to == flows.NoticeUrgency: // the language that is written; that a text is to be written
		return to, arg
	}
	return to, ""
}

// lacks is the step that asks for the first thing a notice cannot be sent without, "" if all is there.
func (s *step) lacks(n *Notice) string {
	_, own := s.noticeText(n, "")
	switch {
	case len(n.Facilities) == 0 && n.Corrects == "":
		return flows.NoticeWhere
	case s.content.Ready[n.Ready] == nil && own == "":
		return flows.NoticeWhat
	case s.blank(n) != "":
		return flows.NoticeFill
	case n.Until.IsZero():
		return flows.NoticeUntil
	}
	return ""
}

// lives are how long a notice can be made valid with one tap.
var lives = []string{"6h", "24h", "72h"}

// limit takes whom a notice is for alone: readers of some languages, on one channel. What was chosen before
// is not any more.
func (n *Notice) limit(arg string) {
	lang, isLang := strings.CutPrefix(arg, "lang.")
	switch {
	case arg == "any":
		n.Channel, n.Langs = "", nil
	case !isLang && n.Channel == Channel(arg):
		n.Channel = ""
	case !isLang:
		n.Channel = Channel(arg)
	default:
		if i := slices.Index(n.Langs, locales.Lang(lang)); i >= 0 {
			n.Langs = slices.Delete(n.Langs, i, i+1)
		} else {
			n.Langs = append(n.Langs, locales.Lang(lang))
		}
	}
}

// composes reports whether an argument that came from outside is one of a step of writing.
func (s *step) composes(to, arg string) bool {
	if arg == "" {
		return to != flows.NoticeWrite
	}
	lang, isLang := strings.CutPrefix(arg, "lang.")
	switch to {
	case flows.NoticeWhere:
		return arg == "new"
	case flows.NoticeSend:
		return len(arg) == codeLength
	case flows.NoticeWho:
		return arg == everywhere || s.content.Facilities[arg] != nil
	case flows.NoticeWhat:
		return slices.Contains([]Who{Everyone, OnlyGuests, OnlyStaff}, Who(arg))
	case flows.NoticeFill:
		return s.content.Ready[arg] != nil
	case flows.NoticeUrgency:
		return arg == "own"
	case flows.NoticeLang:
		return slices.Contains(flows.Urgencies, arg)
	case flows.NoticeWrite:
		return s.book.Has(locales.Lang(arg))
	case flows.NoticeWhen:
		return slices.Contains(lives, arg)
	case flows.NoticeCheck:
		return arg == "now"
	case flows.NoticeLimit:
		return arg == "any" || slices.Contains(Channels, Channel(arg)) || isLang && s.book.Has(locales.Lang(lang))
	}
	return false
}

// blank is the first blank of a ready-made notice that is not filled in, "" if none is left.
func (t *Talk) blank(n *Notice) string {
	if r := t.content.Ready[n.Ready]; r != nil {
		for _, b := range r.Blanks {
			if n.Blanks[b] == "" {
				return b
			}
		}
	}
	return ""
}

// written takes what was written where a step of a notice asks for something. It reports false, with
// what is wrong in wrongArgs, if it cannot be used.
func (s *step) written(ask, words string) bool {
	n := s.Dialogue.Draft.Notice
	if n == nil {
		return true // the step it leads to knows where to go
	}
	line := strings.Join(strings.Fields(plainText(words)), " ")
	s.wrongArgs = locales.Args{}
	switch ask {
	case "facilities":
		found, unknown := s.everyPlace(line)
		if unknown != "" || len(found) == 0 {
			s.wrongArgs["what"] = clip(cmp.Or(unknown, line))
			return false
		}
		n.Facilities = found
	case "blank":
		return s.fillBlank(n, line)
	case "text":
		text := paragraphs(words)
		if long := len([]rune(text)) - maxNoticeText; text == "" || long > 0 {
			s.wrongArgs = locales.Args{"most": strconv.Itoa(maxNoticeText), "over": strconv.Itoa(max(0, long))}
			return false
		}
		n.Ready, n.Blanks = "", nil
		if n.Texts == nil {
			n.Texts = map[locales.Lang]string{}
		}
		n.Texts[locales.Lang(s.Dialogue.At.Arg)] = text
	case "until":
		at, ok := readMoment(line, s.now, s.homeOf(n))
		if !ok || !at.After(s.now) || at.After(s.now.Add(MaxNoticeLife)) {
			return false
		}
		n.Until = at
	case "when":
		at, ok := readMoment(line, s.now, s.homeOf(n))
		if !ok || !at.After(s.now) || !at.Before(n.Until) {
			s.wrongArgs = locales.Args{"until": s.moment(s.Person.Lang, n.Until, s.homeOf(n))}
			return false
		}
		n.At = at
	case "sheet":
		return false // the right code is heard wherever one is
	}
	return true
}

func (s *step) fillBlank(n *Notice, line string) bool {
	blank, value := s.blank(n), ""
	switch blank {
	case "":
		return true // it was filled in before
	case "day":
		today := s.now.In(s.homeOf(n))
		if day, ok := readDay(line, today); ok && day.Format(time.DateOnly) >= today.Format(time.DateOnly) {
			value = day.Format(time.DateOnly)
		}
	case "time", "until":
		if hour, ok := readHour(line); ok {
			value = hour
		}
	case "place":
		if len([]rune(line)) <= MaxBlank {
			value = line
		}
	}
	if value == "" {
		s.wrongArgs = locales.Args{"what": s.text(s.Person.Lang, "blank."+blank, nil)}
		return false
	}
	if n.Blanks == nil {
		n.Blanks = map[string]string{}
	}
	n.Blanks[blank] = value
	return true
}

// homeOf is the clock of a notice's first facility.
func (t *Talk) homeOf(n *Notice) *time.Location {
	if len(n.Facilities) > 0 {
		if f := t.content.Facilities[n.Facilities[0]]; f != nil {
			if z := t.content.Zones[f.Zone]; z != nil {
				return z.Location
			}
		}
	}
	return time.UTC
}

// between parts the names of places: commas, and "and" in each language.
var between = regexp.MustCompile(`\s*(?:[,;/+\n]|\s(?:y|and|et|e|ak)\s)\s*`)

// everyPlace are all facilities some words name, each once, and the first name that names none. A state
// means all its facilities.
func (t *Talk) everyPlace(words string) (found []string, unknown string) {
	for _, name := range between.Split(words, -1) {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		some := t.placesCalled(name)
		if len(some) == 0 {
			return nil, name
		}
		for _, id := range some {
			if !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	return found, ""
}

// placesCalled are the facilities a name means: that of a facility or a city, else of a state.
func (t *Talk) placesCalled(name string) (ids []string) {
	words := strings.Fields(locales.Fold(name))
	for _, which := range []func(*flows.Facility) []string{
		func(f *flows.Facility) []string { return []string{strings.ReplaceAll(f.ID, "-", " "), f.City, f.Name} },
		func(f *flows.Facility) []string { return []string{f.State} },
	} {
		for _, f := range t.places() {
			if slices.ContainsFunc(which(f), func(called string) bool {
				want := strings.Fields(locales.Fold(called))
				return slices.EqualFunc(want, words, alike)
			}) {
				ids = append(ids, f.ID)
			}
		}
		if len(ids) > 0 {
			break
		}
	}
	return ids
}

// keyword is the facility whose keyword, as posters print it, is the whole message; "" if it is none.
func (t *Talk) keyword(folded string) string {
	for _, f := range t.places() {
		if folded == locales.Fold(strings.ReplaceAll(f.ID, "-", " ")) || folded == locales.Fold(f.City) {
			return f.ID
		}
	}
	return ""
}

// paragraphs is a text without what could disguise it, in lines.
func paragraphs(words string) string {
	var lines []string
	for line := range strings.Lines(words) {
		if line = strings.Join(strings.Fields(plainText(line)), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

var hour = regexp.MustCompile(`^(\d{1,2})(?:[:.h](\d{2}))?\s*(?:h|hrs?|hs|horas)?\.?\s*([ap])?\.?\s?m?\.?$`)

// readHour reads "9", "9:00", "18h30" or "9 pm" as 09:00.
func readHour(words string) (string, bool) {
	m := hour.FindStringSubmatch(strings.ToLower(strings.TrimSpace(words)))
	if m == nil {
		return "", false
	}
	h, minute := number(m[1]), number(m[2])
	if m[3] != "" {
		if h < 1 || h > 12 {
			return "", false
		}
		h %= 12
		if m[3] == "p" {
			h += 12
		}
	}
	return time.Date(2000, 1, 1, h, minute, 0, 0, time.UTC).Format(clock), h < 24 && minute < 60
}

// readMoment reads "18:00", the next one, or "1/12 18:00", on the clock of a place.
func readMoment(words string, now time.Time, zone *time.Location) (time.Time, bool) {
	local := now.In(zone)
	day, rest, dated := strings.Cut(strings.TrimSpace(words), " ")
	at := local
	if on, ok := readDay(day, local); dated && ok {
		at = on
	} else {
		dated, rest = false, words
	}
	text, ok := readHour(rest)
	if !ok {
		return time.Time{}, false
	}
	h, err := time.Parse(clock, text)
	if err != nil {
		return time.Time{}, false
	}
	moment := time.Date(at.Year(), at.Month(), at.Day(), h.Hour(), h.Minute(), 0, 0, zone)
	if !dated && !moment.After(now) {
		moment = time.Date(at.Year(), at.Month(), at.Day()+1, h.Hour(), h.Minute(), 0, 0, zone)
	}
	return moment, true
}

// status is the notice of the desk with an id, nil if there is none.
func (s *step) status(id string) *Status {
	for i := range s.in.Desk.Notices {
		if s.in.Desk.Notices[i].ID == id {
			return &s.in.Desk.Notices[i]
		}
	}
	return nil
}

// deed takes "stop.n0abc-0" apart: what to do, and the notice of the desk it is about; nil if there is
// none or it may not be done.
func (s *step) deed(arg string) (act string, n *Status) {
	act, id, _ := strings.Cut(arg, ".")
	n = s.status(id)
	if n == nil || !slices.Contains(n.Acts, act) {
		return act, nil
	}
	return act, n
}

// correct begins the draft of a correction: for those who got the notice, as long as it was valid.
func (s *step) correct(of *Status) {
	c := of.Notice.clone()
	c.ID, c.Corrects, c.At, c.Ready, c.Blanks, c.Texts = "", of.ID, time.Time{}, "", nil, nil
	if !c.Until.After(s.now) {
		c.Until = time.Time{}
	}
	s.Dialogue.Draft = Draft{Notice: c}
}

// tells does what entering a step of notices does.
func (s *step) tells(does, arg string) {
	n := s.Dialogue.Draft.Notice
	switch does {
	case Count, Test, Send:
		if n != nil {
			s.Effects = append(s.Effects, Effect{Deed: &Deed{Does: does, Notice: n.clone()}})
		}
	case "deed":
		if act, about := s.deed(arg); about != nil {
			s.Effects = append(s.Effects, Effect{Deed: &Deed{Does: act, ID: about.ID}})
		}
	case "leave":
		s.Person.Facility = ""
	}
}
