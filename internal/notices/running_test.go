package notices_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/keys"
	"faro/internal/notices"
	"faro/internal/outbox"
	"faro/internal/quiet"
	"faro/locales"
)

// tapachulan and mexicalian are at places whose clocks differ.
var (
	tapachulan = bot.Person{Lang: "es", Facility: "tapachula"}
	mexicalian = bot.Person{Lang: "es", Facility: "mexicali"}
)

// underWay is a notice to many that some have, in one of the states of what is sent.
func underWay(t *testing.T, state string) (r *rig, chief bot.PersonID, id string) {
	r = newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram] = 100 })
	r.run()
	chief = r.coordinator("900")
	r.crowd(many, tapachulan)
	id = r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not begin", func() bool { return r.all("No hay agua") > 20 })
	if act := map[string]string{bot.Paused: bot.Pause, bot.Stopped: bot.Stop}[state]; act != "" {
		r.does(chief, bot.Deed{Does: act, ID: id})
	}
	return r, chief, id
}

// many is more people than have it when it is stopped.
const many = 300

// TestTakenBackWhileItIsSent: taking back stops first, so no copy is left, and tells how many were deleted.
func TestTakenBackWhileItIsSent(t *testing.T) {
	for _, state := range []string{bot.Sending, bot.Paused, bot.Stopped} {
		t.Run(state, func(t *testing.T) {
			r, chief, id := underWay(t, state)
			r.does(chief, bot.Deed{Does: bot.TakeBack, ID: id})
			r.until("it is not taken back", func() bool {
				all, err := r.All(context.Background())
				return err == nil && all[0].Gone && !all[0].Tell
			})
			got := r.all("Aviso: Tapachula")
			if got == many || r.all("deletes ") != got || r.counts(id)["delivered"] != got {
				t.Errorf("%d of %d got it, %d were deleted: %v", got, many, r.all("deletes "), r.counts(id))
			}
			for i := range many {
				if in := r.inbox(strconv.Itoa(i + 1)); len(in)%2 != 0 || len(in) == 2 && in[1] != "deletes 1001" {
					t.Fatalf("%d reads %q", i+1, in)
				}
			}
			var csv strings.Builder
			if err := r.Export(context.Background(), id, &csv); err != nil || strings.Count(csv.String(), ",delivered,deleted\n") != got {
				t.Errorf("exported %.300s, %v", csv.String(), err)
			}
			in := bot.Input{Desk: bot.Desk{Role: bot.Coordinator}}
			if err := r.Prepare(context.Background(), chief, &in); err != nil {
				t.Fatal(err)
			}
			st := in.Desk.Notices[0]
			if st.State != bot.Stopped || st.Back["delivered"] != got || len(st.Back) != 1 || fmt.Sprint(st.Acts) != "[correct]" {
				t.Errorf("it is %s, taken back %v, %v can be done", st.State, st.Back, st.Acts)
			}
		})
	}
}

