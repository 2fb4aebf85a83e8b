package training

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/effects"
	"faro/internal/people"
)

// imports imports a table of people, with no fault, and returns what changes.
func imports(t *testing.T, p *Programme, rows string) (*Programme, []string) {
	t.Helper()
	next, changes, faults := p.Import("p.csv", []byte(personHead+rows), known())
	if faults != nil {
		t.Fatal(faults)
	}
	return next, changes
}

// TestImportAgainKeepsWhatPeopleChose: a row that says what it said before undoes nothing; one that says
// something else is news.
func TestImportAgainKeepsWhatPeopleChose(t *testing.T) {
	const row = "m1,c,Sonora,,,+525511112222,es\n"
	p, _ := imports(t, base(t), row)
	m := p.Members["m1"]
	m.Facility, m.Delegation, m.Zone, m.Stamp = "tapachula", "Chiapas", "", "5-0"
	m.Courses = append(m.Courses, "d") // enrolled by hand
	p, changes := imports(t, p, row)
	if m := p.Members["m1"]; len(changes) != 0 || m.Facility != "tapachula" || m.Delegation != "Chiapas" || m.Zone != "" || m.Stamp != "5-0" || !slices.Equal(m.Courses, []string{"c", "d"}) {
		t.Errorf("the same sheet again: %v, %+v", changes, m)
	}
	p, changes = imports(t, p, "m1,c,Oaxaca,,,+525511112222,es\n")
	if m := p.Members["m1"]; len(changes) != 1 || m.Facility != "" || m.Delegation != "Oaxaca" || !slices.Equal(m.Courses, []string{"c", "d"}) {
		t.Errorf("a sheet that says something else: %v, %+v", changes, m)
	}
	// Who joined by an invitation alone is put into a sheet later.
	p.Members["i1"] = &Member{ID: "i1", Facility: "tapachula", Delegation: "Chiapas", Stamp: "7-0", Person: "telegram"}
	p, _ = imports(t, p, "i1,c,,,,+525511113333,\n")
	if m := p.Members["i1"]; m.Facility != "tapachula" || m.Delegation != "Chiapas" || m.Person != "telegram" || !slices.Equal(m.Courses, []string{"c"}) {
		t.Errorf("who joined by an invitation: %+v", m)
	}
}

// TestWhoLeftStaysAway: neither ERASE nor a role that was taken is undone by the sheet, even if the course is
// removed in between. An invitation brings people back.
func TestWhoLeftStaysAway(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-10 10:00"))
	const sheet = "m1,c,,,,+525511112222,es\nm2,c,,,,+525511113333,es\n"
	const sessions = sessionHead + "s1,c,Género,Aula 1,2027-03-15,9:00,13:00," + tijuana + "\n"
	k := known()
	ids := map[string]bot.PersonID{}
	k.Phone = func(number string) (bot.PersonID, error) {
		ids[number] = w.trainer.Vault.Seal(bot.SMS, number)
		return ids[number], nil
	}
	again := func() *Programme {
		t.Helper()
		w.change(func(p *Programme) {
			next, _, faults := p.ImportAll([]File{{"s.csv", []byte(sessions)}, {"p.csv", []byte(personHead + sheet)}}, k)
			if faults != nil {
				t.Fatal(faults)
			}
			*p = *next
		})
		p, err := w.trainer.Store.Load(t.Context())
		w.must(err)
		return p
	}
	again()
	ana, beto := ids["+525511112222"], ids["+525511113333"]
	for _, id := range []bot.PersonID{ana, beto} {
		w.must(w.trainer.Register.Enrol(t.Context(), id, "", "test"))
	}
	w.sets(ana, bot.Effect{Left: true})
	w.must(w.trainer.Store.Forget(t.Context(), beto)) // as faro roles remove does
	for _, what := range []string{"at once", "after the course was removed"} {
		if p := again(); p.Members["m1"].Person != "" || p.Members["m2"].Person != "" {
			t.Errorf("imported again %s: they are in the programme again", what)
		}
		_, err := w.trainer.Store.Remove(t.Context(), "c")
		w.must(err)
	}
	again()
	w.must(w.trainer.join(t.Context(), ana, people.Invitation{Role: bot.Staff, Member: "m1"}))
	if p := again(); p.Members["m1"].Person != ana || p.Members["m2"].Person != "" {
		t.Error("after an invitation they are not back, or too many are")
	}
}

