// Package quiet is about the part of a day in which nobody is disturbed. It is a pure function of what
// it is given.
package quiet

import (
	"fmt"
	"strings"
	"time"
)

// Hours are the part of a day in which nobody is disturbed, as times since midnight on a person's
// clock. Equal times mean none.
type Hours struct {
	From  time.Duration `json:"from"`
	Until time.Duration `json:"until"`
}

// Default is from 21:00 to 07:00.
var Default = Hours{From: 21 * time.Hour, Until: 7 * time.Hour}

// At is the quiet time a moment lies in, if it does.
func (q Hours) At(moment time.Time, zone *time.Location) (begin, end time.Time, quiet bool) {
	local := moment.In(zone)
	for _, day := range []int{-1, 0} {
		begin, end = onDay(local, day, q.From), onDay(local, day, q.Until)
		if q.Until < q.From {
			end = onDay(local, day+1, q.Until)
		}
		if !local.Before(begin) && local.Before(end) {
			return begin, end, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// Next is when the first quiet time after a moment begins, the zero time if there is none.
func (q Hours) Next(moment time.Time, zone *time.Location) time.Time {
	if q.From == q.Until {
		return time.Time{}
	}
	local := moment.In(zone)
	for day := 0; ; day++ {
		if begin := onDay(local, day, q.From); begin.After(local) {
			return begin
		}
	}
}

// Add is the moment when so much time outside the quiet hours has gone by.
func (q Hours) Add(moment time.Time, d time.Duration, zone *time.Location) time.Time {
	for {
		if _, end, quiet := q.At(moment, zone); quiet {
			moment = end
		}
		next := q.Next(moment, zone)
		if next.IsZero() || !moment.Add(d).After(next) {
			return moment.Add(d)
		}
		d -= next.Sub(moment)
		moment = next
	}
}

// onDay is a time of the clock some days after a moment: not of hours since midnight, which differ when clocks change.
func onDay(local time.Time, after int, t time.Duration) time.Time {
	y, m, d := local.Date()
	return time.Date(y, m, d+after, int(t.Hours()), int(t.Minutes())%60, 0, 0, local.Location())
}

// Parse reads "21:00-07:00", or "none".
func Parse(text string) (Hours, error) {
	if text == "none" {
		return Hours{}, nil
	}
	from, until, ok := strings.Cut(text, "-")
	begin, err := clock(from)
	end, err2 := clock(until)
	if !ok || err != nil || err2 != nil {
		return Hours{}, fmt.Errorf("%q are not quiet hours, like 21:00-07:00, or none", text)
	}
	return Hours{From: begin, Until: end}, nil
}

// String is what Parse reads.
func (q Hours) String() string {
	if q.From == q.Until {
		return "none"
	}
	clock := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	return clock(q.From) + "-" + clock(q.Until)
}

func clock(text string) (time.Duration, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(text))
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err
}
