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
	y, m, d := local.Date()
	// Hours of the clock, not hours since midnight: they differ when clocks change.
	clock := func(day int, t time.Duration) time.Time {
		return time.Date(y, m, day, int(t.Hours()), int(t.Minutes())%60, 0, 0, zone)
	}
	for _, day := range []int{d - 1, d} {
		begin, end = clock(day, q.From), clock(day, q.Until)
		if q.Until < q.From {
			end = clock(day+1, q.Until)
		}
		if !local.Before(begin) && local.Before(end) {
			return begin, end, true
		}
	}
	return time.Time{}, time.Time{}, false
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
