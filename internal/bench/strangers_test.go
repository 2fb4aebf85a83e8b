package bench

import (
	"fmt"
	"testing"
	"time"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/answers"
	"faro/internal/content"
	"faro/internal/keys"
	"faro/internal/turns"
	"faro/internal/vault"
)

// BenchmarkStrangers measures what Redis keeps of someone who wrote once, or once and in a flood, after
// the reply is delivered.
func BenchmarkStrangers(b *testing.B) {
	const strangers = 20_000
	c, found := content.Load("")
	if c == nil {
		b.Fatal(found)
	}
	talk := bot.New(c.Flows, c.Book, answers.New(c.Flows, c.Book).Find, bot.Host{})
	for name, messages := range map[string]int{"once": 1, "flood": 30} {
		b.Run(name, func(b *testing.B) {
			rdb, _ := startRedis(b)
			seals, err := vault.New()
			if err != nil {
				b.Fatal(err)
			}
			taker := &turns.Taker{Redis: rdb, Vault: seals, Now: time.Now, Observe: func(bot.Input, bot.Turn, time.Duration) {},
				Talk: func() *bot.Talk { return talk }, Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape}}
			before := usedMemory(b, rdb)
			people := strangers / messages
			for i := range people {
				for n := range messages {
					in := bot.Input{ID: fmt.Sprint(i, n), Channel: bot.Telegram, Words: "hola", Message: 1000 + n}
					if err := taker.Take(b.Context(), fmt.Sprint(7_000_000_000+i), in); err != nil {
						b.Fatal(err)
					}
				}
			}
			for p := range keys.Partition(keys.Partitions) { // as if delivered
				if err := rdb.Del(b.Context(), keys.Queue(p, bot.Telegram, keys.Reply)).Err(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(usedMemory(b, rdb)-before)/float64(people), "bytes/stranger")
			b.ReportMetric(float64(rdb.DBSize(b.Context()).Val())/float64(people), "keys/stranger")
		})
	}
}
