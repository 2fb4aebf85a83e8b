package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/content"
	"faro/internal/effects"
	"faro/internal/keys"
	"faro/internal/people"
	"faro/internal/redisx"
	"faro/internal/turns"
	"faro/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a programme on a real Redis and a clock that is moved by hand.
type world struct {
	t       testing.TB
	redis   *redisx.Redis
	trainer *Trainer
	now     time.Time
	waiting map[string]planned // tasks, by id
	done    map[string]bool
	version int64
	stamps  int
	read    map[string]string // last entry read, by queue
}

type planned struct {
	kind    string
	payload []byte
	at      time.Time
}

// heard is a message someone was sent.
type heard struct {
	at   time.Time
	who  string
	text string
}

var spoken = sync.OnceValue(func() *bot.Talk {
	c, _ := content.Builtin()
	return bot.New(c.Flows, c.Book, nil, bot.Host{Operator: "Casa"})
})

func newWorld(t testing.TB, now time.Time) *world {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	rdb, err := redisx.Open(t.Context(), redisx.Config{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	seals, err := vault.New()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, redis: rdb, now: now, waiting: map[string]planned{}, done: map[string]bool{}, version: -1, read: map[string]string{}}
	clock := func() time.Time { return w.now }
	w.trainer = New(Trainer{Redis: rdb, Vault: seals, Store: &Store{Redis: rdb, Vault: seals},
		Register: &people.Register{Redis: rdb, Vault: seals, Now: clock}, Talk: spoken,
		Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape, bot.SMS: sms.Shape},
		Facility: func(id string) (string, string) {
			if id == "hermosillo" {
				return hermosillo, "Sonora"
			}
			return "", ""
		}, Log: slog.New(slog.DiscardHandler), Now: clock})
	w.trainer.put = func(_ context.Context, kind, id string, payload []byte, at, _ time.Time) error {
		if _, ok := w.waiting[id]; !ok && !w.done[id] {
			w.waiting[id] = planned{kind, payload, at}
		}
		return nil
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// change changes the programme.
func (w *world) change(f func(*Programme)) {
	w.t.Helper()
	w.must(w.trainer.Store.Change(w.t.Context(), func(p *Programme) error { f(p); return nil }))
}

// person is who talks from an address, in a language.
func (w *world) person(ch bot.Channel, address string, p bot.Person) bot.PersonID {
	w.t.Helper()
	id := w.trainer.Vault.Seal(ch, address)
	record, err := json.Marshal(p)
	w.must(err)
	w.must(w.redis.Set(w.t.Context(), keys.Person(id), record, 0).Err())
	return id
}

// sets carries out what someone's turn set off, twice, as may happen.
func (w *world) sets(id bot.PersonID, e bot.Effect) {
	w.t.Helper()
	w.stamps++
	set := effects.Set{Person: id, Stamp: fmt.Sprintf("%d-%d", w.now.UnixMilli(), w.stamps), At: w.now, Effects: []bot.Effect{e}}
	w.must(w.trainer.Handle(w.t.Context(), set))
	w.must(w.trainer.Handle(w.t.Context(), set))
}

// until lets time pass, does what is due, and returns what people were sent.
func (w *world) until(end time.Time) (all []heard) {
	w.t.Helper()
	for {
		if v, err := w.trainer.Store.Version(w.t.Context()); err != nil || v != w.version {
			w.must(err)
			w.must(w.trainer.Plan(w.t.Context()))
			w.version = v
		}
		next := ""
		for id, p := range w.waiting {
			if !p.at.After(end) && (next == "" || p.at.Before(w.waiting[next].at) || p.at.Equal(w.waiting[next].at) && id < next) {
				next = id
			}
		}
		if next == "" {
			break
		}
		task := w.waiting[next]
		if task.at.After(w.now) {
			w.now = task.at
		}
		w.must(w.trainer.do(w.t.Context(), task.kind, task.payload))
		delete(w.waiting, next)
		w.done[next] = true
		all = append(all, w.sent()...)
	}
	w.now = end
	return append(all, w.sent()...)
}

// sent is what was queued since the last call, as people read it.
func (w *world) sent() (all []heard) {
	w.t.Helper()
	for p := range keys.Partition(keys.Partitions) {
		for _, ch := range bot.Channels {
			for _, lane := range keys.Lanes {
				name := keys.Queue(p, ch, lane)
				after := "-"
				if w.read[name] != "" {
					after = "(" + w.read[name]
				}
				entries, err := w.redis.XRange(w.t.Context(), name, after, "+").Result()
				w.must(err)
				for _, e := range entries {
					w.read[name] = e.ID
					all = append(all, w.open(ch, e))
				}
			}
		}
	}
	return all
}

func (w *world) open(ch bot.Channel, e redis.XMessage) heard {
	w.t.Helper()
	id := bot.PersonID(e.Values["p"].(string))
	_, address, err := w.trainer.Vault.Address(id)
	w.must(err)
	body, err := w.trainer.Vault.OpenBody(id, []byte(e.Values["b"].(string)))
	w.must(err)
	if until, err := strconv.ParseInt(e.Values["u"].(string), 10, 64); err != nil || until <= w.now.Unix() {
		w.t.Errorf("what was queued at %v is too late already: %v, %v", w.now, until, err)
	}
	text := string(body)
	if ch == bot.Telegram {
		b, err := telegram.Open(body)
		w.must(err)
		text = b.Text
	}
	return heard{w.now, address, text}
}

func texts(all []heard) (lines []string) {
	for _, h := range all {
		lines = append(lines, h.who+" "+strings.ReplaceAll(h.text, "\n", " / "))
	}
	slices.Sort(lines)
	return lines
}

// expect compares what was sent with "who text…": each line must begin a different message, in any order.
func (w *world) expect(what string, got []heard, want ...string) {
	w.t.Helper()
	left := texts(got)
	for _, line := range want {
		who, part, _ := strings.Cut(line, " ")
		i := slices.IndexFunc(left, func(l string) bool { return strings.HasPrefix(l, who+" ") && strings.Contains(l, part) })
		if i < 0 {
			w.t.Errorf("%s: %q was not sent; sent was\n%s", what, line, strings.Join(left, "\n"))
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		w.t.Errorf("%s: nobody should have been sent\n%s", what, strings.Join(left, "\n"))
	}
}

// TestTenDayCourse has a whole course in Tijuana over the spring change of its clocks: moves,
// cancellations, a late session, another zone, and people in four zones on both channels.
func TestTenDayCourse(t *testing.T) {
	w := newWorld(t, at(t, tijuana, "2027-02-20 10:00"))
	staff := bot.Person{Lang: "es", Role: bot.Staff, Noticed: true}
	ana := w.person(bot.Telegram, "ana", staff)
	beto := w.person(bot.SMS, "beto", bot.Person{Lang: "en", Role: bot.Staff, Noticed: true})
	carla := w.person(bot.Telegram, "carla", staff)
	chief := w.chief()
	w.change(func(p *Programme) {
		p.Courses["c"] = &Course{ID: "c", Title: "Grupo 1"}
		for id, m := range map[string]Member{"m1": {Zone: tijuana, Person: ana}, "m2": {Zone: hermosillo, Person: beto},
			"m3": {Zone: cancun, Person: carla}, "m4": {Zone: mexico}} {
			m.ID, m.Courses = id, []string{"c"}
			p.Members[id] = &m
		}
		day := at(t, tijuana, "2027-03-08 09:00")
		for n := 1; n <= 10; n++ {
			id := fmt.Sprintf("s%02d", n)
			p.Sessions[id] = &Session{ID: id, Course: "c", Title: "Sesión " + id, Place: "Aula 1", Zone: tijuana, Start: day, End: day.Add(4 * time.Hour), Version: 1, Code: "ABC123"}
			if day = day.AddDate(0, 0, 1); day.Weekday() == time.Saturday {
				day = day.AddDate(0, 0, 2)
			}
		}
	})

	w.expect("more than a week before", w.until(at(t, tijuana, "2027-03-01 05:00")))
	w.expect("a week before the first", w.until(at(t, tijuana, "2027-03-01 12:00")),
		"ana s01", "beto s01", "carla s01")
	w.expect("a week before the second, after a start again", w.until(at(t, tijuana, "2027-03-02 12:00")),
		"ana s02", "beto s02", "carla s02")

	// The third is moved before anyone but Beto, who has answered, knows of it.
	w.now = at(t, tijuana, "2027-03-02 13:00")
	w.sets(beto, bot.Effect{Answer: &bot.Reaction{Session: "s03", Answer: bot.Coming, Version: 1}})
	w.sets(chief, bot.Effect{Post: &bot.Draft{Session: "s03", Course: "c", Title: "Sesión s03", Day: "2027-03-10", From: "11:00", Until: "15:00", Zone: tijuana, Place: "Aula 2"}})
	w.expect("moved: who had answered is told", w.until(at(t, tijuana, "2027-03-02 13:01")), "beto 11:00")
	w.expect("and all are reminded of the new time", w.until(at(t, tijuana, "2027-03-03 12:00")),
		"ana 11:00", "beto 11:00", "carla 11:00")

	// The fourth is cancelled after its first reminder went out.
	w.expect("a week before the fourth", w.until(at(t, tijuana, "2027-03-04 12:00")), "ana s04", "beto s04", "carla s04")
	w.sets(chief, bot.Effect{Cancel: "s04"})
	w.expect("cancelled: everyone is told", w.until(at(t, tijuana, "2027-03-04 12:01")), "ana s04", "beto Do not come", "carla s04")

	// The first two weeks' other reminders; Carla wants no more messages in between.
	week := w.until(at(t, tijuana, "2027-03-07 23:00"))
	w.expect("the weekend before", week, "ana s05", "beto s05", "carla s05", "ana s01", "beto s01", "carla s01")
	for _, h := range week {
		if strings.Contains(h.text, "s01") && h.at.In(zone(t, tijuana)).Format("15:04") != "09:00" {
			t.Errorf("the day before, at %v", h.at)
		}
	}
	w.person(bot.Telegram, "carla", bot.Person{Lang: "es", Role: bot.Staff, Stopped: true})
	w.expect("the first day", w.until(at(t, tijuana, "2027-03-08 12:00")),
		"ana s01", "beto s01", // an hour before
		"ana s06", "beto s06", // a week before
		"ana s02", "beto s02", // a day before
		"chief m3, m4") // was stopped, never came; nothing was delivered in this test, so all are missed

	// The rest of the course, over the night in which Tijuana's clocks go forward: each reminder once, at
	// its hour on the clock of the place, and none of what was cancelled.
	want := map[string]int{}
	for _, who := range []string{"ana", "beto"} {
		for id, leads := range map[string][]string{"s02": {"08:00"}, "s03": {"11:00", "10:00"}, "s05": {"09:00", "08:00"}, "s06": {"09:00", "08:00"},
			"s07": {"09:00", "09:00", "08:00"}, "s08": {"09:00", "09:00", "08:00"}, "s09": {"09:00", "09:00", "08:00"}, "s10": {"09:00", "09:00", "08:00"}} {
			for _, clock := range leads {
				want[who+" "+id+" "+clock]++
			}
		}
	}
	got := map[string]int{}
	session := regexp.MustCompile(`s\d\d`)
	for _, h := range w.until(at(t, tijuana, "2027-03-20 12:00")) {
		if h.who == "chief" {
			got["reports"]++
			continue
		}
		got[h.who+" "+session.FindString(h.text)+" "+h.at.In(zone(t, tijuana)).Format("15:04")]++
	}
	want["reports"] = 9 // of what was cancelled too: nothing is delivered in this test
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%s: %d times, want %d", what, got[what], n)
		}
	}
	for what, n := range got {
		if want[what] == 0 {
			t.Errorf("%s: %d times, want none", what, n)
		}
	}
}

// TestLateAndElsewhere: a session added late, one that changes its zone, one after the autumn change,
// and people who join when a week's reminder is over.
func TestLateAndElsewhere(t *testing.T) {
	w := newWorld(t, at(t, tijuana, "2027-03-15 10:00"))
	ana := w.person(bot.Telegram, "ana", bot.Person{Lang: "es", Role: bot.Staff, Noticed: true})
	phone := w.trainer.Vault.Seal(bot.SMS, "+525511112222") // from the sheet: has never written
	chief := w.person(bot.Telegram, "chief", bot.Person{Lang: "es", Role: bot.Admin, Noticed: true})
	w.must(w.trainer.Register.Invite(t.Context(), "ABCD-2345", people.Invitation{Role: bot.Admin}, "test"))
	if _, _, err := w.trainer.Register.Claim(t.Context(), chief, "ABCD-2345"); err != nil {
		t.Fatal(err)
	}
	w.change(func(p *Programme) {
		p.Courses["c"] = &Course{ID: "c", Title: "Grupo 1"}
		p.Members["m1"] = &Member{ID: "m1", Courses: []string{"c"}, Zone: hermosillo, Person: ana}
		p.Members["m2"] = &Member{ID: "m2", Courses: []string{"c"}, Zone: tijuana, Person: phone, Lang: "en"}
		start := at(t, tijuana, "2027-03-18 09:00")
		p.Sessions["s1"] = &Session{ID: "s1", Course: "c", Title: "Género", Place: "Aula 1", Zone: tijuana, Start: start, End: start.Add(time.Hour), Version: 1}
		autumn := at(t, tijuana, "2027-11-08 09:00")
		p.Sessions["s2"] = &Session{ID: "s2", Course: "c", Title: "Trata", Place: "Aula 1", Zone: tijuana, Start: autumn, End: autumn.Add(time.Hour), Version: 1}
	})
	w.expect("added three days before: the week's reminder goes at once, once", w.until(at(t, tijuana, "2027-03-15 10:01")),
		"ana Género", "+525511112222 Thursday 18 March")

	// Posted in the chat two hours before it begins.
	w.sets(chief, bot.Effect{Post: &bot.Draft{Course: "c", Title: "Crisis", Day: "2027-03-15", From: "12:00", Until: "13:00", Zone: tijuana, Place: "Aula 9"}})
	got := w.until(at(t, tijuana, "2027-03-15 10:05"))
	w.expect("posted late", got, "ana Crisis", "+525511112222 begins in 119 min or less")
	w.expect("an hour before", w.until(at(t, tijuana, "2027-03-15 11:30")), "ana Crisis", "+525511112222 60 min or less")

	// Someone of the same clock, imported when everybody else has been told of all that is soon.
	late := w.trainer.Vault.Seal(bot.SMS, "+525533334444")
	w.change(func(p *Programme) {
		p.Members["m3"] = &Member{ID: "m3", Courses: []string{"c"}, Zone: tijuana, Person: late, Lang: "en"}
	})
	w.expect("imported late", w.until(at(t, tijuana, "2027-03-15 11:30")), "+525533334444 begins in 30 min or less", "+525533334444 Thursday 18 March")
	w.change(func(p *Programme) { delete(p.Members, "m3") })

	// The same clock time elsewhere is another time.
	w.change(func(p *Programme) {
		s := p.Sessions["s1"]
		s.Start, s.Zone, s.Version = at(t, mexico, "2027-03-18 09:00"), mexico, 2
		s.End = s.Start.Add(time.Hour)
	})
	w.expect("another zone: both clocks are told", w.until(at(t, tijuana, "2027-03-15 11:31")),
		"ana 08:00", "+525511112222 CHANGED: Género", "+525533334444 not for you any more: Género")
	w.expect("a day before, not in the night: it is 8 in Tijuana", w.until(at(t, tijuana, "2027-03-17 23:00")),
		"chief m1, m2", // nobody was reached at 12:00: nothing is delivered in this test
		"ana Género", "+525511112222 Género")
	w.expect("an hour before", w.until(at(t, tijuana, "2027-03-18 07:30")), "ana Género", "+525511112222 60 min or less")
	w.expect("a week before, over the autumn change", w.until(at(t, tijuana, "2027-11-01 12:00")), "chief Género", "ana Trata", "+525511112222 Trata")
	// Nobody is reminded of what has begun, and the trainer knows.
	w.now = at(t, tijuana, "2027-11-08 09:30")
	w.expect("the process was down until it had begun", w.until(w.now), "chief Trata")
}

// TestTellingOnceWhateverFails: Redis fails at every command in turn while people are told, and all is
// done again each time: everyone is queued one message.
func TestTellingOnceWhateverFails(t *testing.T) {
	w := newWorld(t, at(t, mexico, "2027-02-10 10:00"))
	const many = 120
	w.change(func(p *Programme) {
		p.Courses["c"] = &Course{ID: "c"}
		for i := range many {
			id := fmt.Sprint("m", i)
			p.Members[id] = &Member{ID: id, Courses: []string{"c"}, Person: w.trainer.Vault.Seal(bot.Telegram, id)}
		}
		start := at(t, mexico, "2027-02-10 11:30")
		p.Sessions["s1"] = &Session{ID: "s1", Course: "c", Title: "Género", Place: "Aula 1", Zone: mexico, Start: start, End: start.Add(time.Hour), Version: 1}
	})
	broken := &failing{}
	w.redis.AddHook(broken)
	w.must(w.trainer.Plan(t.Context()))
	var task planned
	for _, p := range w.waiting {
		if p.kind == taskReminder && !p.at.After(w.now) {
			task = p
		}
	}
	fails := 0
	for n := 1; ; n++ {
		broken.after.Store(int64(n))
		err := w.trainer.do(t.Context(), task.kind, task.payload)
		broken.after.Store(0)
		if err == nil {
			break
		}
		fails++
	}
	if fails < 16 {
		t.Errorf("only %d failures: fewer than there are partitions", fails)
	}
	count := map[string]int{}
	for _, h := range w.sent() {
		count[h.who]++
	}
	for i := range many {
		if n := count[fmt.Sprint("m", i)]; n != 1 {
			t.Errorf("m%d was queued %d messages", i, n)
		}
	}
}

// failing makes the nth command from now fail, after Redis has done it: as a connection that breaks
// before the answer is heard.
type failing struct{ after atomic.Int64 }

func (f *failing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f *failing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if f.after.Load() > 0 && f.after.Add(-1) == 0 {
			err = errors.New("the connection broke")
			cmd.SetErr(err)
		}
		return err
	}
}

