package notices_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/notices"
	"faro/internal/outbox"
	"faro/internal/people"
	"faro/internal/quiet"
	"faro/locales"
)

// TestNobodyWhoCameLater: who follows after the start is not included, whoever left is not either.
func TestNobodyWhoCameLater(t *testing.T) {
	r := newRig(t, nil)
	chief := r.coordinator("900")
	early := r.someone(bot.Telegram, "1", bot.Person{Lang: "es", Facility: "tapachula"})
	n := r.free()
	n.At = r.now().Add(time.Second)
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: &n})
	r.someone(bot.Telegram, "2", bot.Person{Lang: "es", Facility: "tapachula"}) // still before the start
	stop := r.run()
	r.until("it does not end", r.ended(id))
	r.someone(bot.Telegram, "3", bot.Person{Lang: "es", Facility: "tapachula"})
	stop()
	r.run()
	r.wants(id, map[string]int{"delivered": 2})
	if got := r.inbox("3"); len(got) != 0 {
		t.Errorf("who came later reads %q", got)
	}
	_ = early
}

func TestApproval(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Approval = 2 })
	r.run()
	chief, second, third := r.coordinator("900"), r.coordinator("901"), r.coordinator("902")
	r.crowd(3, bot.Person{Lang: "es", Facility: "tapachula"})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("the others are not asked", func() bool { return len(r.inbox("901")) == 1 && len(r.inbox("902")) == 1 })
	if asked := r.inbox("901")[0]; !strings.Contains(asked, "approval") || !strings.Contains(asked, "Readers: 3") || !strings.Contains(asked, "water") {
		t.Errorf("the second is asked %q", asked)
	}
	r.does(chief, bot.Deed{Does: bot.Approve, ID: id}) // not by oneself
	if got := r.state(id); got != bot.Waiting {
		t.Errorf("after one's own approval it is %s", got)
	}
	if n := r.all("Aviso: Tapachula"); n != 0 {
		t.Errorf("%d were told without approval", n)
	}
	r.does(second, bot.Deed{Does: bot.Approve, ID: id})
	r.until("it does not end", r.ended(id))
	r.does(third, bot.Deed{Does: bot.Refuse, ID: id}) // too late
	r.wants(id, map[string]int{"delivered": 3})

	id = r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.does(third, bot.Deed{Does: bot.Refuse, ID: id})
	r.does(second, bot.Deed{Does: bot.Approve, ID: id})
	if got := r.state(id); got != bot.Refused {
		t.Errorf("after a refusal it is %s", got)
	}
	migrant := r.someone(bot.Telegram, "9", bot.Person{Lang: "es", Facility: "tapachula"})
	if again := r.does(migrant, bot.Deed{Does: bot.Send, Notice: new(r.free())}); again != id {
		t.Error("a migrant made a notice")
	}
}

// TestPauseResumeStop: what is held back goes on later, and what is stopped never goes.
func TestPauseResumeStop(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram] = 400 })
	r.run()
	chief := r.coordinator("900")
	const people = 400
	r.crowd(people, bot.Person{Lang: "es", Facility: "tapachula"})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not begin", func() bool { return r.all("No hay agua") > 20 })
	r.does(chief, bot.Deed{Does: bot.Pause, ID: id})
	r.until("it is not held back", func() bool { return r.counts(id)["held"] > 0 || r.counts(id)["queued"] == 0 })
	r.until("it does not come to rest", func() bool { return r.counts(id)["queued"] == 0 })
	before := r.all("No hay agua")
	if before == people {
		t.Fatal("all were sent; nothing was paused")
	}
	r.does(chief, bot.Deed{Does: bot.Resume, ID: id})
	r.until("it does not go on", func() bool { return r.all("No hay agua") > before+20 })
	r.does(chief, bot.Deed{Does: bot.Stop, ID: id})
	r.until("it does not end", r.ended(id))
	counts := r.counts(id)
	sum := 0
	for _, n := range counts {
		sum += n
	}
	if counts["delivered"] != r.all("No hay agua") || counts["queued"] != 0 || sum > people || counts["delivered"] == people {
		t.Errorf("%v of %d; %d sent", counts, people, r.all("No hay agua"))
	}
	for i := range people {
		if got := r.inbox(fmt.Sprint(i + 1)); len(got) > 1 {
			t.Fatalf("%d reads %q", i+1, got)
		}
	}
}

