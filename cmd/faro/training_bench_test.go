package main

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkRemind measures how long the reminders of 963 people take from the first to the last at the
// provider: with no limit, and at Telegram's 30 a second as a share of the ideal time.
func BenchmarkRemind(b *testing.B) {
	for _, rate := range []float64{0, 30} {
		b.Run(map[float64]string{0: "unlimited", 30: "30-a-second"}[rate], func(b *testing.B) {
			for b.Loop() {
				took, refused := remindAll(b, rate)
				b.ReportMetric(took.Seconds(), "s")
				b.ReportMetric(float64(refused), "refused")
				if rate > 0 {
					b.ReportMetric((officials-1)/rate/took.Seconds(), "of-ideal")
				}
			}
		})
	}
}

func remindAll(b *testing.B, rate float64) (took time.Duration, refused int) {
	w := start(b, func(c *serveCmd) { c.Telegram.Rate = rate })
	defer w.stop()
	var mu sync.Mutex
	var seen []time.Time
	w.telegram.OnSend = func(_ int64, at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, at)
	}
	w.programme(officials, time.Now().Add(2*time.Hour))
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		mu.Lock()
		n := len(seen)
		mu.Unlock()
		if n >= officials {
			break
		}
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d", n, officials)
		}
	}
	w.calm()
	return slices.MaxFunc(seen, time.Time.Compare).Sub(slices.MinFunc(seen, time.Time.Compare)), len(w.telegram.Violations())
}
