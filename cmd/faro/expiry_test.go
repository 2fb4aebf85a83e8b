package main

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/people"
)

// unending are the keys that may have no expiry, and why they cannot grow without end.
var unending = map[string]string{
	`\{p\d\d\}out:(telegram|sms):(reply|bulk)`: "queues: a message leaves when it is delivered or failed",
	`\{p\d\d\}effects`:                         "a queue: what a turn set off leaves when it is carried out",
	`\{p\d\d\}failed`:                          "keys.FailedKept entries at most",
	`\{p\d\d\}f:[a-z-]+`:                       "followers of a place: they leave by LEAVE or ERASE, or with the next notice once their record has expired",
	`\{p\d\d\}arrivals`:                        "a number",
	`faro:keys(:known)?`:                       "one of each process that runs, and one for all",
	`faro:retention`:                           "what was set last",
	`faro:processes`:                           "the processes that run",
	`\{faro\}roles`:                            "only invitations give roles",
	`\{faro\}audit`:                            "deeds of those who have a role, and lock-outs, one a person and hour at most",
	`\{faro\}training`:                         "as the operator imported it",
	`faro:notices`:                             "written by coordinators",
	`asynq:.*`:                                 "timed jobs: a fixed set",
	`\{faro:(telegram|sms)\}(rate|pause)`:      "one of each channel",
}

// TestWhatIsKeptOfPeopleExpires: after conversations of every kind, each key that a stranger can cause
// has an expiry.
func TestWhatIsKeptOfPeopleExpires(t *testing.T) {
	w := start(t, nil)
	w.programme(0, time.Now().Add(50*time.Minute))
	for code, inv := range map[string]people.Invitation{"ABCD-2345": {Role: bot.Admin}, "EFGH-2345": {Role: bot.Staff, Course: "c"}} {
		if err := w.server.trains.Register.Invite(w.context(), code, inv, "test"); err != nil {
			t.Fatal(err)
		}
	}
	const phone = "+529619990004"
	w.say(ana, "/start f-tapachula")
	w.tap(ana, "lang/es")
	w.tap(ana, "next")
	w.say(ana, "asilo")
	w.say(ana, "ZZZZ-2345")
	w.say(ben, "/start")
	w.tap(ben, "lang/fr")
	w.say(ben, "exit")
	w.say(ben, "erase")
	w.text(phone, "hola")
	w.text(phone, "2")
	w.text(phone, "STOP")
	const chief = ana + 1000
	w.say(chief, "/start i-ABCD-2345")
	w.tap(chief, "lang/en")
	w.tap(chief, "next")
	w.say(chief, "notice")
	w.tap(chief, "notice-where/new")
	w.say(chief, "Tapachula")
	w.tap(chief, "notice-what/all")
	w.tap(chief, "notice-fill/water-off")
	w.drained()

	kept := 0
	for all := w.server.redis.Scan(w.context(), 0, "*", 1000).Iterator(); all.Next(w.context()); {
		key := all.Val()
		life := w.server.redis.TTL(w.context(), key).Val()
		if life >= 0 {
			kept++
			continue
		}
		if life == -2 { // expired since SCAN named it
			continue
		}
		known := false
		for pattern := range unending {
			known = known || regexp.MustCompile("^"+pattern+"$").MatchString(key)
		}
		if !known {
			t.Errorf("%s never expires", key)
		}
	}
	for address, want := range map[int64]time.Duration{ana: bot.PersonLife, ana + 1: bot.DialogueLife} {
		if address != ana {
			w.say(address, "hola")
		}
		id := w.server.taker.Vault.Seal(bot.Telegram, fmt.Sprint(address))
		if life := w.server.redis.TTL(w.context(), keys.Person(id)).Val(); life > want || life < want-time.Hour {
			t.Errorf("a record is kept for %v, want %v", life, want)
		}
	}
	if kept < 8 {
		t.Errorf("only %d keys have an expiry", kept)
	}
}
