package training

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"faro/bot"
	"faro/locales"
)

// Known is what an import is checked against.
type Known struct {
	Facilities map[string]string // IANA zones by id
	Languages  []locales.Lang
	Course     string                             // of sessions that name none
	Phone      func(string) (bot.PersonID, error) // who is at a phone number, in any notation
}

// A Fault is something wrong with what was to be imported.
type Fault struct {
	File    string
	Line    int // row of a sheet, line of a file; 0 for the whole
	Message string
}

// String is the fault as compilers write them.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Message
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ": " + f.Message
}

// Limits of what is imported.
const (
	maxImport   = 10 << 20 // bytes
	maxUnzipped = 16 << 20 // bytes of a workbook
	maxRows     = 100_000
	maxColumns  = 64      // a table has fifteen
	maxSessions = 5000    // of all courses: each is compared with those of each person
	maxLines    = 400_000 // of a calendar
	maxNesting  = 8       // of what is in a calendar; an alarm in an event is 3
	maxFaults   = 200     // nobody reads more
	maxText     = 80      // characters: a text message has room for no more
	longest     = 24 * time.Hour
)

// An importer reads one file into a copy of the programme.
type importer struct {
	Known
	file    string
	next    *Programme
	before  *Programme
	changes []string
	faults  []Fault
	rows    map[string]int // line by record: "s/" and a session, "m/" and a member
}

// Import reads sessions and people from a .csv, .xlsx or .ics file into a copy of the programme, and says
// what differs. If anything is wrong there is no copy, and every fault is told. What the file does
// not name stays as it is; importing it again changes nothing.
func (p *Programme) Import(name string, data []byte, k Known) (*Programme, []string, []Fault) {
	next, err := p.clone()
	i := &importer{Known: k, file: filepath.Base(name), next: next, before: p, rows: map[string]int{}}
	if err != nil {
		i.fault(0, "%v", err)
		return nil, nil, i.faults
	}
	if len(data) > maxImport {
		i.fault(0, "the file has %d MB; at most %d are read", len(data)>>20, maxImport>>20)
		return nil, nil, i.faults
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		i.csv(data)
	case ".xlsx":
		i.xlsx(data)
	case ".ics":
		i.ics(data)
	default:
		i.fault(0, "not a .csv, .xlsx or .ics file")
	}
	if len(i.next.Sessions) > maxSessions {
		i.fault(0, "with these there are %d sessions; there may be %d at most: faro training remove takes old courses away", len(i.next.Sessions), maxSessions)
	}
	if len(i.faults) == 0 {
		i.overlaps()
	}
	if len(i.faults) > 0 {
		return nil, nil, i.faults
	}
	return i.next, i.changes, nil
}

func (p *Programme) clone() (*Programme, error) {
	records, err := encode(p)
	if err != nil {
		return nil, err
	}
	return decode(records, func(id bot.PersonID) bot.PersonID { return id })
}

func (i *importer) fault(line int, format string, args ...any) {
	switch {
	case len(i.faults) < maxFaults:
		message := []rune(fmt.Sprintf(format, args...))
		if len(message) > maxMessage {
			message = append(message[:maxMessage], '…')
		}
		i.faults = append(i.faults, Fault{i.file, line, string(message)})
	case len(i.faults) == maxFaults:
		i.faults = append(i.faults, Fault{i.file, 0, "and more: mend these first"})
	}
}

// maxMessage is how many characters of a fault are told: it may quote what it is about.
const maxMessage = 300

// broken reports whether so much is wrong that no more is read.
func (i *importer) broken() bool { return len(i.faults) > maxFaults }

// A row is one line of a table, by the English names of its columns.
type row struct {
	*importer
	line  int
	cells map[string]string
}

// text is a cell that people will read.
func (r row) text(column string) string {
	s := strings.Join(strings.Fields(r.cells[column]), " ")
	if n := len([]rune(s)); n > maxText {
		r.fault(r.line, "%s has %d characters; %d fit a text message", column, n, maxText)
	}
	if strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || locales.Invisible(c) }) {
		r.fault(r.line, "%s holds invisible characters; type it anew", column)
	}
	return s
}