// TestPausedAndResumedReachesAll: a pause loses nobody.
func TestPausedAndResumedReachesAll(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram] = 600 })
	r.run()
	chief := r.coordinator("900")
	const people = 300
	r.crowd(people, bot.Person{Lang: "es", Facility: "tapachula"})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	for range 3 {
		before := r.all("No hay agua")
		r.until("it does not go on", func() bool { return r.all("No hay agua") > before || r.state(id) == bot.Done })
		r.does(chief, bot.Deed{Does: bot.Pause, ID: id})
		r.does(chief, bot.Deed{Does: bot.Resume, ID: id})
	}
	r.until("it does not end", r.ended(id))
	r.wants(id, map[string]int{"delivered": people})
	if n := r.all("No hay agua"); n != people {
		t.Errorf("%d were sent to %d", n, people)
	}
}

// TestUnreachable: who cannot be reached is marked, and left out the next time; who writes again is not.
func TestUnreachable(t *testing.T) {
	r := newRig(t, nil)
	r.run()
	chief := r.coordinator("900")
	here := bot.Person{Lang: "es", Facility: "tapachula"}
	for _, address := range []string{"1", "2", "3"} {
		r.someone(bot.Telegram, address, here)
	}
	r.someone(bot.SMS, "+525511112222", here)
	r.answers(func(m outbox.Message) error {
		switch m.Address {
		case "1":
			return &outbox.Error{Outcome: outbox.OptedOut, Code: "403"}
		case "2":
			return &outbox.Error{Outcome: outbox.Unreachable, Code: "chat-not-found"}
		case "3":
			return &outbox.Error{Outcome: outbox.Failed, Code: "400"}
		case "+525511112222":
			return &outbox.Error{Outcome: outbox.OptedOut, Code: "21610"}
		}
		return nil
	})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	r.wants(id, map[string]int{"opted-out": 2, "unreachable": 1, "failed 400": 1})
	r.answers(nil)
	sheet, err := r.Count(context.Background(), r.free())
	if err != nil || sheet.People != 1 || fmt.Sprint(sheet.Left) != "map[blocked:1 invalid:1 stopped:1]" {
		t.Errorf("the next would reach %d, without %v; %v", sheet.People, sheet.Left, err)
	}
	r.does(chief, bot.Deed{Does: bot.Retry, ID: id})
	r.until("the failed are not tried again", func() bool { return len(r.inbox("3")) == 1 && r.state(id) == bot.Done })
	r.wants(id, map[string]int{"delivered": 1, "opted-out": 2, "unreachable": 1})
}

// TestCorrectionAndTakingBack: a correction goes only to those who got the wrong text, and a notice can
// be deleted from Telegram's chats, not from phones.
func TestCorrectionAndTakingBack(t *testing.T) {
	r := newRig(t, nil)
	r.run()
	chief := r.coordinator("900")
	here := bot.Person{Lang: "es", Facility: "tapachula"}
	r.crowd(40, here)
	r.someone(bot.SMS, "+525511112222", here)
	r.answers(func(m outbox.Message) error {
		if m.Address == "7" {
			return &outbox.Error{Outcome: outbox.Failed, Code: "400"}
		}
		return nil
	})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	r.answers(nil)
	r.someone(bot.Telegram, "41", here) // came later: never read the wrong text
	right := r.free()
	right.Texts, right.Corrects = map[locales.Lang]string{"es": "Si hay agua."}, id
	sheet, err := r.Count(context.Background(), right)
	if err != nil || sheet.People != 40 {
		t.Errorf("the correction would reach %d of 40; %v", sheet.People, err)
	}
	second := r.does(chief, bot.Deed{Does: bot.Send, Notice: &right})
	r.until("the correction does not end", r.ended(second))
	r.wants(second, map[string]int{"delivered": 40})
	for address, want := range map[string]int{"1": 2, "7": 0, "41": 0, "+525511112222": 2} {
		if got := r.inbox(address); len(got) != want {
			t.Errorf("%s reads %q", address, got)
		}
	}
	r.does(chief, bot.Deed{Does: bot.TakeBack, ID: id})
	r.until("it is not taken back", func() bool { return r.all("deletes 1001") == 39 })
	if got := r.inbox("+525511112222"); len(got) != 2 {
		t.Errorf("the phone reads %q", got)
	}
	if n := r.all("deletes 1002"); n != 0 {
		t.Errorf("%d corrections were deleted too", n)
	}
}

