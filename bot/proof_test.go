package bot_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
	"faro/flows"
)

// reaching is what a turn set off that reaches others.
func reaching(turn bot.Turn) (all []string) {
	for _, e := range turn.Effects {
		switch {
		case e.Deed != nil && e.Deed.Does != bot.Count && e.Deed.Does != bot.Test:
			all = append(all, e.Deed.Does)
		case e.Post != nil:
			all = append(all, "post")
		case e.Cancel != "":
			all = append(all, "cancel")
		case e.Remind != nil:
			all = append(all, "remind")
		case e.Invite != nil:
			all = append(all, "invite")
		}
	}
	return all
}

// plain are six letters of a digest of a notice, as anybody who knows it can compute them.
func plain(t *testing.T, n *bot.Notice) string {
	text, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	code := ""
	for _, b := range sum[:6] {
		code += string("BCDFGHJKLMNPQRSTVWXZ"[int(b)%20])
	}
	return code
}

// TestForgedTextsDoNothing: whoever sends texts with another's number, knows what the other sees but reads none of it,
// does nothing that reaches others. Who reads the code on the phone does it, once.
func TestForgedTextsDoNothing(t *testing.T) {
	waiting := status("n1-0", bot.Notice{Ready: "water-back", Facilities: []string{"tapachula"}, Until: day.Add(time.Hour)}, bot.Waiting, bot.Approve, bot.Refuse)
	running := waiting
	running.State, running.Acts = bot.Sending, []string{bot.Pause, bot.Stop}
	for name, test := range map[string]struct {
		role    bot.Role
		notices []bot.Status
		texts   []string
		does    string
	}{
		"a notice":        {bot.Coordinator, nil, []string{"aviso", "1", "Tapachula", "1", "1", "El patio", "1", "1"}, bot.Send},
		"an approval":     {bot.Coordinator, []bot.Status{waiting}, []string{"aviso", "1", "1"}, bot.Approve},
		"a refusal":       {bot.Coordinator, []bot.Status{waiting}, []string{"aviso", "1", "2"}, bot.Refuse},
		"a stop":          {bot.Coordinator, []bot.Status{running}, []string{"aviso", "1", "2", "1"}, bot.Stop},
		"a cancellation":  {bot.Trainer, nil, []string{"curso", "1", "8", "1"}, "cancel"},
		"a reminder":      {bot.Trainer, nil, []string{"curso", "1", "7", "2", "1"}, "remind"},
		"an invitation":   {bot.Trainer, nil, []string{"curso", "4"}, "invite"},
		"another session": {bot.Trainer, nil, []string{"curso", "3", "1", "Crisis", "14/12", "9:00-13:00", "11", "Aula 4", "1"}, "post"},
	} {
		t.Run(name, func(t *testing.T) {
			w := work(t, bot.SMS, "es", test.role)
			w.desk.Notices = test.notices
			var last bot.Turn
			forged := func(words string) {
				t.Helper()
				if last = w.says(words); len(reaching(last)) > 0 {
					t.Errorf("%q sets off %v", words, reaching(last))
				}
				w.record()
			}
			asks := func() bot.Reply { // as the phone shows it
				if n := w.d.Draft.Notice; n != nil {
					return w.talk.Preflight(sheet(n), *n, w.desk.Secret, w.p, w.ch, day)
				}
				return last.Replies[0]
			}
			for _, words := range test.texts {
				forged(words)
			}
			code := w.code(asks())
			guesses := []string{"1", "2", "si", "BBBBBB", w.code(asks())[:5]}
			if n := w.d.Draft.Notice; n != nil {
				for _, other := range []bot.Secret{"", "of another"} {
					guesses = append(guesses, w.code(w.talk.Preflight(sheet(n), *n, other, w.p, w.ch, day)))
				}
				guesses = append(guesses, plain(t, n), plain(t, n)[:4])
			}
			for _, guess := range guesses {
				at := w.d
				forged(guess)
				w.d = at // where the next guess is made
			}
			if got := reaching(w.says(strings.ToLower(code))); !slices.Equal(got, []string{test.does}) {
				t.Fatalf("the code on the phone sets off %v", got)
			}
			forged(code)
			w.desk = desk()
			w.desk.Role, w.desk.Notices = test.role, test.notices
			if test.does == bot.Send {
				return // the same notice has the same code, and nobody else has seen it
			}
			for _, words := range test.texts {
				forged(words)
			}
			forged(code)
			if fresh := w.code(asks()); fresh == code {
				t.Error("the same code is asked for twice")
			}
		})
	}
}

