// Package flows holds the content that is not text: the steps of the conversation, its commands, the
// topics, contacts, facilities and ready-made notices, and their loader and checker.
//
// The loader is strict: an unknown key, a link to nowhere, a missing text is an error with file and
// line, and one run reports them all. The package does no I/O but reading the file system it is
// given. A Content does not change after Load and may be used from several goroutines.
package flows

import (
	"embed"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"faro/locales"
)

// Builtin is the content compiled into the program, laid out as Load wants it.
//
//go:embed *.yaml topics/*.yaml
var Builtin embed.FS

// Content is everything that is read from flows/.
type Content struct {
	Start, Menu string
	Emergency   string // the way to help in danger, a step with its argument
	Groups      []string
	Steps       map[string]*Step
	Commands    map[string]*Command
	Topics      map[string]*Topic
	Contacts    map[string]*Contact
	Facilities  map[string]*Facility
	Zones       map[string]*Zone // by IANA name
	Ready       map[string]*Ready

	words map[string]heard // by commandKey
}

// A Step is one screen of the conversation. See flows/conversation.yaml for what its fields mean.
type Step struct {
	ID       string   `yaml:"-"`
	Text     string   `yaml:"text"`
	Show     string   `yaml:"show"`
	List     string   `yaml:"list"`
	Options  []Option `yaml:"options"`
	Does     string   `yaml:"does"`
	Segments int      `yaml:"segments"`
	Bare     bool     `yaml:"bare"`
	Last     bool     `yaml:"last"`
	Every    bool     `yaml:"every_language"`
	Role     string   `yaml:"role"`
	Of       string   `yaml:"of"`
	When     string   `yaml:"when"`
	Ask      string   `yaml:"ask"`
	Go       string   `yaml:"go"`
}

// An Option is a fixed choice of a step.
type Option struct {
	Label string `yaml:"label"`
	Go    string `yaml:"go"`
	Role  string `yaml:"role"` // who sees it, "" for everyone
	Kept  bool   `yaml:"kept"` // only where what is asked for has a value already
}

// What steps may show, list and do. The engine knows each; a test walks them.
var (
	Shows = []string{"answer"}
	Lists = []string{"languages", "groups", "topics", "related", "offers", "places", "sessions", "courses", "zones",
		"notices", "acts", "own-facility", "ready", "text-languages", "limits", "invitations"}
	Acts = []string{"stop", "start", "erase", "clear", "helped", "not-helped",
		"coming", "not-coming", "maybe", "present", "calendar", "who", "cancel", "remind", "remind-unanswered", "invite", "post", "delegation",
		"count", "test", "send", "deed", "leave"}
	Roles = []string{"staff", "trainer", "coordinator"}
	Asks  = []string{"title", "day", "time", "place", "code", "delegation", "facilities", "blank", "text", "until", "when", "sheet", Proof}
	Ofs   = []string{OfSession, OfDraft, OfNotice, OfWriting}
	Whens = []string{WhenAhead, WhenMine, WhenRoom, WhenCalendar}
)

// What must hold of the session a step was entered with.
const (
	WhenAhead    = "ahead"    // it is not cancelled and has not begun
	WhenMine     = "mine"     // so, and it is meant for whoever is asked
	WhenRoom     = "room"     // it is meant for them, not cancelled, and begins soon or has begun
	WhenCalendar = "calendar" // they can be given a file or a link
)

// What a step is about besides its text.
const (
	OfSession = "session" // a training session, its argument
	OfDraft   = "draft"   // the session that is being written
	OfNotice  = "notice"  // a notice, its argument
	OfWriting = "writing" // the notice that is being written
)

// Proof is what a step asks that leads to where it was entered for: the code it shows.
const Proof = "proof"

// Steps the engine enters by itself, each for a reason given in package bot.
const (
	Notice       = "notice"
	Answer       = "answer"
	Offer        = "offer"
	Unsure       = "unsure"
	Untranslated = "untranslated"
	Unspoken     = "unspoken"
	Following    = "following"
	NoFacility   = "nofacility"
	Gone         = "gone"
	Unreadable   = "unreadable"
	Places       = "places"
	Edited       = "edited"
	Training     = "training"
	Session      = "session"
	Joined       = "joined"
	JoinedWhere  = "joined-where"
	MyDelegation = "delegation"
	BadCode      = "badcode"
	Locked       = "locked"
	PostTitle    = "post-title"
	PostDay      = "post-day"
	PostTime     = "post-time"
	PostZone     = "post-zone"
	PostPlace    = "post-place"
	PostCheck    = "post-check"
	Reminder     = "reminder"
	Moved        = "moved"
	Cancelled    = "cancelled"
	Withdrawn    = "withdrawn"
	Follow       = "follow"
	Wait         = "wait"
	Prove        = "prove"
	Leave        = "leave"

	Notices       = "notices"
	NoticeShow    = "notice-show"
	NoticeSure    = "notice-sure"
	NoticeDo      = "notice-do"
	NoticeWhere   = "notice-where"
	NoticeWho     = "notice-who"
	NoticeUrgency = "notice-urgency"
	NoticeWhat    = "notice-what"
	NoticeFill    = "notice-fill"
	NoticeLang    = "notice-lang"
	NoticeWrite   = "notice-write"
	NoticeUntil   = "notice-until"
	NoticeWhen    = "notice-when"
	NoticeCheck   = "notice-check"
	NoticeLimit   = "notice-limit"
	NoticeSend    = "notice-send"
	NoticeTest    = "notice-test"

	Invite  = "invite"
	Invited = "invited"
)