// TestQuietHours: a routine notice waits for the morning of its place, an emergency does not, and what
// is over before the morning is never sent.
func TestQuietHours(t *testing.T) {
	zone, err := time.LoadLocation("America/Mexico_City")
	if err != nil {
		t.Fatal(err)
	}
	real := time.Now()
	night := time.Date(real.Year(), real.Month(), real.Day(), 22, 0, 0, 0, zone)
	r := newRig(t, func(c *notices.Config) { c.Quiet = quiet.Default })
	ahead := night.Sub(real)
	r.now = func() time.Time { return time.Now().Add(ahead) }
	chief := r.coordinator("900")
	r.crowd(5, bot.Person{Lang: "es", Facility: "tapachula"})
	stop := r.run()
	long, short, danger := r.free(), r.free(), r.free()
	long.Until = r.now().Add(12 * time.Hour)
	danger.Urgency, danger.Texts = "emergency", map[locales.Lang]string{"es": "Salga ya."}
	sheet, err := r.Count(context.Background(), short) // until four in the morning
	if err != nil || sheet.People != 0 || sheet.Left[bot.LeftQuiet] != 5 || sheet.Problem != "nobody" {
		t.Errorf("a short one at night: %+v, %v", sheet.Left, err)
	}
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: &long})
	first := r.does(chief, bot.Deed{Does: bot.Send, Notice: &danger})
	r.until("the emergency does not end", r.ended(first))
	if a, b := r.all("EMERGENCIA: Tapachula"), r.all("No hay agua"); a != 5 || b != 0 {
		t.Errorf("at night %d read the emergency and %d the other", a, b)
	}
	stop()
	ahead += 10 * time.Hour
	r.run()
	r.until("it does not end in the morning", r.ended(id))
	r.wants(id, map[string]int{"delivered": 5})
	var emergency bool
	if err := r.Register.Audit(context.Background(), func(e people.Entry) error {
		emergency = emergency || strings.Contains(e.What, "emergency") && e.About == first
		return nil
	}); err != nil || !emergency {
		t.Errorf("the audit log does not tell the emergency; %v", err)
	}
}

// TestExpiry: what is not valid any more is not sent, wherever it is.
func TestExpiry(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram] = 20 })
	r.run()
	chief := r.coordinator("900")
	const people = 200
	r.crowd(people, bot.Person{Lang: "es", Facility: "tapachula"})
	n := r.free()
	n.Until = r.now().Add(3 * time.Second)
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: &n})
	r.until("it does not end", r.ended(id))
	counts := r.counts(id)
	if counts["delivered"] < 20 || counts["delivered"] > 100 || counts["queued"] != 0 || counts["expired"] == 0 {
		t.Errorf("counted %v", counts)
	}
	late := r.free()
	late.At, late.Until = r.now().Add(time.Hour), r.now().Add(time.Minute)
	for what, n := range map[string]bot.Notice{"past": {Facilities: []string{"tapachula"}, Texts: late.Texts, Until: r.now().Add(-time.Minute)}, "over before it begins": late} {
		if sheet, err := r.Count(context.Background(), n); err != nil || sheet.Problem != "past" {
			t.Errorf("%s: %q, %v", what, sheet.Problem, err)
		}
	}
}

// TestWhatCannotBeSent: each is told as what it is, and nothing is stored.
func TestWhatCannotBeSent(t *testing.T) {
	r := newRig(t, nil)
	chief := r.coordinator("900")
	r.someone(bot.SMS, "+525511112222", bot.Person{Lang: "es", Facility: "tapachula"})
	r.someone(bot.Telegram, "1", bot.Person{Lang: "en", Facility: "reynosa"})
	meeting := func(n *bot.Notice) {
		n.Texts, n.Ready, n.Blanks = nil, "meeting", map[string]string{"day": r.now().AddDate(0, 0, 2).Format(time.DateOnly), "time": "09:00", "place": "Patio"}
	}
	for problem, change := range map[string]func(*bot.Notice){
		"nobody":   func(n *bot.Notice) { n.Facilities = []string{"acayucan"} },
		"gone":     func(n *bot.Notice) { n.Facilities = []string{"nowhere"} },
		"no-text":  func(n *bot.Notice) { n.Texts = nil },
		"too-long": func(n *bot.Notice) { n.Texts = map[locales.Lang]string{"es": strings.Repeat("agua ", 200)} },
		"past":     func(n *bot.Notice) { n.Until = time.Time{} },
		"too-far":  func(n *bot.Notice) { n.Until = r.now().Add(800 * time.Hour) },
		"started":  func(n *bot.Notice) { n.At = r.now().Add(-5 * time.Hour) },
		"too-long-chat": func(n *bot.Notice) {
			n.Facilities, n.Texts = []string{"reynosa"}, map[locales.Lang]string{"es": "Hay agua.", "en": strings.Repeat("water ", 680)}
		},
		"blank":      func(n *bot.Notice) { meeting(n); n.Blanks["time"] = "" },
		"blank-long": func(n *bot.Notice) { meeting(n); n.Blanks["place"] = strings.Repeat("é", bot.MaxBlank+1) },
		"day-past":   func(n *bot.Notice) { meeting(n); n.Blanks["day"] = "2020-01-01" },
	} {
		n := r.free()
		change(&n)
		if id := r.does(chief, bot.Deed{Does: bot.Send, Notice: &n}); id != "" {
			t.Errorf("%s: it was made", problem)
		}
		if sheet, err := r.Count(context.Background(), n); err != nil || sheet.Problem != problem {
			t.Errorf("%q, want %q; %v", sheet.Problem, problem, err)
		}
	}
	for what, change := range map[string]func(*bot.Notice){
		"just as long as a chat takes": func(n *bot.Notice) {
			n.Facilities, n.Texts = []string{"reynosa"}, map[locales.Lang]string{"en": strings.Repeat("water ", 660)}
		},
		"planned for a minute ago": func(n *bot.Notice) { n.At = r.now().Add(-time.Minute) },
		"all filled in":            func(n *bot.Notice) { meeting(n); n.Blanks["place"] = strings.Repeat("é", bot.MaxBlank) },
	} {
		n := r.free()
		change(&n)
		if sheet, err := r.Count(context.Background(), n); err != nil || sheet.Problem != "" {
			t.Errorf("%s: %q, %v", what, sheet.Problem, err)
		}
	}
}