var asID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,24}$`)

func (r row) id(column, value string) string {
	if !asID.MatchString(value) {
		r.fault(r.line, "%s %q: use 1 to 24 letters without accents, digits, dots, _ or -", column, value)
	}
	return value
}

// first reports whether a record is in the file for the first time, and remembers its line.
func (r row) first(record, id string) bool {
	if before := r.rows[record]; before > 0 {
		r.fault(r.line, "%s is also on line %d", id, before)
		return false
	}
	r.rows[record] = r.line
	return true
}

// yes reports whether a cell says yes.
func (r row) yes(column string) bool {
	switch said := locales.Fold(r.cells[column]); said {
	case "", "no", "0", "false":
		return false
	case "yes", "si", "x", "1", "true":
		return true
	default:
		r.fault(r.line, "%s: write yes or no, not %q", column, said)
		return false
	}
}

// session takes a row of a table of sessions.
func (r row) session() {
	s := Session{ID: r.id("id", r.cells["id"]), Course: r.cells["course"], Module: r.text("module"), Title: r.text("title"),
		Place: r.text("place"), Link: strings.TrimSpace(r.cells["link"]), Speakers: r.text("speakers"), Zone: r.cells["zone"], Cancelled: r.yes("cancelled")}
	if s.Course == "" {
		s.Course = r.Course
	}
	if s.Course == "" {
		r.fault(r.line, "no course: add the column, or name one with --course")
	} else {
		r.id("course", s.Course)
	}
	for _, name := range split(r.cells["audience"]) {
		if d := delegation(name); d == "" {
			r.fault(r.line, "audience: %q is no delegation", name)
		} else {
			s.Audience = append(s.Audience, d)
		}
	}
	if leads := r.cells["reminders"]; leads != "" {
		var err error
		if s.Reminders, err = ParseLeads(leads); err != nil {
			r.fault(r.line, "reminders: %v", err)
		}
	}
	r.times(&s)
	r.put(s, r.text("course_title"))
}

// times reads when a session starts and ends.
func (r row) times(s *Session) {
	zone, err := loadZone(s.Zone)
	if err != nil {
		r.fault(r.line, "zone: %v", err)
		return
	}
	day, err := readDay(r.cells["date"])
	if err != nil {
		r.fault(r.line, "date: %v", err)
		return
	}
	for _, c := range []struct {
		column string
		to     *time.Time
	}{{"start", &s.Start}, {"end", &s.End}} {
		clock, err := readClock(r.cells[c.column])
		if err == nil {
			*c.to, err = moment(day.Add(clock), zone)
		}
		if err != nil {
			r.fault(r.line, "%s: %v", c.column, err)
		}
	}
}

// moment is a time on the clock of a zone, given as if it were UTC. It refuses times that the clock
// does not show, or shows twice, because it is changed.
func moment(clock time.Time, zone *time.Location) (time.Time, error) {
	const layout = "2006-01-02 15:04"
	t := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), 0, 0, zone)
	if t.Format(layout) != clock.Format(layout) {
		return t, fmt.Errorf("%s does not exist in %s: the clocks are put forward then", clock.Format(layout), zone)
	}
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		if t.Add(d).In(zone).Format(layout) == t.Format(layout) {
			return t, fmt.Errorf("%s comes twice in %s: the clocks are put back then; choose another time", clock.Format(layout), zone)
		}
	}
	return t, nil
}

// put checks a session and adds it, or changes the one there is.
func (r row) put(s Session, courseTitle string) {
	if s.Title == "" {
		r.fault(r.line, "no title")
	}
	if s.Place == "" && s.Link == "" {
		r.fault(r.line, "neither place nor link")
	}
	if u, err := url.Parse(s.Link); s.Link != "" && (err != nil || u.Scheme != "https" || u.Host == "" || len(s.Link) > maxLink || !ascii(s.Link)) {
		r.fault(r.line, "link: write an https:// address of at most %d characters without accents", maxLink)
	}
	if !s.Start.IsZero() && !s.End.IsZero() {
		if !s.End.After(s.Start) {
			r.fault(r.line, "the end is not after the start")
		} else if s.End.Sub(s.Start) > longest {
			r.fault(r.line, "longer than a day: write each day by itself")
		}
	}
	if !r.first("s/"+s.ID, "session "+s.ID) || s.Course == "" {
		return
	}
	if c := r.next.Courses[s.Course]; c == nil {
		r.next.Courses[s.Course] = &Course{ID: s.Course, Title: or(courseTitle, s.Course)}
		r.changes = append(r.changes, "new course "+s.Course)
	} else if courseTitle != "" && c.Title != courseTitle {
		c.Title = courseTitle
		r.changes = append(r.changes, "course "+s.Course+": another title")
	}
	old := r.next.Sessions[s.ID]
	if old == nil {
		s.Version, s.Code = r.next.Removed[s.ID]+1, newCode()
		delete(r.next.Removed, s.ID)
		r.next.Sessions[s.ID] = &s
		r.changes = append(r.changes, fmt.Sprintf("new session %s: %s, %s", s.ID, s.Title, s.Start.Format("2006-01-02 15:04 MST")))
		return
	}
	s.Version, s.Code, s.Stamp = old.Version, old.Code, old.Stamp
	moved := !s.Start.Equal(old.Start) || !s.End.Equal(old.End) || s.Zone != old.Zone || s.Place != old.Place || s.Link != old.Link || s.Cancelled != old.Cancelled
	if !moved && s.same(old) {
		return
	}
	what := "other words"
	switch {
	case s.Cancelled && !old.Cancelled:
		what = "cancelled"
	case moved:
		what = fmt.Sprintf("moves from %s to %s; those who were told of it are told", old.Start.Format("2006-01-02 15:04 MST"), s.Start.Format("2006-01-02 15:04 MST"))
	}
	if moved {
		s.Version++
	}
	r.changes = append(r.changes, "session "+s.ID+": "+what)
	r.next.Sessions[s.ID] = &s
}

const maxLink = 200

// ascii reports whether a link shows what it is: letters of other scripts and marks that turn the
// direction could disguise where it leads.
func ascii(link string) bool {
	return !strings.ContainsFunc(link, func(c rune) bool { return c <= ' ' || c > '~' })
}

// same reports whether a session says what another one does, besides when and where.
func (s *Session) same(o *Session) bool {
	return s.Course == o.Course && s.Module == o.Module && s.Title == o.Title && s.Speakers == o.Speakers &&
		slices.Equal(s.Audience, o.Audience) && slices.Equal(s.Reminders, o.Reminders) && (s.Reminders == nil) == (o.Reminders == nil)
}

// person takes a row of a table of people.
func (r row) person() {
	m := Member{ID: r.id("id", r.cells["id"]), Facility: r.cells["facility"], Zone: r.cells["zone"], Lang: locales.Lang(strings.ToLower(r.cells["lang"]))}
	for _, c := range split(r.cells["course"]) {
		if r.next.Courses[c] == nil {
			r.fault(r.line, "course %q is not in the programme: import its sessions first", c)
		}
		m.Courses = append(m.Courses, c)
	}
	if len(m.Courses) == 0 {
		r.fault(r.line, "no course")
	}
	if d := r.cells["delegation"]; d != "" {
		if m.Delegation = delegation(d); m.Delegation == "" {
			r.fault(r.line, "delegation: %q is no federal entity of Mexico", d)
		}
	}
	if zone, ok := r.Facilities[m.Facility]; m.Facility != "" && !ok {
		r.fault(r.line, "facility: %q is not in flows/facilities.yaml", m.Facility)
	} else if m.Zone == "" {
		m.Zone = zone
	}
	if m.Zone != "" {
		if _, err := loadZone(m.Zone); err != nil {
			r.fault(r.line, "zone: %v", err)
		}
	}
	if m.Lang != "" && !slices.Contains(r.Languages, m.Lang) {
		r.fault(r.line, "lang: %q is not one of %v", m.Lang, r.Languages)
	}
	if phone := r.cells["phone"]; phone != "" {
		var err error
		if m.Person, err = r.Phone(phone); err != nil {
			r.fault(r.line, "phone: %v", err) // without the number, which is someone's
		}
	}
	if !r.first("m/"+m.ID, "person "+m.ID) {
		return
	}
	old := r.next.Members[m.ID]
	r.next.Members[m.ID] = &m
	switch {
	case old == nil:
		r.changes = append(r.changes, "new person "+m.ID)
		return
	case old.Person != "":
		m.Person = old.Person
	}
	if !slices.Equal(m.Courses, old.Courses) || m.Delegation != old.Delegation || m.Facility != old.Facility || m.Zone != old.Zone ||
		m.Lang != old.Lang || m.Person != old.Person {
		r.changes = append(r.changes, "person "+m.ID+" changes")
	}
}

// overlaps finds sessions that somebody would have to attend at once.
func (i *importer) overlaps() {
	all := i.next.Sorted()
	found := map[string]bool{}
	for _, m := range i.next.Members {
		var last *Session
		for _, s := range all {
			if s.Cancelled || !m.Attends(s) {
				continue
			}
			if last != nil && s.Start.Before(last.End) && !found[last.ID+" "+s.ID] {
				found[last.ID+" "+s.ID] = true
				line := max(i.rows["s/"+s.ID], i.rows["s/"+last.ID])
				if line == 0 {
					line = i.rows["m/"+m.ID]
				}
				i.fault(line, "sessions %s and %s are at the same time, and person %s is in both", last.ID, s.ID, m.ID)
			}
			if last == nil || s.End.After(last.End) {
				last = s
			}
		}
	}
	slices.SortFunc(i.faults, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Message, b.Message)
	})
}

func split(list string) []string {
	var all []string
	for part := range strings.SplitSeq(list, ";") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// newCode is what is shown in the room of a session: 30 random bits, none that looks like another.
func newCode() string {
	const letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ23"
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:])
}

var (
	yearFirst = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	dayFirst  = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})/(\d{4})$`)
	asClock   = regexp.MustCompile(`^(\d{1,2}):(\d{2})(?::00)?$`)
	asLead    = regexp.MustCompile(`^(\d{1,3})([dhm])$`)
)

