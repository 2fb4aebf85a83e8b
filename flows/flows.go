// Package flows holds the content that is not text: the steps of the conversation, its commands, the
// topics, contacts and facilities, and their loader and checker.
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
}

// An Option is a fixed choice of a step.
type Option struct {
	Label string `yaml:"label"`
	Go    string `yaml:"go"`
}

// What steps may show, list and do. The engine knows each; a test walks them.
var (
	Shows = []string{"answer"}
	Lists = []string{"languages", "groups", "topics", "related", "offers", "places"}
	Acts  = []string{"stop", "start", "erase", "clear", "helped", "not-helped"}
)

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
)

// Entered lists the steps the engine enters by itself: each must exist.
var Entered = []string{Notice, Answer, Offer, Unsure, Untranslated, Unspoken, Following, NoFacility, Gone, Unreadable, Places, Edited}

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
