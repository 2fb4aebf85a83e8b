package bot_test

import (
	"testing"

	"faro/bot"
	"faro/bot/telegram"
)

// BenchmarkStep is one turn without its storing: a menu and an answer, in turns.
func BenchmarkStep(b *testing.B) {
	s := known(b, bot.Telegram, "es")
	for i := 0; b.Loop(); i++ {
		turn := s.says([]string{"menu", "asilo"}[i%2])
		if _, err := telegram.Shape(turn.Replies[0], bot.Input{}); err != nil {
			b.Fatal(err)
		}
	}
}
