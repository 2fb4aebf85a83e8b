package training

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/guard"
	"faro/internal/people"
	"faro/internal/quiet"
)

// chief is a trainer on Telegram.
func (w *world) chief() bot.PersonID {
	w.t.Helper()
	chief := w.person(bot.Telegram, "chief", bot.Person{Lang: "en", Role: bot.Trainer, Noticed: true})
	w.must(w.trainer.Register.Invite(w.t.Context(), "ABCD-2345", people.Invitation{Role: bot.Trainer}, "test"))
	if _, result, err := w.trainer.Register.Claim(w.t.Context(), chief, "ABCD-2345"); err != nil || result != people.Taken {
		w.t.Fatal(result, err)
	}
	return chief
}

// ana is staff on Telegram, and member m1 of course c.
func (w *world) ana() bot.PersonID {
	w.t.Helper()
	ana := w.person(bot.Telegram, "ana", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
	w.change(func(p *Programme) {
		p.Courses["c"] = &Course{ID: "c"}
		p.Members["m1"] = &Member{ID: "m1", Courses: []string{"c"}, Zone: mexico, Person: ana}
	})
	return ana
}

// holds adds a session of an hour to course c.
func (w *world) holds(id, place, start string) {
	w.t.Helper()
	begin := at(w.t, place, start)
	w.change(func(p *Programme) {
		p.Sessions[id] = &Session{ID: id, Course: "c", Title: "Género", Place: "Aula 1", Zone: place, Start: begin, End: begin.Add(time.Hour), Version: 1}
	})
}

// TestLateRemindersInTheirTime: the process is down, and when it is up again of the reminders that are late
// the nearest goes, once, and none in quiet hours.
func TestLateRemindersInTheirTime(t *testing.T) {
	for _, test := range []struct {
		name      string
		session   string // on Mexico City's clock
		down, up  string
		quiet     string // the time at which the first of them is sent
		reminders int    // from then to the start
	}{
		{"up by day: the day before's alone", "2027-02-20 09:00", "2027-02-12 10:00", "2027-02-19 12:00", "2027-02-19 12:00", 2},
		{"up an hour before: the last alone", "2027-02-20 09:00", "2027-02-12 10:00", "2027-02-20 08:20", "2027-02-20 08:20", 1},
		{"up at night: the day before's in the morning", "2027-02-20 09:00", "2027-02-12 10:00", "2027-02-19 23:30", "2027-02-20 07:00", 2},
		{"up at night: in the morning the hour's alone", "2027-02-20 08:00", "2027-02-12 10:00", "2027-02-20 05:00", "2027-02-20 07:00", 1},
		{"up at night, and it begins as they end", "2027-02-20 07:00", "2027-02-12 10:00", "2027-02-20 01:00", "", 0},
		{"up at night before a session at night", "2027-02-20 06:00", "2027-02-12 10:00", "2027-02-19 22:00", "", 0},
	} {
		for _, replans := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, planned anew: %v", test.name, replans), func(t *testing.T) {
				w := newWorld(t, at(t, mexico, "2027-02-01 10:00"))
				w.ana()
				w.chief()
				w.holds("s1", mexico, test.session)
				w.expect("long before", w.until(at(t, mexico, test.down)))
				w.now = at(t, mexico, test.up)
				if replans { // as a start does
					w.version = -1
				}
				var reminders, reports []heard
				for _, h := range w.until(at(t, mexico, test.session)) {
					if h.who == "chief" {
						reports = append(reports, h)
					} else {
						reminders = append(reminders, h)
					}
				}
				if len(reminders) != test.reminders {
					t.Fatalf("%d reminders, want %d: %q", len(reminders), test.reminders, texts(reminders))
				}
				if len(reminders) > 0 && !reminders[0].at.Equal(at(t, mexico, test.quiet)) {
					t.Errorf("the first goes at %v, want %s", reminders[0].at, test.quiet)
				}
				w.expect("the trainer", reports, "chief m1") // nothing is delivered in this test
			})
		}
	}
}

// TestALateJoinerSleeps: who joins in quiet hours is reminded of the next session when they end.
func TestALateJoinerSleeps(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-18 22:00"))
	w.holds("s1", mexico, "2027-02-20 09:00")
	w.ana()
	w.expect("at night", w.until(at(t, mexico, "2027-02-19 06:59")))
	w.expect("in the morning", w.until(at(t, mexico, "2027-02-19 07:00")), "ana Reminder")
}