// readDay reads "2026-12-01" or "1/12/2026", day first.
func readDay(text string) (time.Time, error) {
	var year, month, day int
	if m := yearFirst.FindStringSubmatch(text); m != nil {
		year, month, day = number(m[1]), number(m[2]), number(m[3])
	} else if m := dayFirst.FindStringSubmatch(text); m != nil {
		day, month, year = number(m[1]), number(m[2]), number(m[3])
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day || int(t.Month()) != month || year < 2000 {
		return t, fmt.Errorf("%q is not a day like 2026-12-01 or 1/12/2026", text)
	}
	return t, nil
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// readClock reads "9:00" as the time since midnight.
func readClock(text string) (time.Duration, error) {
	m := asClock.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || number(m[1]) > 23 || number(m[2]) > 59 {
		return 0, fmt.Errorf("%q is not a time like 9:00", text)
	}
	return time.Duration(number(m[1]))*time.Hour + time.Duration(number(m[2]))*time.Minute, nil
}

// ParseLeads reads "7d 1d 1h 30m", longest first, or "none".
func ParseLeads(text string) ([]Lead, error) {
	leads := []Lead{}
	if text = strings.TrimSpace(strings.ToLower(text)); text == "none" {
		return leads, nil
	}
	for _, word := range strings.Fields(text) {
		m := asLead.FindStringSubmatch(word)
		if m == nil || number(m[1]) == 0 {
			return nil, fmt.Errorf("%q is not a time before a session like 7d, 1h or 30m", word)
		}
		switch n := number(m[1]); m[2] {
		case "d":
			leads = append(leads, Lead{Days: n})
		case "h":
			leads = append(leads, Lead{Before: time.Duration(n) * time.Hour})
		case "m":
			leads = append(leads, Lead{Before: time.Duration(n) * time.Minute})
		}
	}
	return leads, nil
}

// String is what ParseLeads reads.
func (l Lead) String() string {
	switch {
	case l.Days > 0:
		return strconv.Itoa(l.Days) + "d"
	case l.Before%time.Hour == 0:
		return strconv.Itoa(int(l.Before.Hours())) + "h"
	}
	return strconv.Itoa(int(l.Before.Minutes())) + "m"
}
