// Package bot is the conversation: a pure function from where a person is and what they sent to
// where they are then and what they are told.
//
// It does no I/O and has no clock, no store and no logger; a test holds that. It never keeps or
// prints what a person wrote, and sends no sentence that is not in package locales. A Talk does not
// change after New and may be used from several goroutines.
package bot

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"faro/flows"
	"faro/locales"
)

// A Decision says what to do with a question.
type Decision string

// The decisions there are.
const (
	Sure    Decision = "answer" // one topic fits
	Offered Decision = "offer"  // a few may fit: let the person choose
	None    Decision = "none"   // nothing fits: say so
)

// A Match is what a question was understood as.
type Match struct {
	Lang     locales.Lang // in which it is written, as far as can be told
	Decision Decision
	Topics   []Scored // best first, at most five
	Urgent   bool     // it is about danger: the best topic is answered before anything else
}

// A Scored topic fits with a score from 0 to 1.
type Scored struct {
	Topic string
	Score float64
}

// A Finder finds the topics a question is about. The language may be "" if it is not known yet.
type Finder func(lang locales.Lang, words Words) Match

// A Talk is the conversation made from content.
type Talk struct {
	content *flows.Content
	book    *locales.Book
	find    Finder
	host    Host
	phones  map[string]any
	fixed   map[locales.Lang]map[string]string // texts that are the same for everyone, filled in once
}

// A Host is who runs the service and what they keep, as people are told.
type Host struct {
	Operator string // name of the organisation, "" if there is none: then people are told that this is a test
	Keeps    bool   // whether the words of unanswered questions are kept
	Life     Life   // how long records are kept
}

// New makes a conversation.
func New(content *flows.Content, book *locales.Book, find Finder, host Host) *Talk {
	t := &Talk{content: content, book: book, find: find, host: host, phones: content.Phones(), fixed: map[locales.Lang]map[string]string{}}
	for _, l := range book.Languages() {
		t.fixed[l.Tag] = map[string]string{}
		for _, key := range book.Keys() {
			if raw, ok := book.Raw(l.Tag, key); ok && strings.Contains(raw, "{{") && !strings.Contains(forAll.Replace(raw), "{{") {
				t.fixed[l.Tag][key] = t.fill(l.Tag, key, nil)
			}
		}
	}
	return t
}

// forAll takes away the beginnings of the places that are filled alike for everyone.
var forAll = strings.NewReplacer("{{.phone.", "", "{{.who}}", "", "{{.words}}", "", "{{.dialogue}}", "", "{{.person}}", "")

// A Turn is what one input leads to.
type Turn struct {
	Dialogue Dialogue
	Person   Person
	Replies  []Reply
	Effects  []Effect
	Forget   bool  // delete everything about the person
	Silent   bool  // nothing changed and nothing is said
	Heard    Heard // for counting
}

// Heard says how an input was understood. It is a closed set, fit for a metric's label.
type Heard string

// How an input can be understood.
const (
	HeardDuplicate  Heard = "duplicate"
	HeardStopped    Heard = "stopped" // by someone who sent STOP, so ignored
	HeardCommand    Heard = "command"
	HeardChoice     Heard = "choice"
	HeardLanguage   Heard = "language"
	HeardDanger     Heard = "danger"
	HeardAnswer     Heard = "answer"
	HeardPlace      Heard = "place"
	HeardOffer      Heard = "offer"
	HeardNone       Heard = "none"
	HeardGone       Heard = "gone" // a choice that leads nowhere any more
	HeardLink       Heard = "link"
	HeardUnreadable Heard = "unreadable"
	HeardInvitation Heard = "invitation"
	HeardFlood      Heard = "flood"   // one of too many, so not taken
	HeardCarrier    Heard = "carrier" // the provider handled a STOP or START itself
)

// step is one turn while it is being computed.
type step struct {
	*Talk
	Turn
	in     Input
	now    time.Time
	answer bool         // an answer was on the screen before
	stays  bool         // what was chosen stands under a notice
	spoken locales.Lang // the language of what they wrote, if it is not theirs
	proved bool         // a code that was sent to them before says so: what they wrote is theirs
	wrong  string       // why what they wrote is not what was asked for, as the step's text calls it

	wrongArgs locales.Args // what the text that says so is filled with
}

