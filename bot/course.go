package bot

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"faro/flows"
	"faro/locales"
)

// What people with a role do: their training sessions. The steps are in flows/conversation.yaml, what
// they show of sessions comes from Input.Desk.

// shownSessions is how many sessions a list has: as many as a small screen shows without searching.
const shownSessions = 8

// session is the session of the desk with an id, nil if there is none.
func (s *step) session(id string) *Session {
	i := slices.IndexFunc(s.in.Desk.Sessions, func(x Session) bool { return x.ID == id })
	if id == "" || i < 0 {
		return nil
	}
	return &s.in.Desk.Sessions[i]
}

// nextSession is the session someone answers who names none: the one they were last asked about, or
// the soonest, if it has not begun.
func (s *step) nextSession() string {
	next := ""
	for _, x := range s.in.Desk.Sessions {
		if x.Cancelled || !x.Start.After(s.now) {
			continue
		}
		if x.ID == s.in.Desk.Asked {
			return x.ID
		}
		if next == "" {
			next = x.ID
		}
	}
	return next
}

// invited takes the code someone sent.
func (s *step) invited(i *Invitation) {
	s.Heard = HeardInvitation
	switch {
	case i.Role != Migrant:
		s.Person.Role, s.Person.Stopped = i.Role, false
		if s.content.Facilities[i.Facility] != nil {
			s.Person.Facility = i.Facility
		}
		s.enter(flows.Joined)
	case i.Locked:
		s.enter(flows.Locked)
	default:
		s.enter(flows.BadCode)
	}
}

// courseArgs are what a screen shows of the training.
func (s *step) courseArgs(step *flows.Step, arg string, lang locales.Lang) locales.Args {
	args := locales.Args{}
	switch {
	case step.Of == flows.OfSession:
		if x := s.session(arg); x != nil {
			args["session"] = s.describe(lang, *x)
			args["soon"] = s.soon(lang, *x)
		}
	case step.Of == flows.OfDraft:
		args["session"] = s.describe(lang, s.drafted())
		args["count"] = "0"
		if c := s.course(s.Dialogue.Draft.Course); c != nil {
			args["count"] = strconv.Itoa(c.People)
		}
	case step.ID == flows.Joined:
		args["role"] = s.text(lang, "role."+string(s.Person.Role), nil)
	case step.Does == "invite":
		args["code"], args["course"] = s.in.Desk.Fresh, ""
		if c := s.course(arg); c != nil {
			args["course"] = s.text(lang, "invite.course", locales.Args{"course": c.Title})
		}
	}
	return args
}

