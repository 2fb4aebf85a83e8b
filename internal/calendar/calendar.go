// Package calendar writes sessions as an iCalendar file (RFC 5545), for the calendar programs people have.
package calendar

import (
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"faro/bot"
)

// Write is a calendar of sessions. A session keeps its UID when it changes, and its version is the
// SEQUENCE, so that a program that has it already moves or removes it.
func Write(name string, sessions []bot.Session, now time.Time) []byte {
	cal := ics.NewCalendarFor("Faro")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(name)
	for _, s := range sessions {
		e := ics.NewEvent(s.ID + "@faro")
		e.SetDtStampTime(now)
		e.SetSequence(s.Version)
		e.SetStartAt(s.Start)
		e.SetEndAt(s.End)
		e.SetSummary(oneBreak.Replace(s.Title))
		if s.Place != "" {
			e.SetLocation(oneBreak.Replace(s.Place))
		}
		if s.Link != "" && !strings.ContainsAny(s.Link, "\r\n") { // an address is written as it is
			e.SetURL(s.Link)
		}
		if about := about(s); about != "" {
			e.SetDescription(oneBreak.Replace(about))
		}
		e.SetStatus(ics.ObjectStatusConfirmed)
		if s.Cancelled {
			e.SetStatus(ics.ObjectStatusCancelled)
		}
		cal.AddVEvent(e)
	}
	return []byte(cal.Serialize(ics.WithNewLineWindows))
}

// oneBreak writes every line break as the one that is escaped in a text; a carriage return is not, and
// would begin a line of its own.
var oneBreak = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// about is what a session's title does not say.
func about(s bot.Session) string {
	text := ""
	for _, part := range []string{s.Module, s.Speakers} {
		if part == "" || part == s.Title {
			continue
		}
		if text != "" {
			text += "\n"
		}
		text += part
	}
	return text
}
