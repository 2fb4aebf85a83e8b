package bot

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"faro/flows"
	"faro/locales"
)

// How a trainer writes a session, step by step.

// newDraft begins the argument of the first step of a new session; the course follows.
const newDraft = "new."

// begin takes the argument of a step that begins or continues a draft.
func (s *step) begin(to, arg string) {
	d := &s.Dialogue.Draft
	switch {
	case to == flows.PostTitle && strings.HasPrefix(arg, newDraft):
		*d = Draft{Course: strings.TrimPrefix(arg, newDraft)}
	case to == flows.PostTitle && arg != "":
		if x := s.session(arg); x != nil {
			*d = Draft{Session: x.ID, Course: x.Course, Title: x.Title, Place: x.Place, Link: x.Link, Zone: x.Start.Location().String(),
				Day: x.Start.Format(time.DateOnly), From: x.Start.Format(clock), Until: x.End.Format(clock)}
		}
	case to == flows.PostPlace && arg != "":
		for z := range s.content.Zones {
			if strings.HasSuffix(strings.ToLower(z), "/"+arg) {
				d.Zone = z
			}
		}
	}
}

// field is what an asking step has in the draft.
func (d *Draft) field(ask string) *string {
	switch ask {
	case "title":
		return &d.Title
	case "day":
		return &d.Day
	case "time":
		return &d.From
	}
	return nil
}

// keeps reports whether what a step asks for has a value already.
func (d *Draft) keeps(at *flows.Step) bool {
	switch {
	case at.Ask == "until":
		return d.Notice != nil && !d.Notice.Until.IsZero()
	case at.Ask == "place":
		return d.Place+d.Link != ""
	case at.List == "zones":
		return d.Zone != ""
	}
	value := d.field(at.Ask)
	return value != nil && *value != ""
}

// maxField is how many characters of a title or place are kept: they must fit a text message.
const maxField = 80

// MaxLink is how many bytes a link may have: it must leave room in a text message.
const MaxLink = 200

// IsLink reports whether a text is a link that shows where it leads: letters of other scripts and marks that turn
// the direction could disguise it.
func IsLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && len(text) <= MaxLink &&
		!strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' })
}

// readPlace reads where a session is: a place, a link, or both.
func readPlace(words string) (place, link string, ok bool) {
	var rest []string
	for _, word := range strings.Fields(words) {
		if !strings.Contains(word, "://") {
			rest = append(rest, word)
		} else if link != "" || !IsLink(word) {
			return "", "", false
		} else {
			link = word
		}
	}
	place = strings.Join(rest, " ")
	return place, link, place+link != "" && len([]rune(place)) <= maxField
}

// asked takes what was written where a step asks for something, and goes on; or says what is wrong.
func (s *step) asked(at *flows.Step, words string) {
	s.Heard = HeardChoice
	d, raw := &s.Dialogue.Draft, words
	words = strings.Join(strings.Fields(plainText(words)), " ")
	ok := words != ""
	switch at.Ask {
	case "facilities", "blank", "text", "until", "when", "sheet":
		ok = s.written(at.Ask, raw)
	case flows.Proof:
		ok = false // the right code is heard before
	case "title":
		if ok = ok && len([]rune(words)) <= maxField; ok {
			d.Title = words
		}
	case "place":
		var place, link string
		if place, link, ok = readPlace(words); ok {
			d.Place, d.Link = place, link
		}
	case "day":
		var day time.Time
		if day, ok = readDay(words, s.now); ok {
			d.Day = day.Format(time.DateOnly)
		}
	case "time":
		var from, until string
		if from, until, ok = readTimes(words); ok {
			d.From, d.Until = from, until
		}
	case "delegation":
		var d string
		if d = s.delegation(words); d != "" {
			s.enter(at.Go + "/" + d)
			return
		}
		ok = false
	case "code":
		x := s.session(s.Dialogue.At.Arg)
		if ok = x != nil && x.Code != "" && strings.EqualFold(strings.ReplaceAll(words, " ", ""), x.Code); ok {
			s.enter(at.Go + "/" + x.ID)
			return
		}
	}
	if !ok {
		if words != "" || s.wrongArgs == nil { // of a notice: what shows nothing is asked for again, without a word
			s.wrong = "wrong"
		}
		s.reply(s.Dialogue.At, s.Person.Lang)
		return
	}
	s.enter(at.Go)
}

