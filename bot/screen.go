package bot

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"faro/flows"
	"faro/locales"
)

// enter goes to a target of the flows. Someone without a language is asked for it first, and shown
// the notice next, unless they are in danger; the target waits in Dialogue.Next.
func (s *step) enter(target string) {
	to, arg := flows.Split(target)
	d := &s.Dialogue
	switch to {
	case flows.Next:
		to, arg = s.still(d.Next)
	case flows.Language:
		d.Next = Screen{}
		if at := s.content.Steps[d.At.Step]; at != nil && !at.Every && !at.Bare {
			d.Next = d.At
		}
		to = s.content.Start
	case flows.Back:
		last := Screen{}
		if n := len(d.Trail); n > 0 {
			last, d.Trail = d.Trail[n-1], d.Trail[:n-1]
		}
		to, arg = s.still(last)
		d.At = Screen{} // so that "back" twice goes back twice
	}
	if at, x := s.content.Steps[to], s.session(arg); x != nil && !s.holds(at.When, *x) {
		to = flows.Session // which says why
	}
	if to == flows.Following && s.content.Facilities[arg] != nil {
		s.Person.Facility = arg // kept even if the language is asked first
	}
	if s.content.Steps[to].Does == "start" {
		s.Person.Stopped = false
	}
	if at := s.content.Steps[to]; !s.Person.Role.may(at.Role) {
		to, arg = flows.Split(s.content.Menu)
	} else if to == flows.Joined && s.in.Desk.Member && s.in.Desk.Delegation == "" {
		to = flows.JoinedWhere
	} else if to == flows.Invite && len(s.in.Desk.Courses) < 2 {
		to = flows.Invited // there is nothing to choose
		for _, c := range s.in.Desk.Courses {
			arg = c.ID
		}
	} else if at.Of == flows.OfWriting {
		to, arg = s.compose(to, arg)
	} else if act, of := s.deed(arg); to == flows.NoticeDo && act == Correct && of != nil {
		s.correct(of)
		to, arg = flows.NoticeWhat, ""
	} else if to == flows.PostTitle || to == flows.PostPlace {
		s.begin(to, arg)
		arg = ""
	} else if at.Of == flows.OfDraft || at.Does == "post" {
		if !s.Dialogue.Draft.complete() {
			to = flows.Training // it was posted already
		} else if again, why := s.amiss(); again != "" {
			to, s.wrong = again, why
		}
	}
	switch {
	case to == s.content.Start:
	case s.Person.Lang == "":
		d.Next = Screen{Step: to, Arg: arg}
		if s.content.Steps[to].List == "groups" && arg == "" {
			d.Next = Screen{} // a greeting leads to the menu anyway
		}
		to = s.content.Start
	case !s.Person.Noticed && !s.urgent(to, arg):
		s.Person.Noticed = true
		d.Next = Screen{Step: to, Arg: arg}
		to, arg = flows.Notice, ""
	default:
		d.Next = Screen{}
	}
	if to == s.content.Start {
		arg = "" // else the language put first, so that the numbers stay those that were shown
		if s.book.Has(s.in.Hint) {
			arg = string(s.in.Hint)
		}
	}
	to, arg = s.proof(to, arg)
	s.show(to, arg, cmp.Or(s.spoken, s.Person.Lang))
}

// still is a remembered screen, or the menu if the content has changed and it is no more.
func (s *step) still(at Screen) (to, arg string) {
	if at.Step != "" && s.leads(at.Step, at.Arg) {
		return at.Step, at.Arg
	}
	if was := s.content.Steps[at.Step]; was != nil && was.Of == flows.OfNotice && s.Person.Role.may(was.Role) {
		return flows.Notices, "" // the notice is not before them any more
	}
	return flows.Split(s.content.Menu)
}

func (s *step) urgent(to, arg string) bool {
	return to == flows.Answer && s.content.Topics[arg] != nil && s.content.Topics[arg].Urgent
}

