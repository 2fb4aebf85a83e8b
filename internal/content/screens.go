package content

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/flows"
	"faro/locales"
)

// Limits of what a channel shows.
const (
	maxData    = 64 // bytes of callback_data (Bot API, InlineKeyboardButton)
	maxLabel   = 40 // characters of a button that a small phone shows on one or two lines
	maxButtons = 100
)

// screens lists every screen there is: each step with each argument it can have.
func (c *Content) screens(lang locales.Lang) []bot.Screen {
	var all []bot.Screen
	for id, step := range c.Flows.Steps {
		switch {
		case step.Show == flows.Answer:
			for topic := range c.Flows.Topics {
				all = append(all, bot.Screen{Step: id, Arg: topic})
			}
		case step.List == "topics":
			for _, g := range c.Flows.Groups {
				all = append(all, bot.Screen{Step: id, Arg: g})
			}
		case step.List == "offers":
			all = append(all, bot.Screen{Step: id, Arg: c.longest(lang)})
		case step.List == "places":
			all = append(all, bot.Screen{Step: id, Arg: c.longestPlaces()})
		case id == flows.Following:
			for f := range c.Flows.Facilities {
				all = append(all, bot.Screen{Step: id, Arg: f})
			}
		case step.Does == "invite":
			all = append(all, bot.Screen{Step: id, Arg: longCourse})
		case id == flows.Prove:
			for _, target := range []string{"post-done/", "cancel-yes/" + longSession, flows.Invited + "/" + longCourse, flows.NoticeDo + "/" + bot.TakeBack + "." + longNotice} {
				all = append(all, bot.Screen{Step: id, Arg: "digest." + target})
			}
		case step.ID == flows.NoticeShow:
			all = append(all, bot.Screen{Step: id, Arg: longNotice})
		case step.Of == flows.OfNotice:
			all = append(all, bot.Screen{Step: id, Arg: bot.TakeBack + "." + longNotice})
		case step.ID == flows.NoticeWrite:
			all = append(all, bot.Screen{Step: id, Arg: "es"})
		case step.Of == flows.OfSession:
			all = append(all, bot.Screen{Step: id, Arg: longSession})
		default:
			all = append(all, bot.Screen{Step: id})
		}
	}
	return all
}

// longest is the offer that takes most room: the four topics with the longest titles.
func (c *Content) longest(lang locales.Lang) string {
	title := func(id string) int {
		t, _ := c.Book.Raw(lang, "topic."+id+".title")
		return len(t)
	}
	var ids []string
	for id := range c.Flows.Topics {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return title(b) - title(a) })
	return strings.Join(ids[:min(len(ids), 4)], "+")
}

// longestPlaces are the three facilities that take most room.
func (c *Content) longestPlaces() string {
	size := func(id string) int {
		f := c.Flows.Facilities[id]
		return len(f.Name + f.City + f.State)
	}
	var ids []string
	for id := range c.Flows.Facilities {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(size(b)-size(a), strings.Compare(a, b)) })
	return strings.Join(ids[:min(len(ids), 3)], "+")
}

// longName stands for the operator when screens are measured: as long as such names get.
const longName = "Centro de Derechos Humanos Fray Matías"

// longNotice is the id of the sample notice; no id is longer.
const longNotice = "nzzzzzzzzz-99"

// longSession is the id of the sample session; no id is longer.
const longSession = "g10-d10.2027-03-15.aula1"

// longCourse is the id of the sample course, its name as long as a sheet may have it.
const (
	longCourse = "grupo-10.delegaciones-sur"
	longTitle  = "Derechos humanos y atención a grupos en situación de vulnerabilidad, grupo diez"
)

// sample is the desk of someone who may do everything, with sessions as long as they get.
func (c *Content) sample() (bot.Desk, bot.Draft) {
	zone := time.UTC
	for _, z := range c.Flows.Zones {
		if zone == time.UTC || len(z.City) > len(c.Flows.Zones[zone.String()].City) {
			zone = z.Location
		}
	}
	start := time.Date(2027, 9, 22, 9, 0, 0, 0, zone) // a long weekday and month in each language
	session := bot.Session{ID: longSession, Course: longCourse, Title: "Atención a grupos en situación de vulnerabilidad", Place: "Auditorio de la estación",
		Speakers: "INM, OIM, CNDH, ACNUR", Start: start, End: start.Add(4 * time.Hour), Version: 1, Mine: true, People: 963, Code: "ABC234"}
	desk := bot.Desk{Role: bot.Admin, Member: true, Delegation: "Baja California Sur", Zone: time.UTC, Fresh: "7QH2-M0XK", Link: "https://t.me/AVeryLongNameOfABotForFaro_bot?start=i-7QH2-M0XK"}
	for range 8 {
		desk.Sessions = append(desk.Sessions, session)
	}
	for range 8 {
		desk.Courses = append(desk.Courses, bot.Course{ID: longCourse, Title: longTitle, People: 120})
	}
	notice := bot.Notice{ID: longNotice, Who: bot.OnlyGuests, Channel: bot.Telegram, Langs: []locales.Lang{"pt"}, Urgency: "important",
		Texts: map[locales.Lang]string{"es": strings.Repeat("Mañana no habrá agua. ", 21)}, At: start, Until: start.Add(72 * time.Hour)}
	for id := range c.Flows.Facilities {
		notice.Facilities = append(notice.Facilities, id)
	}
	slices.Sort(notice.Facilities)
	for range 8 {
		desk.Notices = append(desk.Notices, bot.Status{Notice: notice, State: bot.Sending, People: 25118, Rate: 30, Left: 14 * time.Minute,
			Counts: map[string]int{"queued": 20000, "delivered": 5000, "failed 30003": 100, "opted-out": 10, "stopped": 8},
			Acts:   []string{bot.Pause, bot.Stop, bot.Correct, bot.TakeBack, bot.Retry}})
	}
	return desk, bot.Draft{Notice: &notice, Session: longSession, Course: "grupo-10", Title: session.Title, Place: session.Place, Day: "2027-09-22", From: "09:00", Until: "13:00", Zone: zone.String()}
}