// TestPhoneNumbers: one belongs to one person, and a corrected one replaces the wrong one, but not the person
// who took an invitation.
func TestPhoneNumbers(t *testing.T) {
	p := base(t)
	_, _, faults := p.Import("p.csv", []byte(personHead+"pa,c,,,,+525511112222,\npb,c,,,,55 1111 2222,\n"), known())
	if len(faults) != 1 || faults[0].String() != "p.csv:3: phone: person pa has the same one" {
		t.Errorf("one number on two rows: %v", faults)
	}
	p, _ = imports(t, p, "pa,c,,,,+525511112222,\n")
	if _, _, faults = p.Import("p.csv", []byte(personHead+"aa,c,,,,55 1111 2222,\n"), known()); len(faults) != 1 || faults[0].String() != "p.csv:2: phone: person pa has the same one" {
		t.Errorf("the number of someone there is: %v", faults)
	}
	next, changes := imports(t, p, "pa,c,,,,+525511113333,\n")
	if len(changes) != 1 || changes[0] != "person pa: another phone number" || next.Members["pa"].Person != "another" {
		t.Errorf("a corrected number: %v, %+v", changes, next.Members["pa"])
	}
	if parted := p.Parted(next); len(parted) != 1 || parted[0] != "sealed" {
		t.Errorf("%d people are parted", len(parted))
	}
	if _, changes = imports(t, next, "pa,c,,,,+525511113333,\n"); len(changes) != 0 {
		t.Errorf("again: %v", changes)
	}
	p.Members["pa"].Person, p.Members["pa"].ByNumber = "telegram", false // took an invitation
	if next, changes = imports(t, p, "pa,c,,,,+525511113333,\n"); len(changes) != 0 || next.Members["pa"].Person != "telegram" {
		t.Errorf("who took an invitation: %v, %+v", changes, next.Members["pa"])
	}
}

