package training

import (
	"fmt"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/keys"
)

// TestRemovingACourse: its sessions and those in no other course go, what is planned reminds nobody, and the
// same sessions can come again.
func TestRemovingACourse(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-10 10:00"))
	staff := bot.Person{Lang: "es", Role: bot.Staff, Noticed: true}
	ana, beto := w.person(bot.Telegram, "ana", staff), w.person(bot.Telegram, "beto", staff)
	start := at(t, mexico, "2027-02-20 11:00")
	session := func(id, course string) *Session {
		return &Session{ID: id, Course: course, Title: "Sesión " + id, Place: "Aula 1", Zone: mexico, Start: start, End: start.Add(time.Hour), Version: 2}
	}
	w.change(func(p *Programme) {
		p.Courses["c"], p.Courses["d"] = &Course{ID: "c"}, &Course{ID: "d"}
		p.Sessions["s1"], p.Sessions["s2"] = session("s1", "c"), session("s2", "d")
		p.Sessions["s2"].Start, p.Sessions["s2"].End = start.Add(2*time.Hour), start.Add(3*time.Hour)
		p.Members["m1"] = &Member{ID: "m1", Courses: []string{"c"}, Person: ana}
		p.Members["m2"] = &Member{ID: "m2", Courses: []string{"c", "d"}, Person: beto}
		p.Members["m3"] = &Member{ID: "m3"} // in no course before either
	})
	w.expect("a week before", w.until(at(t, mexico, "2027-02-14 12:00")), "ana s1", "beto s1", "beto s2")
	w.sets(ana, bot.Effect{Answer: &bot.Reaction{Session: "s1", Answer: bot.Coming, Version: 1}})

	p, err := w.trainer.Store.Load(t.Context())
	w.must(err)
	if _, _, err := p.Without("e"); err == nil || err.Error() != `there is no course "e"; there are: c, d` {
		t.Errorf("a course there is not: %v", err)
	}
	_, gone, err := p.Without("c")
	w.must(err)
	if len(gone.Sessions) != 1 || gone.Sessions[0].ID != "s1" || len(gone.Members) != 1 || gone.Members[0].ID != "m1" {
		t.Errorf("with the course go %+v", gone)
	}
	if p.Courses["c"] == nil || p.Sessions["s1"] == nil || p.Members["m1"] == nil || len(p.Members["m2"].Courses) != 2 {
		t.Error("looking removes already")
	}
	gone, err = w.trainer.Store.Remove(t.Context(), "c")
	w.must(err)
	w.must(w.trainer.Store.Clear(t.Context(), gone.Sessions))
	p, err = w.trainer.Store.Load(t.Context())
	w.must(err)
	if got := fmt.Sprint(len(p.Courses), len(p.Sessions), len(p.Members), p.Members["m2"].Courses); got != "1 1 2 [d]" {
		t.Errorf("there remain %s", got)
	}
	left := []string{keys.Reactions("s1"), keys.Told(keys.Of(ana), "s1"), keys.Told(keys.Of(beto), "s1")}
	if n := w.redis.Exists(t.Context(), left...).Val(); n != 0 {
		t.Errorf("%d records of the session stay", n)
	}
	w.expect("a day before: of the other course alone", w.until(at(t, mexico, "2027-02-19 14:00")), "beto s2")

	// Imported again it is a new session, whatever became of the old one's tasks: nobody is told that it has
	// changed, and when it is moved all are.
	w.change(func(p *Programme) {
		next, _, faults := p.Import("s.csv", []byte(sessionHead+"s1,c,Género,Aula 1,2027-02-20,11:00,12:00,"+mexico+"\n"), known())
		if faults != nil {
			t.Fatal(faults)
		}
		next.Members["m1"] = &Member{ID: "m1", Courses: []string{"c"}, Person: ana}
		*p = *next
	})
	if s := w.session("s1"); s.Version != 3 {
		t.Errorf("the session comes again as version %d", s.Version)
	}
	w.expect("again", w.until(at(t, mexico, "2027-02-19 15:00")), "ana Recordatorio")
	w.change(func(p *Programme) {
		p.Sessions["s1"].Place = "Aula 9"
		p.Sessions["s1"].Version++
	})
	w.expect("moved", w.until(at(t, mexico, "2027-02-19 15:01")), "ana cambió")
	w.expect("on the day", w.until(at(t, mexico, "2027-02-20 10:30")), "ana Recordatorio")
}

func (w *world) session(id string) *Session {
	w.t.Helper()
	p, err := w.trainer.Store.Load(w.t.Context())
	w.must(err)
	return p.Sessions[id]
}
