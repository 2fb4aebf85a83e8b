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
	// Missed are those whom nothing will reach, as their organisation names them.
	Missed []string
}

// String hides who was missed.
func (Report) String() string { return redacted }

// GoString hides who was missed.
func (Report) GoString() string { return redacted }

// maxMissed is how many of those who were not reached are named; a text message has no room for more.
const maxMissed = 8

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
	if len(r.Missed) > 0 {
		list := strings.Join(r.Missed[:min(len(r.Missed), maxMissed)], ", ")
		if more := len(r.Missed) - maxMissed; more > 0 {
			list += " +" + strconv.Itoa(more)
		}
		text += "\n\n" + s.text(lang, "report.missed", locales.Args{"list": list})
	}
	return Reply{Lang: lang, Text: text, Budget: reportBudget, More: s.text(lang, "footer.more", nil)}
}

// reportBudget is how many segments a page of a report may take.
const reportBudget = 3
