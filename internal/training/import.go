package training

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"faro/bot"
	"faro/flows"
	"faro/locales"
)

// Known is what an import is checked against.
type Known struct {
	Facilities map[string]*flows.Facility
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

// A File is what is imported.
type File struct {
	Name string // its end says what it is: .csv, .xlsx or .ics
	Data []byte
}

// A place is where in what is imported a record stands.
type place struct {
	file string
	line int
}

// An importer reads files into a copy of the programme.
type importer struct {
	Known
	file    string
	next    *Programme
	changes []string
	faults  []Fault
	rows    map[string]place // by record: "s/" and a session, "m/" and a member
}

// Import is ImportAll of one file.
func (p *Programme) Import(name string, data []byte, k Known) (*Programme, []string, []Fault) {
	return p.ImportAll([]File{{name, data}}, k)
}

// ImportAll reads sessions and people from files into a copy of the programme, and says what differs. If
// anything is wrong in any of them there is no copy, and every fault is told. What the files do not name
// stays as it is, and so does what people have chosen since a row was last imported; importing them again
// changes nothing.
func (p *Programme) ImportAll(files []File, k Known) (*Programme, []string, []Fault) {
	next, err := p.clone()
	i := &importer{Known: k, next: next, rows: map[string]place{}}
	if err != nil {
		i.fault(0, "%v", err)
		return nil, nil, i.faults
	}
	for _, f := range files {
		i.read(f)
	}
	if len(i.next.Sessions) > maxSessions {
		i.fault(0, "with these there are %d sessions; there may be %d at most: faro training remove takes old courses away", len(i.next.Sessions), maxSessions)
	}
	if len(i.faults) == 0 {
		i.numbers()
		i.overlaps()
		slices.SortFunc(i.faults, func(a, b Fault) int {
			return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Message, b.Message))
		})
	}
	if len(i.faults) > 0 {
		return nil, nil, i.faults
	}
	return i.next, i.changes, nil
}

func (i *importer) read(f File) {
	i.file = filepath.Base(f.Name)
	if len(f.Data) > maxImport {
		i.fault(0, "the file has %d MB; at most %d are read", len(f.Data)>>20, maxImport>>20)
		return
	}
	switch strings.ToLower(filepath.Ext(f.Name)) {
	case ".csv":
		i.csv(f.Data)
	case ".xlsx":
		i.xlsx(f.Data)
	case ".ics":
		i.ics(f.Data)
	default:
		i.fault(0, "not a .csv, .xlsx or .ics file")
	}
}

func (p *Programme) clone() (*Programme, error) {
	records, err := encode(p)
	if err != nil {
		return nil, err
	}
	return decode(records, func(id bot.PersonID) bot.PersonID { return id })
}

func (i *importer) fault(line int, format string, args ...any) {
	i.faultAt(place{i.file, line}, format, args...)
}

