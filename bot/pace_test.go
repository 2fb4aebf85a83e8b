package bot_test

import (
	"strings"
	"testing"
	"time"

	"faro/bot"
)

// hasty is someone who writes without pausing.
func hasty(t *testing.T, ch bot.Channel) *someone {
	s := known(t, ch, "en")
	s.hasty = true
	return s
}

// flood sends so many messages, one each interval, and counts the replies and those that say to wait.
func (s *someone) flood(n int, every time.Duration, words string) (replies, waits int) {
	for range n {
		turn := s.says(words)
		replies += len(turn.Replies)
		if strings.Contains(said(turn), "Wait a minute") {
			waits++
		}
		s.now = s.now.Add(every)
	}
	return replies, waits
}

func TestFloodIsToldOnceToWait(t *testing.T) {
	for _, ch := range bot.Channels {
		s := hasty(t, ch)
		if replies, waits := s.flood(300, 200*time.Millisecond, "asylum"); replies != 22 || waits != 1 {
			t.Errorf("%s: 300 messages in a minute got %d replies, not the 20 at once, one regained and one to wait;, %d of them to wait", ch, replies, waits)
		}
		s.now = s.now.Add(10 * time.Second)
		if replies, _ := s.flood(1, 0, "asylum"); replies != 0 {
			t.Errorf("%s: answered before they were calm", ch)
		}
		s.now = s.now.Add(20 * time.Second)
		if replies, waits := s.flood(1, 0, "asylum"); replies != 1 || waits != 0 {
			t.Errorf("%s: %d replies to someone calm", ch, replies)
		}
	}
}

func TestHasteIsNoFlood(t *testing.T) {
	for _, c := range []struct {
		n     int
		every time.Duration
	}{{20, 0}, {24, time.Second}, {50, 2 * time.Second}, {500, 3 * time.Second}} {
		if replies, waits := hasty(t, bot.SMS).flood(c.n, c.every, "asylum"); replies != c.n || waits != 0 {
			t.Errorf("%d messages, one in %v: %d replies, %d to wait", c.n, c.every, replies, waits)
		}
	}
}

// TestFloodLosesNothing: who is told to wait stays where they are, whatever they sent.
func TestFloodLosesNothing(t *testing.T) {
	s := hasty(t, bot.Telegram)
	s.flood(20, 0, "asylum")
	at := s.d.At
	for _, words := range []string{"menu", "français", "TAPACHULA", "bogota", "start"} {
		s.says(words)
	}
	if s.d.At != at || s.p.Lang != "en" || s.p.Facility != "" {
		t.Errorf("at %v, person %+v", s.d.At, s.p)
	}
}

func TestDangerIsAnsweredInAFlood(t *testing.T) {
	for _, words := range []string{"SOS", "my brother is not breathing, he bleeds"} {
		s := hasty(t, bot.SMS)
		s.flood(100, 0, "asylum")
		if turn := s.says(words); !strings.Contains(said(turn), "911") || len(turn.Replies) != 1 {
			t.Errorf("%q in a flood: %q", words, said(turn))
		}
		if replies, _ := s.flood(600, time.Second, words); replies > 25 || replies < 20 {
			t.Errorf("%q 600 times in ten minutes got %d replies", words, replies)
		}
	}
}

// TestWaysOutInAFlood: STOP, ERASE and EXIT are carried out however much was sent, and confirmed, but
// not without end.
func TestWaysOutInAFlood(t *testing.T) {
	s := hasty(t, bot.SMS)
	s.flood(100, 0, "asylum")
	if turn := s.says("STOP"); !s.p.Stopped || len(turn.Replies) != 1 {
		t.Errorf("STOP: stopped %v, %d replies", s.p.Stopped, len(turn.Replies))
	}
	if replies, _ := s.flood(100, 0, "START"); replies != 0 || !s.p.Stopped {
		t.Errorf("START in a flood got %d replies", replies)
	}
	s = hasty(t, bot.Telegram)
	s.flood(100, 0, "asylum")
	if turn := s.says("exit"); len(turn.Replies) != 1 || !turn.Replies[0].Wipe {
		t.Error("EXIT was not heard")
	}
	if turn := s.says("erase"); !turn.Forget || len(turn.Replies) != 1 {
		t.Error("ERASE was not heard")
	}
	forgot, replies := 0, 0
	for range 100 {
		turn := s.says("erase")
		replies += len(turn.Replies)
		if turn.Forget {
			forgot++
		}
	}
	if replies > 1 || forgot != 100 {
		t.Errorf("ERASE 100 times: carried out %d times with %d replies", forgot, replies)
	}
}

// TestPaceIsKept: a record holds the pace, and a record without one, from before, is read.
func TestPaceIsKept(t *testing.T) {
	s := hasty(t, bot.SMS)
	s.flood(100, 0, "asylum")
	s.says("sos")
	record, err := s.d.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var back bot.Dialogue
	if err := back.UnmarshalText(record); err != nil || back.Pace != s.d.Pace || back.Pace == (bot.Pace{}) {
		t.Errorf("%q: %v", record, err)
	}
	if err := back.UnmarshalText([]byte("1|menu||||")); err != nil || back.At.Step != "menu" {
		t.Errorf("an empty pace: %v", err)
	}
	if err := back.UnmarshalText([]byte("1|menu|||abcdef")); err != nil || back.At.Step != "menu" || back.Pace != (bot.Pace{}) {
		t.Errorf("a record without a pace: %v", err)
	}
	for _, far := range []string{"zzzzzzzzzzzz", "-5", "!", "1.1.1", "zzzzzzzzzzzz.zzzzzzzzzzzz!"} {
		if err := s.d.UnmarshalText([]byte("1|menu||||" + far)); err != nil {
			t.Errorf("%q: %v", far, err)
		} else if turn := s.says("menu"); len(turn.Replies) != 1 {
			t.Errorf("%q keeps someone waiting", far)
		}
	}
}
