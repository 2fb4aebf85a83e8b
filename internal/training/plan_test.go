package training

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"faro/internal/quiet"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := loadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// at reads "2027-03-15 09:00" on the clock of a place.
func at(t interface{ Fatal(...any) }, place, moment string) time.Time {
	m, err := time.ParseInLocation("2006-01-02 15:04", moment, zone(t, place))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	tijuana    = "America/Tijuana"
	hermosillo = "America/Hermosillo"
	cancun     = "America/Cancun"
	mexico     = "America/Mexico_City"
	juarez     = "America/Ciudad_Juarez"
)

func TestPlanKeepsTheClockOfThePlace(t *testing.T) {
	week, day, hour := Lead{Days: 7}, Lead{Days: 1}, Lead{Before: time.Hour}
	for _, test := range []struct {
		name, place, start, person string
		lead                       Lead
		want                       string // on the person's clock
	}{
		{"a week before", mexico, "2027-02-10 09:00", mexico, week, "2027-02-03 09:00"},
		{"a week before, over the spring change", tijuana, "2027-03-15 09:00", tijuana, week, "2027-03-08 09:00"},
		{"a day before, over the spring change", tijuana, "2027-03-14 09:00", tijuana, day, "2027-03-13 09:00"},
		{"a week before, over the autumn change", tijuana, "2027-11-08 09:00", tijuana, week, "2027-11-01 09:00"},
		{"an hour before, the change between", tijuana, "2027-03-14 08:30", tijuana, hour, "2027-03-14 07:30"},
		{"seen from a place without the change: before it", tijuana, "2027-03-12 09:00", hermosillo, day, "2027-03-11 10:00"},
		{"seen from a place without the change: after it", tijuana, "2027-03-16 09:00", hermosillo, day, "2027-03-15 09:00"},
		{"Ciudad Juárez changes, Mexico City does not", juarez, "2027-03-16 09:00", mexico, day, "2027-03-15 09:00"},
		{"from Cancún it is three hours later", tijuana, "2027-03-10 09:00", cancun, hour, "2027-03-10 11:00"},
		{"quiet: at their end", mexico, "2027-02-10 07:30", mexico, hour, "2027-02-10 07:00"},
		{"quiet: too close, the evening before", mexico, "2027-02-10 07:15", mexico, hour, "2027-02-09 20:59"},
		{"quiet: the session lies in them", mexico, "2027-02-10 05:00", mexico, hour, "2027-02-09 20:59"},
		{"quiet by the person's clock, not the place's", cancun, "2027-02-10 08:00", tijuana, hour, "2027-02-09 20:59"},
		{"quiet a week before: the morning", cancun, "2027-02-10 08:00", tijuana, week, "2027-02-03 07:00"},
		{"quiet on the night of the change", tijuana, "2027-03-14 07:40", tijuana, hour, "2027-03-14 07:00"},
		{"just as they begin", mexico, "2027-02-10 22:00", mexico, hour, "2027-02-10 20:59"},
		{"just as they end", mexico, "2027-02-10 08:00", mexico, hour, "2027-02-10 07:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := NewProgramme()
			p.Settings.Reminders = []Lead{test.lead}
			start := at(t, test.place, test.start)
			s := &Session{Start: start, End: start.Add(time.Hour)}
			got := p.Plan(s, []string{test.person}, start.AddDate(0, -1, 0))
			if len(got) != 1 || !got[0].At.Equal(at(t, test.person, test.want)) {
				t.Errorf("planned %v, want %s", got, test.want)
			}
		})
	}
}

func TestPlanOfWhatWasMissed(t *testing.T) {
	p := NewProgramme()
	start := at(t, mexico, "2027-02-10 12:00")
	s := &Session{Start: start, End: start.Add(time.Hour)}
	plan := func(now string) []Due { return p.Plan(s, []string{mexico}, at(t, mexico, now)) }
	if got := plan("2027-02-08 12:00"); len(got) != 3 || !got[2].Missed || got[2].Lead.Days != 7 {
		t.Errorf("two days before, the week's was missed: %v", got)
	}
	if got := plan("2027-02-10 11:30"); len(got) != 1 || !got[0].Missed || got[0].Lead.Before != time.Hour {
		t.Errorf("half an hour before, only the nearest goes: %v", got)
	}
	if got := plan("2027-02-10 12:00"); got != nil {
		t.Errorf("when it begins nobody is reminded: %v", got)
	}
	s.Cancelled = true
	if got := plan("2027-02-01 12:00"); got != nil {
		t.Errorf("cancelled: %v", got)
	}
	s.Cancelled, s.Reminders = false, []Lead{}
	if got := plan("2027-02-01 12:00"); got != nil {
		t.Errorf("a session without reminders: %v", got)
	}
}

// TestPlanNeverDisturbsOrComesLate holds for any session, zone and moment.
func TestPlanNeverDisturbsOrComesLate(t *testing.T) {
	names := []string{tijuana, hermosillo, cancun, mexico, juarez}
	rapid.Check(t, func(t *rapid.T) {
		p := NewProgramme()
		p.Settings.Quiet = quiet.Hours{From: time.Duration(rapid.IntRange(0, 47).Draw(t, "from")) * 30 * time.Minute,
			Until: time.Duration(rapid.IntRange(0, 47).Draw(t, "until")) * 30 * time.Minute}
		place, person := rapid.SampledFrom(names).Draw(t, "place"), rapid.SampledFrom(names).Draw(t, "person")
		start := at(t, place, "2027-01-01 00:00").Add(time.Duration(rapid.IntRange(0, 365*24*4).Draw(t, "start")) * 15 * time.Minute)
		now := start.Add(-time.Duration(rapid.IntRange(1, 10*24*60).Draw(t, "left")) * time.Minute)
		seen := map[Lead]bool{}
		missed := 0
		for _, due := range p.Plan(&Session{Start: start, End: start.Add(time.Hour)}, []string{person}, now) {
			if seen[due.Lead] {
				t.Fatalf("%v twice", due.Lead)
			}
			seen[due.Lead] = true
			if due.Missed {
				missed++
				continue
			}
			if !due.At.Before(start) || !due.At.After(now) {
				t.Fatalf("a reminder at %v of a session at %v, planned at %v", due.At, start, now)
			}
			if _, _, within := p.Settings.Quiet.At(due.At, zone(t, person)); within {
				t.Fatalf("a reminder at %v in quiet hours %v", due.At.In(zone(t, person)), p.Settings.Quiet)
			}
		}
		if missed > 1 {
			t.Fatalf("%d missed reminders at once", missed)
		}
	})
}
