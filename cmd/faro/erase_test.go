package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/fakes"
	"faro/internal/keys"
	"faro/internal/people"
)

// TestEraseLeavesNothing: people of every role do all they can and send ERASE. Then nothing of them is in
// Redis, in its files byte for byte, in the log, the metrics or the data folder.
//
// What stays, and why:
//   - Lines of the audit log name who did something by a digest: what was done with roles and notices must be
//     answerable later. The log is sealed besides, so its bytes are not found here.
//   - A used invitation keeps a digest of who took it until it runs out (14 days): else it would work again.
//   - Who sent a wrong code is counted by a digest for an hour: else ERASE would let them guess on.
//   - The programme keeps the organisation's own list (member, course, facility) and posted sessions; a notice
//     keeps its text until 90 days after its end, so that others can correct it or take it back. All sealed,
//     without the person.
//   - Counts of a notice, of outcomes and of judgements name nobody.
//   - A question kept by FARO_KEEP_QUESTIONS was never stored with a person; it stays its 30 days.
//   - Digests of the input that said ERASE and of the last ones before it, for a day, so that a redelivery is not
//     answered; a digest of a text message whose delivery the carrier reports after the end, for three days.
//   - At the providers: their own logs and Twilio's list of those who sent STOP. That is theirs.
func TestEraseLeavesNothing(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Keep, c.Notice.Approval = true, 0 })
	w.programme(0, time.Now().Add(50*time.Minute))
	for code, inv := range map[string]people.Invitation{
		"ABCD-2345": {Role: bot.Trainer},
		"EFGH-2345": {Role: bot.Staff, Course: "c", Facility: "tapachula"},
		"JKMN-2345": {Role: bot.Coordinator},
		"PQRS-2345": {Role: bot.Coordinator},
	} {
		if err := w.server.trains.Register.Invite(w.context(), code, inv, "test"); err != nil {
			t.Fatal(err)
		}
	}
	const ( // chat ids without runs of zeros, which the sums of the metrics have by chance
		migrant, follower, waiting, blocked = int64(778437291601), int64(778437291602), int64(778437291603), int64(778437291604)
		staff, trainer, chief, second       = int64(778437291611), int64(778437291612), int64(778437291613), int64(778437291614)
		phone, imported                     = "+529619998877", "+525511113333"
	)
	chats := []int64{migrant, follower, waiting, blocked, staff, trainer, chief, second}
	phones := []string{phone, imported}
	joins := func(chat int64, words string) {
		w.say(chat, words)
		w.tap(chat, "lang/es")
		w.tap(chat, "next")
	}
	seen := func(chat int64, text string) {
		t.Helper()
		if err := w.telegram.Await(w.context(), func() bool { return strings.Contains(w.chat(chat), text) }); err != nil {
			t.Fatalf("%d does not read %q: %s", chat, text, w.chat(chat))
		}
	}
	inbox := func(number, text string) {
		t.Helper()
		if err := w.twilio.Await(w.context(), func() bool {
			all := w.twilio.Inbox(number)
			return len(all) > 0 && strings.Contains(all[len(all)-1].Body, text)
		}); err != nil {
			t.Fatalf("%s does not read %q", number, text)
		}
	}

	// Migrants: a question that is kept, other questions, danger, a place, a contact, a voice, an edit.
	joins(migrant, "/start")
	w.say(migrant, "xilofono azul de Canaria 5512345678")
	for _, words := range []string{"canariotexto cómo pido asilo en México", "sos", "no", "ZZZZ-2345"} {
		w.say(migrant, words)
	}
	for _, update := range [][]byte{w.telegram.Contact(migrant, "es", phone), w.telegram.Voice(migrant, "es"), w.telegram.Location(migrant, "es", 14.9, -92.2),
		w.telegram.Photo(migrant, "es", "canariotexto")} {
		n := w.telegram.Sent()
		w.post(update)
		w.sends(n + 1)
	}
	joins(follower, "/start f-tapachula")
	joins(waiting, "/start")
	joins(blocked, "/start f-tapachula")
	w.text(phone, "tapachula")
	w.text(phone, "1")
	w.text(phone, "1")
	w.text(phone, "canariotexto quiero pedir asilo")

	// Staff: enrolled by invitation or by phone, reminded, answering, there.
	joins(trainer, "/start i-ABCD-2345")
	joins(staff, "efgh2345")
	sheet := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(sheet, []byte("id,course,delegation,facility,zone,phone,lang\nof-1,c,Chiapas,tapachula,,55 1111 3333,es\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := command("", "training", "import", "--apply", "--data", w.cfg.Data, sheet); code != 0 {
		t.Fatal(errs)
	}
	w.say(trainer, "capacitacion")
	w.tap(trainer, "post-course")
	w.tap(trainer, "post-title/new.c")
	w.say(trainer, "Canaria crisis")
	w.say(trainer, time.Now().AddDate(0, 0, 1).Format("2/1/2006"))
	w.say(trainer, "9:00-13:00")
	w.tap(trainer, "post-place/tijuana")
	w.say(trainer, "Aula canariotexto")
	w.tap(trainer, "post-done")
	seen(staff, "Canaria crisis")
	seen(staff, "Derechos humanos")
	w.tap(staff, "coming/s")
	w.tap(staff, "calendar/s")
	w.tap(staff, "here/s")
	w.say(staff, "ABC234")
	if err := w.twilio.Await(w.context(), func() bool { return len(w.twilio.Inbox(imported)) >= 2 }); err != nil {
		t.Fatal("who was imported is not reminded")
	}
	w.text(imported, "no puedo")
	w.tap(trainer, "who/s")
	seen(trainer, "Derechos humanos")
	w.tap(trainer, "training")
	w.tap(trainer, "post-title/new.c") // a draft that is not finished
	w.say(trainer, "Canaria a medias")

	// A notice: written by one coordinator, approved by another, read by all at the place.
	joins(chief, "/start i-JKMN-2345")
	joins(second, "/start i-PQRS-2345")
	w.say(chief, "aviso")
	w.tap(chief, "notice-where/new")
	w.say(chief, "Tapachula")
	for _, data := range []string{"notice-what/all", "notice-urgency/own", "notice-lang/routine", "notice-write/es"} {
		w.tap(chief, data)
	}
	w.say(chief, "Canario: hay comida.")
	for _, data := range []string{"notice-until", "notice-when/6h", "notice-check/now"} {
		w.tap(chief, data)
	}
	w.send(chief)
	seen(second, "Canario: hay comida.")
	all, err := w.server.tells.All(w.context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d notices, %v", len(all), err)
	}
	n := w.telegram.Sent()
	w.post(w.telegram.Tap(second, "es", w.last(second).ID, "notice-do/approve."+all[0].ID))
	w.sends(n + 1)
	seen(follower, "Canario: hay comida.")
	inbox(phone, "Canario: hay comida.")
	inbox(imported, "Canario: hay comida.")
	seen(chief, "Terminado")

	// Carriers report some messages before the end, the rest after it.
	report := func() {
		t.Helper()
		for _, number := range phones {
			for _, sms := range w.twilio.Inbox(number) {
				at, err := url.Parse(sms.Fields["StatusCallback"])
				if err != nil {
					t.Fatal(err)
				}
				form := w.twilio.Receipt(sms.SID, "delivered", 0)
				if status, err := w.twilio.Post(w.context(), w.url, publicURL, at.RequestURI(), form); err != nil || status != http.StatusNoContent {
					t.Fatalf("a receipt is answered %d, %v", status, err)
				}
			}
		}
	}
	report()
	ids := map[string]bool{} // of messages, in the chats before they are swept
	var first []int
	for _, chat := range chats {
		for i, m := range w.telegram.Chat(chat) {
			if ids[strconv.Itoa(m.ID)] = true; i == 0 {
				first = append(first, m.ID)
			}
		}
	}
	if len(ids) < 50 {
		t.Fatalf("only %d messages were seen", len(ids))
	}

	// The end. Of one the replies wait meanwhile; another blocks the bot before the goodbye comes; one STOPs
	// at the carrier.
	// Meanwhile a bystander's reply waits in the same stream as the migrant's, which the provider keeps.
	bystander := migrant + 1000
	for keys.Of(w.id(bystander)) != keys.Of(w.id(migrant)) {
		bystander++
	}
	joins(bystander, "/start")
	w.telegram.Hang(1)
	w.post(w.telegram.Say(bystander, "es", "menu"))
	if err := w.telegram.Await(w.context(), func() bool { return w.telegram.Faults() == 0 }); err != nil {
		t.Fatal(err)
	}
	w.telegram.Fail(6, http.StatusInternalServerError, 0, "Internal Server Error")
	w.post(w.telegram.Say(waiting, "es", "menu"))
	w.post(w.telegram.Say(waiting, "es", "canariotexto asilo"))
	for _, chat := range chats {
		if chat == blocked {
			w.telegram.MyChatMember(blocked, "es", "kicked")
		}
		w.post(w.telegram.Say(chat, "es", "BORRAR"))
	}
	w.twilio.FailCode(1, http.StatusBadRequest, 21610, "Attempt to send to unsubscribed recipient "+phone)
	for _, number := range phones {
		if status, err := w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", w.twilio.Text(number, ourNumber, "BORRAR")); err != nil || status != http.StatusOK {
			t.Fatalf("ERASE is answered %d, %v", status, err)
		}
	}
	done := func() bool {
		for p := range keys.Partition(keys.Partitions) {
			n := w.server.redis.XLen(w.context(), keys.Effects(p)).Val()
			for _, ch := range bot.Channels {
				for _, lane := range keys.Lanes {
					n += w.server.redis.XLen(w.context(), keys.Queue(p, ch, lane)).Val()
				}
			}
			if p == keys.Of(w.id(bystander)) {
				n--
			}
			if n > 0 {
				return false
			}
		}
		return true
	}
	if err := await(w.context(), done); err != nil {
		t.Fatalf("something waits: %v\n%s", err, w.log.String())
	}
	report()
	for _, chat := range chats {
		if left := w.telegram.Chat(chat); chat != blocked && len(left) != 1 {
			t.Errorf("%d messages are left in a chat", len(left))
		}
	}

	traces := map[string]string{} // what must not be found, and what it is
	trace := func(what, bytes string) { traces[bytes] = what }
	for _, chat := range chats {
		decimal := strconv.FormatInt(chat, 10)
		trace("a chat id", decimal)
		trace("a chat id", decimal[3:])
		trace("a chat id in 8 bytes", string(binary.LittleEndian.AppendUint64(nil, uint64(chat))))
		trace("a chat id in 8 bytes", string(binary.BigEndian.AppendUint64(nil, uint64(chat))))
		trace("a sealed id", string(w.id(chat)))
		trace("a digest", people.Digest(w.id(chat)))
	}
	for _, number := range phones {
		for _, spelling := range []string{number, number[1:], number[3:], number[5:], number[3:5] + " " + number[5:9] + " " + number[9:]} {
			trace("a phone number", spelling)
		}
		digits, err := strconv.ParseUint(number[1:], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		trace("a phone number in 8 bytes", string(binary.LittleEndian.AppendUint64(nil, digits)))
		id := w.server.taker.Vault.Seal(bot.SMS, number)
		trace("a sealed id", string(id))
		trace("a digest", people.Digest(id))
		for _, sms := range w.twilio.Inbox(number) {
			trace("Twilio's id of a message", sms.SID)
			trace("Twilio's id of a message", sms.SID[8:])
		}
	}
	for id := range ids {
		trace("the id of a message", id)
	}
	for _, id := range first {
		trace("the id of a message in 4 bytes", string(binary.BigEndian.AppendUint32(nil, uint32(id))))
	}
	for _, word := range []string{"canari", "Canari", "5512345678", "Apellido", "comida", "Aula", "BORRAR", "ABC234", "of-1", "tapachula in"} {
		trace("what they wrote", word)
	}

	if n := w.server.redis.XLen(w.context(), keys.Queue(keys.Of(w.id(bystander)), bot.Telegram, keys.Reply)).Val(); n != 1 {
		t.Fatalf("%d replies wait beside those of who is erased", n)
	}
	for where, what := range w.everything() {
		if len(what) == 0 {
			t.Errorf("nothing was read from %s", where)
		}
		found := map[string]int{}
		for trace, kind := range traces {
			if n := bytes.Count(what, []byte(trace)); n > 0 {
				at := bytes.Index(what, []byte(trace))
				found[fmt.Sprintf("%s, as in %q", kind, what[max(0, at-90):min(len(what), at+len(trace)+40)])] += n
			}
		}
		for kind, n := range found {
			t.Errorf("%s holds %d times %s", where, n, kind)
		}
	}
	for _, kept := range []string{"xilofono azul de"} { // the search sees what is there
		if !strings.Contains(w.dump(), kept) {
			t.Errorf("%q is not kept, or not found", kept)
		}
	}
	w.telegram.Close() // ends the hanging call
}