// describe says what, when and where a session is.
func (s *step) describe(lang locales.Lang, x Session) string {
	title := x.Title
	if x.Module != "" && x.Module != x.Title {
		title = x.Module + ": " + title
	}
	lines := []string{title, s.when(lang, x), x.Place, x.Speakers, x.Link}
	if x.Cancelled {
		lines = append(lines, s.text(lang, "session.cancelled", nil))
	}
	if x.Answer != NoAnswer {
		lines = append(lines, s.text(lang, "session."+string(x.Answer), nil))
	}
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

const clock = "15:04"

// when is the time of a session at its place, and the person's own where that differs.
func (s *step) when(lang locales.Lang, x Session) string {
	args := locales.Args{
		"weekday": s.text(lang, "date.d"+strconv.Itoa(int(x.Start.Weekday())), nil),
		"day":     strconv.Itoa(x.Start.Day()),
		"month":   s.text(lang, "date.m"+strconv.Itoa(int(x.Start.Month())), nil),
		"from":    x.Start.Format(clock), "until": x.End.Format(clock),
		"city": s.city(x.Start.Location()),
	}
	said := s.text(lang, "date.when", args)
	if own := s.in.Desk.Zone; own != nil {
		if mine := x.Start.In(own); mine.Format(clock) != x.Start.Format(clock) {
			said += " " + s.text(lang, "date.mine", locales.Args{"from": mine.Format(clock), "city": s.city(own)})
		}
	}
	return said
}

// city is how a time zone is told: by the place people know it from.
func (s *step) city(zone *time.Location) string {
	if z := s.content.Zones[zone.String()]; z != nil {
		return z.City
	}
	return zone.String()
}

// soon says how long it is until a session; "" if that is a day or more.
func (s *step) soon(lang locales.Lang, x Session) string {
	left := x.Start.Sub(s.now).Round(time.Minute)
	switch {
	case left >= 24*time.Hour:
		return ""
	case left <= 0:
		return s.text(lang, "soon.now", nil)
	case left < 2*time.Hour:
		return s.text(lang, "soon.minutes", locales.Args{"count": strconv.Itoa(int(left.Minutes()))})
	}
	return s.text(lang, "soon.hours", locales.Args{"count": strconv.Itoa(int(left.Round(time.Hour).Hours()))})
}

// brief is a session as a button names it.
func (s *step) brief(lang locales.Lang, x Session) string {
	month := []rune(s.text(lang, "date.m"+strconv.Itoa(int(x.Start.Month())), nil))
	label := strconv.Itoa(x.Start.Day()) + " " + string(month[:min(3, len(month))]) + " " + x.Start.Format(clock) + " " + cmp.Or(x.Title, x.Module)
	if r := []rune(label); len(r) > maxBrief {
		label = strings.TrimSpace(string(r[:maxBrief-1])) + "…"
	}
	return label
}

// maxBrief is how many characters of a session fit on a button.
const maxBrief = 38

// courseOptions are the choices a list of the training offers.
func (s *step) courseOptions(list string, lang locales.Lang) (out []Option) {
	switch list {
	case "sessions":
		for _, x := range s.in.Desk.Sessions[:min(len(s.in.Desk.Sessions), shownSessions)] {
			out = append(out, Option{Label: s.brief(lang, x), Data: flows.Session + "/" + x.ID})
		}
	case "courses":
		for _, c := range s.in.Desk.Courses {
			out = append(out, Option{Label: clip(c.Title), Data: flows.PostTitle + "/" + newDraft + c.ID})
		}
	case "invitations":
		for _, c := range s.in.Desk.Courses {
			out = append(out, Option{Label: clip(c.Title), Data: flows.Invited + "/" + c.ID})
		}
	case "zones":
		for _, z := range s.zones() {
			out = append(out, Option{Label: s.content.Zones[z].City, Data: flows.PostPlace + "/" + strings.ToLower(z[strings.LastIndex(z, "/")+1:])})
		}
	}
	return out
}

func clip(label string) string {
	if r := []rune(label); len(r) > maxBrief {
		return string(r[:maxBrief-1]) + "…"
	}
	return label
}

// zones are the time zones there are, the person's own first.
func (s *step) zones() []string {
	all := slices.Sorted(maps.Keys(s.content.Zones))
	if s.in.Desk.Zone != nil {
		if i := slices.Index(all, s.in.Desk.Zone.String()); i >= 0 {
			all = slices.Insert(slices.Delete(all, i, i+1), 0, s.in.Desk.Zone.String())
		}
	}
	return all
}

// act does what entering a step of the training does.
func (s *step) act(does, arg string) {
	effect := func(e Effect) { s.Effects = append(s.Effects, e) }
	x := s.session(arg)
	if x == nil && s.content.Steps[s.Dialogue.At.Step].Of == flows.OfSession {
		return // it is over, or was never theirs
	}
	s.tells(does, arg)
	switch does {
	case "coming", "not-coming", "maybe":
		answer := map[string]Answer{"coming": Coming, "not-coming": NotComing, "maybe": Maybe}[does]
		effect(Effect{Answer: &Reaction{arg, answer}})
		x.Answer = answer
	case "present":
		effect(Effect{Present: arg})
	case "who":
		effect(Effect{Who: arg})
	case "cancel":
		effect(Effect{Cancel: arg})
		x.Cancelled = true
	case "remind", "remind-unanswered":
		effect(Effect{Remind: &Nudge{Session: arg, Unanswered: does == "remind-unanswered"}})
	case "invite":
		effect(Effect{Invite: &Invite{Code: s.in.Desk.Fresh, Facility: s.Person.Facility, Course: arg}})
	case "post":
		draft := s.Dialogue.Draft
		effect(Effect{Post: &draft})
	}
}

// Tell is a message about a session that nobody asked for: a reminder, a move. The step
// is flows.Reminder, Moved or Cancelled.
func (t *Talk) Tell(which string, desk Desk, p Person, ch Channel, now time.Time) (Reply, bool) {
	s := &step{Talk: t, Turn: Turn{Person: p}, in: Input{Channel: ch, Desk: desk}, now: now}
	if len(desk.Sessions) == 0 || t.content.Steps[which] == nil {
		return Reply{}, false
	}
	r, ok := s.render(Screen{Step: which, Arg: desk.Sessions[0].ID}, p.Lang)
	if ch == SMS { // a number would choose on the screen they are on
		r.Options = nil
	}
	return r, ok
}
