package bot

import (
	"slices"
	"strconv"
	"strings"

	"faro/flows"
	"faro/locales"
)

// What words, numbers and choices mean where someone is.

// read takes words that are no command: a number, a language, a question.
func (s *step) read(words string) {
	folded := locales.Fold(words)
	at := s.content.Steps[s.Dialogue.At.Step]
	asks := at != nil && at.Ask != "" && s.Person.Role.may(at.Role) && (at.Ask != flows.Proof || codeLike.MatchString(folded))
	if n, err := strconv.Atoi(folded); err == nil && len(folded) <= 2 && !(asks && s.numbered(n) == "") {
		s.number(n)
		return
	}
	if asks && at.Ask == "delegation" && s.delegation(words) == "" {
		// Who was asked and asks something else is answered.
		asks = s.find(s.Person.Lang, Words(words)).Decision != Sure
	}
	if target := s.coded(folded); target != "" {
		s.choose(target)
		return
	}
	if asks {
		// Who writes what others are told of a danger is not in it.
		if m := s.find(s.Person.Lang, Words(words)); m.Urgent && m.Decision == Sure && at.Ask != "text" && at.Ask != "blank" {
			s.danger(m)
			return
		}
		s.asked(at, words)
		return
	}
	if id := s.keyword(folded); id != "" && !s.atPlaces() {
		s.Heard = HeardPlace
		s.enter(flows.Following + "/" + id)
		return
	}
	if lang, ok := s.book.Named(folded); ok {
		s.speak(lang)
		return
	}
	if s.book.Unspoken(folded) {
		s.Heard = HeardLanguage
		if s.Person.Lang == "" {
			s.enter(s.content.Start) // the languages there are, in each of them
		} else {
			s.enter(flows.Unspoken)
		}
		return
	}
	if folded == "" { // only emoji or punctuation
		s.Heard = HeardUnreadable
		s.enter(flows.Unreadable)
		return
	}
	m := s.find(s.Person.Lang, Words(words))
	if s.Person.Lang == "" && m.Decision != None {
		s.in.Hint = m.Lang
	} else if s.Person.Lang != "" && m.Lang != s.Person.Lang {
		s.spoken = m.Lang
	}
	switch {
	case m.Urgent && len(m.Topics) > 0:
		s.danger(m)
	case s.asksPlace(m) && s.showPlaces(words):
	case m.Decision == Sure && len(m.Topics) > 0:
		s.Heard = HeardAnswer
		s.enter(flows.Answer + "/" + m.Topics[0].Topic)
	case m.Decision == Offered && len(m.Topics) > 0:
		s.Heard = HeardOffer
		var ids []string
		for i, x := range m.Topics[:min(len(m.Topics), maxOffers)] {
			if i < leastOffers || x.Score >= m.Topics[0].Score*farBehind {
				ids = append(ids, x.Topic)
			}
		}
		s.enter(flows.Offer + "/" + strings.Join(ids, "+"))
	default:
		s.Heard = HeardNone
		s.enter(flows.Unsure)
	}
}

// asksPlace reports whether someone looks for a place: they are where one is asked for, or ask it now.
func (s *step) asksPlace(m Match) bool {
	return s.atPlaces() || len(m.Topics) > 0 && m.Topics[0].Topic == findTopic
}

// atPlaces reports whether someone is where a place is asked for.
func (s *step) atPlaces() bool {
	at := s.Dialogue.At
	return at.Step == flows.Places || at.Step == flows.Answer && at.Arg == findTopic
}

// showPlaces shows the facilities that words name. It reports false if they name none.
func (s *step) showPlaces(words string) bool {
	found := s.named(words)
	if len(found) > 0 {
		s.Heard = HeardPlace
		s.enter(flows.Places + "/" + strings.Join(found, "+"))
	}
	return len(found) > 0
}

// How many topics are offered.
const (
	leastOffers = 2
	maxOffers   = 4   // as many as someone under stress can weigh
	farBehind   = 0.1 // a topic so much less likely than the first only makes the choice harder
)

// more is the number that asks for the next page of a text message; see OptionNumber.
const more = 9