// show enters a step: does what it does, remembers where the person was, and replies.
func (s *step) show(to, arg string, lang locales.Lang) {
	d, at := &s.Dialogue, s.content.Steps[to]
	next := Screen{Step: to, Arg: arg}
	if lang != s.Person.Lang {
		next.Lang = lang
	}
	d.At.Had = ""
	if was := s.content.Steps[d.At.Step]; was != nil && !was.Bare && !was.Every && was.Does == "" && was.Ask != flows.Proof && d.At != next {
		d.At.Page = 0
		d.Trail = append(d.Trail, d.At)
		d.Trail = d.Trail[max(0, len(d.Trail)-maxTrail):]
	}
	d.At = next
	switch at.Does {
	case "stop":
		s.Person.Stopped = true
	case "erase":
		s.Forget = true
	case "clear":
		*d = Dialogue{Seen: d.Seen}
	case "helped", "not-helped":
		s.Effects = append(s.Effects, Effect{Judged: &Judgement{arg, at.Does == "helped"}})
	default:
		s.act(at.Does, arg)
	}
	s.reply(next, lang)
	if at.Does == "post" || at.Does == Send {
		d.Draft = Draft{}
	}
}

// reply says what a screen says.
func (s *step) reply(at Screen, lang locales.Lang) {
	lang = cmp.Or(at.Lang, lang)
	r, ok := s.render(at, lang)
	if !ok {
		s.show(flows.Untranslated, "", cmp.Or(lang, s.guess())) // who has no language is offered them in one
		return
	}
	if lang != s.Person.Lang && s.Person.Lang != "" && !s.content.Steps[at.Step].Last {
		name := s.book.Language(lang).Name
		r.Text += "\n\n" + s.text(lang, "switch.text", locales.Args{"language": name})
		if s.in.Channel == Telegram {
			r.Options = append(r.Options, Option{Label: name, Data: chooseLanguage + "/" + string(lang)})
		}
	}
	// A menu gives way to what was chosen from it; an answer and a notice stay to be read again.
	r.Replace = s.in.Kind == Choice && s.in.Message != 0 && !s.answer && !s.stays && !r.Wipe
	s.Replies = append(s.Replies, r)
	if step := s.content.Steps[at.Step]; step.Of == flows.OfNotice || step.List == "notices" {
		s.Dialogue.At.Had = had(r.Options)
	}
}

// had is a digest of the choices a screen has.
func had(options []Option) string {
	var b strings.Builder
	for _, o := range options {
		b.WriteString(o.Data + "\n")
	}
	return digest(b.String())
}

// render lays a screen out. It reports false if the language lacks its text.
func (s *step) render(at Screen, lang locales.Lang) (Reply, bool) {
	step := s.content.Steps[at.Step]
	r := Reply{Lang: lang, Page: at.Page, Budget: step.Segments, Wipe: step.Does == "erase" || step.Does == "clear"}
	switch {
	case step.Every:
		s.sayEvery(&r, step, at.Arg)
	case step.Show == flows.Answer:
		topic, _, _ := strings.Cut(at.Arg, "+")
		if !s.sayAnswer(&r, topic) {
			return r, false
		}
	default:
		s.say(&r, step, at.Arg)
		if step.List == "places" {
			s.sayPlaces(&r, at.Arg)
		}
	}
	r.Options = s.options(step, at.Arg, lang)
	if step.Does == "calendar" {
		r.Events = s.calendar(at.Arg)
		if feed := s.in.Desk.Feed; feed != "" {
			r.Text += "\n\n" + s.text(lang, "calendar.feed", locales.Args{"feed": feed})
		}
	}
	if link := s.in.Desk.Link; step.Does == "invite" && link != "" {
		r.Text += "\n\n" + s.text(lang, "invite.link", locales.Args{"link": link})
	}
	r.More = s.text(lang, "footer.more", nil)
	if !step.Bare {
		r.Footer = s.text(lang, "footer.nav", nil)
		r.Nav = s.nav(at, lang)
	}
	return r, r.Text != ""
}

// Show lays out a screen as it looks to someone who comes upon it, for checks and pictures. It
// reports false if the language lacks its text.
func (t *Talk) Show(at Screen, lang locales.Lang, ch Channel, now time.Time) (Reply, bool) {
	return t.ShowWith(at, lang, ch, Desk{}, Draft{}, now)
}

