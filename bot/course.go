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

// shownSessions is how many sessions, or groups, a page of their list has: as many as a small screen shows without searching.
const shownSessions = 8

// arrival is how long before a session begins people can say that they are there.
const arrival = time.Hour

// holds reports whether what a step wants of a session is so.
func (s *step) holds(when string, x Session) bool {
	switch when {
	case flows.WhenAhead:
		return !x.Cancelled && x.Start.After(s.now)
	case flows.WhenMine:
		return x.Mine && !x.Cancelled && x.Start.After(s.now)
	case flows.WhenRoom:
		return x.Mine && !x.Cancelled && !s.now.Before(x.Start.Add(-arrival))
	case flows.WhenCalendar:
		return s.in.Channel == Telegram || s.in.Desk.Feed != ""
	}
	return true
}

// calendar is what goes into a calendar file: all of one's own sessions, and the one it was asked for at.
func (s *step) calendar(id string) (all []Session) {
	for _, x := range s.in.Desk.Sessions {
		if x.Mine || x.ID == id {
			all = append(all, x)
		}
	}
	return all
}

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
		if !s.holds(flows.WhenMine, x) {
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
			args["count"] = strconv.Itoa(x.People)
		}
	case step.Of == flows.OfDraft:
		args["session"] = s.describe(lang, s.drafted())
		args["count"] = "0"
		if x := s.session(s.Dialogue.Draft.Session); x != nil {
			args["count"] = strconv.Itoa(x.People)
		} else if c := s.course(s.Dialogue.Draft.Course); c != nil {
			args["count"] = strconv.Itoa(c.People)
		}
	case step.ID == flows.MyDelegation:
		args["delegation"] = cmp.Or(s.in.Desk.Delegation, s.text(lang, "delegation.nowhere", nil))
	case step.Does == "delegation":
		args["delegation"] = arg
	case step.ID == flows.Joined, step.ID == flows.JoinedWhere:
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
		mine := x.Start.In(own)
		args := locales.Args{"weekday": s.text(lang, "date.d"+strconv.Itoa(int(mine.Weekday())), nil), "day": strconv.Itoa(mine.Day()),
			"month": s.text(lang, "date.m"+strconv.Itoa(int(mine.Month())), nil), "from": mine.Format(clock), "city": s.city(own)}
		switch {
		case mine.Day() != x.Start.Day():
			said += " " + s.text(lang, "date.mine-day", args)
		case mine.Format(clock) != x.Start.Format(clock):
			said += " " + s.text(lang, "date.mine", args)
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

// soon says how long it is at most until a session, "" if that is a day or more: that is still true when
// the message waits for its provider.
func (s *step) soon(lang locales.Lang, x Session) string {
	left := x.Start.Sub(s.now)
	up := func(unit time.Duration) string { return strconv.Itoa(int((left + unit - 1) / unit)) }
	switch {
	case left >= 24*time.Hour:
		return ""
	case left <= 0:
		return s.text(lang, "soon.now", nil)
	case left < 2*time.Hour:
		return s.text(lang, "soon.minutes", locales.Args{"count": up(time.Minute)})
	}
	return s.text(lang, "soon.hours", locales.Args{"count": up(time.Hour)})
}

// brief is a session as a button names it, with what tells it from others at its end.
func (s *step) brief(lang locales.Lang, x Session, end string) string {
	label := strconv.Itoa(x.Start.Day()) + " " + s.month(lang, x.Start.Month()) + " " + x.Start.Format(clock) + " " + cmp.Or(x.Title, x.Module)
	room := maxBrief - len([]rune(end))
	if r := []rune(label); len(r) > room {
		label = strings.TrimSpace(string(r[:room-1])) + "…"
	}
	return label + end
}

// month is a month in three letters, or as many more as tell it from the others.
func (s *step) month(lang locales.Lang, m time.Month) string {
	name := func(m time.Month) []rune { return []rune(s.text(lang, "date.m"+strconv.Itoa(int(m)), nil)) }
	all := name(m)
	n := min(3, len(all))
	for other := time.January; other <= time.December; other++ {
		for o := name(other); other != m && n < len(all) && len(o) >= n && string(o[:n]) == string(all[:n]); {
			n++
		}
	}
	return string(all[:n])
}

// maxBrief is how many characters of a session fit on a button, and maxEnd of them for its group.
const (
	maxBrief = 38
	maxEnd   = 14
)

// listing reads what a list of sessions is entered with: the group, "" for all, and the page.
func listing(arg string) (course string, page int) {
	course, number, _ := strings.Cut(arg, "+")
	page, _ = strconv.Atoi(number)
	return course, page
}

// lists reports whether a list of sessions has anything to show.
func (s *step) lists(arg string) bool {
	course, page := listing(arg)
	return arg == "" || page >= 0 && page <= len(s.in.Desk.Sessions)/shownSessions && (course == "" || len(s.of(course)) > 0)
}

// of are the sessions of a group, all of them for "".
func (s *step) of(course string) (all []Session) {
	for _, x := range s.in.Desk.Sessions {
		if course == "" || x.Course == course {
			all = append(all, x)
		}
	}
	return all
}

// grouped reports whether a list shows the groups first: there are several, and more sessions than a page has.
func (s *step) grouped(arg string) bool {
	course, _ := listing(arg)
	several := slices.ContainsFunc(s.in.Desk.Sessions, func(x Session) bool { return x.Course != s.in.Desk.Sessions[0].Course })
	return course == "" && several && len(s.in.Desk.Sessions) > shownSessions && len(s.in.Desk.Courses) > 1
}

// sessionOptions are a page of the sessions, or of their groups.
func (s *step) sessionOptions(arg string, lang locales.Lang) (out []Option) {
	course, page := listing(arg)
	if s.grouped(arg) {
		for _, c := range s.in.Desk.Courses {
			if len(s.of(c.ID)) > 0 {
				out = append(out, Option{Label: clip(c.Title), Data: flows.Training + "/" + c.ID})
			}
		}
	} else {
		out = s.briefs(s.of(course), lang)
	}
	from := min(page*shownSessions, len(out))
	until := min(from+shownSessions, len(out))
	if more := until < len(out); more {
		next := Option{Label: s.text(lang, "label.later", nil), Data: flows.Training + "/" + course + "+" + strconv.Itoa(page+1)}
		return append(slices.Clone(out[from:until]), next)
	}
	return out[from:until]
}

// briefs are buttons of sessions. Those that would look the same name their group.
func (s *step) briefs(sessions []Session, lang locales.Lang) (out []Option) {
	alike := map[string]int{}
	for _, x := range sessions {
		alike[s.brief(lang, x, "")]++
	}
	for _, x := range sessions {
		label := s.brief(lang, x, "")
		if alike[label] > 1 {
			name := x.Course
			if c := s.course(x.Course); c != nil {
				name = c.Title
			}
			if r := []rune(name); len(r) > maxEnd {
				name = string(r[:maxEnd-1]) + "…"
			}
			label = s.brief(lang, x, " · "+name)
		}
		out = append(out, Option{Label: label, Data: flows.Session + "/" + x.ID})
	}
	return out
}

// courseOptions are the choices a list of the training offers.
func (s *step) courseOptions(list, arg string, lang locales.Lang) (out []Option) {
	switch list {
	case "sessions":
		out = s.sessionOptions(arg, lang)
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
		effect(Effect{Answer: &Reaction{arg, answer, x.Version}})
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
	case "delegation":
		effect(Effect{Delegation: arg})
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
	s := &step{Talk: t, Turn: Turn{Person: p}, in: Input{Channel: ch}, now: now}
	if len(desk.Sessions) == 0 || t.content.Steps[which] == nil {
		return Reply{}, false
	}
	desk.Sessions = []Session{desk.Sessions[0]}
	desk.Sessions[0].Mine = true // or they would not be told
	s.in.Desk = desk
	r, ok := s.render(Screen{Step: which, Arg: desk.Sessions[0].ID}, p.Lang)
	if ch == SMS { // a number would choose on the screen they are on
		r.Options = nil
	}
	return r, ok
}
