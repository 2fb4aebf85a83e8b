package main

import (
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/people"
)

func TestForgetSettings(t *testing.T) {
	for _, test := range []struct {
		dialogue, person string
		want             bot.Life
		says             string
	}{
		{"72h", "365d", bot.Life{Dialogue: 72 * time.Hour, Person: 365 * 24 * time.Hour}, ""},
		{"7d", "30d", bot.Life{Dialogue: 7 * 24 * time.Hour, Person: 30 * 24 * time.Hour}, ""},
		{"2h", "48h", bot.Life{Dialogue: 2 * time.Hour, Person: 48 * time.Hour}, ""},
		{"", "", bot.Life{}, ""},
		{"1h", "365d", bot.Life{}, `FARO_FORGET_DIALOGUE is "1h": it must be from 2h to 30d`},
		{"31d", "365d", bot.Life{}, `it must be from 2h to 30d`},
		{"90m", "365d", bot.Life{}, `FARO_FORGET_DIALOGUE is "90m": that is no whole number of hours or days, like 2h`},
		{"soon", "365d", bot.Life{}, `"soon"`},
		{"-3d", "365d", bot.Life{}, `it must be from 2h to 30d`},
		{"72h", "1d", bot.Life{}, `FARO_FORGET_PERSON is "1d": it must be from 2d to 1095d`},
		{"72h", "99999999999999999d", bot.Life{}, `FARO_FORGET_PERSON`},
		{"72h", "99999d", bot.Life{}, `it must be from 2d to 1095d`},
		{"72h", "50h", bot.Life{}, `whole number of days`},
		{"30d", "3d", bot.Life{}, `FARO_FORGET_PERSON is shorter than FARO_FORGET_DIALOGUE`},
	} {
		life, err := forgetSettings{Dialogue: test.dialogue, Person: test.person}.parse()
		if test.says == "" && (err != nil || life != test.want) || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%q, %q: %v, %v", test.dialogue, test.person, life, err)
		}
	}
}

// TestPeopleAreToldHowLong: the privacy notice and the answer about privacy tell what is set, in every language.
func TestPeopleAreToldHowLong(t *testing.T) {
	told := func(life bot.Life, lang string, ch bot.Channel) string {
		talk := say(builtin(), index(), bot.Host{Operator: "Casa", Life: life}).talk
		in := func(kind bot.Kind, choice string) bot.Input {
			return bot.Input{ID: choice, Channel: ch, Kind: kind, Choice: choice}
		}
		hello := talk.Step(bot.Dialogue{}, bot.Person{}, in(bot.Start, ""), time.Now())
		notice := talk.Step(hello.Dialogue, hello.Person, in(bot.Choice, "lang/"+lang), time.Now())
		menu := talk.Step(notice.Dialogue, notice.Person, in(bot.Choice, "next"), time.Now())
		answer := talk.Step(menu.Dialogue, menu.Person, in(bot.Choice, "answer/privacy"), time.Now())
		var b strings.Builder
		for _, turn := range []bot.Turn{notice, answer} {
			for _, r := range turn.Replies {
				b.WriteString(r.Title + "\n" + r.Text + "\n")
			}
		}
		return b.String()
	}
	for lang, words := range map[string][3]string{
		"en": {"hours", "days", "months"}, "es": {"horas", "días", "meses"}, "fr": {"heures", "jours", "mois"},
		"ht": {"èdtan", "jou", "mwa"}, "pt": {"horas", "dias", "meses"},
	} {
		for _, ch := range bot.Channels {
			usual := told(bot.Life{}, lang, ch)
			short := told(bot.Life{Dialogue: 5 * time.Hour, Person: 45 * 24 * time.Hour}, lang, ch)
			long := told(bot.Life{Dialogue: 5 * 24 * time.Hour, Person: 730 * 24 * time.Hour}, lang, ch)
			for name, c := range map[string]struct {
				text, dialogue, person string
			}{
				"usual": {usual, "72 " + words[0], "12 " + words[2]}, "short": {short, "5 " + words[0], "45 " + words[1]}, "long": {long, "5 " + words[1], "24 " + words[2]},
			} {
				if strings.Count(c.text, c.person) != 2 || ch == bot.Telegram && strings.Count(c.text, c.dialogue) < 2 {
					t.Errorf("%s, %s, %s: %q and %q are missing in %q", lang, ch, name, c.dialogue, c.person, c.text)
				}
				if name != "usual" && (strings.Contains(c.text, "72 "+words[0]) || strings.Contains(c.text, "12 "+words[2])) {
					t.Errorf("%s, %s, %s tells what does not hold: %q", lang, ch, name, c.text)
				}
			}
		}
	}
}

// TestForgottenInTime: keys get the lives that are set and every message renews them. Staff are kept for a
// year whatever is set, and what they are told of a session renews that.
func TestForgottenInTime(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Forget = forgetSettings{Dialogue: "5h", Person: "10d"} })
	w.programme(0, time.Now().Add(48*time.Hour))
	if err := w.server.trains.Register.Invite(w.context(), "EFGH-2345", people.Invitation{Role: bot.Staff, Course: "c"}, "test"); err != nil {
		t.Fatal(err)
	}
	lives := func(id bot.PersonID, dialogue, person time.Duration) {
		t.Helper()
		for key, want := range map[string]time.Duration{keys.Dialogue(id): dialogue, keys.Person(id): person} {
			if got := w.server.redis.TTL(w.context(), key).Val(); got > want || got < want-time.Minute {
				t.Errorf("kept for %v, want %v", got, want)
			}
		}
	}
	age := func(id bot.PersonID) {
		t.Helper()
		for _, key := range []string{keys.Dialogue(id), keys.Person(id)} {
			if ok, err := w.server.redis.Expire(w.context(), key, 10*time.Minute).Result(); err != nil || !ok {
				t.Fatal(err)
			}
		}
	}
	phone := "+529619998877"
	w.say(ana, "/start")
	w.text(phone, "hola")
	for _, id := range []bot.PersonID{w.id(ana), w.server.taker.Vault.Seal(bot.SMS, phone)} {
		lives(id, 5*time.Hour, 5*time.Hour) // they have chosen nothing yet
		age(id)
	}
	w.tap(ana, "lang/es")
	w.text(phone, "1")
	lives(w.id(ana), 5*time.Hour, 10*24*time.Hour)
	lives(w.server.taker.Vault.Seal(bot.SMS, phone), 5*time.Hour, 10*24*time.Hour)

	w.say(ben, "efgh2345")
	w.tap(ben, "lang/en")
	w.tap(ben, "next")
	lives(w.id(ben), 5*time.Hour, 365*24*time.Hour)
	age(w.id(ben))
	p, err := w.server.trains.Store.Load(w.context())
	if err != nil || p.Sessions["s"] == nil {
		t.Fatal(err)
	}
	w.telegram.Know(ben)
	n := w.telegram.Sent()
	if code, _, errs := command("", "training", "set", "--reminders", "49h", "--data", w.cfg.Data); code != 0 { // due at once
		t.Fatal(errs)
	}
	w.sends(n + 1)
	lives(w.id(ben), 10*time.Minute, 365*24*time.Hour)
}