// ShowWith is Show to someone who has this desk before them, and writes this draft.
func (t *Talk) ShowWith(at Screen, lang locales.Lang, ch Channel, desk Desk, draft Draft, now time.Time) (Reply, bool) {
	s := &step{Talk: t, in: Input{Channel: ch, Desk: desk}, now: now}
	s.Person.Role, s.Dialogue.Draft = desk.Role, draft
	return s.render(at, lang)
}

// nav are the ways out of a screen, without the one that leads to itself.
func (s *step) nav(at Screen, lang locales.Lang) []Option {
	var nav []Option
	here := at.Step
	if at.Arg != "" {
		here += "/" + at.Arg
	}
	for _, way := range []struct{ label, to string }{
		{"back", flows.Back}, {"menu", s.content.Menu}, {"emergency", s.content.Emergency},
	} {
		if way.to == here || way.to == flows.Back && at.Step == s.content.Menu {
			continue
		}
		nav = append(nav, Option{Label: s.text(lang, "label."+way.label, nil), Data: way.to})
	}
	return nav
}

// related are the topics offered beside the answer that arg names: those that follow it in arg, and
// those of the content.
func (s *step) related(arg string) []*flows.Topic {
	topics := s.topics(arg)
	if topics == nil {
		return nil
	}
	answer, others := topics[0], topics[1:]
	for _, id := range answer.Related {
		if t := s.content.Topics[id]; !slices.Contains(others, t) {
			others = append(others, t)
		}
	}
	return others[:min(len(others), maxOffers)]
}

// options are what can be chosen on a screen.
func (s *step) options(at *flows.Step, arg string, lang locales.Lang) []Option {
	var out []Option
	switch at.List {
	case "languages":
		for _, l := range s.languages(arg) {
			out = append(out, Option{Label: l.Name, Data: chooseLanguage + "/" + string(l.Tag)})
		}
	case "groups":
		for _, g := range s.content.Groups {
			out = append(out, Option{Label: s.text(lang, "groups."+g, nil), Data: "group/" + g})
		}
	case "topics":
		out = append(out, s.titles(s.content.InGroup(arg), lang)...)
	case "offers":
		out = append(out, s.titles(s.topics(arg), lang)...)
	case "places":
		for _, id := range strings.Split(arg, "+") {
			if f := s.content.Facilities[id]; f != nil {
				out = append(out, Option{Label: clip(s.text(lang, "label.follow-place", locales.Args{"what": f.City})), Data: flows.Following + "/" + id})
			}
		}
		out = append(out, s.titles([]*flows.Topic{s.content.Topics[findTopic]}, lang)...)
	case "related":
		out = append(out, s.titles(s.related(arg), lang)...)
		arg, _, _ = strings.Cut(arg, "+")
	}
	out = append(out, s.courseOptions(at.List, arg, lang)...)
	out = append(out, s.noticeOptions(at.List, arg, lang)...)
	for _, o := range at.Options {
		if !s.Person.Role.may(o.Role) || o.Kept && !s.Dialogue.Draft.keeps(at) || o.Go == flows.Leave && s.Person.Facility == "" ||
			o.Go == flows.MyDelegation && !s.in.Desk.Member {
			continue
		}
		data := o.Go
		if to, passed := flows.Split(o.Go); passed == flows.Same {
			data = to + "/" + arg
			if x := s.session(arg); x != nil && !s.holds(s.content.Steps[to].When, *x) {
				continue
			}
		}
		out = append(out, Option{Label: s.text(lang, "label."+o.Label, nil), Data: data})
	}
	return out
}

func (s *step) titles(topics []*flows.Topic, lang locales.Lang) []Option {
	var out []Option
	for _, t := range topics {
		out = append(out, Option{Label: s.text(lang, "topic."+t.ID+".title", nil), Data: flows.Answer + "/" + t.ID})
	}
	return out
}

// languages are all languages, the one named first.
func (s *step) languages(first string) []locales.Language {
	all := s.book.Languages()
	if i := slices.IndexFunc(all, func(l locales.Language) bool { return string(l.Tag) == first }); i > 0 {
		hinted := all[i]
		all = slices.Insert(slices.Delete(all, i, i+1), 0, hinted)
	}
	return all
}

