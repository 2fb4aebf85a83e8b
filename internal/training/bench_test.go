package training

import (
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"faro/bot"
)

// BenchmarkImport reads the sample, 963 people and 80 sessions, stores it and plans its reminders.
func BenchmarkImport(b *testing.B) {
	sessions, members := sheets(b)
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, at(b, mexico, "2027-02-20 10:00"))
		real := New(*w.trainer)
		b.StartTimer()
		err := real.Store.Change(b.Context(), func(p *Programme) error {
			next, _, faults := p.Import("s.csv", sessions, known())
			if faults == nil {
				next, _, faults = next.Import("p.csv", members, known())
			}
			if faults != nil {
				b.Fatal(faults)
			}
			*p = *next
			return nil
		})
		if err == nil {
			err = real.Plan(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		info, err := asynq.NewInspectorFromRedisClient(w.redis).GetQueueInfo(queue)
		if err != nil || info.Scheduled < 80*3 {
			b.Fatalf("planned %+v, %v", info, err)
		}
		b.ReportMetric(float64(info.Scheduled), "tasks")
		b.StartTimer()
	}
}

// BenchmarkRemind queues reminders for 963 people.
func BenchmarkRemind(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, at(b, mexico, "2027-03-08 10:00"))
		start := w.now.Add(time.Hour)
		w.change(func(p *Programme) {
			*p = *Sample(start)
			p.Sessions = map[string]*Session{"s1": {ID: "s1", Course: "grupo-1", Title: "Género", Place: "Aula 1", Zone: mexico, Start: start, End: start.Add(time.Hour), Version: 1}}
			for id, m := range p.Members {
				m.Courses, m.Person = []string{"grupo-1"}, w.trainer.Vault.Seal(bot.Telegram, id)
			}
		})
		p, err := w.trainer.Store.Load(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		s := p.Sessions["s1"]
		b.StartTimer()
		if err := w.trainer.tell(b.Context(), w.trainer.reminder(s, "b", forNew), w.trainer.present(p, s, "")); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if n := len(w.sent()); n != samplePeople {
			b.Fatalf("%d reminders", n)
		}
		b.StartTimer()
	}
}