// id is the person of a chat.
func (w *world) id(chat int64) bot.PersonID {
	return w.server.taker.Vault.Seal(bot.Telegram, strconv.FormatInt(chat, 10))
}

// everything is all that Faro leaves behind, by where: every key of Redis with the bytes it is stored in,
// the files Redis writes, the log, the metrics, and the data folder but the key file.
func (w *world) everything() map[string][]byte {
	w.t.Helper()
	ctx := w.context()
	rdb := w.server.redis
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	must(rdb.ConfigSet(ctx, "rdbcompression", "no").Err())
	var raw bytes.Buffer
	names := rdb.Scan(ctx, 0, "*", 1000).Iterator()
	for names.Next(ctx) {
		dumped, err := rdb.Dump(ctx, names.Val()).Result()
		if err != redis.Nil {
			must(err)
		}
		raw.WriteString(names.Val() + "\n" + dumped + "\n")
	}
	must(names.Err())
	must(rdb.Save(ctx).Err())
	must(rdb.BgRewriteAOF(ctx).Err())
	must(await(ctx, func() bool {
		info := rdb.Info(ctx, "persistence").Val()
		return strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0") &&
			strings.Contains(info, "aof_last_bgrewrite_status:ok")
	}))
	dump, err := os.ReadFile(filepath.Join(w.cfg.Data, "redis", "dump.rdb"))
	must(err)
	base, err := filepath.Glob(filepath.Join(w.cfg.Data, "redis", "appendonlydir", "*.base.rdb"))
	if err != nil || len(base) != 1 {
		w.t.Fatalf("the append-only file was not written anew: %q, %v", base, err)
	}
	_, metrics := w.get("/metrics")
	return map[string][]byte{"Redis": []byte(w.dump()), "Redis, as stored": raw.Bytes(), "Redis' dump": dump, "the log": []byte(w.log.String()),
		"the metrics": []byte(metrics), "the data folder with the append-only file": []byte(w.files())}
}

