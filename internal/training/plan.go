package training

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"faro/internal/quiet"
)

// zones are those already read: reading one takes longer than planning a session.
var zones sync.Map

func loadZone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not an IANA time zone, like America/Tijuana", name)
	}
	zones.Store(name, z)
	return z, nil
}

// A Due is a reminder to the people of one zone.
type Due struct {
	Lead Lead
	Zone string
	At   time.Time
	// Missed means that its time was over when it was planned: it goes at once, but not to those who
	// have been told of this version of the session already.
	Missed bool
}

// Plan says when the people of some zones are reminded of a session, as seen at now: the reminders
// whose time has not come, and of those that were missed the one nearest to the session. Nothing is
// planned for a session that is cancelled or has begun.
func (p *Programme) Plan(s *Session, zones []string, now time.Time) []Due {
	if s.Cancelled || !s.Start.After(now) {
		return nil
	}
	leads := s.Reminders
	if leads == nil {
		leads = p.Settings.Reminders
	}
	var all []Due
	for _, name := range zones {
		zone, err := loadZone(name)
		if err != nil {
			continue // not stored: what comes in is checked
		}
		var missed *Due
		for _, lead := range leads {
			due := Due{Lead: lead, Zone: name, At: around(p.Settings.Quiet, lead.before(s.Start), s.Start, zone)}
			if due.At.After(now) {
				all = append(all, due)
			} else if missed == nil || !due.At.Before(missed.At) { // of two at once the shorter
				missed = &due
			}
		}
		if missed != nil {
			missed.Missed = true
			all = append(all, *missed)
		}
	}
	return all
}

// before is the moment a lead before the start. Days are days of the calendar where the session is.
func (l Lead) before(start time.Time) time.Time {
	return start.AddDate(0, 0, -l.Days).Add(-l.Before)
}

// id names a lead in a task.
func (l Lead) id() string {
	return strconv.Itoa(l.Days) + "d" + strconv.Itoa(int(l.Before.Minutes())) + "m"
}

// around moves a reminder out of the quiet hours of a zone: to their end if at least half of the time
// to the session is left then, else to the last minute before they begin.
func around(q quiet.Hours, due, start time.Time, zone *time.Location) time.Time {
	begin, end, within := q.At(due, zone)
	if !within {
		return due
	}
	if start.Sub(end) >= start.Sub(due)/2 {
		return end
	}
	return begin.Add(-time.Minute)
}
