package bot

import (
	"encoding/json"
	"slices"
	"time"
)

// A Role is what someone may do. Roles are given by invitations; the register of them (package
// people) decides, and what stands in Person.Role only tells that the register is worth asking.
type Role string

// The roles there are.
const (
	Migrant     Role = "" // everyone
	Staff       Role = "staff"
	Trainer     Role = "trainer"     // posts sessions
	Coordinator Role = "coordinator" // tells a facility's people something
	Admin       Role = "admin"
)

// Roles lists what an invitation can give.
var Roles = []Role{Staff, Trainer, Coordinator, Admin}

// Trains reports whether a role may post sessions and see who comes.
func (r Role) Trains() bool { return r == Trainer || r == Admin }

// Coordinates reports whether a role may send notices.
func (r Role) Coordinates() bool { return r == Coordinator || r == Admin }

// may reports whether a role is enough for a step that wants one.
func (r Role) may(want string) bool {
	switch want {
	case "":
		return true
	case string(Coordinator):
		return r.Coordinates()
	case string(Trainer):
		return r.Trains()
	}
	return r != Migrant
}

// A Desk is what someone with a role, or with an invitation, has before them: read for this turn.
type Desk struct {
	Role       Role
	Invitation *Invitation    // what the code they sent turned out to be, nil if it was none
	Member     bool           // they are trained themselves
	Delegation string         // theirs, "" if it is not known
	Sessions   []Session      // not over yet, soonest first: their own, or all of a trainer's
	Asked      string         // the session they were last asked about, "" if they were not
	Courses    []Course       // a trainer's
	Zone       *time.Location // theirs, nil if it is not known
	Fresh      string         // a code an invitation may be given, for those who may invite
	Link       string         // opens the bot on Telegram with that code, "" if there is none
	Feed       string         // address of their calendar, "" if there is none
	Notices    []Status       // a coordinator's last ones, newest first
	Secret     Secret         // theirs, of which codes are made
}

// An Invitation is what became of a code.
type Invitation struct {
	Role     Role // that it gives, Migrant if it gives none
	Facility string
	Locked   bool // too many wrong codes: none is looked at for a while
}

// A Course is a group that is trained together.
type Course struct {
	ID, Title string
	People    int
}

// A Session is one meeting of a course.
type Session struct {
	ID, Course, Module, Title, Place, Link, Speakers string

	Start, End time.Time // in the zone of its place
	Version    int       // grows when it is moved or cancelled
	Cancelled  bool
	People     int    // how many it is meant for; a trainer's
	Mine       bool   // it is meant for the person on whose desk it lies
	Answer     Answer // theirs
	Code       string // shown in the room, proves that one is there
}

// An Answer says whether someone comes.
type Answer string

// The answers there are.
const (
	NoAnswer  Answer = ""
	Coming    Answer = "yes"
	NotComing Answer = "no"
	Maybe     Answer = "maybe"
)

// An Effect is something a turn sets off outside the conversation. All but a judgement are stored
// with the turn and carried out at least once, so what carries them out must be idempotent.
type Effect struct {
	Judged  *Judgement `json:"judged,omitempty"`
	Left    bool       `json:"left,omitempty"`   // everything about the person was deleted
	Answer  *Reaction  `json:"answer,omitempty"` // they come, or not
	Present string     `json:"present,omitempty"`
	Post    *Draft     `json:"post,omitempty"`
	Cancel  string     `json:"cancel,omitempty"`
	Remind  *Nudge     `json:"remind,omitempty"`
	Who     string     `json:"who,omitempty"` // the trainer wants to know who comes to this session
	Invite  *Invite    `json:"invite,omitempty"`
	Deed    *Deed      `json:"deed,omitempty"`  // to a notice
	Place   *string    `json:"place,omitempty"` // staff are at this facility now, "" for none

	Delegation string `json:"delegation,omitempty"` // they belong to it
}

// Shared reports whether an effect is stored with the turn.
func (e Effect) Shared() bool { return e.Judged == nil }

// A Judgement says whether the answer of a topic helped.
type Judgement struct {
	Topic  string
	Helped bool
}

// A Reaction is an answer to a session.
type Reaction struct {
	Session string `json:"s"`
	Answer  Answer `json:"a"`
	Version int    `json:"v"` // of the session, as they saw it
}

// A Nudge reminds people of a session now.
type Nudge struct {
	Session    string `json:"s"`
	Unanswered bool   `json:"u"` // only those who have not answered
}

// An Invite is an invitation a trainer makes in the chat.
type Invite struct {
	Code     string `json:"c"`
	Facility string `json:"f"`
	Course   string `json:"k"`
}

// A Draft is a session or a notice someone is writing. It is kept with the dialogue, sealed, until it is posted.
type Draft struct {
	Session string `json:"i,omitempty"` // the session that is changed, "" for a new one
	Course  string `json:"c,omitempty"`
	Title   string `json:"t,omitempty"`
	Day     string `json:"d,omitempty"` // 2026-12-01
	From    string `json:"f,omitempty"` // 09:00
	Until   string `json:"u,omitempty"`
	Zone    string `json:"z,omitempty"`
	Place   string `json:"p,omitempty"` // a place or a link, at least one
	Link    string `json:"l,omitempty"`

	Notice *Notice `json:"n,omitempty"` // a notice instead of a session
}

// String hides what someone wrote.
func (Draft) String() string { return redacted }

// GoString hides what someone wrote.
func (Draft) GoString() string { return redacted }

// Record is the draft as it is sealed and stored, nil if there is none.
func (d Draft) Record() []byte {
	if d == (Draft{}) {
		return nil
	}
	b, err := json.Marshal(d)
	if err != nil { // strings and times alone
		panic(err)
	}
	return b
}

// complete reports whether all that a session needs is there.
func (d Draft) complete() bool {
	return !slices.Contains([]string{d.Course, d.Title, d.Day, d.From, d.Until, d.Zone, d.Place + d.Link}, "")
}