// Step computes a turn. It is deterministic: the same arguments give the same turn.
func (t *Talk) Step(d Dialogue, p Person, in Input, now time.Time) Turn {
	if d.knows(in, now) {
		return Turn{Dialogue: d, Person: p, Silent: true, Heard: HeardDuplicate}
	}
	s := &step{Talk: t, Turn: Turn{Dialogue: d, Person: p}, in: in, now: now, answer: d.At.Step == flows.Answer}
	s.Dialogue.Trail = slices.Clone(d.Trail)
	s.Dialogue.Draft.Notice = d.Draft.Notice.clone()
	s.Person.Gone, s.Person.Channel = "", in.Channel
	s.Dialogue.Seen = d.seen(in, now)
	if !t.book.Has(p.Lang) {
		s.Person.Lang = ""
	}
	if p.Role != in.Desk.Role { // given or taken away elsewhere
		s.Person.Role = in.Desk.Role
	}
	known := s.Person
	s.take()
	if s.Silent {
		s.Dialogue.Seen = d.Seen
	}
	s.hold(d, known)
	if s.Person.Role != Migrant && s.Person.Facility != p.Facility && !s.Forget {
		s.Effects = append(s.Effects, Effect{Place: &s.Person.Facility})
	}
	if s.Forget {
		s.Effects = append(s.Effects, Effect{Left: true})
		s.Dialogue, s.Person = Dialogue{Pace: s.Dialogue.Pace}, Person{}
	}
	return s.Turn
}

// take decides what an input is.
func (s *step) take() {
	var cmd *flows.Command
	var spoken locales.Lang
	if s.in.Kind == Text {
		cmd, spoken = s.content.Command(string(s.in.Words))
		if cmd != nil && !s.Person.Role.may(cmd.Role) {
			cmd = nil // a word like any other
		}
	}
	switch {
	case s.in.Kind == OptOut || s.in.Kind == OptIn:
		s.Person.Stopped = s.in.Kind == OptOut
		s.Heard = HeardCarrier
	case s.Person.Stopped && s.in.Kind != Start && s.in.Desk.Invitation == nil && (cmd == nil || !cmd.Stopped):
		s.stopped(cmd, spoken)
	case s.in.Desk.Invitation != nil:
		s.invited(s.in.Desk.Invitation)
	case s.in.Kind == Start:
		s.Heard = HeardLink
		s.Person.Stopped = false
		s.link(s.in.Choice)
	case s.in.Kind == Choice:
		s.choose(s.in.Choice)
	case cmd != nil:
		s.Heard = HeardCommand
		s.command(cmd, spoken)
	case s.in.Kind == Text:
		s.read(string(s.in.Words))
	case s.in.Kind == Location:
		s.Heard = HeardPlace
		s.enter(flows.Places + "/" + strings.Join(s.nearest(s.in.Position), "+"))
	default:
		s.Heard = HeardUnreadable
		s.enter(map[Kind]string{Edited: flows.Edited, Media: flows.Unreadable}[s.in.Kind])
	}
}

// stopped hears someone who sent STOP: only danger is answered, with one message.
func (s *step) stopped(cmd *flows.Command, spoken locales.Lang) {
	if s.cries(cmd) {
		s.cry(cmd, cmp.Or(s.Person.Lang, spoken, s.guess()))
		return
	}
	again := cmd != nil && s.content.Steps[cmd.Go] != nil && s.content.Steps[cmd.Go].Does == "stop" // "quit" is no cry for help then
	if s.in.Kind == Text && !again {
		if m := s.find(s.Person.Lang, s.in.Words); m.Urgent && len(m.Topics) > 0 {
			s.danger(m)
			return
		}
	}
	s.Silent, s.Heard = true, HeardStopped
}