// name is what Faro is called. It is a proper name, the same in every language.
const name = "Faro"

// sayEvery says a step's text in every language. By SMS the names of the languages, which follow as
// options, must do. The emergency number is told to everyone, whatever they read.
func (s *step) sayEvery(r *Reply, step *flows.Step, first string) {
	r.Title = name
	if emergency := s.phones["emergency"].(string); s.in.Channel == SMS {
		r.Text = name + "\nSOS: " + emergency
	} else {
		for _, l := range s.languages(first) {
			r.Text += s.text(l.Tag, step.Text+".text", nil) + "\n"
		}
		r.Text += "\n🆘 " + emergency
	}
}

// say says a step's own text.
func (s *step) say(r *Reply, step *flows.Step, arg string) {
	args := locales.Args{}
	if f := s.content.Facilities[arg]; f != nil {
		args["facility"] = facility(f)
	}
	if step.ID == flows.Follow {
		args["facility"] = s.text(r.Lang, "follow.nowhere", nil)
		if f := s.content.Facilities[s.Person.Facility]; f != nil {
			args["facility"] = facility(f)
		}
	}
	maps.Copy(args, s.courseArgs(step, arg, r.Lang))
	maps.Copy(args, s.noticeArgs(step, arg, r.Lang))
	if step.ID == flows.Prove {
		maps.Copy(args, s.proofArgs(arg, r.Lang))
	}
	r.Title = s.text(r.Lang, step.Text+".title", args)
	if s.in.Channel == SMS {
		r.Text = s.text(r.Lang, step.Text+".sms", args)
	}
	if r.Text == "" {
		r.Text = s.text(r.Lang, step.Text+".text", args)
	}
	switch x := s.session(arg); {
	case step.ID == flows.Session && x != nil && !s.holds(flows.WhenMine, *x):
		r.Text = s.describe(r.Lang, *x) // nothing is asked
	case step.List == "sessions" && len(s.in.Desk.Sessions) == 0, step.List == "courses" && len(s.in.Desk.Courses) == 0:
		r.Text = s.text(r.Lang, step.Text+".none", nil)
	case step.List == "sessions" && s.grouped(arg):
		r.Text = s.text(r.Lang, step.Text+".groups", nil)
	}
	if s.wrong != "" {
		r.Text = s.text(r.Lang, step.Text+"."+s.wrong, s.wrongArgs) + "\n\n" + r.Text
	}
}

// text looks a text up and fills it in; "" if the language lacks it.
func (t *Talk) text(lang locales.Lang, key string, args locales.Args) string {
	if text, ok := t.fixed[lang][key]; ok {
		return text
	}
	raw, _ := t.book.Raw(lang, key)
	if !strings.Contains(raw, "{{") {
		return raw
	}
	return t.fill(lang, key, args)
}

func (t *Talk) fill(lang locales.Lang, key string, args locales.Args) string {
	all := locales.Args{"phone": t.phones}
	for k, v := range args {
		all[k] = v
	}
	who, words := "who.nobody", "words.gone"
	if t.host.Operator != "" {
		who = "who.operator"
	}
	if t.host.Keeps {
		words = "words.kept"
	}
	all["who"], _ = t.book.Text(lang, who, locales.Args{"operator": t.host.Operator})
	all["words"], _ = t.book.Raw(lang, words)
	dialogue, person := t.host.Life.Of(Person{Noticed: true}) // who reads this and goes on has chosen
	all["dialogue"], all["person"] = t.period(lang, dialogue), t.period(lang, person)
	text, _ := t.book.Text(lang, key, all)
	return text
}

// period says how long something is kept. Settings allow nothing shorter than two hours, so all are plural.
func (t *Talk) period(lang locales.Lang, d time.Duration) string {
	const day = 24 * time.Hour
	unit, n := "hours", d/time.Hour
	switch {
	case d%PersonLife == 0:
		unit, n = "months", d/PersonLife*12
	case d%day == 0 && d > DialogueLife:
		unit, n = "days", d/day
	}
	text, _ := t.book.Text(lang, "period."+unit, locales.Args{"n": int(n)})
	return text
}