func (f *failing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestStaffChooseTheirPlace: where someone says they work is their facility, delegation and clock; the
// newest turn counts, and who is no member changes nothing.
func TestStaffChooseTheirPlace(t *testing.T) {
	w := newWorld(t, at(t, tijuana, "2027-02-20 10:00"))
	ana := w.person(bot.Telegram, "ana", bot.Person{Lang: "es", Role: bot.Staff})
	w.change(func(p *Programme) { p.Members["m1"] = &Member{ID: "m1", Zone: tijuana, Person: ana} })
	here, there := "hermosillo", "nowhere"
	set := effects.Set{Person: ana, Stamp: "2000-0", Effects: []bot.Effect{{Place: &here}}}
	w.must(w.trainer.Handle(t.Context(), set))
	set.Stamp, set.Effects = "1000-0", []bot.Effect{{Place: &there}}
	w.must(w.trainer.Handle(t.Context(), set)) // older
	set.Person = w.person(bot.Telegram, "nobody", bot.Person{Role: bot.Staff})
	w.must(w.trainer.Handle(t.Context(), set))
	p, err := w.trainer.Store.Load(t.Context())
	w.must(err)
	if m := p.Members["m1"]; m.Facility != "hermosillo" || m.Delegation != "Sonora" || m.Zone != "" || len(p.Members) != 1 {
		t.Errorf("%+v of %d", m, len(p.Members))
	}
}