func (c *Content) checkScreens() []locales.Finding {
	talk := bot.New(c.Flows, c.Book, nil, bot.Host{Operator: longName, Keeps: true,
		Life: bot.Life{Dialogue: 721 * time.Hour, Person: 1094 * 24 * time.Hour}}) // as long as they get
	var found []locales.Finding
	for _, l := range c.Book.Languages() {
		for _, at := range c.screens(l.Tag) {
			for _, ch := range bot.Channels {
				found = append(found, c.checkScreen(talk, at, l.Tag, ch)...)
			}
		}
		for key, most := range map[string]int{"telegram.description": telegram.MaxDescription, "telegram.about": telegram.MaxAbout} {
			if text, _ := c.Book.Raw(l.Tag, key); len([]rune(text)) > most {
				found = append(found, c.finding(l.Tag, key, "%s has %d characters; Telegram shows %d", key, len([]rune(text)), most))
			}
		}
	}
	return found
}

// paged are the lists whose choices may go on a second page.
var paged = []string{"topics", "places", "sessions", "courses", "zones",
	"notices", "acts", "own-facility", "ready", "text-languages", "limits", "invitations"}

// key is the text a screen shows on a channel.
func (c *Content) key(at bot.Screen, lang locales.Lang, ch bot.Channel) string {
	step := c.Flows.Steps[at.Step]
	if step.Show == flows.Answer {
		if ch == bot.SMS {
			return "topic." + at.Arg + ".sms"
		}
		return "topic." + at.Arg + ".telegram"
	}
	if _, ok := c.Book.Raw(lang, step.Text+".sms"); ok && ch == bot.SMS {
		return step.Text + ".sms"
	}
	return step.Text + ".text"
}

func (c *Content) finding(lang locales.Lang, key, format string, args ...any) locales.Finding {
	file, line := c.Book.At(lang, key)
	return locales.Finding{File: file, Line: line, Message: fmt.Sprintf(format, args...)}
}

func (c *Content) checkScreen(talk *bot.Talk, at bot.Screen, lang locales.Lang, ch bot.Channel) []locales.Finding {
	key := c.key(at, lang, ch)
	step := c.Flows.Steps[at.Step]
	desk, draft := c.sample()
	r, ok := talk.ShowWith(at, lang, ch, desk, draft, time.Time{})
	if !ok {
		return []locales.Finding{c.finding(lang, key, "step %s has nothing to say in %s", at.Step, lang)}
	}
	var found []locales.Finding
	add := func(format string, args ...any) { found = append(found, c.finding(lang, key, format, args...)) }
	for _, o := range append(slices.Clone(r.Options), r.Nav...) {
		if len(o.Data) == 0 || len(o.Data) > maxData {
			add("step %s: the button %q carries %d bytes; Telegram's callback data holds 1 to %d", at.Step, o.Label, len(o.Data), maxData)
		}
		if n := len([]rune(o.Label)); n == 0 || n > maxLabel {
			add("step %s: the button %q has %d characters; 1 to %d fit", at.Step, o.Label, n, maxLabel)
		}
	}
	switch ch {
	case bot.Telegram:
		if n := len(utf16.Encode([]rune(telegram.Layout(r, bot.Input{}).Text))); n > telegram.MaxText {
			add("step %s: the message has %d characters; Telegram's has at most %d", at.Step, n, telegram.MaxText)
		}
		if len(r.Options) > maxButtons {
			add("step %s: %d buttons; a keyboard has at most %d", at.Step, len(r.Options), maxButtons)
		}
	case bot.SMS:
		if step.Show == flows.Answer || slices.Contains(paged, step.List) || step.Of != "" { // choices may go on a second page, the text may not
			r.Options = nil
		}
		if m := sms.Render(r); m.Pages > 1 {
			one := r
			one.Budget = 99
			add("step %s takes %d SMS segments (%s) in %s; its budget is %d", at.Step, sms.Render(one).Segments, m.Encoding, lang, r.Budget)
		}
	}
	return found
}