// TestForgotten: who erases everything stands in no tally and no receipt, and wrote no notice.
func TestForgotten(t *testing.T) {
	r := newRig(t, nil)
	r.run()
	chief := r.coordinator("900")
	phone := r.someone(bot.SMS, "+525511112222", bot.Person{Lang: "es", Facility: "tapachula"})
	r.someone(bot.Telegram, "1", bot.Person{Lang: "es", Facility: "tapachula"})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	if err := r.receipt(phone, outbox.Report{Status: "delivered"}); err != nil {
		t.Fatal(err)
	}
	r.wants(id, map[string]int{"arrived": 1, "delivered": 1})
	for _, who := range []bot.PersonID{phone, chief} {
		if err := r.Forget(context.Background(), who, r.now()); err != nil {
			t.Fatal(err)
		}
		r.until("who is forgotten is still there", func() bool { // what they were told a moment ago is on its way
			found := slices.DeleteFunc(r.find(string(who)), func(key string) bool { // the turn that erases and the register delete these
				return key == keys.Person(who) || strings.Contains(key, "f:tapachula") || key == keys.Roles
			})
			return len(found) == 0
		})
	}
}

// find lists the keys of Redis that hold a text, in their name or in what they hold.
func (r *rig) find(text string) (found []string) {
	r.t.Helper()
	ctx := context.Background()
	all, err := r.redis.Keys(ctx, "*").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, key := range all {
		kind := r.redis.Type(ctx, key).Val()
		var what any
		switch kind {
		case "hash":
			what = r.redis.HGetAll(ctx, key).Val()
		case "zset":
			what = r.redis.ZRange(ctx, key, 0, -1).Val()
		case "set":
			what = r.redis.SMembers(ctx, key).Val()
		case "stream":
			what = r.redis.XRange(ctx, key, "-", "+").Val()
		case "string":
			what = r.redis.Get(ctx, key).Val()
		}
		if strings.Contains(key, text) || strings.Contains(fmt.Sprint(what), text) {
			found = append(found, key)
		}
	}
	return found
}

// receipt is what a carrier says of the last text message to a phone.
func (r *rig) receipt(phone bot.PersonID, report outbox.Report) error {
	_, address, err := r.vault.Address(phone)
	if err != nil {
		return err
	}
	report.SID = "SM" + address
	_, err = outbox.New(outbox.Config{Redis: r.redis, Vault: r.vault, Gone: r.Register.Gone}).Receive(context.Background(), r.now(), keys.Of(phone), report)
	return err
}

