package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"faro/internal/outbox"
)

// TestKilled: of two processes one, the real program, is killed while both take turns and send. The
// other finishes everything: each update is answered, and only what was in the dead one's hands may
// be answered twice.
func TestKilled(t *testing.T) {
	const people, killAt, inHands = 300, 150, outbox.Unacknowledged
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	program, url := w.process()
	if err := await(w.context(), func() bool { return w.server.outbox.Held() == 8 }); err != nil {
		t.Fatalf("this process holds %d partitions", w.server.outbox.Held())
	}
	var sent atomic.Int64
	w.telegram.OnSend = func(int64, time.Time) {
		if sent.Add(1) == killAt { // before the provider's yes is heard
			_ = program.Process.Kill()
		}
	}
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := worker; i < people; i += 8 {
				update := w.telegram.Say(ana+int64(i), "es", "/start")
				if i%2 == 0 {
					if status, err := w.telegram.Post(w.context(), url+"/telegram", webhookSecret, update); err == nil && status == http.StatusOK {
						continue
					}
				}
				w.post(update) // Telegram delivers again what was not taken
			}
		})
	}
	workers.Wait()
	if err := w.telegram.Await(w.context(), func() bool { return w.unanswered(people) == 0 }); err != nil {
		t.Fatalf("%d of %d are never answered: %v", w.unanswered(people), people, err)
	}
	w.stop()
	twice := w.telegram.Sent() - people
	if twice > inHands {
		t.Errorf("%d are answered twice; at most %d were in the dead process's hands", twice, inHands)
	}
	t.Logf("%d updates, %d answered twice", people, twice)
	w.calm()
}

// unanswered is how many of the first people got no message.
func (w *world) unanswered(people int) (n int) {
	for i := range people {
		if len(w.telegram.Chat(ana+int64(i))) < 2 { // their own, and ours
			n++
		}
	}
	return n
}

// process starts the real program on this world's Redis and keys, with some settings more. It ends with the test.
func (w *world) process(more ...string) (*exec.Cmd, string) {
	w.t.Helper()
	dir := w.t.TempDir()
	bin := filepath.Join(dir, "faro")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		w.t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "serve")
	cmd.Env = append(more, "PATH="+os.Getenv("PATH"), "FARO_LISTEN=127.0.0.1:0", "FARO_DATA="+dir, "FARO_PUBLIC_URL="+publicURL,
		"FARO_REDIS_URL=unix://"+w.socket(), "FARO_KEY_FILE="+filepath.Join(w.cfg.Data, "keys.json"), "FARO_OPERATOR=Casa Prueba",
		"FARO_TELEGRAM_TOKEN="+botToken, "FARO_TELEGRAM_API="+w.telegram.URL(), "FARO_TELEGRAM_MODE=webhook",
		"FARO_TELEGRAM_SECRET="+webhookSecret, "FARO_TELEGRAM_RATE=0")
	log, err := cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	address := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if m := regexp.MustCompile(`faro serves.* address=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
		close(address)
	}()
	w.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); <-read })
	at, ok := <-address
	if !ok {
		w.t.Fatal("the program ended before it served")
	}
	return cmd, "http://" + at
}