// TestRemindersThatFallTogether: what the quiet hours move to the same minute is one reminder.
func TestRemindersThatFallTogether(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-18 10:00"))
	w.ana()
	w.change(func(p *Programme) { p.Settings.Reminders = []Lead{{Before: 2 * time.Hour}, {Before: time.Hour}} })
	w.holds("s1", mexico, "2027-02-20 05:00")
	got := w.until(at(t, mexico, "2027-02-20 04:59"))
	w.expect("the evening before", got, "ana Reminder")
	if len(got) == 1 && !got[0].at.Equal(at(t, mexico, "2027-02-19 20:59")) {
		t.Errorf("at %v", got[0].at)
	}
}

// TestHowLongItIsUntilASession: what a reminder says of that is true when it is sent, and still when the
// message waits.
func TestHowLongItIsUntilASession(t *testing.T) {
	for left, want := range map[time.Duration]string{
		30 * time.Second:             "in 1 min or less",
		time.Hour:                    "in 60 min or less",
		time.Hour - 2*time.Second:    "in 60 min or less",
		2*time.Hour + time.Minute:    "in 3 hours or less",
		23*time.Hour + 5*time.Minute: "in 24 hours or less",
	} {
		start := at(t, mexico, "2027-02-20 09:00")
		r, ok := spoken().Tell("reminder", bot.Desk{Role: bot.Staff, Sessions: []bot.Session{{ID: "s1", Title: "T", Start: start, End: start.Add(time.Hour)}}},
			bot.Person{Lang: "en"}, bot.SMS, start.Add(-left))
		if !ok || !strings.Contains(r.Text, "It begins "+want) {
			t.Errorf("%v before: %q", left, r.Text)
		}
	}
}

// TestRemindNow: a trainer's reminder goes to all, or to those who have not answered for the time it is at now,
// once, at any hour; and when there is nobody to remind the trainer hears that.
func TestRemindNow(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-19 09:00"))
	ana, chief := w.ana(), w.chief()
	beto := w.person(bot.SMS, "beto", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
	w.change(func(p *Programme) {
		p.Members["m2"] = &Member{ID: "m2", Courses: []string{"c"}, Zone: mexico, Person: beto}
		p.Members["m3"] = &Member{ID: "m3", Courses: []string{"d"}, Zone: mexico, Person: w.trainer.Vault.Seal(bot.SMS, "carla")}
		p.Members["m4"] = &Member{ID: "m4", Courses: []string{"c"}} // has not joined
	})
	w.holds("s1", mexico, "2027-02-20 09:00")
	w.change(func(p *Programme) { p.Sessions["s1"].Reminders = []Lead{} })
	all, unanswered := bot.Effect{Remind: &bot.Nudge{Session: "s1"}}, bot.Effect{Remind: &bot.Nudge{Session: "s1", Unanswered: true}}
	now := func(effect bot.Effect) []heard { w.t.Helper(); w.sets(chief, effect); return w.until(w.now) }
	answers := func(id bot.PersonID, answer bot.Answer) {
		w.sets(id, bot.Effect{Answer: &bot.Reaction{Session: "s1", Answer: answer, Version: w.session("s1").Version}})
	}

	w.now = at(t, mexico, "2027-02-19 22:00")
	w.expect("nobody has answered", now(unanswered), "ana Reminder", "beto Reminder")
	answers(ana, bot.NotComing)
	w.expect("to those without an answer", now(unanswered), "beto Reminder")
	w.expect("to all", now(all), "ana Reminder", "beto Reminder")
	answers(beto, bot.Coming)
	w.expect("all have answered", now(unanswered), "chief No reminder was sent")

	w.moved("s1", "2027-02-20 11:00")
	w.expect("moved", w.until(w.now), "ana has changed", "beto CHANGED")
	w.expect("their answers were to the old time", now(unanswered), "ana Reminder", "beto Reminder")
	answers(ana, bot.Maybe)
	w.expect("an answer to the new one", now(unanswered), "beto Reminder")
	w.sets(chief, bot.Effect{Who: "s1"})
	w.expect("how it stands", w.sent(), "chief Coming: 0. Not coming: 0. Perhaps: 1. No answer: 2")

	w.sets(chief, bot.Effect{Cancel: "s1"})
	w.expect("cancelled", w.until(w.now), "ana is cancelled", "beto Do not come")
	w.expect("it is cancelled", now(all), "chief No reminder was sent")
	w.holds("s2", mexico, "2027-02-20 12:00")
	w.change(func(p *Programme) { p.Sessions["s2"].Reminders = []Lead{} })
	w.until(at(t, mexico, "2027-02-20 12:01"))
	w.expect("it has begun", now(bot.Effect{Remind: &bot.Nudge{Session: "s2", Unanswered: true}}), "chief No reminder was sent")
}

// TestAttendance: "I am here" is kept, of members of the session alone, and shown to trainers as reached.
func TestAttendance(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-20 08:59"))
	ana := w.ana()
	w.holds("s1", mexico, "2027-02-20 09:00")
	w.now = at(t, mexico, "2027-02-20 09:05")
	stranger := w.person(bot.Telegram, "stranger", bot.Person{Lang: "en", Role: bot.Staff})
	for _, id := range []bot.PersonID{ana, stranger} {
		w.sets(id, bot.Effect{Present: "s1"})
	}
	p, err := w.trainer.Store.Load(t.Context())
	w.must(err)
	reactions, err := w.trainer.Store.Reactions(t.Context(), p)
	w.must(err)
	if got := reactions["s1"]; len(got) != 1 || !got[ana].Present {
		t.Errorf("there were %d people, ana %v", len(got), got[ana].Present)
	}
}

// TestSettingsChangedLater: a reminder that the settings do not want any more does not go, nor does a session's own.
func TestSettingsChangedLater(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Programme)
		hours  []string // at which the day's reminders go
	}{
		{"as they were", func(*Programme) {}, []string{"09:00", "08:00"}},
		{"without the hour", func(p *Programme) { p.Settings.Reminders = []Lead{{Days: 7}, {Days: 1}} }, []string{"09:00"}},
		{"two hours instead", func(p *Programme) { p.Settings.Reminders = []Lead{{Days: 1}, {Before: 2 * time.Hour}} }, []string{"09:00", "07:00"}},
		{"quiet until 8:30", func(p *Programme) { p.Settings.Quiet.Until = 8*time.Hour + 30*time.Minute }, []string{"09:00", "08:30"}},
		{"the session's own", func(p *Programme) { p.Sessions["s1"].Reminders = []Lead{{Days: 1}} }, []string{"09:00"}},
		{"none", func(p *Programme) { p.Sessions["s1"].Reminders = []Lead{} }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, at(t, mexico, "2027-02-14 10:00"))
			w.ana()
			w.holds("s1", mexico, "2027-02-20 09:00")
			w.expect("posted", w.until(w.now), "ana Reminder")
			w.change(test.change)
			var hours []string
			for _, h := range w.until(at(t, mexico, "2027-02-20 08:59")) {
				hours = append(hours, h.at.In(zone(t, mexico)).Format("15:04"))
			}
			if !slices.Equal(hours, test.hours) {
				t.Errorf("reminders at %v, want %v", hours, test.hours)
			}
		})
	}
}

