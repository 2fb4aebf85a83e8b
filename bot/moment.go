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
