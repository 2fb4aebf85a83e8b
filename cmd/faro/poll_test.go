package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot/telegram"
	"faro/internal/keys"
	"faro/internal/lease"
)

func polling(c *serveCmd) { c.Telegram.Mode, c.Telegram.Secret, c.Telegram.Rate = "poll", "", 0 }

// notStored is how many turns of Telegram were not stored, each try for itself.
func (w *world) notStored() int {
	_, body := w.get("/metrics")
	m := regexp.MustCompile(`faro_updates_total\{channel="telegram",result="not-stored"\} (\d+)`).FindStringSubmatch(body)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// TestPollingIsNotHeldUp: while the turns of one chat fail, another is answered, and no message of it is taken twice
// though Telegram hands each out again.
func TestPollingIsNotHeldUp(t *testing.T) {
	w := start(t, polling)
	if err := w.server.redis.Set(w.context(), keys.Person(w.id(ana)), "not a record", 0).Err(); err != nil {
		t.Fatal(err)
	}
	w.telegram.Push(w.telegram.Say(ana, "es", "hola"))
	const messages = 12
	for range messages {
		w.telegram.Push(w.telegram.Say(ben, "es", "asilo"))
	}
	if err := await(w.context(), func() bool { return w.notStored() >= 3 }); err != nil {
		t.Fatalf("the chat that fails is not tried again: %v", err)
	}
	w.drained()
	if _, body := w.get("/metrics"); strings.Contains(body, `heard="duplicate"`) {
		t.Error("messages were taken again")
	}
	answers := 0
	for _, m := range w.telegram.Chat(ben) {
		if m.Bot {
			answers++
		}
	}
	if answers != messages {
		t.Errorf("%d messages got %d answers", messages, answers)
	}
}

// ownRedis is a redis-server that runs, with what ends it and what begins it again with all it had.
func ownRedis(t *testing.T) (socket string, begin, end func()) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	dir, err := os.MkdirTemp("", "faro") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	var store *exec.Cmd
	end = func() {
		_ = store.Process.Kill()
		_ = store.Wait()
	}
	begin = func() {
		t.Helper()
		store = exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
		if err := store.Start(); err != nil {
			t.Fatal(err)
		}
		if err := await(t.Context(), func() bool {
			conn, err := net.Dial("unix", socket)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	t.Cleanup(func() { end() })
	return socket, begin, end
}

// TestPollingWithoutRedis: while Redis is away who writes is told the emergency number, however long it has been
// away, once; their message is not confirmed, and answered when Redis is back.
func TestPollingWithoutRedis(t *testing.T) {
	socket, begin, end := ownRedis(t)
	w := start(t, func(c *serveCmd) { polling(c); c.RedisURL = "unix://" + socket })
	w.telegram.Push(w.telegram.Say(ana, "es", "hola"))
	w.sends(1)
	w.drained()

	end()
	told := func(chat int64) bool {
		all := w.telegram.Chat(chat)
		return len(all) > 1 && strings.Contains(all[1].Text, "911") && strings.Contains(all[1].Text, "más tarde")
	}
	const waiting = 4
	for i := range int64(waiting) { // the first ends the poll that is under way, the others need new ones
		w.telegram.Push(w.telegram.Say(ben+i, "es", "mi hermano no respira"))
		if err := w.telegram.Await(w.context(), func() bool { return told(ben + i) }); err != nil {
			t.Fatalf("person %d is told nothing while Redis is away: %v", i, err)
		}
	}
	if n := w.telegram.Pending(); n != waiting {
		t.Errorf("%d updates wait, want %d", n, waiting)
	}
	if n := w.telegram.Sent(); n != 1+waiting {
		t.Errorf("%d messages were sent, want one to each", n)
	}
	begin()
	w.sends(1 + 2*waiting)
	if err := w.telegram.Await(w.context(), func() bool { return w.telegram.Pending() == 0 }); err != nil {
		t.Errorf("%d updates are not confirmed after Redis is back", w.telegram.Pending())
	}
	w.calm()
}

// TestPollerDies: while Redis is away another process takes the place of who polled, if it met none for as long as a
// lease lasts, and leaves it to who it meets.
func TestPollerDies(t *testing.T) {
	socket, begin, end := ownRedis(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	clock := time.Now()
	turnOf := func(node string) *pollTurn {
		return &pollTurn{lease: lease.New(rdb, keys.Poller, node, pollLease), now: func() time.Time { return clock }}
	}
	polls, looksOn, starts := turnOf("a"), turnOf("b"), turnOf("c")
	want := func(turn *pollTurn, whose telegram.Whose) {
		t.Helper()
		if got := turn.whose(t.Context()); got != whose {
			t.Errorf("it is the turn of %v, want %v", got, whose)
		}
	}
	want(polls, telegram.Ours)
	want(looksOn, telegram.Others)
	end()
	want(polls, telegram.Unknown)
	want(looksOn, telegram.Others)
	want(starts, telegram.Unknown)
	clock = clock.Add(pollLease)
	want(polls, telegram.Unknown)
	want(looksOn, telegram.Unknown)
	looksOn.meet()
	polls.meet()
	want(polls, telegram.Unknown)
	want(looksOn, telegram.Others)
	begin()
	want(polls, telegram.Ours)
	want(looksOn, telegram.Others)
}
