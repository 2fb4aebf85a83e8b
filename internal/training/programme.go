// Package training keeps the programme of courses and sessions, reminds people of them in time, and
// keeps their answers.
//
// The programme lies in Redis as one hash, each record sealed; a process keeps a copy and reads it
// again when its version has changed. Reminders are asynq tasks, one for each session version, time
// and zone. That each reaches each person once does not rest on the tasks: one script marks a person
// as told and queues the message. The package never logs who anybody is or what a session is called.
package training

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"faro/bot"
	"faro/internal/quiet"
	"faro/locales"
)

// A Programme is all that is trained.
type Programme struct {
	Settings Settings
	Courses  map[string]*Course
	Sessions map[string]*Session
	Members  map[string]*Member
	// Removed are the versions of sessions that were removed. One that comes again goes on from there: the
	// tasks of its old versions are named after them, and asynq keeps done ones.
	Removed map[string]int

	people map[bot.PersonID]*Member // those who have joined, when it was read
}

// Settings hold for all sessions that do not say otherwise.
type Settings struct {
	Reminders []Lead       `json:"reminders"` // longest first
	Quiet     quiet.Hours  `json:"quiet"`
	Zone      string       `json:"zone"` // IANA, of people whose own is not known
	Lang      locales.Lang `json:"lang"` // of people who have not chosen one
}

// Defaults are the settings of a programme that says nothing.
func Defaults() Settings {
	return Settings{
		Reminders: []Lead{{Days: 7}, {Days: 1}, {Before: time.Hour}},
		Quiet:     quiet.Default,
		Zone:      "America/Mexico_City", Lang: "es",
	}
}

// A Lead is how long before a session people are reminded. Days are days of the calendar at the
// place, so a reminder keeps its hour when clocks change; Before is absolute.
type Lead struct {
	Days   int           `json:"d,omitempty"`
	Before time.Duration `json:"b,omitempty"`
}

// A Course is a group that is trained together.
type Course struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// A Session is one meeting of a course.
type Session struct {
	ID        string    `json:"id"`
	Course    string    `json:"course"`
	Module    string    `json:"module,omitempty"`
	Title     string    `json:"title"`
	Place     string    `json:"place,omitempty"` // a place or a link, at least one
	Link      string    `json:"link,omitempty"`
	Speakers  string    `json:"speakers,omitempty"` // their institutions
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Zone      string    `json:"zone"`               // IANA, of the place
	Audience  []string  `json:"audience,omitempty"` // delegations; all of the course if empty
	Reminders []Lead    `json:"reminders,omitzero"` // the programme's if nil
	Cancelled bool      `json:"cancelled,omitempty"`
	Code      string    `json:"code"` // shown in the room

	// Version grows when people who were told of the session must be told again.
	Version int `json:"version"`
	// Stamp is the last change made in a chat, so that none is made twice.
	Stamp string `json:"stamp,omitempty"`
	// Expected is the latest end of the versions before this one: until then people may come who have not
	// heard that it was moved. The Store keeps it.
	Expected time.Time `json:"expected,omitzero"`
}

// over is when nobody comes any more.
func (s *Session) over() time.Time {
	if s.Expected.After(s.End) {
		return s.Expected
	}
	return s.End
}

// follows takes over from the session as it was before a change until when people may expect it.
func (s *Session) follows(old Session) {
	s.Expected = old.Expected
	if s.Version > old.Version {
		s.Expected = old.over()
	}
}

// A Member is someone who is trained.
type Member struct {
	ID         string       `json:"id"` // as the organisation names them
	Courses    []string     `json:"courses"`
	Delegation string       `json:"delegation,omitempty"`
	Facility   string       `json:"facility,omitempty"`
	Zone       string       `json:"zone,omitempty"`    // IANA; the facility's, or the programme's, if empty
	Lang       locales.Lang `json:"lang,omitempty"`    // until they choose one
	Stamp      string       `json:"stamp,omitempty"`   // of the turn in which they chose their facility
	Belongs    string       `json:"belongs,omitempty"` // of the turn in which they chose their delegation
	Sheet      *Listing     `json:"sheet,omitempty"`   // as last imported; nil if they are in no sheet
	// Left says that they erased themselves, or that their role was taken away: no number in a sheet brings
	// them back, only an invitation.
	Left bool `json:"left,omitempty"`
	// ByNumber says that Person is the number in the sheet, and not who took an invitation.
	ByNumber bool `json:"number,omitempty"`
	// Person is who answers to it; "" until they have taken their invitation.
	Person bot.PersonID `json:"-"` // see record
}

// A Listing is what a sheet says of a member. What a member has otherwise was chosen since.
type Listing struct {
	Courses    []string `json:"courses"`
	Delegation string   `json:"delegation,omitempty"`
	Facility   string   `json:"facility,omitempty"`
	Zone       string   `json:"zone,omitempty"`
}

// NewProgramme is an empty one.
func NewProgramme() *Programme {
	return &Programme{Settings: Defaults(), Courses: map[string]*Course{}, Sessions: map[string]*Session{}, Members: map[string]*Member{}, Removed: map[string]int{}}
}

// Attends reports whether a session is meant for a member.
func (m *Member) Attends(s *Session) bool {
	return slices.Contains(m.Courses, s.Course) && (len(s.Audience) == 0 || slices.Contains(s.Audience, m.Delegation))
}

// Sorted are the sessions, soonest first.
func (p *Programme) Sorted() []*Session {
	return slices.SortedFunc(maps.Values(p.Sessions), func(a, b *Session) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// Audience are the members a session is meant for, in the order of their ids.
func (p *Programme) Audience(s *Session) []*Member {
	var all []*Member
	for _, id := range slices.Sorted(maps.Keys(p.Members)) {
		if m := p.Members[id]; m.Attends(s) {
			all = append(all, m)
		}
	}
	return all
}

// Member is who a person is, nil if they are not trained. It knows only who had joined when the
// programme was read.
func (p *Programme) Member(person bot.PersonID) *Member { return p.people[person] }

// Parted are the people of the programme who are nobody in another one.
func (p *Programme) Parted(next *Programme) (all []bot.PersonID) {
	stay := map[bot.PersonID]bool{}
	for _, m := range next.Members {
		stay[m.Person] = true
	}
	for _, id := range slices.Sorted(maps.Keys(p.Members)) {
		if person := p.Members[id].Person; person != "" && !stay[person] {
			all = append(all, person)
		}
	}
	return all
}

// Of are the sessions meant for a member, soonest first.
func (p *Programme) Of(m *Member) []*Session {
	return slices.DeleteFunc(p.Sorted(), func(s *Session) bool { return !m.Attends(s) })
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
