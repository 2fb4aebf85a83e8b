package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/people"
	"faro/internal/vault"
)

// keysCommand runs faro keys on a world.
func (w *world) keysCommand(args ...string) (int, string, string) {
	return command("", append(append([]string{"keys"}, args...), "--data", w.cfg.Data, "--key-file", filepath.Join(w.cfg.Data, "keys.json"), "--redis-url", "unix://"+w.socket())...)
}

// everyKey waits until all processes have both keys.
func (w *world) everyKey(processes int) {
	w.t.Helper()
	want := fmt.Sprintf("%d of %d running processes have it", processes, processes)
	var out string
	if err := await(w.context(), func() bool {
		_, out, _ = w.keysCommand()
		return strings.Count(out, want) == 2
	}); err != nil {
		w.t.Fatalf("the processes do not read the new key: %s", out)
	}
}

// oldIDs counts what in Redis carries ids under a key.
func (w *world) under(k vault.Key) (n int) {
	for _, word := range regexp.MustCompile(`[a-p]\.[A-Za-z0-9_-]{20,}`).FindAllString(w.dump(), -1) {
		if vault.KeyOf(word) == k {
			n++
		}
	}
	return n
}

// TestRotation: the key is changed while people of all kinds are served by two processes. Nobody is lost,
// nobody is asked anew for their language, STOP stays STOP, roles, places, answers and calendars stay, what
// was told once is not told again, and at the end nothing is sealed with the old key.
func TestRotation(t *testing.T) {
	w := start(t, nil)
	second := &world{t: t, cfg: w.cfg, telegram: w.telegram, twilio: w.twilio}
	second.cfg.Data = t.TempDir()
	second.cfg.KeyFile = filepath.Join(w.cfg.Data, "keys.json")
	second.cfg.RedisURL = "unix://" + w.socket()
	second.run()
	defer func() { second.stop() }()
	w.programme(0, time.Now().Add(50*time.Minute))
	for code, inv := range map[string]people.Invitation{
		"ABCD-2345": {Role: bot.Trainer}, "EFGH-2345": {Role: bot.Staff, Course: "c", Facility: "tapachula"}, "JKMN-2345": {Role: bot.Coordinator},
	} {
		if err := w.server.trains.Register.Invite(w.context(), code, inv, "test"); err != nil {
			t.Fatal(err)
		}
	}
	const trainer, staff, chief, follower, stopped, later, leaver, phone = ana + 1, ana + 2, ana + 3, ana + 4, ana + 5, ana + 6, ana + 7, "+529619998877"
	joins := func(chat int64, words string) {
		w.say(chat, words)
		w.tap(chat, "lang/en")
		w.tap(chat, "next")
	}
	joins(trainer, "/start i-ABCD-2345")
	joins(staff, "efgh2345")
	joins(chief, "/start i-JKMN-2345")
	joins(follower, "/start f-tapachula")
	joins(stopped, "/start f-tapachula")
	joins(leaver, "/start f-tapachula")
	w.say(stopped, "STOP")
	w.text(phone, "tapachula")
	w.text(phone, "2")
	w.text(phone, "1")
	read := func(chat int64, text string) int { return strings.Count(w.chat(chat), text) }
	seen := func(chat int64, text string) {
		t.Helper()
		if err := w.telegram.Await(w.context(), func() bool { return read(chat, text) > 0 }); err != nil {
			t.Fatalf("%d does not read %q: %s", chat, text, w.chat(chat))
		}
	}
	seen(staff, "Derechos humanos")
	w.tap(staff, "coming/s")
	link := regexp.MustCompile(publicURL + `(/calendar/\S+\.ics)`).FindStringSubmatch(w.tap(staff, "calendar/s").Text)
	w.notice("before")
	w.over(w.context(), "before")
	w.say(trainer, "training") // a draft is sealed for its writer
	w.tap(trainer, "post-course")
	w.tap(trainer, "post-title/new.c")
	w.say(trainer, "Crisis in the draft")
	reactions := func() (n int) {
		all := w.server.redis.HGetAll(w.context(), keys.Reactions("s")).Val()
		return len(all)
	}
	if err := await(w.context(), func() bool { return reactions() == 1 }); err != nil {
		t.Fatal("the answer is not kept")
	}

	old := w.server.taker.Vault.Sealing()
	if code, _, errs := w.keysCommand("rotate"); code != 1 || !strings.Contains(errs, "faro keys add") {
		t.Errorf("rotating one key: %d, %q", code, errs)
	}
	if code, _, errs := w.keysCommand("add"); code != 0 {
		t.Fatal(errs)
	}
	if code, _, errs := w.keysCommand("retire"); code != 1 || !strings.Contains(errs, "faro keys rotate") {
		t.Errorf("retiring the key in force: %d, %q", code, errs)
	}
	w.everyKey(2)

	// One reply waits at the provider over the whole change; what comes after it stays behind it.
	w.telegram.Fail(3, http.StatusInternalServerError, 0, "Internal Server Error")
	w.post(w.telegram.Say(follower, "en", "menu"))
	code, out, errs := w.keysCommand("rotate")
	if code != 0 {
		t.Fatal(errs)
	}
	t.Log(out)
	if code, _, errs := w.keysCommand("rotate"); code != 0 {
		t.Errorf("once more: %q", errs)
	}
	for _, words := range []string{"help", "sos"} {
		second.post(w.telegram.Say(follower, "en", words))
	}
	seen(follower, "Emergency: help now")
	all := w.chat(follower)
	if a, b, c := strings.LastIndex(all, "What do you need?"), strings.LastIndex(all, "How this works"), strings.LastIndex(all, "Emergency: help now"); a > b || b > c || a < 0 {
		t.Errorf("the replies came in another order: %s", all)
	}
	w.post(w.telegram.Say(leaver, "en", "ERASE"))
	if err := w.telegram.Await(w.context(), func() bool { return len(w.telegram.Chat(leaver)) == 1 }); err != nil {
		t.Fatal("the chat is not swept")
	}
	settled := func() bool {
		return !strings.Contains(func() string { _, out, _ := w.keysCommand("rotate"); return out }(), "waiting")
	}
	if err := await(w.context(), settled); err != nil {
		t.Fatal("messages sealed with the old key do not leave")
	}
	if code, _, errs := w.keysCommand("retire"); code != 0 {
		t.Fatal(errs)
	}
	if n := w.under(old); n != 0 {
		t.Errorf("%d ids under the old key are left in Redis", n)
	}
	one := func() bool {
		return !w.server.taker.Vault.Several() && !second.server.taker.Vault.Several()
	}
	if err := await(w.context(), one); err != nil {
		t.Error("the processes keep the old key")
	}

	// Everyone is where they were.
	for name, at := range map[string]*world{"first": w, "second": second} {
		role := func(chat int64) bot.Role {
			r, err := at.server.trains.Register.Role(w.context(), at.id(chat))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if role(trainer) != bot.Trainer || role(staff) != bot.Staff || role(chief) != bot.Coordinator {
			t.Errorf("the %s process knows other roles", name)
		}
	}
	if got := w.say(trainer, tomorrow()); !strings.Contains(got.Text, "9:00-13:00") {
		t.Errorf("the draft goes on with %q", got.Text)
	}
	w.say(trainer, "9:00-13:00")
	w.tap(trainer, "post-place/tijuana")
	if got := w.say(trainer, "Room 9"); !strings.Contains(got.Text, "Crisis in the draft") {
		t.Errorf("the draft is lost: %q", got.Text)
	}
	if again := w.say(staff, "efgh2345"); !strings.Contains(again.Text, "registered as staff") {
		t.Errorf("one's own code again: %q", again.Text)
	}
	if got := w.tap(staff, "session/s").Text; !strings.Contains(got, "You come") && !strings.Contains(got, "you come") {
		t.Errorf("the answer is lost: %q", got)
	}
	fresh := regexp.MustCompile(publicURL + `(/calendar/\S+\.ics)`).FindStringSubmatch(w.tap(staff, "calendar/s").Text)
	if status, _ := w.get(fresh[1]); status != http.StatusOK {
		t.Errorf("a new calendar link is answered %d", status)
	}
	if status, _ := w.get(link[1]); status != http.StatusNotFound { // as docs/backup.md says
		t.Errorf("a calendar link under the old key is answered %d", status)
	}
	told, before := read(staff, "Derechos humanos"), read(stopped, "Hoy no hay agua")
	w.post(w.telegram.Say(stopped, "en", "menu"))
	joins(later, "/start f-tapachula")
	w.notice("after")
	counts := w.over(w.context(), "after")
	if counts["delivered"] != 4 || counts["stopped"] != 1 || len(counts) != 2 { // staff, follower, later and the phone
		t.Errorf("counted %v", counts)
	}
	if read(stopped, "Hoy no hay agua") != before {
		t.Errorf("who stopped reads %q", w.chat(stopped))
	}
	if _, err := w.server.trains.Store.Load(w.context()); err != nil {
		t.Fatal(err)
	}
	if err := w.server.trains.Plan(w.context()); err != nil { // nothing new is due
		t.Fatal(err)
	}
	if n := read(staff, "Derechos humanos"); n != told {
		t.Errorf("staff were told of the session %d times more", n-told)
	}
	n := 0
	for _, m := range w.twilio.Inbox(phone) {
		n += strings.Count(m.Body, "Hoy no hay agua")
	}
	if n != 2 {
		t.Errorf("the phone reads the two notices %d times", n)
	}
	if left := w.keyless(leaver); left != "" {
		t.Errorf("who erased everything while keys were changed is still in %s", left)
	}
	if got := w.say(leaver, "menu"); !slices.Contains(got.Data(), "lang/ht") {
		t.Errorf("who erased everything is known: %q", got.Text)
	}
	w.calm()
}

// keyless is the first key that holds someone's present id, "" if none does.
func (w *world) keyless(chat int64) string {
	for line := range strings.Lines(w.dump()) {
		if strings.Contains(line, string(w.id(chat))) {
			return line
		}
	}
	return ""
}

func tomorrow() string { return time.Now().AddDate(0, 0, 1).Format("2/1/2006") }

// population stores people as turns do, each with language, place and a dialogue.
func (w *world) population(n int) {
	w.t.Helper()
	record, err := json.Marshal(bot.Person{Lang: "es", Noticed: true, Channel: bot.Telegram, Facility: "tapachula"})
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := bot.Dialogue{At: bot.Screen{Step: "menu"}}.MarshalText()
	if err != nil {
		w.t.Fatal(err)
	}
	pipe := w.server.redis.Pipeline()
	for i := range n {
		id := w.id(ana + int64(i))
		pipe.Set(w.context(), keys.Person(id), record, bot.PersonLife)
		pipe.Set(w.context(), keys.Dialogue(id), fmt.Sprintf("%d:%s", len(text), text), bot.DialogueLife)
		pipe.ZAdd(w.context(), keys.Followers(keys.Of(id), "tapachula"), redis.Z{Score: float64(i + 1), Member: string(id)})
		if i%500 == 499 || i == n-1 {
			if _, err := pipe.Exec(w.context()); err != nil {
				w.t.Fatal(err)
			}
			pipe = w.server.redis.Pipeline()
		}
	}
}

// TestKilledWhileRotating: the command is killed again and again in the middle of moving people who write
// all the while. In the end everyone has one record, in their language, and each message was answered once.
func TestKilledWhileRotating(t *testing.T) {
	const crowd, talkers = 6000, 20
	w := start(t, func(c *serveCmd) { c.Telegram.Rate = 0 })
	w.population(crowd)
	program, _ := w.process()
	if code, _, errs := w.keysCommand("add"); code != 0 {
		t.Fatal(errs)
	}
	w.everyKey(2)
	bin := program.Path

	calm, busy := &latencies{}, &latencies{}
	var mu sync.Mutex
	asked := map[int64]int{}
	current := calm
	stop := make(chan struct{})
	var talking sync.WaitGroup
	for i := range talkers {
		talking.Go(func() {
			for n := 0; ; n++ {
				chat := ana + int64((i+n*talkers)%crowd)
				began := time.Now()
				w.post(w.telegram.Say(chat, "es", "menu"))
				mu.Lock()
				current.add(time.Since(began))
				asked[chat]++
				mu.Unlock()
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	mu.Lock()
	for len(calm.all) < 3000 {
		mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
	}
	calm.all = calm.all[1000:] // the first connect
	current = busy
	mu.Unlock()

	kills := 0
	for try := 1; ; try++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, bin, "keys", "rotate", "--data", w.cfg.Data)
		var errs strings.Builder
		cmd.Env, cmd.Stderr = []string{"PATH=" + os.Getenv("PATH")}, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if try <= 3 {
			time.AfterFunc(time.Duration(try)*150*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		err := cmd.Wait()
		cancel()
		if err == nil {
			break
		}
		var died *exec.ExitError
		if !errors.As(err, &died) || died.Exited() {
			t.Fatalf("%v: %s", err, errs.String())
		}
		kills++
	}
	close(stop)
	talking.Wait()
	if kills == 0 {
		t.Error("the command was never killed in the middle")
	}

	answered := func() bool {
		for chat, n := range asked {
			if replies(w, chat) < n {
				return false
			}
		}
		return true
	}
	if err := await(w.context(), answered); err != nil {
		t.Fatal("someone is not answered")
	}
	w.stop()
	w.run()
	for chat, n := range asked {
		if got := replies(w, chat); got != n {
			t.Errorf("%d messages of one person were answered %d times", n, got)
		}
	}
	old := w.server.taker.Vault.Keys()[0]
	records, members := 0, 0
	var names []string
	iter := w.server.redis.Scan(w.context(), 0, "*", 1000).Iterator()
	for iter.Next(w.context()) {
		if strings.Contains(iter.Val(), "}u:") && w.server.redis.Get(w.context(), iter.Val()).Val() != keys.Moved {
			records++
			names = append(names, iter.Val())
		}
		if strings.Contains(iter.Val(), "}f:tapachula") {
			for _, id := range w.server.redis.ZRange(w.context(), iter.Val(), 0, -1).Val() {
				if members++; vault.KeyOf(id) == old {
					t.Error("a follower is still under the old key")
				}
			}
		}
	}
	if records != crowd || members != crowd {
		t.Errorf("%d people have %d records and follow %d times", crowd, records, members)
	}
	for _, name := range names {
		if got := w.server.redis.Get(w.context(), name).Val(); !strings.Contains(got, `"l":"es"`) || vault.KeyOf(name[strings.Index(name, "}u:")+3:]) == old {
			t.Fatal("someone lost their language, or is under the old key")
		}
	}
	t.Logf("killed %d times; webhook answered at the 99th percentile: %v before, %v while rotating (%.2f); %d and %d turns",
		kills, calm.p99(), busy.p99(), float64(busy.p99())/float64(calm.p99()), len(calm.all), len(busy.all))
	w.calm()
}

// replies is how many messages of a chat are the bot's.
func replies(w *world, chat int64) (n int) {
	for _, m := range w.telegram.Chat(chat) {
		if m.Bot {
			n++
		}
	}
	return n
}

// latencies are how long something took. They are guarded by whoever has them.
type latencies struct{ all []time.Duration }

func (l *latencies) add(d time.Duration) { l.all = append(l.all, d) }
func (l *latencies) p99() time.Duration {
	sorted := slices.Sorted(slices.Values(l.all))
	return sorted[len(sorted)*99/100]
}