// Entered lists the steps the engine enters by itself: each must exist.
var Entered = []string{Notice, Answer, Offer, Unsure, Untranslated, Unspoken, Following, NoFacility, Gone, Unreadable, Places, Edited,
	Training, Session, Joined, JoinedWhere, MyDelegation, BadCode, Locked, PostTitle, PostDay, PostTime, PostZone, PostPlace, PostCheck, Reminder, Moved, Cancelled, Withdrawn, Follow, Leave, Wait, Prove,
	Notices, NoticeShow, NoticeSure, NoticeDo, NoticeWhere, NoticeWho, NoticeUrgency, NoticeWhat, NoticeFill, NoticeLang, NoticeWrite,
	NoticeUntil, NoticeWhen, NoticeCheck, NoticeLimit, NoticeSend, NoticeTest, Invite, Invited}

// Targets that are no steps.
const (
	Next     = "next"     // where the person was headed
	Back     = "back"     // the screen before
	Language = "language" // the start step, to choose again
	Same     = "*"        // as an argument: that of the step the choice is on
)

// A Command is a word that is heard at any time.
type Command struct {
	ID      string              `yaml:"-"`
	Go      string              `yaml:"go"`
	Stopped bool                `yaml:"stopped"`
	Role    string              `yaml:"role"`
	Words   map[string][]string `yaml:"words"` // by language; "any" for words of none
}

// A heard command is a command with the language its word belongs to, "" if to none or to several.
type heard struct {
	*Command
	lang locales.Lang
}

// A Topic is one vetted answer; its texts are in locales/*/topics.
type Topic struct {
	ID       string   `yaml:"-"`
	Group    string   `yaml:"group"`
	Order    int      `yaml:"order"`
	Urgent   bool     `yaml:"urgent"`
	Related  []string `yaml:"related"`
	Ask      string   `yaml:"ask"`
	Sources  []Source `yaml:"sources"`
	AsOf     Date     `yaml:"as_of"`
	ReviewBy Date     `yaml:"review_by"`
	Reviewer string   `yaml:"reviewer"`
}

// A Source is where an answer's facts come from: what a person is told, and the keys of the fact
// sheet's register that were read.
type Source struct {
	Title string   `yaml:"title"`
	Seen  []string `yaml:"seen"`
}

// A Contact is a number people are told to call.
type Contact struct {
	ID         string `yaml:"-"`
	Who        string `yaml:"who"`
	Phone      string `yaml:"phone"`
	AsOf       Date   `yaml:"as_of"`
	Confidence string `yaml:"confidence"`
	Source     string `yaml:"source"`
}

// A Facility is a place where people are held.
type Facility struct {
	ID     string `yaml:"-"`
	Name   string `yaml:"name"`
	City   string `yaml:"city"`
	State  string `yaml:"state"`
	At     Point  `yaml:"at"`
	Zone   string `yaml:"zone"`
	Kind   string `yaml:"kind"`
	Status string `yaml:"status"`
	AsOf   Date   `yaml:"as_of"`
	Source string `yaml:"source"`
}

// A Point is a place on the map in degrees, written [north, east].
type Point struct {
	North, East float64
}

// UnmarshalYAML reads a point.
func (p *Point) UnmarshalYAML(n *yaml.Node) error {
	var at [2]float64
	if err := n.Decode(&at); err != nil {
		return err
	}
	*p = Point{at[0], at[1]}
	return nil
}

// A Zone is a time zone of the country.
type Zone struct {
	*time.Location
	City string // by which people know it
}

// UnmarshalYAML reads the city; Load sets the rest.
func (z *Zone) UnmarshalYAML(n *yaml.Node) error { return n.Decode(&z.City) }

// A Date is a day, written 2026-11-23.
type Date struct{ time.Time }

// UnmarshalText reads a day.
func (d *Date) UnmarshalText(b []byte) (err error) {
	d.Time, err = time.Parse(time.DateOnly, string(b))
	return err
}

// Split parts a target into its step and argument: "answer/asylum", "menu".
func Split(target string) (step, arg string) {
	step, arg, _ = strings.Cut(target, "/")
	return step, arg
}

// InGroup lists the topics of a group, in menu order.
func (c *Content) InGroup(group string) []*Topic {
	var in []*Topic
	for _, t := range c.Topics {
		if t.Group == group {
			in = append(in, t)
		}
	}
	slices.SortFunc(in, func(a, b *Topic) int {
		if a.Order != b.Order {
			return a.Order - b.Order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return in
}

// Phones are the numbers of all contacts by key, as texts fill them in.
func (c *Content) Phones() map[string]any {
	phones := map[string]any{}
	for id, contact := range c.Contacts {
		phones[id] = contact.Phone
	}
	return phones
}
