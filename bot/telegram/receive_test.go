package telegram_test

import (
	"strconv"
	"testing"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/fakes"
)

func FuzzParse(f *testing.F) {
	api := fakes.NewTelegram("1:x")
	defer api.Close()
	for _, update := range [][]byte{api.Say(7, "pt-br", "/start t-asylum"), api.Say(7, "", "hola"), api.Voice(7, "es"), api.Tap(7, "es", 3, "menu"),
		api.Location(7, "es", 1, 2), api.Edited(7, "es", 3, "x"), api.Group(-5, 7, "es", "x"), api.ChannelPost(-6, "x"),
		[]byte(`{"update_id":1,"callback_query":{"id":"1","from":{"id":1}}}`), []byte(`{"update_id":-1}`), []byte(`[]`)} {
		f.Add(update)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := telegram.Parse(raw)
		if err != nil || e.Kind != telegram.KindInput {
			return
		}
		if _, err := strconv.ParseInt(e.Chat, 10, 64); err != nil || e.Input.ID == "" || e.Ordinal <= 0 {
			t.Errorf("an input without an address or an id: %d", e.Ordinal)
		}
		if e.Input.Kind != bot.Text && e.Input.Words != "" {
			t.Errorf("words in an input of kind %d", e.Input.Kind)
		}
	})
}

func TestHintIsTheLanguageWithoutItsRegion(t *testing.T) {
	api := fakes.NewTelegram("1:x")
	defer api.Close()
	for tag, want := range map[string]string{"pt-br": "pt", "ES": "es", "": "", "zh-hans": "zh"} {
		e, err := telegram.Parse(api.Say(7, tag, "x"))
		if err != nil || string(e.Input.Hint) != want {
			t.Errorf("%q gives %q, %v", tag, e.Input.Hint, err)
		}
	}
}