// TestWhatReachesOthersNeedsACode: by SMS no step of those with a role does anything but what concerns them alone.
func TestWhatReachesOthersNeedsACode(t *testing.T) {
	own := []string{"", "coming", "not-coming", "maybe", "present", "calendar", "delegation", "who", "count", "test"}
	proved := 0
	for id, step := range load(t).Flows.Steps {
		if step.Role == "" || slices.Contains(own, step.Does) {
			continue
		}
		done := false
		for _, arg := range []string{"", "/s1", "/c1", "/approve.n1-0", "/stop.n1-0"} {
			for _, ch := range bot.Channels {
				w := work(t, ch, "en", bot.Admin)
				w.desk.Notices = []bot.Status{status("n1-0", bot.Notice{Ready: "water-back"}, bot.Waiting, bot.Approve, bot.Stop)}
				if w.d.Draft = draft(); step.Of == flows.OfWriting {
					w.d.Draft = bot.Draft{Notice: &bot.Notice{Facilities: []string{"tapachula"}, Ready: "water-back", Until: day.Add(time.Hour)}}
				}
				turn := w.taps(id + arg)
				if ch == bot.SMS && len(turn.Effects) > 0 && turn.Effects[0].Deed == nil || ch == bot.SMS && len(reaching(turn)) > 0 {
					t.Errorf("%s%s sets off %v", id, arg, reaching(turn))
				}
				if w.d.At.Step == flows.Prove {
					if proved++; ch == bot.Telegram {
						t.Errorf("on Telegram %s%s asks for a code", id, arg)
					}
				}
				done = done || ch == bot.Telegram && len(reaching(turn)) > 0
			}
		}
		if !done && step.Does != bot.Send { // whose button has the code of a sheet
			t.Errorf("%s does nothing on Telegram either", id)
		}
	}
	if proved == 0 {
		t.Error("nothing asks for a code")
	}
}

// TestAskedForACode: the screen that asks says what is done; what is no code is heard as everywhere, a wrong one is
// asked for again, and what has changed meanwhile is not done.
func TestAskedForACode(t *testing.T) {
	asked := func() (*worker, string) {
		w := work(t, bot.SMS, "en", bot.Trainer)
		turn := w.taps("cancel-yes/s1")
		if text := said(turn); !strings.Contains(text, "Cancel it") || !strings.Contains(text, "Derechos humanos") || w.d.At.Step != flows.Prove {
			t.Fatalf("at %v: %q", w.d.At, text)
		}
		return w, w.code(turn.Replies[0])
	}
	for words, step := range map[string]string{"menu": "menu", "sos": "answer", "he is bleeding a lot please help": "answer", "what is asylum?": "answer", "xyzzy plugh": "unsure", "tapachula": "following",
		"1": flows.Prove, "9": flows.Prove, "BCDFGH": flows.Prove, "QWRT": flows.Prove} {
		w, code := asked()
		turn := w.says(words)
		if len(turn.Effects) > 0 && turn.Effects[0].Place == nil || w.d.At.Step != step {
			t.Errorf("%q leads to %v and sets off %v", words, w.d.At, turn.Effects)
		}
		if step != flows.Prove {
			continue
		}
		if text := said(turn); !strings.Contains(text, "not the code") || !strings.Contains(text, code) {
			t.Errorf("%q: %q", words, text)
		}
		if turn := w.says(code); len(turn.Effects) != 1 {
			t.Errorf("after %q the code sets off %v", words, turn.Effects)
		}
	}
	for what, change := range map[string]func(*worker){
		"begun":     func(w *worker) { w.now = w.desk.Sessions[0].Start },
		"cancelled": func(w *worker) { w.desk.Sessions[0].Cancelled = true },
		"gone":      func(w *worker) { w.desk.Sessions = w.desk.Sessions[1:] },
		"no role":   func(w *worker) { w.desk.Role = bot.Staff },
		"no secret": func(w *worker) { w.desk.Secret = "" },
		"a new key": func(w *worker) { w.desk.Secret = "of another key" },
	} {
		w, code := asked()
		if change(w); len(w.says(code).Effects) > 0 {
			t.Errorf("%s: done all the same", what)
		}
	}
	// With another key a fresh code is shown.
	w, _ := asked()
	w.desk.Secret = "of another key"
	if turn := w.says("BCDFGH"); len(w.says(w.code(turn.Replies[0])).Effects) != 1 {
		t.Error("the fresh code does nothing")
	}
	// Who is in danger meanwhile can go on from the question before.
	w, _ = asked()
	w.says("sos")
	if w.says("back"); w.d.At.Step == flows.Prove {
		t.Error("back leads to a code")
	}
}

func TestSecretDoesNotPrintItself(t *testing.T) {
	key := bot.Secret("canary")
	text, err := json.Marshal(bot.Desk{Secret: key})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{fmt.Sprint(key), fmt.Sprintf("%+v %#v", bot.Desk{Secret: key}, key), string(text)} {
		if strings.Contains(got, "canary") {
			t.Errorf("it prints %s", got)
		}
	}
}
