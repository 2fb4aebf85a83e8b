// Package bench measures Faro end to end: real processes, a real redis-server and a stand-in of the
// Bot API, beside the least a bot with a session does, in the same run. `make bench` runs it.
package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/internal/fakes"
)

const (
	token       = "123456:bench"
	secret      = "bench-secret"
	people      = 2500
	connections = 32
	rounds      = 8 // turns a person, twice: with the greeting fewer than bot.Pace lets through at once
)

func TestMain(m *testing.M) {
	if os.Getenv(floorRedis) != "" {
		if err := floor(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(senderWay) != "" {
		if err := sendOnce(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// process starts a program and returns its first line of output once that matches. The program ends
// with the benchmark.
func process(b *testing.B, cmd *exec.Cmd, output func(*exec.Cmd) (io.ReadCloser, error), line *regexp.Regexp) string {
	b.Helper()
	out, err := output(cmd)
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := line.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1]
		}
	}
	b.Fatalf("%s ended before it was ready", cmd.Path)
	return ""
}

func startRedis(b *testing.B) (*redis.Client, string) {
	b.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("redis-server not on the PATH")
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	process(b, exec.Command(path, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "yes"),
		(*exec.Cmd).StdoutPipe, regexp.MustCompile(`(ready|Ready) to accept`))
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	b.Cleanup(func() { _ = rdb.Close() })
	for deadline := time.Now().Add(5 * time.Second); rdb.Ping(b.Context()).Err() != nil; {
		if time.Now().After(deadline) {
			b.Fatal("redis-server does not answer")
		}
	}
	return rdb, socket
}

func build(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "faro")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", bin, "faro/cmd/faro").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// load posts updates over so many connections and waits for each one's sendMessage.
type load struct {
	api     *fakes.Telegram
	waiting []chan struct{} // by person
}

func newLoad(b *testing.B) *load {
	l := &load{api: fakes.NewTelegram(token, fakes.Record(0))}
	b.Cleanup(l.api.Close)
	for i := range people {
		l.waiting = append(l.waiting, make(chan struct{}, 16))
		l.api.Know(int64(1_000_000 + i))
	}
	l.api.OnSend = func(chat int64, _ time.Time) { l.waiting[chat-1_000_000] <- struct{}{} }
	return l
}

// turn posts one text and waits until the reply is seen.
func (l *load) turn(ctx context.Context, url string, person int, text string) error {
	status, err := l.api.Post(ctx, url, secret, l.api.Say(int64(1_000_000+person), "es", text))
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("update answered %d: %v", status, err)
	}
	select {
	case <-l.waiting[person]:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("no reply: %w", ctx.Err())
	}
}

// run lets each person take turns, those of one with the same process, and returns how long each took from post to sendMessage.
func (l *load) run(b *testing.B, texts []string, urls ...string) (took []time.Duration, all time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 3*time.Minute)
	defer cancel()
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range connections {
		wg.Go(func() {
			var mine []time.Duration
			for {
				n := int(next.Add(1)) - 1
				if n >= people*len(texts) {
					break
				}
				at := time.Now()
				if err := l.turn(ctx, urls[n%people%len(urls)], n%people, texts[n/people]); err != nil {
					b.Error(err)
					break
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return took, time.Since(began)
}

func percentile(all []time.Duration, p float64) time.Duration {
	slices.Sort(all)
	return all[int(float64(len(all)-1)*p)]
}

func usedMemory(b *testing.B, rdb *redis.Client) int64 {
	b.Helper()
	info, err := rdb.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(info)
	n, _ := strconv.ParseInt(m[1], 10, 64)
	return n
}

func metric(b *testing.B, url, name string) float64 {
	b.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	for _, line := range strings.Split(string(body), "\n") {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseFloat(rest, 64)
			return n
		}
	}
	b.Fatalf("no metric %s", name)
	return 0
}

func startFaro(b *testing.B, bin string, env ...string) (*exec.Cmd, string) {
	b.Helper()
	cmd := exec.Command(bin, "serve")
	cmd.Dir = b.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "FARO_LISTEN=127.0.0.1:0"}, env...)
	addr := process(b, cmd, (*exec.Cmd).StderrPipe, regexp.MustCompile(`faro serves.* address=(\S+)`))
	return cmd, "http://" + addr
}

// greeting is how everyone comes to the menu: language and notice.
var greeting = []string{"/start", "1", "1"}

// questions are what everyone writes after the greeting; each is answered with one message.
var questions = func() []string {
	asked := []string{"menu", "asilo", "1", "abogado", "menu", "2"}
	var all []string
	for i := range rounds {
		all = append(all, asked[i%len(asked)])
	}
	return all
}()

func BenchmarkTurns(b *testing.B) {
	bin := build(b)
	rdb, socket := startRedis(b)
	l := newLoad(b)

	cmd, url := startFaro(b, bin, "FARO_REDIS_URL=unix://"+socket, "FARO_TELEGRAM_TOKEN="+token, "FARO_TELEGRAM_API="+l.api.URL(),
		"FARO_TELEGRAM_MODE=webhook", "FARO_TELEGRAM_SECRET="+secret, "FARO_PUBLIC_URL=http://127.0.0.1:1", "FARO_TELEGRAM_RATE=0", "FARO_OPERATOR=Bench")
	floorCmd := exec.Command(os.Args[0])
	floorCmd.Env = append(os.Environ(), floorRedis+"="+socket, floorAPI+"="+l.api.URL())
	floorURL := "http://" + process(b, floorCmd, (*exec.Cmd).StdoutPipe, regexp.MustCompile(`^(127\.0\.0\.1:\d+)$`))
	if err := l.api.Await(b.Context(), func() bool { return l.api.Webhook().URL != "" }); err != nil {
		b.Fatal(err)
	}

	l.run(b, questions[:1], floorURL) // not measured
	before := usedMemory(b, rdb)
	l.run(b, greeting, url+"/telegram")
	commands, trips := metric(b, url, "faro_redis_commands_total"), metric(b, url, "faro_redis_round_trips_total")

	// Twice each, in turns, so that a neighbour's noise falls on both.
	var faro, bare result
	for range 2 {
		bare.add(l.run(b, questions, floorURL))
		faro.add(l.run(b, questions, url+"/telegram"))
	}
	n := float64(len(faro.took))
	commands, trips = metric(b, url, "faro_redis_commands_total")-commands, metric(b, url, "faro_redis_round_trips_total")-trips
	after := usedMemory(b, rdb)
	if v := l.api.Violations(); len(v) > 0 {
		b.Errorf("wrong calls: %v", v[:min(3, len(v))])
	}
	report := func(name string, v float64) { b.ReportMetric(v, name) }
	report("turns/s", faro.rate())
	report("floor/s", bare.rate())
	report("of-floor", faro.rate()/bare.rate())
	report("p50-ms", ms(percentile(faro.took, 0.5)))
	report("p99-ms", ms(percentile(faro.took, 0.99)))
	report("floor-p50-ms", ms(percentile(bare.took, 0.5)))
	report("floor-p99-ms", ms(percentile(bare.took, 0.99)))
	report("redis-commands/turn", commands/n)
	report("redis-trips/turn", trips/n)
	report("bytes/person", float64(after-before)/people)
	report("rss-MB", rss(b, cmd.Process.Pid))
}

// BenchmarkProcesses measures two processes on one Redis against one of them, on one machine.
func BenchmarkProcesses(b *testing.B) {
	bin := build(b)
	_, socket := startRedis(b)
	l := newLoad(b)
	key := filepath.Join(b.TempDir(), "keys.json")
	var urls []string
	for range 2 {
		_, url := startFaro(b, bin, "FARO_REDIS_URL=unix://"+socket, "FARO_TELEGRAM_TOKEN="+token, "FARO_TELEGRAM_API="+l.api.URL(), "FARO_KEY_FILE="+key,
			"FARO_TELEGRAM_MODE=webhook", "FARO_TELEGRAM_SECRET="+secret, "FARO_PUBLIC_URL=http://127.0.0.1:1", "FARO_TELEGRAM_RATE=0", "FARO_OPERATOR=Bench")
		urls = append(urls, url+"/telegram")
	}
	time.Sleep(settle) // the partitions are shared out
	l.run(b, greeting, urls...)
	var one, two result
	one.add(l.run(b, questions, urls[0]))
	two.add(l.run(b, questions, urls...))
	b.ReportMetric(one.rate(), "one/s")
	b.ReportMetric(two.rate(), "two/s")
	b.ReportMetric(two.rate()/one.rate(), "of-one")
}

type result struct {
	took []time.Duration
	all  time.Duration
}

func (r *result) add(took []time.Duration, all time.Duration) {
	r.took, r.all = append(r.took, took...), r.all+all
}

func (r *result) rate() float64 { return float64(len(r.took)) / r.all.Seconds() }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// rss is the resident memory of a process in MB.
func rss(b *testing.B, pid int) float64 { return memory(b, pid, "VmRSS") }

// memory is a line of a process's status, in MB.
func memory(b *testing.B, pid int, line string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("no /proc on this system")
	}
	m := regexp.MustCompile(line + `:\s+(\d+) kB`).FindStringSubmatch(string(status))
	if m == nil {
		b.Fatalf("no %s", line)
	}
	kb, _ := strconv.ParseFloat(m[1], 64)
	return kb / 1024
}

// settle is how long Faro has to learn its questions and to give back what that took.
const settle = 5 * time.Second

// BenchmarkStart measures how soon Faro is ready with its own redis-server and what it takes idle.
func BenchmarkStart(b *testing.B) {
	bin := build(b)
	if _, err := exec.LookPath("redis-server"); err != nil {
		b.Skip("redis-server not on the PATH")
	}
	var ready []time.Duration
	var idle float64
	for i := range 10 {
		began := time.Now()
		cmd, url := startFaro(b, bin)
		for {
			resp, err := http.Get(url + "/readyz")
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
			if time.Since(began) > 10*time.Second {
				b.Fatal("not ready in 10 s")
			}
		}
		ready = append(ready, time.Since(began))
		if i == 0 {
			time.Sleep(settle)
			idle = rss(b, cmd.Process.Pid)
		}
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	b.ReportMetric(ms(percentile(ready, 0.5)), "ready-p50-ms")
	b.ReportMetric(ms(percentile(ready, 1)), "ready-max-ms")
	b.ReportMetric(idle, "idle-rss-MB")
}