func (i *importer) faultAt(at place, format string, args ...any) {
	switch {
	case len(i.faults) < maxFaults:
		message := []rune(fmt.Sprintf(format, args...))
		if len(message) > maxMessage {
			message = append(message[:maxMessage], '…')
		}
		i.faults = append(i.faults, Fault{at.file, at.line, string(message)})
	case len(i.faults) == maxFaults:
		i.faults = append(i.faults, Fault{at.file, 0, "and more: mend these first"})
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

// first reports whether a record is imported for the first time, and remembers where it stands.
func (r row) first(record, id string) bool {
	before, known := r.rows[record]
	switch {
	case !known:
		r.rows[record] = place{r.file, r.line}
	case before.file == r.file:
		r.fault(r.line, "%s is also on line %d", id, before.line)
	default:
		r.fault(r.line, "%s is also on line %d of %s", id, before.line, before.file)
	}
	return !known
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
		if d := flows.Delegation(name); d == "" {
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
	read := map[string]time.Time{}
	for _, column := range []string{"start", "end"} {
		clock, err := readClock(r.cells[column])
		if err != nil {
			r.fault(r.line, "%s: %v", column, err)
			continue
		}
		read[column] = day.Add(clock)
	}
	if until, ok := bot.Until(read["start"], read["end"]); ok && len(read) == 2 {
		read["end"] = until
	}
	for _, c := range []struct {
		column string
		to     *time.Time
	}{{"start", &s.Start}, {"end", &s.End}} {
		at, ok := read[c.column]
		if !ok {
			continue
		}
		if *c.to, err = bot.Moment(at, zone); err != nil {
			r.fault(r.line, "%s: %v", c.column, err)
		}
	}
}

// put checks a session and adds it, or changes the one there is.
func (r row) put(s Session, courseTitle string) {
	if s.Title == "" {
		r.fault(r.line, "no title")
	}
	if s.Place == "" && s.Link == "" {
		r.fault(r.line, "neither place nor link")
	}
	if s.Link != "" && !bot.IsLink(s.Link) {
		r.fault(r.line, "link: write an https:// address of at most %d characters without accents", bot.MaxLink)
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
		r.next.Courses[s.Course] = &Course{ID: s.Course, Title: cmp.Or(courseTitle, s.Course)}
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
		if m.Delegation = flows.Delegation(d); m.Delegation == "" {
			r.fault(r.line, "delegation: %q is no federal entity of Mexico", d)
		}
	}
	m.Sheet = &Listing{m.Courses, m.Delegation, m.Facility, m.Zone}
	if f := r.Facilities[m.Facility]; f != nil {
		m.Zone = cmp.Or(m.Zone, f.Zone)
		m.Delegation = cmp.Or(m.Delegation, flows.Delegation(f.State))
	} else if m.Facility != "" {
		r.fault(r.line, "facility: %q is not in flows/facilities.yaml", m.Facility)
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
		m.ByNumber = true
	}
	if !r.first("m/"+m.ID, "person "+m.ID) {
		return
	}
	old := r.next.Members[m.ID]
	r.next.Members[m.ID] = &m
	if old == nil {
		r.changes = append(r.changes, "new person "+m.ID)
		return
	}
	m.follow(old)
	switch {
	case m.Person != old.Person && old.Person != "":
		r.changes = append(r.changes, "person "+m.ID+": another phone number")
	case !m.says(old) || m.Lang != old.Lang || m.Person != old.Person:
		r.changes = append(r.changes, "person "+m.ID+" changes")
	}
}

// follow takes over from a member as they were what a row does not change: what they chose themselves since
// it was last imported with the same words, and who they are, unless that was a number which is now another.
func (m *Member) follow(old *Member) {
	before := old.Sheet
	if before == nil { // they joined by an invitation alone
		before = &Listing{}
	}
	if slices.Equal(m.Sheet.Courses, before.Courses) {
		m.Courses = old.Courses
	}
	if m.Sheet.Delegation == before.Delegation && m.Sheet.Facility == before.Facility && m.Sheet.Zone == before.Zone {
		m.Delegation, m.Facility, m.Zone = old.Delegation, old.Facility, old.Zone
	}
	m.Stamp, m.Belongs, m.Left = old.Stamp, old.Belongs, old.Left
	switch {
	case old.Left:
		m.Person, m.ByNumber = "", false
	case m.Person == "", old.Person != "" && !old.ByNumber:
		m.Person, m.ByNumber = old.Person, old.ByNumber
	}
}

// says reports whether a member is where another one is.
func (m *Member) says(o *Member) bool {
	return slices.Equal(m.Courses, o.Courses) && m.Delegation == o.Delegation && m.Facility == o.Facility && m.Zone == o.Zone
}

// numbers finds people with the same phone: each would be the other.
func (i *importer) numbers() {
	owner := map[bot.PersonID]string{}
	for _, id := range slices.Sorted(maps.Keys(i.next.Members)) {
		m := i.next.Members[id]
		if m.Person == "" {
			continue
		}
		first, taken := owner[m.Person]
		owner[m.Person] = id
		if !taken {
			continue
		}
		at, named := i.rows["m/"+id]
		if other, also := i.rows["m/"+first]; !named || also && other.line > at.line {
			at, named, first = other, also, id
		}
		if named {
			i.faultAt(at, "phone: person %s has the same one", first)
		}
	}
}

// overlaps finds sessions that somebody would have to attend at once.
func (i *importer) overlaps() {
	all := i.next.Sorted()
	found := map[string]bool{}
	for _, m := range i.next.Members {
		m.clashes(all, func(first, second *Session) {
			if found[first.ID+" "+second.ID] {
				return
			}
			found[first.ID+" "+second.ID] = true
			at := i.rows["s/"+second.ID]
			if other := i.rows["s/"+first.ID]; other.line > at.line {
				at = other
			}
			if at.line == 0 {
				at = i.rows["m/"+m.ID]
			}
			i.faultAt(at, "sessions %s and %s are at the same time, and person %s is in both", first.ID, second.ID, m.ID)
		})
	}
}