// TestTakenBackTooLate: Telegram deletes nothing after 48 hours, so it is not offered.
func TestTakenBackTooLate(t *testing.T) {
	r := newRig(t, nil)
	stop := r.run()
	chief := r.coordinator("900")
	r.crowd(3, tapachulan)
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	stop()
	r.jump(48*time.Hour - time.Minute)
	all, err := r.All(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	in := bot.Input{Desk: bot.Desk{Role: bot.Coordinator}}
	for _, want := range []string{"[correct take-back]", "[correct]"} {
		if err := r.Prepare(context.Background(), chief, &in); err != nil || fmt.Sprint(in.Desk.Notices[0].Acts) != want {
			t.Errorf("%v after it began %v can be done, %v", r.now().Sub(all[0].Began), in.Desk.Notices[0].Acts, err)
		}
		r.jump(time.Minute)
	}
}

// TestCorrectedWhileItIsSent: a correction stops what it corrects, and goes to those who got it, all of them and nobody
// else.
func TestCorrectedWhileItIsSent(t *testing.T) {
	for _, state := range []string{bot.Sending, bot.Paused, bot.Stopped} {
		t.Run(state, func(t *testing.T) {
			r, chief, id := underWay(t, state)
			right := r.free()
			right.Texts, right.Facilities, right.Corrects = map[locales.Lang]string{"es": "Si hay agua."}, nil, id // as the shell makes it
			second := r.does(chief, bot.Deed{Does: bot.Send, Notice: &right})
			r.until("the correction does not end", r.ended(second))
			wrong := r.all("No hay agua")
			if wrong == many || r.state(id) != bot.Stopped || r.counts(id)["delivered"] != wrong {
				t.Errorf("%d of %d got the wrong text, %s, %v", wrong, many, r.state(id), r.counts(id))
			}
			r.wants(second, map[string]int{"delivered": wrong})
			for i := range many {
				in := r.inbox(strconv.Itoa(i + 1))
				if len(in)%2 != 0 || len(in) == 2 && !strings.Contains(in[1], "Si hay agua") {
					t.Fatalf("%d reads %q", i+1, in)
				}
			}
		})
	}
}

// TestWhatIsCorrectedIsNotRepeated: those a notice failed for do not get a text that has been corrected.
func TestWhatIsCorrectedIsNotRepeated(t *testing.T) {
	r := newRig(t, nil)
	r.run()
	chief := r.coordinator("900")
	r.crowd(5, tapachulan)
	r.answers(func(m outbox.Message) error {
		if m.Address == "3" {
			return &outbox.Error{Outcome: outbox.Failed, Code: "400"}
		}
		return nil
	})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	r.answers(nil)
	right := r.free()
	right.Texts, right.Corrects = map[locales.Lang]string{"es": "Si hay agua."}, id
	second := r.does(chief, bot.Deed{Does: bot.Send, Notice: &right})
	r.until("the correction does not end", r.ended(second))
	if _, err := r.Act(context.Background(), id, bot.Retry, "", "test"); err != notices.ErrNot {
		t.Errorf("it was repeated: %v", err)
	}
}

// TestStoppingFreesThePace: what waits for a notice that is stopped does not hold up the next one.
func TestStoppingFreesThePace(t *testing.T) {
	for _, act := range []string{bot.Stop, bot.Pause} {
		t.Run(act, func(t *testing.T) {
			r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram] = 5 })
			r.run()
			chief := r.coordinator("900")
			r.crowd(300, tapachulan) // a minute
			r.someone(bot.Telegram, "1001", bot.Person{Lang: "es", Facility: "acayucan"})
			id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
			r.until("it does not begin", func() bool { return r.all("No hay agua") > 2 && r.counts(id)["queued"] > 200 })
			r.does(chief, bot.Deed{Does: act, ID: id})
			danger := r.free()
			danger.Facilities, danger.Urgency = []string{"acayucan"}, "emergency"
			began := time.Now()
			r.does(chief, bot.Deed{Does: bot.Send, Notice: &danger})
			r.until("the emergency does not arrive", func() bool { return len(r.inbox("1001")) == 1 })
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestQueuesTakeAMinute: no more than a minute's worth waits in the queues, however slow the provider.
func TestQueuesTakeAMinute(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.SMS] = 1 })
	r.run()
	chief := r.coordinator("900")
	for i := range 200 {
		r.someone(bot.SMS, fmt.Sprint("+5255", 10000000+i), tapachulan)
	}
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not begin", func() bool {
		waiting := int64(0)
		for p := range keys.Partition(keys.Partitions) {
			waiting += r.redis.XLen(context.Background(), keys.Queue(p, bot.SMS, keys.Bulk)).Val()
		}
		if waiting > 70 {
			t.Fatalf("%d messages wait at one a second", waiting)
		}
		return r.counts(id)["delivered"] > 2
	})
}

// TestRoomIsCountedByChannel: while text messages wait for room, nobody before them waits, and nobody after them is lost.
func TestRoomIsCountedByChannel(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.SMS] = 1 })
	stop := r.run()
	chief := r.coordinator("900")
	r.crowd(100, tapachulan)
	for i := range 120 {
		r.someone(bot.SMS, fmt.Sprint("+5255", 10000000+i), tapachulan)
	}
	for i := range 100 {
		r.someone(bot.Telegram, strconv.Itoa(1001+i), tapachulan)
	}
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("text messages hold up who is before them", func() bool { return r.counts(id)["delivered"] > 100 && r.counts(id)["queued"] > 20 })
	stop()
	r.Rates[bot.SMS] = 0
	r.run()
	r.until("it does not end", r.ended(id))
	r.wants(id, map[string]int{"delivered": 320})
	if n := r.all("No hay agua"); n != 320 {
		t.Errorf("%d were sent to 320", n)
	}
}