// TestFacilityTellsTheDelegation: whoever is at a facility gets what its delegation gets.
func TestFacilityTellsTheDelegation(t *testing.T) {
	p, _ := imports(t, base(t), "m1,c,,tapachula,,,\nm2,c,Oaxaca,tapachula,,,\n")
	if one, two := p.Members["m1"].Delegation, p.Members["m2"].Delegation; one != "Chiapas" || two != "Oaxaca" {
		t.Errorf("by a sheet: %q and %q", one, two)
	}
	w := newWorld(t, at(t, mexico, "2027-02-10 10:00"))
	w.change(func(p *Programme) { p.Courses["c"] = &Course{ID: "c"} })
	ana := w.person(bot.Telegram, "ana", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
	w.must(w.trainer.join(t.Context(), ana, people.Invitation{Role: bot.Staff, Facility: "hermosillo", Course: "c"}))
	p, err := w.trainer.Store.Load(t.Context())
	w.must(err)
	if m := p.Member(ana); m == nil || !m.Attends(&Session{Course: "c", Audience: []string{"Sonora"}}) {
		t.Errorf("by an invitation: %+v", m)
	}
}

// TestOneInvitationOneMember: a second invitation to a member does not take them from who has them, and nobody is two
// members.
func TestOneInvitationOneMember(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-10 10:00"))
	w.change(func(p *Programme) {
		next, _, faults := base(t).Import("p.csv", []byte(personHead+"m1,c,,,,,\n"), known())
		if faults != nil {
			t.Fatal(faults)
		}
		*p = *next
		p.Courses["d"] = &Course{ID: "d"}
	})
	staff := bot.Person{Lang: "en", Role: bot.Staff, Noticed: true}
	ana, beto := w.person(bot.Telegram, "ana", staff), w.person(bot.Telegram, "beto", staff)
	w.must(w.trainer.join(t.Context(), ana, people.Invitation{Role: bot.Staff, Course: "d"}))
	for _, id := range []bot.PersonID{ana, beto} {
		w.must(w.trainer.join(t.Context(), id, people.Invitation{Role: bot.Staff, Member: "m1"}))
	}
	p, err := w.trainer.Store.Load(t.Context())
	w.must(err)
	if m := p.Members["m1"]; m.Person != ana || !slices.Equal(m.Courses, []string{"c", "d"}) {
		t.Errorf("m1 is in %v, and not who came first: %v", m.Courses, m.Person == beto)
	}
	if m := p.Member(beto); m == nil || !strings.HasPrefix(m.ID, "i") || len(p.Members) != 2 {
		t.Errorf("who came second is %+v, of %d", m, len(p.Members))
	}
}

// TestFaultsOfAllFiles: what is wrong is told of every file, and none is imported.
func TestFaultsOfAllFiles(t *testing.T) {
	files := []File{{"s.csv", []byte(sessionHead + "s1,x,T,P,2027-03-15,9:00,8:00," + mexico + "\n")}, {"p.csv", []byte(personHead + "m1,x,Chapas,,,,\n")}}
	next, _, faults := NewProgramme().ImportAll(files, known())
	if next != nil || len(faults) != 2 || faults[0].String() != "s.csv:2: the end is not after the start" || !strings.HasPrefix(faults[1].String(), "p.csv:2: delegation: ") {
		t.Errorf("faults: %v", faults)
	}
}

// TestChangingALinkInTheChat: a new link is told to those who know the old one; other words are not.
func TestChangingALinkInTheChat(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-10 10:00"))
	chief := w.chief()
	start := at(t, mexico, "2027-02-20 09:00")
	w.change(func(p *Programme) {
		p.Courses["c"] = &Course{ID: "c"}
		p.Sessions["s1"] = &Session{ID: "s1", Course: "c", Title: "Género", Link: "https://a.example.org", Zone: mexico, Start: start, End: start.Add(time.Hour), Version: 1}
	})
	draft := bot.Draft{Session: "s1", Course: "c", Title: "Trata", Day: "2027-02-20", From: "09:00", Until: "10:00", Zone: mexico, Link: "https://a.example.org"}
	w.sets(chief, bot.Effect{Post: &draft})
	if s := w.session("s1"); s.Title != "Trata" || s.Version != 1 || s.Place != "" {
		t.Errorf("other words: %+v", s)
	}
	draft.Link = "https://b.example.org"
	w.sets(chief, bot.Effect{Post: &draft})
	if s := w.session("s1"); s.Link != "https://b.example.org" || s.Version != 2 {
		t.Errorf("another link: %+v", s)
	}
}

// TestBelonging: a delegation that was chosen stays, in whatever order what turns set off is carried out.
func TestBelonging(t *testing.T) {
	facility := "hermosillo"
	at, chosen := bot.Effect{Place: &facility}, bot.Effect{Delegation: "Oaxaca"}
	for name, test := range map[string]struct {
		order []int // of two turns, as they come
		turns [2]bot.Effect
		want  string
	}{
		"the delegation last":            {[]int{0, 1}, [2]bot.Effect{at, chosen}, "Oaxaca"},
		"the delegation last, too early": {[]int{1, 0}, [2]bot.Effect{at, chosen}, "Oaxaca"},
		"the facility last":              {[]int{0, 1}, [2]bot.Effect{chosen, at}, "Sonora"},
		"the facility last, too early":   {[]int{1, 0}, [2]bot.Effect{chosen, at}, "Sonora"},
	} {
		w := newWorld(t, time.Date(2027, 2, 10, 10, 0, 0, 0, time.UTC))
		ana := w.person(bot.Telegram, "ana", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
		w.change(func(p *Programme) { p.Members["m1"] = &Member{ID: "m1", Person: ana} })
		for _, i := range test.order {
			w.must(w.trainer.Handle(t.Context(), effects.Set{Person: ana, Stamp: fmt.Sprint("5-", i), At: w.now, Effects: []bot.Effect{test.turns[i]}}))
		}
		p, err := w.trainer.Store.Load(t.Context())
		w.must(err)
		if m := p.Member(ana); m.Delegation != test.want || m.Facility != facility {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// TestDeskSaysForHowMany a session is, and who said what.
func TestDeskSaysForHowMany(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-10 10:00"))
	chief := w.chief()
	ana := w.person(bot.Telegram, "ana", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
	start := at(t, mexico, "2027-02-20 09:00")
	w.change(func(p *Programme) {
		p.Courses["c"] = &Course{ID: "c"}
		p.Sessions["s1"] = &Session{ID: "s1", Course: "c", Title: "Género", Place: "Aula 1", Zone: mexico, Start: start, End: start.Add(time.Hour), Version: 1}
		p.Sessions["s2"] = &Session{ID: "s2", Course: "c", Title: "Trata", Place: "Aula 1", Zone: mexico, Start: start.Add(time.Hour), End: start.Add(2 * time.Hour), Version: 1, Audience: []string{"Sonora", "Oaxaca"}}
		for id, delegation := range map[string]string{"m1": "Sonora", "m2": "Sonora", "m3": "Chiapas", "m4": "Oaxaca"} {
			p.Members[id] = &Member{ID: id, Courses: []string{"c"}, Delegation: delegation}
		}
		p.Members["m1"].Person = ana
	})
	in := bot.Input{Channel: bot.Telegram}
	w.must(w.trainer.Prepare(t.Context(), chief, bot.Person{Role: bot.Trainer, Facility: "hermosillo"}, &in, true))
	if s := in.Desk.Sessions; len(s) != 2 || s[0].People != 4 || s[1].People != 3 || s[0].Mine || in.Desk.Member {
		t.Errorf("the desk of a trainer: %+v", s)
	}
	if in.Desk.Zone == nil || in.Desk.Zone.String() != hermosillo {
		t.Errorf("a trainer's own clock: %v", in.Desk.Zone)
	}
	w.sets(ana, bot.Effect{Answer: &bot.Reaction{Session: "s1", Answer: bot.NotComing, Version: 1}})
	p, err := w.trainer.Store.Load(t.Context())
	w.must(err)
	r, err := w.trainer.count(t.Context(), p, p.Sessions["s1"], false)
	w.must(err)
	if !slices.Equal(r.Refused, []string{"m1"}) || !slices.Equal(r.Silent, []string{"m2", "m3", "m4"}) {
		t.Errorf("refused %v, silent %v", r.Refused, r.Silent)
	}
}

// TestSessionsOverMidnight end on the next day, if that is soon.
func TestSessionsOverMidnight(t *testing.T) {
	p, _, faults := NewProgramme().Import("a.csv", []byte(sessionHead+"s1,c,Crisis,Aula 1,2027-03-15,22:00,2:00,"+tijuana+"\n"), known())
	if faults != nil || !p.Sessions["s1"].End.Equal(at(t, tijuana, "2027-03-16 02:00")) {
		t.Fatalf("%v", faults)
	}
	var sessions, members strings.Builder
	if err := p.WriteSheets(&sessions, &members); err != nil {
		t.Fatal(err)
	}
	if _, changes, faults := p.Import("a.csv", []byte(sessions.String()), known()); faults != nil || len(changes) != 0 {
		t.Errorf("written and read again: %v, %v", changes, faults)
	}
	if _, _, faults = NewProgramme().Import("a.csv", []byte(sessionHead+"s1,c,Crisis,Aula 1,2027-03-15,13:00,1:00,"+tijuana+"\n"), known()); len(faults) != 1 {
		t.Errorf("a slip: %v", faults)
	}
}

// TestCalendarsWithLengths: an event says when it ends, or how long it is.
func TestCalendarsWithLengths(t *testing.T) {
	k := known()
	k.Course = "c"
	event := func(length string) string {
		return "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:T\r\nLOCATION:P\r\nDTSTART;TZID=" + tijuana + ":20270315T090000\r\nDURATION:" + length + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	for length, want := range map[string]time.Duration{"PT4H": 4 * time.Hour, "PT1H30M": 90 * time.Minute, "PT45M0S": 45 * time.Minute, "P1D": 24 * time.Hour, "P": 0, "-PT1H": 0, "PT0S": 0, "an hour": 0} {
		p, _, faults := NewProgramme().Import("a.ics", []byte(event(length)), k)
		if want == 0 {
			if len(faults) != 1 {
				t.Errorf("%s: %v", length, faults)
			}
			continue
		}
		if faults != nil {
			t.Errorf("%s: %v", length, faults)
			continue
		}
		if s := p.Sorted()[0]; s.End.Sub(s.Start) != want || s.Zone != tijuana {
			t.Errorf("%s: %+v", length, s)
		}
	}
}