// danger answers at once, in the language of the message, whether or not a language was chosen, the
// notice seen, or STOP sent. If it is not certain, what else was perhaps meant is offered beside it.
func (s *step) danger(m Match) {
	s.Heard = HeardDanger
	arg := m.Topics[0].Topic
	if m.Decision == Offered {
		for _, t := range m.Topics[1:min(len(m.Topics), 1+maxBeside)] {
			arg += "+" + t.Topic
		}
	}
	s.show(flows.Answer, arg, cmp.Or(m.Lang, s.Person.Lang))
}

// cries reports whether a command asks for help in danger.
func (s *step) cries(cmd *flows.Command) bool { return cmd != nil && s.urgent(flows.Split(cmd.Go)) }

// cry answers such a command at once.
func (s *step) cry(cmd *flows.Command, lang locales.Lang) {
	_, topic := flows.Split(cmd.Go)
	s.danger(Match{Topics: []Scored{{Topic: topic}}, Decision: Sure, Lang: lang})
}

// maxBeside is how many other topics are offered beside an answer about danger.
const maxBeside = 2

// link opens what a deep link names: a topic or a facility.
func (s *step) link(payload string) {
	kind, id, _ := strings.Cut(payload, "-")
	switch {
	case kind == "t" && s.content.Topics[id] != nil:
		s.enter(flows.Answer + "/" + id)
	case kind == "f" && s.content.Facilities[id] != nil:
		s.enter(flows.Following + "/" + id)
	case kind == "f":
		s.enter(flows.NoFacility)
	default:
		s.enter(s.content.Menu)
	}
}

// command carries out a command. One that says its word and rests (STOP, ERASE, EXIT) works before a
// language was chosen, in the language of the word; a cry for help too, if any language can be told. If none can, choosing
// one comes first: that screen has 911 on it, and leads on to the answer.
func (s *step) command(cmd *flows.Command, spoken locales.Lang) {
	if lang := cmp.Or(spoken, s.hinted()); s.Person.Lang == "" && lang != "" && s.cries(cmd) {
		s.cry(cmd, lang)
		return
	}
	if to, _ := flows.Split(cmd.Go); s.Person.Lang == "" && s.content.Steps[to] != nil && s.content.Steps[to].Last {
		s.show(to, "", cmp.Or(spoken, s.guess()))
		return
	}
	if s.Person.Lang == "" && spoken != "" {
		s.in.Hint = spoken
	}
	if to, arg := flows.Split(cmd.Go); arg == "" && s.content.Steps[to] != nil && s.content.Steps[to].Of == flows.OfSession {
		if next := s.nextSession(); next != "" { // "I come" means the next one
			s.enter(to + "/" + next)
			return
		}
		s.enter(flows.Training)
		return
	}
	s.enter(cmd.Go)
}

// guess is the language for someone who has not chosen: the channel's hint if Faro speaks it.
func (s *step) guess() locales.Lang { return cmp.Or(s.hinted(), s.book.Languages()[0].Tag) }

// hinted is the channel's hint if Faro speaks it, else "".
func (s *step) hinted() locales.Lang {
	if s.book.Has(s.in.Hint) {
		return s.in.Hint
	}
	return ""
}

// topics are those an offer names, nil if any of them is gone.
func (s *step) topics(arg string) []*flows.Topic {
	var all []*flows.Topic
	for _, id := range strings.SplitN(arg, "+", maxOffers+1) {
		if s.content.Topics[id] == nil {
			return nil
		}
		all = append(all, s.content.Topics[id])
	}
	return all
}

// speak changes the language and goes on: to the notice if it was not seen, to where the person was
// headed, or to where they are.
func (s *step) speak(lang locales.Lang) {
	s.Heard = HeardLanguage
	s.Person.Lang = lang
	switch at := s.Dialogue.At; {
	case !s.Person.Noticed || s.Dialogue.Next.Step != "":
		s.enter(flows.Next)
	case s.content.Steps[at.Step] != nil && at.Step != s.content.Start:
		s.Dialogue.At.Page, s.Dialogue.At.Lang = 0, ""
		s.reply(s.Dialogue.At, lang)
	default:
		s.enter(s.content.Menu)
	}
}