// dusk are quiet hours that begin in a few minutes at Tapachula, for an hour; night and morning are when it has been.
func dusk(t *testing.T) quiet.Hours {
	zone, err := time.LoadLocation("America/Mexico_City")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now().Add(night / 2).In(zone)
	begin := time.Duration(from.Hour())*time.Hour + time.Duration(from.Minute())*time.Minute
	return quiet.Hours{From: begin, Until: (begin + time.Hour) % (24 * time.Hour)}
}

const (
	night   = 6 * time.Minute
	morning = time.Hour // after night
)

// TestNightFallsWhileItIsSent: whose turn has not come when their quiet hours begin gets it in their morning; others,
// by whose clock it is day, get it at once.
func TestNightFallsWhileItIsSent(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram], c.Quiet = 60, dusk(t) })
	r.run()
	chief := r.coordinator("900")
	const people = 300
	r.crowd(people, tapachulan)
	for i := range 50 {
		r.someone(bot.Telegram, strconv.Itoa(2001+i), mexicalian)
	}
	n := r.free()
	n.Facilities = []string{"tapachula", "mexicali"}
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: &n})
	r.until("it does not begin", func() bool { return r.all("Aviso: Tapachula") > 20 })
	r.jump(night)
	r.until("it does not come to rest", func() bool { return r.all("Aviso: Mexicali") == 50 && r.counts(id)["queued"] == 0 })
	if held := r.counts(id)["held"]; held < people/3 || r.state(id) != bot.Sending {
		t.Errorf("%d are held back at night; it is %s", held, r.state(id))
	}
	r.jump(morning)
	r.until("it does not end in the morning", r.ended(id))
	r.wants(id, map[string]int{"delivered": people + 50})
	for i := range people {
		if got := r.inbox(strconv.Itoa(i + 1)); len(got) != 1 {
			t.Fatalf("%d reads %q", i+1, got)
		}
	}
}

// TestNobodyIsWokenUp: what is resumed, repeated or corrected at night waits for the morning too, by each reader's clock;
// what is over before that is not sent, and the sheet says so.
func TestNobodyIsWokenUp(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Quiet = dusk(t) })
	r.run()
	chief := r.coordinator("900")
	r.crowd(10, tapachulan)
	r.someone(bot.Telegram, "2001", mexicalian)
	r.answers(func(m outbox.Message) error {
		if m.Address == "1" || m.Address == "2001" {
			return &outbox.Error{Outcome: outbox.Failed, Code: "400"}
		}
		return nil
	})
	n := r.free()
	n.Facilities = []string{"tapachula", "mexicali"}
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: &n})
	r.until("it does not end", r.ended(id))
	r.answers(nil)
	r.jump(night)
	r.does(chief, bot.Deed{Does: bot.Retry, ID: id})
	r.until("it is not repeated", func() bool { return len(r.inbox("2001")) == 1 && r.counts(id)["held"] == 1 })
	r.does(chief, bot.Deed{Does: bot.Pause, ID: id})
	r.does(chief, bot.Deed{Does: bot.Resume, ID: id})
	r.wants(id, map[string]int{"delivered": 10, "held": 1})

	right := r.free()
	right.Texts, right.Facilities, right.Corrects = map[locales.Lang]string{"es": "Si hay agua."}, nil, id
	sheet, err := r.Count(context.Background(), right)
	if err != nil || sheet.People != 10 || sheet.Ends.Sub(r.now()) < 50*time.Minute || sheet.Late {
		t.Errorf("the correction would reach %d, until %v; %v", sheet.People, sheet.Ends.Sub(r.now()), err)
	}
	short := right
	short.Until = r.now().Add(20 * time.Minute)
	if sheet, err := r.Count(context.Background(), short); err != nil || sheet.People != 1 || sheet.Left[bot.LeftQuiet] != 9 {
		t.Errorf("a short correction would reach %d, without %v; %v", sheet.People, sheet.Left, err)
	}
	second := r.does(chief, bot.Deed{Does: bot.Send, Notice: &right})
	r.until("who is awake is not corrected", func() bool { return r.counts(second)["held"] == 9 && len(r.inbox("2001")) == 2 })
	if n := r.all("Corrige el aviso"); n != 1 {
		t.Errorf("%d read the correction at night", n)
	}
	r.jump(morning)
	r.until("the correction does not end in the morning", r.ended(second))
	r.wants(second, map[string]int{"delivered": 10})
	r.wants(id, map[string]int{"delivered": 10, "held": 1}) // it was stopped
	if got := r.inbox("1"); len(got) != 0 {
		t.Errorf("who got nothing to correct reads %q", got)
	}
}