// plainText takes out what could disguise a text: control characters, and those that show nothing or
// change what is beside them.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), locales.Invisible(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

var (
	dayFirst  = regexp.MustCompile(`^(\d{1,2})[./-](\d{1,2})(?:[./-](\d{4}))?$`)
	yearFirst = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	times     = regexp.MustCompile(`^(\d{1,2})[:.h](\d{2})\s*(?:-|–|a|to|à|até|/)\s*(\d{1,2})[:.h](\d{2})$`)
)

// readDay reads "1/12", "1/12/2026" or "2026-12-01". Without a year it is the next such day.
func readDay(words string, now time.Time) (time.Time, bool) {
	var year, month, day int
	if m := yearFirst.FindStringSubmatch(words); m != nil {
		year, month, day = number(m[1]), number(m[2]), number(m[3])
	} else if m := dayFirst.FindStringSubmatch(words); m != nil {
		day, month, year = number(m[1]), number(m[2]), number(m[3])
		if year == 0 {
			year = now.Year()
			if time.Date(year, time.Month(month), day, 23, 59, 0, 0, time.UTC).Before(now.AddDate(0, 0, -1)) {
				year++
			}
		}
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	ok := t.Day() == day && int(t.Month()) == month && t.After(now.AddDate(0, 0, -2)) && t.Before(now.AddDate(2, 0, 0))
	return t, ok
}

// readTimes reads "9:00-13:30", the end after the start or soon after midnight.
func readTimes(words string) (from, until string, ok bool) {
	m := times.FindStringSubmatch(strings.ToLower(words))
	if m == nil {
		return "", "", false
	}
	at := func(hour, minute string) (time.Time, bool) {
		h, n := number(hour), number(minute)
		return time.Date(2000, 1, 1, h, n, 0, 0, time.UTC), h < 24 && n < 60
	}
	a, okA := at(m[1], m[2])
	b, okB := at(m[3], m[4])
	_, after := Until(a, b)
	return a.Format(clock), b.Format(clock), okA && okB && after
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// drafted is the draft as a session, for its preview.
func (s *step) drafted() Session {
	d := s.Dialogue.Draft
	x := Session{ID: d.Session, Course: d.Course, Title: d.Title, Place: d.Place, Link: d.Link}
	if z := s.draftZone(); z != nil {
		x.Start, x.End, _ = d.Times(z)
	}
	return x
}

// draftZone is the clock of the draft: one that is offered, or that of the session it changes. Nil if it is neither.
func (s *step) draftZone() *time.Location {
	d := s.Dialogue.Draft
	if z := s.content.Zones[d.Zone]; z != nil {
		return z.Location
	}
	if x := s.session(d.Session); x != nil && x.Start.Location().String() == d.Zone {
		return x.Start.Location()
	}
	return nil
}

// amiss is the step of the draft that must be answered anew, and why, as the step's text calls it; "" if it
// can be posted. The day and the clock are known only when all is there.
func (s *step) amiss() (again, why string) {
	zone := s.draftZone()
	if zone == nil {
		return flows.PostZone, "" // the content has changed
	}
	switch start, _, err := s.Dialogue.Draft.Times(zone); {
	case errors.Is(err, ErrSkipped):
		return flows.PostTime, "skipped"
	case errors.Is(err, ErrTwice):
		return flows.PostTime, "twice"
	case err != nil:
		return flows.PostDay, ""
	case !start.After(s.now):
		return flows.PostDay, "past"
	}
	return "", ""
}

// Times are when the drafted session starts and ends, in the zone of its place. It refuses times that the clock
// there does not show, or shows twice.
func (d Draft) Times(zone *time.Location) (start, end time.Time, err error) {
	const layout = time.DateOnly + " " + clock
	from, err := time.Parse(layout, d.Day+" "+d.From)
	until, wrong := time.Parse(layout, d.Day+" "+d.Until)
	until, after := Until(from, until)
	if err != nil || wrong != nil || !after {
		return start, end, errors.New("not the times of a session")
	}
	if start, err = Moment(from, zone); err == nil {
		end, err = Moment(until, zone)
	}
	return start, end, err
}

func (s *step) course(id string) *Course {
	for i, c := range s.in.Desk.Courses {
		if c.ID == id {
			return &s.in.Desk.Courses[i]
		}
	}
	return nil
}
