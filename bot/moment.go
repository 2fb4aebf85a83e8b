package bot

import (
	"errors"
	"fmt"
	"time"
)

// What is wrong with a time that a clock does not show once.
var (
	ErrSkipped = errors.New("the clocks are put forward then")
	ErrTwice   = errors.New("the clocks are put back then; choose another time")
)

// Moment is a time on the clock of a zone, given as if it were UTC. It refuses times that the clock does not
// show, or shows twice, because it is changed.
func Moment(at time.Time, zone *time.Location) (time.Time, error) {
	const layout = time.DateOnly + " " + clock
	t := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), 0, 0, zone)
	if t.Format(layout) != at.Format(layout) {
		return t, fmt.Errorf("%s does not exist in %s: %w", at.Format(layout), zone, ErrSkipped)
	}
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		if t.Add(d).In(zone).Format(layout) == t.Format(layout) {
			return t, fmt.Errorf("%s comes twice in %s: %w", at.Format(layout), zone, ErrTwice)
		}
	}
	return t, nil
}

// maxNight is how long a session over midnight may be. An end that is earlier on the clock than the start is more
// likely a slip if it would be longer.
const maxNight = 8 * time.Hour

// Until is when something ends that begins at a time and ends at a time on the clock of the same day, or of the
// next if that comes soon after midnight. It reports false if it is neither.
func Until(start, end time.Time) (time.Time, bool) {
	if end.After(start) {
		return end, true
	}
	end = end.AddDate(0, 0, 1)
	return end, end.Sub(start) <= maxNight
}