// TestTheClockOfAMember: their own if it is given, else their facility's, else the programme's: by it quiet hours
// are kept and times are told.
func TestTheClockOfAMember(t *testing.T) {
	for _, test := range []struct {
		name   string
		member Member
		clock  string // whose
	}{
		{"of their own", Member{Zone: cancun, Facility: "hermosillo"}, cancun},
		{"of their facility", Member{Facility: "hermosillo"}, hermosillo},
		{"of a facility nobody knows", Member{Facility: "elsewhere"}, mexico},
		{"of the programme", Member{}, mexico},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, at(t, tijuana, "2027-02-19 10:00"))
			ana := w.person(bot.Telegram, "ana", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
			m := test.member
			m.ID, m.Courses, m.Person = "m1", []string{"c"}, ana
			w.change(func(p *Programme) {
				p.Courses["c"], p.Members["m1"] = &Course{ID: "c"}, &m
				p.Settings.Reminders = []Lead{{Before: 4 * time.Hour}}
			})
			w.holds("s1", tijuana, "2027-02-20 09:00")
			got := w.until(at(t, tijuana, "2027-02-20 08:59"))
			own := w.session("s1").Start.In(zone(t, test.clock))
			if len(got) != 1 || !strings.Contains(got[0].text, "= "+own.Format("15:04")) {
				t.Fatalf("sent was %q", texts(got))
			}
			if _, _, within := quiet.Default.At(got[0].at, own.Location()); within || got[0].at.After(own.Add(-2*time.Hour)) && test.clock != hermosillo {
				t.Errorf("sent at %v", got[0].at.In(own.Location()))
			}
		})
	}
}

// TestPanicHitsOneTask: asynq would keep what a task panicked with, and that may quote someone.
func TestPanicHitsOneTask(t *testing.T) {
	trainer := &Trainer{} // has no store
	if _, ok := errors.AsType[guard.Panicked](trainer.do(t.Context(), taskReminder, []byte(`{}`))); !ok {
		t.Error("it is not kept to the task")
	}
}
