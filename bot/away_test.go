package bot_test

import (
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/bot/sms"
)

// TestAway: while nothing can be stored, people get the emergency number in the language they write, in one
// text message; after STOP, by SMS, that it has to be sent again, and by Telegram nothing.
func TestAway(t *testing.T) {
	faro := talk(t)
	for words, lang := range map[string]string{
		"necesito un abogado por favor": "es", "I need a doctor now please": "en", "j'ai besoin d'un avocat": "fr", "preciso de um médico agora": "pt", "mwen bezwen yon avoka": "ht",
		"1": "es", "🙏": "es", "HELLO": "en",
	} {
		for _, ch := range bot.Channels {
			r, ok := faro.Away(bot.Input{ID: "1", Channel: ch, Kind: bot.Text, Words: bot.Words(words)}, time.Now())
			if !ok || string(r.Lang) != lang || !strings.Contains(r.Text, "911") {
				t.Errorf("%q by %s: %v, in %s, %q", words, ch, ok, r.Lang, r.Text)
			}
			if m := sms.Render(r); ch == bot.SMS && (m.Pages != 1 || m.Segments > 3) {
				t.Errorf("%q: %d pages, %d segments", words, m.Pages, m.Segments)
			}
		}
	}
	for words, want := range map[string]string{"STOP": "Send STOP again", "alto": "Envía ALTO", "arrêt": "Renvoyez ARRET", "parar": "Envie PARAR", "kanpe": "Voye KANPE"} {
		in := bot.Input{Channel: bot.SMS, Kind: bot.Text, Words: bot.Words(words)}
		r, ok := faro.Away(in, time.Now())
		if m := sms.Render(r); !ok || !strings.HasPrefix(r.Text, want) || m.Segments != 1 {
			t.Errorf("%q by SMS is answered with %q in %d segments", words, r.Text, m.Segments)
		}
		in.Channel = bot.Telegram
		if r, ok := faro.Away(in, time.Now()); ok {
			t.Errorf("%q, which Telegram delivers again, is answered with %q", words, r.Text)
		}
	}
	if _, ok := faro.Away(bot.Input{Channel: bot.SMS, Kind: bot.OptOut}, time.Now()); ok {
		t.Error("a STOP the provider handled is answered")
	}
}
