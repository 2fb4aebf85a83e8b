package telegram_test

import (
	"testing"

	"go.uber.org/goleak"

	"faro/bot"
	"faro/bot/telegram"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// FuzzBody holds that a queued body that was damaged is refused, and one that is read is sent.
func FuzzBody(f *testing.F) {
	body, err := telegram.Shape(bot.Reply{Lang: "es", Title: "T", Text: "texto", Options: []bot.Option{{Label: "a", Data: "menu"}}}, bot.Input{Kind: bot.Choice, Message: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte("{}\n\n"))
	f.Add([]byte("{\"b\":-1}\n{\"inline_keyboard\":[[null]]}\n"))
	f.Fuzz(func(t *testing.T, queued []byte) {
		b, err := telegram.Open(queued)
		if err != nil {
			return
		}
		params, err := telegram.Content("1", queued)
		if err != nil || params["text"] != b.Text {
			t.Fatalf("%q is read but not sent: %v", queued, err)
		}
	})
}
