package training

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
)

// moved moves a session of an hour to the same day of Mexico City, as an import does.
func (w *world) moved(id, start string) {
	w.t.Helper()
	begin := at(w.t, mexico, start)
	w.change(func(p *Programme) {
		s := p.Sessions[id]
		s.Start, s.End = begin, begin.Add(time.Hour)
		s.Version++
	})
}

// due are the tasks whose time has come, those whose id has the first prefix first.
func (w *world) due(prefixes ...string) (tasks []planned) {
	w.t.Helper()
	w.must(w.trainer.Plan(w.t.Context()))
	for _, prefix := range prefixes {
		for id, task := range w.waiting {
			if strings.HasPrefix(id, prefix) && !task.at.After(w.now) {
				tasks = append(tasks, task)
				delete(w.waiting, id)
				w.done[id] = true
			}
		}
	}
	return tasks
}

// TestAMoveIsToldInAnyOrder: whatever tells of a session first after it was moved, who was told the old
// time hears that it has changed, once.
func TestAMoveIsToldInAnyOrder(t *testing.T) {
	for _, test := range []struct {
		name  string
		order []string
		nudge bool
		then  []string // heard after the change
	}{
		{"the change first", []string{"c:", "r:"}, false, nil},
		{"a missed reminder first", []string{"r:", "c:"}, false, nil},
		{"a trainer's reminder first", []string{"c:", "r:"}, true, []string{"ana Reminder"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, at(t, mexico, "2027-02-19 08:00"))
			w.ana()
			chief := w.chief()
			w.holds("s1", mexico, "2027-02-20 09:00")
			w.expect("posted a day before", w.until(at(t, mexico, "2027-02-19 09:30")), "ana Reminder", "ana Reminder")
			w.moved("s1", "2027-02-20 11:00")
			if test.nudge {
				w.sets(chief, bot.Effect{Remind: &bot.Nudge{Session: "s1"}})
			}
			for _, task := range w.due(test.order...) {
				w.must(w.trainer.do(t.Context(), task.kind, task.payload))
			}
			w.expect("moved", w.sent(), append([]string{"ana This session has changed"}, test.then...)...)
		})
	}
}

// TestAMoveIsToldAtOnceToAll: the tasks of a move run at the same time, as asynq's workers do.
func TestAMoveIsToldAtOnceToAll(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-19 09:30"))
	w.ana()
	const many = 200
	w.change(func(p *Programme) {
		for i := range many {
			id := fmt.Sprint("p", i)
			p.Members[id] = &Member{ID: id, Courses: []string{"c"}, Lang: "en", Person: w.trainer.Vault.Seal(bot.Telegram, id)}
		}
	})
	w.holds("s1", mexico, "2027-02-20 09:00")
	w.until(w.now)
	for _, hour := range []string{"11:00", "12:00", "13:00"} {
		w.moved("s1", "2027-02-20 "+hour)
		var working sync.WaitGroup
		for _, task := range w.due("r:", "c:") {
			working.Go(func() {
				if err := w.trainer.do(t.Context(), task.kind, task.payload); err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		said := map[bool]int{}
		for _, h := range w.sent() {
			said[strings.Contains(h.text, "has changed") && strings.Contains(h.text, hour)]++
		}
		if said[true] != many+1 || said[false] != 0 {
			t.Errorf("moved to %s: %d of %d hear that it changed, %d something else", hour, said[true], many+1, said[false])
		}
	}
}

// meanwhile calls a function once, before the first script that runs.
type meanwhile struct{ do func() }

func (m *meanwhile) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *meanwhile) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if do := m.do; do != nil && cmd.Name() == "evalsha" {
			m.do = nil
			do()
		}
		return next(ctx, cmd)
	}
}

func (m *meanwhile) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestAMoveWhileBeingTold: a session is moved, and the move told, while a reminder of the old time is on
// its way to a queue: whom it reaches hears of the move too.
func TestAMoveWhileBeingTold(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(fmt.Sprint("the process dies: ", dies), func(t *testing.T) {
			w := newWorld(t, at(t, mexico, "2027-02-19 09:30"))
			w.ana()
			w.holds("s1", mexico, "2027-02-20 09:00")
			ctx, die := context.WithCancel(t.Context())
			defer die()
			overtake := &meanwhile{}
			w.redis.AddHook(overtake)
			reminder := w.due("r:")[0]
			overtake.do = func() {
				w.moved("s1", "2027-02-20 11:00")
				for _, task := range w.due("c:") {
					w.must(w.trainer.do(t.Context(), task.kind, task.payload))
				}
				if dies {
					overtake.do = func() { die() }
				}
			}
			if err := w.trainer.do(ctx, reminder.kind, reminder.payload); dies {
				if err == nil {
					t.Fatal("it did not die")
				}
				w.must(w.trainer.do(t.Context(), reminder.kind, reminder.payload)) // as asynq tries again
			} else {
				w.must(err)
			}
			got := w.sent()
			if n := len(slices.DeleteFunc(got, func(h heard) bool { return !strings.Contains(h.text, "has changed") })); n != 1 {
				t.Errorf("%d times it was told that the session has changed; sent was %q", n, texts(got))
			}
		})
	}
}

