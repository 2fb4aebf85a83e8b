package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/people"
	"faro/internal/quiet"
	"faro/internal/rekey"
	"faro/internal/training"
)

// TestBackup: a backup is made as docs/backup.md says, while people are served and a reply waits for the
// provider. The machine is lost. From the backup in an empty data folder and the key file everything goes
// on: conversations, the reply that waited, a reminder that was to come; nothing comes twice.
func TestBackup(t *testing.T) {
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Skip("redis-cli not on the PATH")
	}
	w := start(t, nil)
	if err := w.server.trains.Register.Invite(w.context(), "EFGH-2345", people.Invitation{Role: bot.Staff, Course: "c"}, "test"); err != nil {
		t.Fatal(err)
	}
	w.programme(0, time.Now().Add(48*time.Hour))
	const waiting = ana + 1
	for _, chat := range []int64{ana, waiting} {
		w.say(chat, "/start")
		w.tap(chat, "lang/en")
		w.tap(chat, "next")
	}
	w.say(ben, "efgh2345")
	w.tap(ben, "lang/en")
	w.tap(ben, "next")
	w.tap(ana, "group/legal")
	reminders := func() int { return strings.Count(w.chat(ben), "Derechos humanos") }
	lead := 20 * time.Second
	begins := time.Now().Add(time.Hour + lead)
	err = w.server.trains.Store.Change(w.context(), func(p *training.Programme) error {
		p.Settings.Quiet, p.Settings.Reminders = quiet.Hours{}, []training.Lead{{Days: 1}, {Before: time.Hour}}
		s := *p.Sessions["s"]
		s.Start, s.End = begins, begins.Add(time.Hour)
		p.Sessions["s"] = &s
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.telegram.Await(w.context(), func() bool { return reminders() == 1 }); err != nil {
		t.Fatalf("the first reminder does not come: %s", w.chat(ben))
	}
	w.telegram.Drop(50) // the provider is away
	w.post(w.telegram.Say(waiting, "en", "sos"))
	before := w.telegram.Sent()

	kept := t.TempDir()
	if out, err := exec.Command(cli, "-s", w.socket(), "--rdb", filepath.Join(kept, "dump.rdb")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	key, err := os.ReadFile(filepath.Join(w.cfg.Data, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	w.stop()

	w.cfg.Data = t.TempDir() // another machine
	if err := os.Mkdir(filepath.Join(w.cfg.Data, "redis"), 0o700); err != nil {
		t.Fatal(err)
	}
	dump, err := os.ReadFile(filepath.Join(kept, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(w.cfg.Data, "redis", "dump.rdb"), dump, 0o600),
		os.WriteFile(filepath.Join(w.cfg.Data, "keys.json"), key, 0o600)); err != nil {
		t.Fatal(err)
	}
	if w.telegram.Sent() != before {
		t.Fatal("what was to wait was sent")
	}
	w.telegram.Heal() // the provider is back
	w.run()
	w.post(w.telegram.Tap(ana, "en", w.last(ana).ID, "answer/asylum"))
	if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(ana), "COMAR") }); err != nil {
		t.Errorf("the conversation does not go on: %s", w.chat(ana))
	}
	if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(waiting), "Emergency: help now") }); err != nil {
		t.Errorf("the reply that waited does not come: %s\n%s", w.chat(waiting), w.log.String())
	}
	if err := w.telegram.Await(w.context(), func() bool { return reminders() == 2 }); err != nil {
		t.Errorf("the reminder does not come: %s\n%s", w.chat(ben), w.log.String())
	}
	w.stop()
	if got := w.telegram.Sent() - before; got != 3 {
		t.Errorf("%d messages were sent since the backup, want the answer, what waited, and the reminder", got)
	}
	w.calm()
}

// TestForeignKeys: with another key file than the one that belongs to what Redis holds Faro does not start, and
// no command works, instead of sealing anew beside what nobody can open any more.
func TestForeignKeys(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	other := w.cfg
	other.Data, other.KeyFile = t.TempDir(), filepath.Join(t.TempDir(), "keys.json") // made anew
	other.RedisURL = "unix://" + w.socket()
	_, err := newServer(t.Context(), other, say(builtin(), index(), other.host()), slog.New(slog.DiscardHandler))
	if !errors.Is(err, rekey.ErrForeign) || !strings.Contains(err.Error(), "FARO_KEY_FILE") {
		t.Errorf("with other keys: %v", err)
	}
	if code, _, errs := command("", "roles", "--data", w.cfg.Data, "--key-file", other.KeyFile); code != 1 || !strings.Contains(errs, "FARO_KEY_FILE") {
		t.Errorf("a command with other keys: %d, %q", code, errs)
	}

	// Redis is away when Faro starts: it waits, takes nothing, and ends when it sees what Redis holds.
	other.RedisURL = "unix://" + filepath.Join(other.Data, "away.sock")
	late, err := newServer(t.Context(), other, say(builtin(), index(), other.host()), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- late.Run(ctx) }()
	if err := os.Symlink(w.socket(), filepath.Join(other.Data, "away.sock")); err != nil {
		t.Fatal(err)
	}
	status, err := w.telegram.Post(w.context(), "http://"+late.Addr()+"/telegram", webhookSecret, w.telegram.Say(ana, "es", "hola"))
	if err == nil && status == http.StatusOK {
		t.Error("a message was taken with other keys")
	}
	select {
	case err := <-ended:
		if !errors.Is(err, rekey.ErrForeign) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("it goes on with other keys")
		cancel()
		<-ended
	}
	if strings.Contains(w.dump(), string(late.taker.Vault.Seal(bot.Telegram, "777000111"))) {
		t.Error("someone was sealed anew")
	}
}