// maxPage bounds the page kept; no text has as many.
const maxPage = 20

// number takes a number: the next page, or an option of the screen the person is on.
func (s *step) number(n int) {
	at := s.Dialogue.At
	if s.content.Steps[at.Step] == nil {
		s.gone()
		return
	}
	if n == more && s.in.Channel == SMS {
		s.Heard = HeardChoice
		s.Dialogue.At.Page = min(at.Page+1, maxPage)
		s.reply(s.Dialogue.At, s.Person.Lang)
		return
	}
	if at.Had != "" && at.Had != had(s.options(s.content.Steps[at.Step], at.Arg, s.Person.Lang)) { // another coordinator was faster: the number means something else now
		s.Heard = HeardGone
		s.reply(at, s.Person.Lang)
		r := &s.Replies[len(s.Replies)-1]
		r.Text = s.text(r.Lang, "changed.text", nil) + "\n\n" + r.Text
		return
	}
	if data := s.numbered(n); data != "" {
		s.choose(data)
		return
	}
	s.gone()
}

// numbered is the choice a number means on the screen the person is on, "" for none.
func (s *step) numbered(n int) string {
	at := s.Dialogue.At
	for i, o := range s.options(s.content.Steps[at.Step], at.Arg, s.Person.Lang) {
		if OptionNumber(i) == n {
			return o.Data
		}
	}
	return ""
}

// gone answers a choice that leads nowhere, such as a button from before the content changed.
func (s *step) gone() {
	s.Heard = HeardGone
	s.enter(flows.Gone)
}

// choose follows a choice: "lang/fr" or a target.
func (s *step) choose(target string) {
	s.Heard = HeardChoice
	target, s.stays = strings.CutPrefix(target, underNotice)
	to, arg := flows.Split(target)
	switch {
	case to == chooseLanguage && s.book.Has(locales.Lang(arg)):
		s.speak(locales.Lang(arg))
	case s.leads(to, arg):
		s.enter(target)
	case s.content.Steps[to] != nil && s.content.Steps[to].Of == flows.OfNotice && s.Person.Role.Coordinates():
		s.Heard = HeardGone
		s.enter(flows.Notices) // how the notices stand now says why
	default:
		s.gone()
	}
}

// underNotice begins the data of a button under a notice, which stays in the chat to be read again.
const underNotice = "notice:"

// chooseLanguage is the step name in the data of a language's button.
const chooseLanguage = "lang"

// leads reports whether a target that came from outside leads anywhere.
func (s *step) leads(to, arg string) bool {
	at := s.content.Steps[to]
	switch {
	case to == flows.Next, to == flows.Back, to == flows.Language:
		return arg == ""
	case at == nil, at.Last, to == flows.Prove, !s.Person.Role.may(at.Role):
		return false
	case to == flows.PostTitle:
		return arg == "" || s.session(arg) != nil || s.course(strings.TrimPrefix(arg, newDraft)) != nil
	case to == flows.PostPlace:
		return true
	case to == flows.Training:
		return s.lists(arg)
	case at.Does == "delegation":
		return slices.Contains(flows.Delegations, arg)
	case to == flows.Invited:
		return s.course(arg) != nil || arg == "" && len(s.in.Desk.Courses) == 0
	case at.Of == flows.OfWriting:
		return s.composes(to, arg)
	case to == flows.NoticeDo, to == flows.NoticeSure:
		_, n := s.deed(arg)
		return n != nil
	case at.Of == flows.OfNotice:
		return s.status(arg) != nil
	case at.Of == flows.OfSession:
		return s.session(arg) != nil
	case to == flows.Following:
		return s.content.Facilities[arg] != nil
	case at.Does == "helped", at.Does == "not-helped":
		return s.content.Topics[arg] != nil
	case at.List == "topics":
		return slices.Contains(s.content.Groups, arg)
	case at.Show == flows.Answer, at.List == "offers":
		return s.topics(arg) != nil
	case at.List == "places":
		return !slices.ContainsFunc(strings.Split(arg, "+"), func(id string) bool { return s.content.Facilities[id] == nil })
	}
	return arg == ""
}
