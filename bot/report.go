package bot

import (
	"strconv"
	"strings"
	"time"

	"faro/locales"
)

// A Report is how a session stands, for a trainer.
type Report struct {
	Session Session
	// Members by their answer, and all of them.
	Yes, No, Maybe, None, People int
	// Reached is how many were sent something of the session that the provider took.
	Reached int
	// Those who do not come, those who have not answered, and those whom nothing will reach, or had when it began, as
	// their organisation names them.
	Refused, Silent, Missed []string
	Begun                   bool
}

// String hides who did what.
func (Report) String() string { return redacted }

// GoString hides who did what.
func (Report) GoString() string { return redacted }

// maxNamed is how many are named of each kind: as many as there is room for in a message, and in a few text messages.
var maxNamed = map[Channel]int{Telegram: 40, SMS: 8}

// Report is the message that tells a trainer how a session stands.
func (t *Talk) Report(r Report, p Person, ch Channel, zone *time.Location, now time.Time) Reply {
	lang := p.Lang
	s := &step{Talk: t, Turn: Turn{Person: p}, in: Input{Channel: ch, Desk: Desk{Zone: zone}}, now: now}
	text := s.text(lang, "report.text", locales.Args{"session": s.describe(lang, r.Session), "yes": strconv.Itoa(r.Yes),
		"no": strconv.Itoa(r.No), "maybe": strconv.Itoa(r.Maybe), "none": strconv.Itoa(r.None),
		"reached": strconv.Itoa(r.Reached), "people": strconv.Itoa(r.People)})
	if r.Session.Code != "" {
		text += "\n" + s.text(lang, "report.code", locales.Args{"code": r.Session.Code})
	}
	missed := "missed"
	if r.Begun {
		missed = "late"
	}
	between := "\n\n"
	for _, of := range []struct {
		key string
		who []string
	}{{"refused", r.Refused}, {"silent", r.Silent}, {missed, r.Missed}} {
		if len(of.who) == 0 {
			continue
		}
		list := strings.Join(of.who[:min(len(of.who), maxNamed[ch])], ", ")
		if more := len(of.who) - maxNamed[ch]; more > 0 {
			list += " +" + strconv.Itoa(more)
		}
		text += between + s.text(lang, "report."+of.key, locales.Args{"list": list})
		between = "\n"
	}
	return Reply{Lang: lang, Text: text, Budget: toldBudget}
}

// Unreminded is the message that tells a trainer that nobody was reminded of a session, though they asked for it.
func (t *Talk) Unreminded(x Session, p Person, ch Channel, zone *time.Location, now time.Time) Reply {
	s := &step{Talk: t, Turn: Turn{Person: p}, in: Input{Channel: ch, Desk: Desk{Zone: zone}}, now: now}
	return Reply{Lang: p.Lang, Text: s.text(p.Lang, "report.unreminded", locales.Args{"session": s.describe(p.Lang, x)}),
		Budget: toldBudget}
}
