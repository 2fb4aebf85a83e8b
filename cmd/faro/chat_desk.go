package main

import (
	"strconv"
	"time"

	"faro/bot"
	"faro/locales"
)

// A desk is what someone with a role has before them in the terminal: two sessions of the near future.
// What they do is remembered until they leave.
type desk struct{ bot.Desk }

func newDesk(as string, now time.Time) *desk {
	role := map[string]bot.Role{"staff": bot.Staff, "coordinator": bot.Admin}[as]
	if role == bot.Migrant {
		return &desk{}
	}
	session := func(id, title, place, zone string, days int) bot.Session {
		at, err := time.LoadLocation(zone)
		if err != nil { // the zones are built in
			panic(err)
		}
		y, m, d := now.In(at).Date()
		start := time.Date(y, m, d+days, 9, 0, 0, 0, at)
		return bot.Session{ID: id, Course: "grupo-1", Title: title, Place: place, Speakers: "CNDH, OIM", Start: start, End: start.Add(4 * time.Hour), Version: 1, Mine: true, People: 48, Code: "ABC234"}
	}
	mine, _ := time.LoadLocation("America/Mexico_City") // as above
	return &desk{bot.Desk{Role: role, Zone: mine, Member: true, Delegation: "Baja California", Fresh: "7QH2-M0XK", Secret: "of a sample", Courses: []bot.Course{{ID: "grupo-1", Title: "Grupo 1", People: 48}},
		Sessions: []bot.Session{session("s1", "Derechos humanos", "Aula 1, Tijuana", "America/Tijuana", 1),
			session("s2", "Género", "Auditorio, Tapachula", "America/Mexico_City", 2)}}}
}

// take does to the sample what a turn sets off, and returns what is said of it besides.
func (d *desk) take(t *terminal, all []bot.Effect) (told []bot.Reply) {
	for _, e := range all {
		switch {
		case e.Left:
			d.Desk = bot.Desk{}
		case e.Answer != nil:
			d.change(e.Answer.Session, func(s *bot.Session) { s.Answer = e.Answer.Answer })
		case e.Cancel != "":
			d.change(e.Cancel, func(s *bot.Session) { s.Cancelled = true })
		case e.Delegation != "":
			d.Delegation = e.Delegation
		case e.Post != nil:
			d.post(*e.Post)
		case e.Deed != nil:
			told = append(told, d.deed(t, *e.Deed)...)
		case e.Who != "":
			d.change(e.Who, func(s *bot.Session) {
				r := bot.Report{Session: *s, Yes: 30, No: 4, Maybe: 2, None: 12, Reached: 45, People: 48, Refused: []string{"of-0007", "of-0019", "of-0023", "of-0044"}, Silent: []string{"of-0012", "of-0031", "of-0040"},
					Missed: []string{"of-0012", "of-0031", "of-0040"}}
				told = append(told, t.talk.Report(r, t.person, t.channel, d.Zone, time.Now()))
			})
		}
	}
	return told
}

// deed does to a sample notice what a coordinator wants, and returns what they are told of it.
func (d *desk) deed(t *terminal, deed bot.Deed) (told []bot.Reply) {
	now := time.Now()
	states := map[string]string{bot.Approve: bot.Sending, bot.Refuse: bot.Refused, bot.Pause: bot.Paused, bot.Resume: bot.Sending, bot.Stop: bot.Stopped}
	acts := map[string][]string{bot.Sending: {bot.Pause, bot.Stop}, bot.Paused: {bot.Resume, bot.Stop}, bot.Stopped: {bot.Correct, bot.TakeBack}}
	switch deed.Does {
	case bot.Count:
		sheet := bot.Sheet{People: 40, ByLang: map[locales.Lang]int{"es": 30, "en": 10}, ByChannel: map[bot.Channel]int{bot.Telegram: 40},
			Left: map[string]int{bot.LeftStopped: 2}, Takes: 2 * time.Second, Ends: now.Add(2 * time.Second)}
		return []bot.Reply{t.talk.Preflight(sheet, *deed.Notice, d.Secret, t.person, t.channel, now)}
	case bot.Test:
		facility := "" // a correction goes to those who got the notice, wherever they are
		if len(deed.Notice.Facilities) > 0 {
			facility = deed.Notice.Facilities[0]
		}
		if r, ok := t.talk.NoticeTest(*deed.Notice, facility, t.person, t.channel, d.Zone); ok {
			told = append(told, r)
		}
		return told
	case bot.Send:
		st := bot.Status{Notice: *deed.Notice, State: bot.Sending, People: 40, Counts: map[string]int{"queued": 28, "delivered": 10, "stopped": 2}, Acts: acts[bot.Sending]}
		st.ID = "n" + strconv.Itoa(len(d.Notices)+1)
		d.Notices = append([]bot.Status{st}, d.Notices...)
		return []bot.Reply{t.talk.NoticeStatus(st, t.person, t.channel, d.Zone, now)}
	}
	for i := range d.Notices {
		if n := &d.Notices[i]; n.ID == deed.ID && states[deed.Does] != "" {
			n.State, n.Acts = states[deed.Does], acts[states[deed.Does]]
		}
	}
	return nil
}

func (d *desk) change(id string, f func(*bot.Session)) {
	for i := range d.Sessions {
		if d.Sessions[i].ID == id {
			f(&d.Sessions[i])
		}
	}
}

func (d *desk) post(draft bot.Draft) {
	zone, err := time.LoadLocation(draft.Zone)
	if err != nil {
		return // only zones of the content are offered
	}
	start, end, err := draft.Times(zone)
	if err != nil {
		return // as above
	}
	if draft.Session == "" {
		draft.Session = "s" + strconv.Itoa(len(d.Sessions)+1)
		d.Sessions = append(d.Sessions, bot.Session{ID: draft.Session, Course: draft.Course, Code: "ABC234"})
	}
	d.change(draft.Session, func(s *bot.Session) {
		s.Title, s.Place, s.Start, s.End = draft.Title, draft.Place, start, end
		s.Version++
	})
}