// TestNothingOldIsTakenAgain: a message that is delivered again makes no second turn, however many came after it, and
// ERASE and a new beginning among them: nothing is kept again of who erased themselves.
func TestNothingOldIsTakenAgain(t *testing.T) {
	w := start(t, func(c *serveCmd) { c.Telegram.Rate, c.Twilio.Rate = 0, 0 })
	again := func(update fakes.Update) {
		t.Helper()
		n := w.telegram.Sent()
		w.post(update)
		w.drained()
		if more := w.telegram.Sent() - n; more != 0 {
			t.Errorf("a message that was answered before gets %d answers more", more)
		}
	}
	first := w.telegram.Say(ana, "es", "hola")
	w.post(first)
	for range 19 { // as many as are answered at once
		w.post(w.telegram.Say(ana, "es", "asilo"))
	}
	w.drained()
	again(first)

	early, late := w.telegram.Say(ben, "es", "hola"), w.telegram.Say(ben, "es", "asilo")
	w.post(early)
	w.post(late)
	w.post(w.telegram.Say(ben, "es", "BORRAR"))
	w.drained()
	again(early)
	again(late)
	if n := w.server.redis.Exists(w.context(), keys.Dialogue(w.id(ben)), keys.Person(w.id(ben))).Val(); n != 0 {
		t.Errorf("%d records of who erased themselves", n)
	}
	w.say(ben, "hola")
	again(early)

	const phone = "+529619990003"
	form := w.twilio.Text(phone, ourNumber, "hola")
	for _, words := range []url.Values{form, w.twilio.Text(phone, ourNumber, "BORRAR"), form} {
		if status, err := w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", words); err != nil || status != http.StatusOK {
			t.Fatalf("answered %d, %v", status, err)
		}
	}
	w.drained()
	if n := len(w.twilio.Inbox(phone)); n != 2 {
		t.Errorf("a text, ERASE and the text again get %d answers", n)
	}
}

func TestErasedTurnIsNotRepeated(t *testing.T) {
	w := start(t, nil)
	w.say(ana, "/start")
	w.tap(ana, "lang/es")
	erase := w.telegram.Say(ana, "es", "borrar")
	n := w.telegram.Sent()
	w.post(erase)
	w.sends(n + 1)
	w.post(erase)
	w.stop()
	if w.telegram.Sent() != n+1 {
		t.Errorf("a redelivered ERASE was answered %d times", w.telegram.Sent()-n)
	}
}
