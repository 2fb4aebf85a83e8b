package bench

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/flows"
	"faro/internal/content"
	"faro/internal/fakes"
	"faro/internal/keys"
	"faro/internal/notices"
	register "faro/internal/people"
	"faro/internal/turns"
	"faro/internal/vault"
	"faro/locales"
)

// readers is how many there are to tell: the people held in Mexican stations at once, as a measure.
const readers = 25118

// square is a faro of its own with a crowd that follows one facility, and the provider that counts.
type square struct {
	*load
	b       *testing.B
	redis   *redis.Client
	socket  string
	tells   *notices.Service
	vault   *vault.Vault
	pid     int
	url     string
	sent    atomic.Int64
	first   atomic.Int64 // Unix nanoseconds
	last    atomic.Int64
	replied chan struct{}
}

// These write while the others are told, by turns, because one alone would be told to wait.
const (
	replier  = 900_000 // the first
	repliers = 100
)

func newSquare(b *testing.B, bin string, rate float64, crowd int) *square {
	s := &square{b: b, load: &load{api: fakes.NewTelegram(token, fakes.Record(0))}, replied: make(chan struct{}, 16)}
	b.Cleanup(s.api.Close)
	s.redis, s.socket = startRedis(b)
	dir := b.TempDir()
	file := filepath.Join(dir, "keys.json")
	var err error
	if s.vault, err = vault.Open(file); err != nil {
		b.Fatal(err)
	}
	s.api.OnSend = func(chat int64, at time.Time) {
		if chat >= replier && chat < replier+repliers {
			s.replied <- struct{}{}
			return
		}
		s.first.CompareAndSwap(0, at.UnixNano())
		s.last.Store(at.UnixNano())
		s.sent.Add(1)
	}
	c, found := content.Load("")
	if c == nil {
		b.Fatal(found)
	}
	talk := bot.New(c.Flows, c.Book, nil, bot.Host{})
	s.tells = notices.New(notices.Config{Redis: s.redis, Vault: s.vault, Register: &register.Register{Redis: s.redis, Vault: s.vault, Now: time.Now},
		Content: func() *flows.Content { return c.Flows }, Book: func() *locales.Book { return c.Book }, Talk: func() *bot.Talk { return talk },
		Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape, bot.SMS: sms.Shape}, Rates: map[bot.Channel]float64{bot.Telegram: rate},
		Approval: readers, Node: "bench", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	record, err := json.Marshal(bot.Person{Lang: "es", Facility: "tapachula", Channel: bot.Telegram})
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < crowd; from += 1000 {
		pipe := s.redis.Pipeline()
		for i := from; i < min(from+1000, crowd); i++ {
			id := s.vault.Seal(bot.Telegram, address(i))
			pipe.Set(b.Context(), keys.Person(id), record, time.Hour)
			pipe.ZAdd(b.Context(), keys.Followers(keys.Of(id), "tapachula"), redis.Z{Score: float64(i + 1), Member: string(id)})
			pipe.Set(b.Context(), keys.Arrivals(keys.Of(id)), crowd, 0)
			s.api.Know(int64(1_000_000 + i))
		}
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	for i := range repliers {
		s.api.Know(int64(replier + i))
	}
	cmd, url := startFaro(b, bin, "FARO_REDIS_URL=unix://"+s.socket, "FARO_TELEGRAM_TOKEN="+token, "FARO_TELEGRAM_API="+s.api.URL(),
		"FARO_TELEGRAM_MODE=webhook", "FARO_TELEGRAM_SECRET="+secret, "FARO_PUBLIC_URL=http://127.0.0.1:1", "FARO_OPERATOR=Bench",
		"FARO_TELEGRAM_RATE="+strconv.FormatFloat(rate, 'f', -1, 64), "FARO_KEY_FILE="+file, "FARO_NOTICE_QUIET=none", fmt.Sprint("FARO_NOTICE_APPROVAL=", readers))
	s.pid, s.url = cmd.Process.Pid, url
	if err := s.api.Await(b.Context(), func() bool { return s.api.Webhook().URL != "" }); err != nil {
		b.Fatal(err)
	}
	time.Sleep(settle)
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.pid), []byte("5"), 0); err != nil { // the peak begins here
		b.Log(err)
	}
	return s
}

// text is what everyone is told.
const text = "Hoy no hay agua de 9:00 a 18:00. Llene sus botellas antes."

// notice has everyone told, and returns the sends a second from the first to the last.
func (s *square) notice(id string, crowd int) float64 {
	s.b.Helper()
	n := bot.Notice{ID: id, Facilities: []string{"tapachula"}, Who: bot.Everyone, Urgency: "routine", Until: time.Now().Add(time.Hour),
		Texts: map[locales.Lang]string{"es": text}}
	return s.measure(crowd, func() {
		if sheet, err := s.tells.Make(s.b.Context(), n, "", "bench"); err != nil || sheet.Problem != "" {
			s.b.Fatalf("%q, %v", sheet.Problem, err)
		}
	})
}

