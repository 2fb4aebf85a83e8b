package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"faro/bot"
)

func TestPostingStepByStep(t *testing.T) {
	w := work(t, bot.SMS, "en", bot.Trainer)
	w.says("training")
	w.taps("post-course")
	w.taps("post-title/new.c1")
	wrong := func(typed, text string) {
		t.Helper()
		at := w.d.At
		if turn := w.says(typed); turn.Dialogue.At != at || !strings.Contains(said(turn), text) {
			t.Errorf("%q at %v: %v, %q", typed, at, turn.Dialogue.At, said(turn))
		}
	}
	wrong(strings.Repeat("x", 81), "80 characters")
	w.says("Crisis \u202eand\u200b care")
	if w.d.Draft.Title != "Crisis and care" {
		t.Errorf("the title is %q", w.d.Draft.Title)
	}
	wrong("tomorrow", "did not understand the day")
	wrong("31/2", "did not understand the day")
	w.says("14/12")
	wrong("9-13", "did not understand the times")
	wrong("13:00-9:00", "did not understand the times")
	w.says("9:00 - 13:30")
	w.taps("post-place/tijuana")
	// Danger is heard while writing.
	before := w.d.Draft
	if turn := w.says("he is bleeding a lot please help"); turn.Dialogue.At.Step != "answer" {
		t.Errorf("danger while writing leads to %v", turn.Dialogue.At)
	}
	if w.d.Draft != before {
		t.Error("the draft is lost")
	}
	w.says("back")
	turn := w.says("Room 4")
	if w.d.At.Step != "post-check" || !strings.Contains(said(turn), "Crisis and care") || !strings.Contains(said(turn), "09:00–13:30 (Tijuana") || !strings.Contains(said(turn), "48") {
		t.Errorf("the preview at %v: %q", w.d.At, said(turn))
	}
	turn = w.acts("post-done")
	want := bot.Draft{Course: "c1", Title: "Crisis and care", Day: "2026-12-14", From: "09:00", Until: "13:30", Zone: "America/Tijuana", Place: "Room 4"}
	if len(turn.Effects) != 1 || turn.Effects[0].Post == nil || *turn.Effects[0].Post != want {
		t.Errorf("posting sets off %+v", turn.Effects)
	}
	if turn = w.acts("post-done"); len(turn.Effects) != 0 {
		t.Error("posted twice")
	}

	// A move keeps what is not written anew.
	w.taps("post-title/s1")
	w.taps("post-day")
	w.says("9/12/2026")
	w.taps("post-zone")
	w.taps("post-place/tijuana")
	w.taps("post-check")
	turn = w.acts("post-done")
	moved := draft()
	moved.Day = "2026-12-09"
	if len(turn.Effects) != 1 || *turn.Effects[0].Post != moved {
		t.Errorf("moving sets off %+v", turn.Effects)
	}

	// Whose role is taken away in between posts nothing.
	w.taps("post-title/s1")
	w.desk.Role = bot.Staff
	if turn = w.acts("post-done"); len(turn.Effects) != 0 {
		t.Error("posted without the role")
	}
}

func TestTimesAreThePlacesAndTheirOwn(t *testing.T) {
	w := work(t, bot.Telegram, "en", bot.Staff)
	text := said(w.taps("session/s1"))
	if !strings.Contains(text, "Monday 7 December, 09:00–13:00 (Tijuana") || !strings.Contains(text, "12:00") {
		t.Errorf("in Cancún: %q", text)
	}
	w.desk.Zone = zone("America/Tijuana")
	if text := said(w.taps("session/s1")); strings.Contains(text, "12:00") {
		t.Errorf("in Tijuana: %q", text)
	}
}

// posts goes to the check of a new session with these times and clock, from the choice of its group.
func (w *worker) posts(day, times, clock string) bot.Turn {
	w.taps("post-title/new.c1")
	w.says("Crisis")
	w.says(day)
	w.says(times)
	w.taps("post-place/" + clock)
	return w.says("Room 4")
}

