package bot_test

import (
	"encoding/json"
	"testing"

	"faro/bot"
	"faro/locales"
)

// FuzzTurn holds that no record, however damaged, and no input makes a turn panic, or leave a record that
// cannot be read or is too large: words, choices, deep links, and dates, times, places and texts typed
// where they are asked for, on any step and with any draft.
func FuzzTurn(f *testing.F) {
	c := load(f)
	for id, step := range c.Flows.Steps {
		words := map[string]string{"day": "1/12/2026", "time": "9:00-13:30", "facilities": "Tapachula y Chiapas", "until": "2/12 18:00", "when": "9 pm"}[step.Ask]
		f.Add("telegram", byte(bot.Text), words, "", []byte("1|"+id+"/s1|menu|menu,answer/asylum:2@fr|abcdef|sz5q0w.sz5q1k!"), []byte(`{"l":"es","n":true,"r":"admin"}`), []byte(`{}`))
	}
	for _, choice := range []string{"t-asylum", "f-tapachula", "i-ABCD-2345", "", "answer/asylum+services", "lang/ht", "notice-where/new", "notice-do/stop.n1-0"} {
		f.Add("sms", byte(bot.Choice), "", choice, []byte("1|menu||||"), []byte(`{"l":"ht"}`), []byte(`{"n":{"f":["tapachula"],"r":"water-off","b":{"day":"2026-12-01"},"t":{"es":"x"},"u":"2026-12-02T00:00:00Z"}}`))
		f.Add("telegram", byte(bot.Start), "", choice, []byte(""), []byte(`{}`), []byte(`{"Session":"s1","Day":"x","From":"y","Zone":"z"}`))
	}
	f.Add("sms", byte(bot.Text), "9", "", []byte("1|notice-when|||"), []byte(`{}`), []byte(`{}`)) // of nobody's language any more
	tk := talk(f)
	f.Fuzz(func(t *testing.T, channel string, kind byte, words, choice string, record, person, draft []byte) {
		var d bot.Dialogue
		if d.UnmarshalText(record) != nil {
			d = bot.Dialogue{}
		}
		var p bot.Person
		if json.Unmarshal(person, &p) != nil {
			p = bot.Person{}
		}
		if json.Unmarshal(draft, &d.Draft) != nil {
			d.Draft = bot.Draft{}
		}
		ch := bot.Channel(channel)
		if ch != bot.Telegram {
			ch = bot.SMS
		}
		in := bot.Input{ID: "x", Channel: ch, Kind: bot.Kind(kind % 8), Words: bot.Words(words), Choice: choice, Message: 3}
		if p.Role != bot.Migrant {
			in.Desk = desk()
			in.Desk.Role = p.Role
		}
		turn := tk.Step(d, p, in, day)
		after, err := turn.Dialogue.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back bot.Dialogue
		if err := back.UnmarshalText(after); err != nil {
			t.Fatalf("%q: %v", after, err)
		}
		if len(turn.Replies) > 1 {
			t.Fatalf("%d replies", len(turn.Replies))
		}
		for _, r := range turn.Replies {
			if r.Text == "" || !c.Book.Has(r.Lang) && r.Lang != locales.Lang("") {
				t.Fatalf("a reply in %q says %q", r.Lang, r.Text)
			}
		}
	})
}