// TestReceiptsSayWhy: what a carrier says of a number is counted with its reason, before its message is acknowledged as
// well as after; who is not reached any more is left out the next time, and nothing goes back.
func TestReceiptsSayWhy(t *testing.T) {
	r := newRig(t, nil)
	r.run()
	chief := r.coordinator("900")
	phones := map[string]bot.PersonID{}
	for _, address := range []string{"+525511110001", "+525511110002", "+525511110003", "+525511110004", "+525511110005"} {
		phones[address] = r.someone(bot.SMS, address, bot.Person{Lang: "es", Facility: "tapachula"})
	}
	early := outbox.Report{Status: "undelivered", Code: "30005", Gone: outbox.Unreachable}
	r.answers(func(m outbox.Message) error {
		if m.Address == "+525511110005" {
			return r.receipt(phones[m.Address], early)
		}
		return nil
	})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	for _, step := range []struct {
		address string
		report  outbox.Report
	}{
		{"+525511110001", outbox.Report{Status: "undelivered", Code: "30006", Gone: outbox.Unreachable}},
		{"+525511110001", outbox.Report{Status: "sent"}},
		{"+525511110002", outbox.Report{Status: "failed", Code: "21610", Gone: outbox.OptedOut}},
		{"+525511110003", outbox.Report{Status: "undelivered", Code: "30007"}},
		{"+525511110003", outbox.Report{Status: "delivered"}},
		{"+525511110004", outbox.Report{Status: "delivered"}},
		{"+525511110004", outbox.Report{Status: "undelivered", Code: "30005", Gone: outbox.Unreachable}},
	} {
		if err := r.receipt(phones[step.address], step.report); err != nil {
			t.Fatal(err)
		}
	}
	r.wants(id, map[string]int{"arrived": 1, "opted-out": 1, "undelivered 30007": 1, "unreachable": 2})
	r.until("not all who are gone are marked", func() bool { // one is after its acknowledgement
		sheet, err := r.Count(context.Background(), r.free())
		return err == nil && sheet.People == 2 && fmt.Sprint(sheet.Left) == "map[invalid:2 stopped:1]"
	})
	var csv strings.Builder
	if err := r.Export(context.Background(), id, &csv); err != nil || !strings.Contains(csv.String(), "sms,es,undelivered 30007") {
		t.Errorf("exported %s, %v", csv.String(), err)
	}
	r.answers(nil)
	r.does(chief, bot.Deed{Does: bot.Retry, ID: id})
	r.until("the failed is not tried again", func() bool { return len(r.inbox("+525511110003")) == 2 && r.state(id) == bot.Done })
	for _, address := range []string{"+525511110001", "+525511110002", "+525511110005"} {
		if got := r.inbox(address); len(got) != 1 {
			t.Errorf("%s reads %q", address, got)
		}
	}
}

// TestReceiptBeforeAcknowledgement: a carrier may be quicker than we are.
func TestReceiptBeforeAcknowledgement(t *testing.T) {
	r := newRig(t, nil)
	r.run()
	chief := r.coordinator("900")
	phone := r.someone(bot.SMS, "+525511112222", bot.Person{Lang: "es", Facility: "tapachula"})
	r.answers(func(m outbox.Message) error {
		if m.Channel == bot.SMS {
			for _, status := range []string{"undelivered", "sent", "delivered"} { // the first end stays
				if err := r.receipt(phone, outbox.Report{Status: status}); err != nil {
					t.Error(err)
				}
			}
		}
		return nil
	})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("it does not end", r.ended(id))
	r.wants(id, map[string]int{"undelivered no-code": 1})
}

// TestProgress: the author has one message of the progress, which is edited, in the end to how it ended, and is told that.
func TestProgress(t *testing.T) {
	r := newRig(t, func(c *notices.Config) { c.Rates[bot.Telegram] = 30 })
	r.run()
	chief := r.coordinator("900")
	r.crowd(200, bot.Person{Lang: "es", Facility: "tapachula"})
	id := r.does(chief, bot.Deed{Does: bot.Send, Notice: new(r.free())})
	r.until("the progress is not shown", func() bool { return len(r.inbox("900")) > 0 })
	first := r.inbox("900")[0]
	if !strings.Contains(first, "It is being sent.") || strings.HasPrefix(first, "edits") {
		t.Errorf("the progress begins with %q", first)
	}
	r.until("it does not end", r.ended(id))
	r.until("the end is not told, or not shown", func() bool { return r.all("Finished.") == 2 })
	edits, last := 0, ""
	for _, m := range r.inbox("900")[1:] {
		if strings.HasPrefix(m, "edits 1001: ") {
			edits, last = edits+1, m
		}
		if strings.Contains(m, "being sent") && !(strings.Contains(m, "of 200") && strings.Contains(m, "a second")) {
			t.Errorf("a picture of the progress: %q", m)
		}
	}
	if new := len(r.inbox("900")) - edits; edits < 2 || new != 2 {
		t.Errorf("%d edits, %d new messages: %q", edits, new, r.inbox("900"))
	}
	if !strings.Contains(last, "Finished.") || !strings.Contains(last, "delivered 200") {
		t.Errorf("the picture stays %q", last)
	}
}