// TestTimesNobodyCanCome: a session cannot begin in the past, nor at a time that its clock does not show once.
func TestTimesNobodyCanCome(t *testing.T) {
	for _, ch := range bot.Channels {
		w := work(t, ch, "en", bot.Trainer)
		for _, test := range []struct{ name, day, times, clock, step, text string }{
			{"yesterday", "30/11/2026", "1:00-2:00", "tijuana", "post-day", "That time is over."},
			{"an hour ago there", "1/12/2026", "5:00-7:00", "mexico_city", "post-day", "That time is over."},
			{"in an hour there", "1/12/2026", "5:00-7:00", "tijuana", "post-check", "Is this right?"},
			{"skipped", "14/3/2027", "2:15-2:45", "tijuana", "post-time", "does not exist on that day"},
			{"an end that is skipped", "14/3/2027", "1:15-2:45", "tijuana", "post-time", "does not exist on that day"},
			{"not skipped elsewhere", "14/3/2027", "2:15-2:45", "hermosillo", "post-check", "02:15–02:45"},
			{"twice", "7/11/2027", "1:15-4:00", "tijuana", "post-time", "comes twice on that day"},
		} {
			turn := w.posts(test.day, test.times, test.clock)
			if text := said(turn); w.d.At.Step != test.step || !strings.Contains(text, test.text) {
				t.Errorf("%s, %s: at %v, %q", ch, test.name, w.d.At, text)
			}
		}
		// Whoever confirms when the time is over is told so, and can mend it.
		w.posts("1/12/2026", "5:00-7:00", "tijuana")
		w.now = day.Add(time.Hour)
		if turn := w.acts("post-done"); len(turn.Effects) != 0 || w.d.At.Step != "post-day" {
			t.Errorf("%s, confirmed too late: at %v, %v", ch, w.d.At, turn.Effects)
		}
		w.says("2/12")
		w.taps("post-zone")
		w.taps("post-place")
		w.taps("post-check")
		if turn := w.acts("post-done"); len(turn.Effects) != 1 || turn.Effects[0].Post.Day != "2026-12-02" {
			t.Errorf("%s, mended: at %v, %+v", ch, w.d.At, turn.Effects)
		}
	}
}

// TestPlaceOrLink: a session has a place, a link or both, and changing it can keep them, and its clock.
func TestPlaceOrLink(t *testing.T) {
	for _, ch := range bot.Channels {
		w := work(t, ch, "en", bot.Trainer)
		x := &w.desk.Sessions[0]
		x.Place, x.Link = "", "https://meet.example.org/a"
		x.Start, x.End = x.Start.In(zone("Europe/Madrid")), x.End.In(zone("Europe/Madrid")) // a clock that is not offered
		w.taps("post-title/s1")
		w.says("Another title")
		for _, step := range []string{"post-time", "post-zone", "post-place", "post-check"} {
			r, _ := w.talk.ShowWith(w.d.At, "en", ch, w.desk, w.d.Draft, w.now)
			if !slices.ContainsFunc(r.Options, func(o bot.Option) bool { return o.Data == step }) {
				t.Errorf("%s: at %v nothing keeps it as it is", ch, w.d.At)
			}
			w.taps(step)
		}
		turn := w.acts("post-done")
		want := bot.Draft{Session: "s1", Course: "c1", Title: "Another title", Day: "2026-12-07", From: "18:00", Until: "22:00", Zone: "Europe/Madrid", Link: x.Link}
		if len(turn.Effects) != 1 || turn.Effects[0].Post == nil || *turn.Effects[0].Post != want {
			t.Errorf("%s: changing the title sets off %+v", ch, turn.Effects)
		}
		w.posts("14/12", "9:00-10:00", "tijuana")
		w.says("back")
		for words, wrong := range map[string]bool{"http://a.example.org": true, "https://a.example.org https://b.example.org": true, "https://exámple.org": true,
			"https://a.example.org/x": false, "Room 4 https://a.example.org/x": false} {
			w.taps("post-place/tijuana")
			if w.says(words); (w.d.At.Step == "post-place") != wrong {
				t.Errorf("%s: %q leads to %v", ch, words, w.d.At)
			}
		}
		w.taps("post-place/tijuana")
		w.says("https://a.example.org/x Room 4")
		if turn = w.acts("post-done"); len(turn.Effects) != 1 || turn.Effects[0].Post.Place != "Room 4" || turn.Effects[0].Post.Link != "https://a.example.org/x" {
			t.Errorf("%s: both: %+v", ch, turn.Effects)
		}
	}
}