// TestHeldAndErased: who erases everything while their message is held back or queued is not waited for.
func TestHeldAndErased(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram] = 50 })
	r.run()
	chief := r.coordinator("900")
	r.crowd(60, tapachulan)
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not begin", func() bool { return r.all("No hay agua") > 5 })
	r.does(chief, bot.Deed{Does: bot.Pause, ID: id})
	r.until("it does not come to rest", func() bool { return r.counts(id)["queued"] == 0 })
	erased := 0
	for i := range 60 {
		who := r.vault.Seal(bot.Telegram, strconv.Itoa(i+1))
		if len(r.inbox(strconv.Itoa(i+1))) > 0 || erased == 5 {
			continue
		}
		erased++
		if err := r.redis.Del(context.Background(), keys.Person(who)).Err(); err != nil { // as the turn does
			t.Fatal(err)
		}
		for range 2 {
			if err := r.Forget(context.Background(), who, r.now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.does(chief, bot.Deed{Does: bot.Resume, ID: id})
	r.until("it does not end", r.ended(id))
	r.wants(id, map[string]int{"delivered": 60 - erased})
}

// TestGrownWhilePlanned: a planned notice is counted again when its time comes, and waits for approval if it must.
func TestGrownWhilePlanned(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Approval = 2 })
	chief, second := r.coordinator("900"), r.coordinator("901")
	r.crowd(2, tapachulan)
	n := r.free()
	n.At = r.now().Add(time.Minute)
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: &n})
	if got := r.state(id); got != bot.Planned {
		t.Fatalf("it is %s", got)
	}
	r.crowd(4, tapachulan)
	r.run()
	r.jump(2 * time.Minute)
	r.until("the other is not asked", func() bool { return len(r.inbox("901")) == 1 })
	r.until("it does not wait", func() bool { return r.state(id) == bot.Waiting })
	if asked := r.inbox("901")[0]; !strings.Contains(asked, "Readers: 4") || r.all("Aviso: Tapachula") != 0 {
		t.Errorf("the other is asked %q, %d were told", asked, r.all("No hay agua"))
	}
	r.does(second, bot.Deed{Does: bot.Approve, ID: id})
	r.until("it does not end", r.ended(id))
	r.wants(id, map[string]int{"delivered": 4})
}

// TestTheEndIsTold: a process that dies before it told the end leaves that to the next, and it is told once.
func TestTheEndIsTold(t *testing.T) {
	r := newRig(t, nil)
	stop := r.run()
	chief := r.coordinator("900")
	r.crowd(3, tapachulan)
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	told := func() bool {
		all, err := r.All(context.Background())
		return err == nil && all[0].State == bot.Done && !all[0].Tell
	}
	r.until("the end is not told", told)
	r.until("the end does not arrive", func() bool { return r.all("Finished.") > 0 })
	stop()
	before := r.inbox("900")
	if changed, err := r.Change(context.Background(), id, func(n *notices.Record) bool { n.Tell = true; return true }); err != nil || !changed {
		t.Fatal(changed, err)
	}
	stop = r.run()
	r.until("the end is not told again", told)
	stop()
	for _, m := range r.inbox("900")[len(before):] {
		if !strings.HasPrefix(m, "edits ") {
			t.Errorf("told again: %q", m)
		}
	}
}

// TestPanicHitsOneTry: what panics while a notice is handed out is tried again, and ends nothing.
func TestPanicHitsOneTry(t *testing.T) {
	var faulty atomic.Bool
	r := newRig(t, func(c *notices.Config) {
		c.Shapes[bot.Telegram] = func(reply bot.Reply, in bot.Input) ([]byte, error) {
			if faulty.CompareAndSwap(true, false) {
				panic(reply.Text)
			}
			return telegram.Shape(reply, in)
		}
	})
	r.crowd(3, tapachulan)
	r.does(r.coordinator("900"), bot.Deed{Does: bot.Send, Notice: new(r.free())})
	faulty.Store(true)
	r.run()
	r.until("it does not arrive", func() bool { return r.all("No hay agua") == 3 })
	if faulty.Load() {
		t.Error("nothing panicked")
	}
}