// measure has something send to a crowd, and returns the sends a second from the first to the last.
func (s *square) measure(crowd int, send func()) float64 {
	s.b.Helper()
	s.sent.Store(0)
	s.first.Store(0)
	send()
	for deadline := time.Now().Add(5 * time.Minute); s.sent.Load() < int64(crowd); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.b.Fatalf("%d of %d", s.sent.Load(), crowd)
		}
	}
	return float64(crowd) / time.Unix(0, s.last.Load()).Sub(time.Unix(0, s.first.Load())).Seconds()
}

// straight sends from a loop with the same client code: the most there is.
func (s *square) straight(crowd int) float64 { return s.sender(straightly, crowd) }

// tasks sends with one asynq task for each reader and the same client code.
func (s *square) tasks(crowd int) float64 { return s.sender(byTasks, crowd) }

// sender has another way of sending told to a crowd, in a process of its own as Faro is.
func (s *square) sender(way string, crowd int) float64 {
	s.b.Helper()
	self, err := os.Executable()
	if err != nil {
		s.b.Fatal(err)
	}
	cmd := exec.CommandContext(s.b.Context(), self)
	cmd.Env = append(os.Environ(), senderWay+"="+way, senderCrowd+"="+strconv.Itoa(crowd), senderAPI+"="+s.api.URL(), senderRedis+"="+s.socket)
	cmd.Stderr = os.Stderr
	return s.measure(crowd, func() {
		if err := cmd.Run(); err != nil {
			s.b.Fatalf("%s: %v", way, err)
		}
	})
}

// peak is the most memory a process has had, in MB.
func (s *square) peak() float64 {
	return memory(s.b, s.pid, "VmHWM")
}

// BenchmarkNotice tells 25,118 people with no rate limit, beside a loop with the same client code and
// beside one asynq task for each, in the same run.
func BenchmarkNotice(b *testing.B) {
	s := newSquare(b, build(b), 0, readers)
	s.straight(readers / 5) // not measured
	before := rss(b, s.pid)
	straight, told := 0.0, 0.0
	for i := range 3 { // in turns, so that a neighbour's noise falls on both
		straight += s.straight(readers) / 3
		told += s.notice(fmt.Sprint("n", i), readers) / 3
	}
	tasks := s.tasks(readers)
	if v := s.api.Violations(); len(v) > 0 {
		b.Errorf("wrong calls: %v", v[:min(3, len(v))])
	}
	b.ReportMetric(straight, "straight/s")
	b.ReportMetric(told, "notice/s")
	b.ReportMetric(tasks, "asynq/s")
	b.ReportMetric(told/straight, "of-straight")
	b.ReportMetric(told/tasks, "of-asynq")
	b.ReportMetric(before, "idle-rss-MB")
	b.ReportMetric(s.peak(), "peak-rss-MB")
}

// replies measures so many turns, one after the other.
func (s *square) replies(n int) (took []time.Duration) {
	s.b.Helper()
	for i := range n {
		at := time.Now()
		if status, err := s.api.Post(s.b.Context(), s.url+"/telegram", secret, s.api.Say(int64(replier+i%repliers), "es", questions[i%len(questions)])); err != nil || status != 200 {
			s.b.Fatalf("update answered %d: %v", status, err)
		}
		select {
		case <-s.replied:
		case <-time.After(30 * time.Second):
			s.b.Fatal("no reply in 30 s")
		}
		took = append(took, time.Since(at))
		time.Sleep(20 * time.Millisecond)
	}
	return took
}

// BenchmarkNoticePaced tells 1,500 people at Telegram's 30 a second, while one person has a
// conversation, and holds what they wait against what they wait when nobody is told.
func BenchmarkNoticePaced(b *testing.B) {
	const crowd, rate = 1500, 30
	s := newSquare(b, build(b), rate, crowd)
	for i := range repliers {
		for _, words := range greeting {
			_, _ = s.api.Post(b.Context(), s.url+"/telegram", secret, s.api.Say(int64(replier+i), "es", words))
			<-s.replied
		}
	}
	s.replies(50) // not measured
	idle := s.replies(300)
	var during []time.Duration
	var talking sync.WaitGroup
	talking.Go(func() {
		time.Sleep(2 * time.Second)
		during = s.replies(300)
	})
	told := s.notice("n1", crowd)
	talking.Wait()
	took := time.Unix(0, s.last.Load()).Sub(time.Unix(0, s.first.Load())).Seconds()
	b.ReportMetric(told, "notice/s")
	b.ReportMetric(float64(crowd+len(during)-1)/rate/took, "of-ideal") // replies take places too
	b.ReportMetric(float64(len(s.api.Violations())), "refused")
	b.ReportMetric(ms(percentile(idle, 0.5)), "idle-p50-ms")
	b.ReportMetric(ms(percentile(during, 0.5)), "during-p50-ms")
	b.ReportMetric(ms(percentile(idle, 0.99)), "idle-p99-ms")
	b.ReportMetric(ms(percentile(during, 0.99)), "during-p99-ms")
}