// TestAMoveReachesWhoIsNotMeantAnyMore: an import moves a session and narrows its audience; who was told of
// it and is not meant any more hears that, and nobody else does.
func TestAMoveReachesWhoIsNotMeantAnyMore(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-19 09:30"))
	w.ana()
	beto := w.person(bot.SMS, "beto", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
	chief := w.chief()
	w.change(func(p *Programme) {
		p.Members["m1"].Delegation = "Sonora"
		p.Members["m2"] = &Member{ID: "m2", Courses: []string{"c"}, Delegation: "Chiapas", Zone: mexico, Person: beto}
	})
	w.holds("s1", mexico, "2027-02-20 09:00")
	w.expect("posted", w.until(w.now), "ana Reminder", "beto Reminder")
	w.sets(chief, bot.Effect{Who: "s1"}) // who asks how it stands was not told of it
	w.expect("asked", w.sent(), "chief Género")
	p, err := w.trainer.Store.Load(t.Context())
	w.must(err)
	next, _, faults := p.Import("s.csv", []byte("id,course,title,place,date,start,end,zone,audience\ns1,c,Género,Aula 1,2027-02-20,12:30,13:30,"+mexico+",Chiapas\n"), known())
	if faults != nil {
		t.Fatal(faults)
	}
	w.change(func(p *Programme) { *p = *next })
	w.expect("moved and narrowed", w.until(at(t, mexico, "2027-02-19 09:31")), "ana not for you any more", "beto CHANGED: Género")
}

// delivered has the outbox count the messages about a version of a session as taken by the provider.
func (w *world) delivered(s *Session, ids ...bot.PersonID) {
	w.t.Helper()
	for _, id := range ids {
		w.must(w.redis.HSet(w.t.Context(), keys.Tally(keys.Of(id), s.about()), string(id), "delivered#7").Err())
	}
}

// TestTheTrainerHearsWhomAChangeMissed: of a session that was moved or cancelled the trainer is told whom
// nothing reached that says so, whoever had been reached with the old time, and however long the process was down.
func TestTheTrainerHearsWhomAChangeMissed(t *testing.T) {
	cancel := func(s *Session) { s.Cancelled = true }
	earlier := func(s *Session) { s.Start, s.End = s.Start.Add(-time.Hour), s.End.Add(-time.Hour) }
	narrow := func(s *Session) { earlier(s); s.Audience = []string{"Chiapas"} }
	for _, test := range []struct {
		name    string
		change  func(*Session)
		reached bool // by what tells of it
		heard   []string
		reports []string
	}{
		{"cancelled", cancel, false, []string{"ana is cancelled"}, []string{"chief Not reached in time: m1"}},
		{"cancelled, and all know", cancel, true, []string{"ana is cancelled"}, nil},
		{"moved", earlier, false, []string{"ana has changed"}, []string{"chief Not reached in time: m1, m2"}},
		{"moved, and who knew knows", earlier, true, []string{"ana has changed"}, []string{"chief Not reached in time: m2"}},
		{"moved, and not for her any more", narrow, false, []string{"ana not for you any more"}, []string{"chief Not reached in time: m1"}},
		{"not for her any more, and she knows", narrow, true, []string{"ana not for you any more"}, nil},
	} {
		for _, down := range []string{"not", "when it was planned", "before it was planned"} {
			t.Run(test.name+", down: "+down, func(t *testing.T) {
				w := newWorld(t, at(t, mexico, "2027-02-19 09:00"))
				ana := w.ana()
				w.change(func(p *Programme) { p.Members["m2"] = &Member{ID: "m2", Courses: []string{"c"}, Zone: mexico} }) // has not joined
				w.chief()
				w.holds("s1", mexico, "2027-02-20 09:00")
				w.change(func(p *Programme) { p.Sessions["s1"].Reminders = []Lead{{Days: 1}} })
				w.expect("a day before", w.until(w.now), "ana Reminder")
				w.delivered(w.session("s1"), ana)
				w.change(func(p *Programme) { test.change(p.Sessions["s1"]); p.Sessions["s1"].Version++ })
				var said, reports []heard
				hear := func(all []heard) {
					for _, h := range all {
						if h.who == "chief" {
							reports = append(reports, h)
						} else {
							said = append(said, h)
						}
					}
				}
				switch down {
				case "not":
					hear(w.until(at(t, mexico, "2027-02-19 09:01")))
				case "when it was planned":
					w.due()
				}
				if test.reached {
					w.delivered(w.session("s1"), ana)
				}
				w.now = at(t, mexico, "2027-02-20 09:30")
				hear(w.until(w.now))
				w.expect("people", said, test.heard...)
				w.expect("the trainer", reports, test.reports...)
			})
		}
	}
}

// TestMovedIntoThePast: who expects a session hears that it changed, be its new date over long ago, once; and
// the trainer sees that nobody was reached in time.
func TestMovedIntoThePast(t *testing.T) {
	for _, past := range []string{"2027-02-18 09:00", "2026-02-20 09:00"} {
		t.Run(past, func(t *testing.T) {
			w := newWorld(t, at(t, mexico, "2027-02-19 10:00"))
			w.ana()
			w.chief()
			w.change(func(p *Programme) { // some share a partition, and none may be told in place of another
				for i := range 2 * batch {
					id := fmt.Sprint("p", i)
					p.Members[id] = &Member{ID: id, Courses: []string{"c"}, Lang: "en", Person: w.trainer.Vault.Seal(bot.Telegram, id)}
				}
			})
			w.holds("s1", mexico, "2027-02-20 09:00")
			w.until(w.now)
			w.moved("s1", past)
			said := map[string]int{}
			for range 2 {
				for _, h := range w.until(w.now) {
					if h.who != "chief" && !strings.Contains(h.text, "has changed") {
						t.Errorf("%s hears %q", h.who, h.text)
					}
					said[h.who]++
				}
				w.version, w.done = -1, map[string]bool{} // planned anew, and asynq has forgotten what is done
			}
			if len(said) != 2*batch+2 || said["ana"] != 1 || said["chief"] != 1 {
				t.Errorf("%d people are told, ana %d times, the trainer %d times", len(said), said["ana"], said["chief"])
			}
			w.moved("s1", "2027-02-20 11:00") // the mistake is mended
			w.version = -1
			changed := 0
			for _, h := range w.until(at(t, mexico, "2027-02-19 10:01")) {
				if strings.Contains(h.text, "has changed") && strings.Contains(h.text, "11:00") {
					changed++
				}
			}
			if changed != 2*batch+1 {
				t.Errorf("mended, %d people hear it", changed)
			}
		})
	}
}

// TestAnAnswerToTheOldTime: who answers what they saw before a move is told of it even if they had never been
// told of the session, and their answer does not count.
func TestAnAnswerToTheOldTime(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-10 09:00"))
	ana, chief := w.ana(), w.chief()
	w.holds("s1", mexico, "2027-02-20 09:00")
	w.expect("nobody is told yet", w.until(w.now))
	w.moved("s1", "2027-02-20 11:00")
	w.expect("moved", w.until(w.now))
	w.sets(ana, bot.Effect{Answer: &bot.Reaction{Session: "s1", Answer: bot.Coming, Version: 1}})
	w.expect("answered", w.until(w.now), "ana has changed")
	w.sets(chief, bot.Effect{Who: "s1"})
	w.expect("how it stands", w.sent(), "chief Coming: 0")
	w.sets(ana, bot.Effect{Answer: &bot.Reaction{Session: "s1", Answer: bot.Coming, Version: 2}})
	w.sets(chief, bot.Effect{Who: "s1"})
	w.expect("answered again", w.until(w.now), "chief Coming: 1")
}

// TestCancelledStaysCancelled: a change that comes after the cancellation changes nothing and tells nobody, but
// the trainer sees how it stands.
func TestCancelledStaysCancelled(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-19 09:00"))
	w.ana()
	chief := w.chief()
	w.holds("s1", mexico, "2027-02-20 09:00")
	w.expect("posted", w.until(w.now), "ana Reminder")
	w.sets(chief, bot.Effect{Cancel: "s1"})
	w.expect("cancelled", w.until(w.now), "ana is cancelled")
	w.sets(chief, bot.Effect{Post: &bot.Draft{Session: "s1", Course: "c", Title: "G", Day: "2027-02-21", From: "11:00", Until: "12:00", Zone: mexico, Place: "A"}})
	w.expect("changed", w.until(w.now), "chief CANCELLED")
	if s := w.session("s1"); !s.Cancelled || s.Version != 2 || s.Start.Day() != 20 {
		t.Errorf("it is now %+v", s)
	}
}
