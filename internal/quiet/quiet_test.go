package quiet_test

import (
	"testing"
	"time"

	"faro/internal/quiet"
)

// TestAdd: time goes by outside the quiet hours only, by the clock of the place.
func TestAdd(t *testing.T) {
	zone, err := time.LoadLocation("America/Tijuana") // clocks go back on 1 November 2026
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 10, day, hour, minute, 0, 0, zone) }
	for _, c := range []struct {
		name string
		from time.Time
		d    time.Duration
		want time.Time
	}{
		{"in the day", at(5, 10, 0), time.Hour, at(5, 11, 0)},
		{"to the very evening", at(5, 20, 0), time.Hour, at(5, 21, 0)},
		{"into the night", at(5, 20, 30), time.Hour, at(6, 7, 30)},
		{"from the night", at(5, 23, 0), time.Minute, at(6, 7, 1)},
		{"over two nights", at(5, 20, 0), 16 * time.Hour, at(7, 8, 0)},
		{"while clocks change", at(31, 20, 0), 2 * time.Hour, at(32, 8, 0)},
	} {
		if got := quiet.Default.Add(c.from, c.d, zone); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := (quiet.Hours{}).Add(at(5, 23, 0), time.Hour, zone); !got.Equal(at(6, 0, 0)) {
		t.Errorf("without quiet hours: %v", got)
	}
	if got := quiet.Default.Next(at(5, 21, 0), zone); !got.Equal(at(6, 21, 0)) {
		t.Errorf("after 21:00 the next quiet time begins %v", got)
	}
}
