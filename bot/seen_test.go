package bot_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"faro/bot"
)

// updates is a person whose updates are taken one by one, each from the record that the one before left.
type updates struct {
	*testing.T
	faro   *bot.Talk
	record []byte
	person bot.Person
	now    time.Time
}

// moment is an order in which updates of one moment may come.
var moment = []int{7, 3, 19, 0, 12, 5, 16, 9, 1, 14, 18, 2, 11, 6, 17, 4, 13, 8, 15, 10}

func (u *updates) hear(number int, want bot.Heard) {
	u.Helper()
	var d bot.Dialogue
	if err := d.UnmarshalText(u.record); err != nil {
		u.Fatal(err)
	}
	in := bot.Input{ID: strconv.Itoa(number), Ordinal: number, Channel: bot.Telegram, Words: "menu"}
	turn := u.faro.Step(d, u.person, in, u.now)
	if turn.Heard != want {
		u.Fatalf("update %d is heard as %q, want %q", number, turn.Heard, want)
	}
	u.person = turn.Person
	var err error
	if u.record, err = turn.Dialogue.MarshalText(); err != nil {
		u.Fatal(err)
	}
}

func person(t *testing.T, record string) *updates {
	return &updates{T: t, faro: talk(t), record: []byte(record), person: bot.Person{Lang: "es", Noticed: true},
		now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)}
}

// TestOldUpdatesAreDuplicates: Telegram's updates of one moment are each heard once in whatever order they come; one
// that comes again after many others is a duplicate; and when their numbers begin anew all are heard.
func TestOldUpdatesAreDuplicates(t *testing.T) {
	const first = 1<<31 - 200 // the highest numbers there are
	u := person(t, "1||||")
	for _, i := range moment {
		u.hear(first+i, bot.HeardCommand)
	}
	for i := range 40 {
		u.now = u.now.Add(3 * time.Second)
		u.hear(first+100+i, bot.HeardCommand)
	}
	for _, i := range slices.Concat(moment, []int{100, 120, 139}) {
		u.hear(first+i, bot.HeardDuplicate)
	}
	u.now = u.now.Add(time.Minute)
	for _, i := range moment[:3] { // those of another bot
		u.hear(1000+i, bot.HeardCommand)
		u.hear(1000+i, bot.HeardDuplicate)
	}
	for i := range 40 {
		u.now = u.now.Add(3 * time.Second)
		u.hear(2000+i, bot.HeardCommand)
	}
	u.now = u.now.Add(25 * time.Hour)
	for _, i := range moment[:3] { // nothing this old comes again
		u.hear(1500+i, bot.HeardCommand)
	}
}

// TestUpdatesAfterAnUpgrade: the digests that an older version left instead of numbers keep no update out, in whatever order they come.
func TestUpdatesAfterAnUpgrade(t *testing.T) {
	digests := ""
	for i := range 10 {
		digests += bot.Input{ID: strconv.Itoa(699_999_900 + i)}.Mark()
	}
	u := person(t, "1|menu|||"+digests+"|"+strconv.FormatInt(time.Date(2026, 12, 1, 11, 59, 0, 0, time.UTC).Unix(), 36))
	for i := range moment {
		u.hear(700_000_000-i, bot.HeardCommand)
	}
	for i := range moment {
		u.hear(700_000_000-i, bot.HeardDuplicate)
	}
}
