package away

import (
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faro/bot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestOnceAnHour: someone is told once in an hour, again if it did not reach them, and each channel by itself.
func TestOnceAnHour(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	d := &Desk{Now: func() time.Time { return now }}
	tell := func(ch bot.Channel, address string, want bool) {
		t.Helper()
		if got := d.may(numbers, ch, address); got != want {
			t.Errorf("%s is told: %v, want %v", address, got, want)
		}
	}
	tell(bot.SMS, "ana", true)
	tell(bot.SMS, "ana", false)
	tell(bot.Telegram, "ana", true)
	d.Unheard(bot.SMS, "ana")
	tell(bot.SMS, "ana", true)
	now = now.Add(again - time.Minute)
	tell(bot.SMS, "ana", false)
	tell(bot.SMS, "luis", true)
	now = now.Add(2 * time.Minute)
	tell(bot.SMS, "luis", false) // a minute ago
	now = now.Add(2 * again)
	tell(bot.SMS, "luis", true)
}

// TestStrangersDoNotFillMemory: however many write, two generations are kept.
func TestStrangersDoNotFillMemory(t *testing.T) {
	d := &Desk{Now: time.Now}
	for i := range 3 * most {
		if !d.may(numbers, bot.SMS, strconv.Itoa(i)) {
			t.Fatalf("stranger %d hears nothing", i)
		}
	}
	if kept := len(d.now) + len(d.old); kept > 2*most {
		t.Errorf("%d are kept", kept)
	}
	if d.may(numbers, bot.SMS, strconv.Itoa(3*most-1)) {
		t.Error("the last one is told twice")
	}
}

// TestStopIsAnsweredAgain: who is told to send STOP again and does is told once more, but not without end, whether or not
// they have heard the numbers.
func TestStopIsAnsweredAgain(t *testing.T) {
	d := &Desk{Now: time.Now}
	d.may(numbers, bot.SMS, "ana")
	for i := range 2 * stops {
		if got, want := d.may(stop, bot.SMS, "ana"), i < stops; got != want {
			t.Errorf("STOP number %d is answered: %v, want %v", i+1, got, want)
		}
	}
	if !d.may(numbers, bot.SMS, "luis") {
		t.Error("another person is not told the numbers")
	}
}
