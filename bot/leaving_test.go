package bot_test

import (
	"strings"
	"testing"

	"faro/bot"
)

func TestStopIsConfirmedOnceThenSilentUntilStart(t *testing.T) {
	c := load(t)
	for lang, words := range c.Flows.Commands["stop"].Words {
		for _, word := range words {
			s := known(t, bot.SMS, "es")
			if turn := s.says(strings.ToUpper(word) + "!"); len(turn.Replies) != 1 || !s.p.Stopped {
				t.Errorf("%s (%s): %d replies, stopped %v", word, lang, len(turn.Replies), s.p.Stopped)
			}
			for _, next := range []string{"hola", word, "1", "asilo", "menu", "english"} {
				if turn := s.says(next); len(turn.Replies) != 0 || !turn.Silent {
					t.Errorf("%s: after STOP, %q was answered", word, next)
				}
			}
			if turn := s.says("start"); len(turn.Replies) != 1 || s.p.Stopped {
				t.Errorf("%s: START did not bring the person back", word)
			}
		}
	}
}

func TestStopAndStartBeforeALanguage(t *testing.T) {
	s := meet(t, bot.SMS)
	turn := s.says("KANPE")
	if len(turn.Replies) != 1 || turn.Replies[0].Lang != "ht" || !s.p.Stopped {
		t.Fatalf("KANPE: %+v", turn.Replies)
	}
	if s.says("START"); s.p.Stopped || s.d.At.Step != "welcome" {
		t.Errorf("START: stopped %v, at %v", s.p.Stopped, s.d.At)
	}
}

func TestCarrierOptOutIsNotAnsweredAgain(t *testing.T) {
	s := known(t, bot.SMS, "es")
	if turn := s.send(bot.Input{Kind: bot.OptOut}); len(turn.Replies) != 0 || !s.p.Stopped {
		t.Errorf("opt-out: %d replies, stopped %v", len(turn.Replies), s.p.Stopped)
	}
	if turn := s.send(bot.Input{Kind: bot.OptIn}); len(turn.Replies) != 0 || s.p.Stopped {
		t.Errorf("opt-in: %d replies, stopped %v", len(turn.Replies), s.p.Stopped)
	}
}

func TestEraseForgetsAndSaysSo(t *testing.T) {
	for _, word := range []string{"ERASE", "borrar", "Effacer", "APAGAR", "efase"} {
		s := known(t, bot.Telegram, "es")
		s.says("asilo")
		turn := s.says(word)
		if !turn.Forget || s.p != (bot.Person{}) || len(turn.Replies) != 1 || !turn.Replies[0].Wipe {
			t.Errorf("%s: forget %v, person %+v", word, turn.Forget, s.p)
		}
	}
	s := known(t, bot.SMS, "es")
	s.says("alto")
	if turn := s.says("borrar"); !turn.Forget || len(turn.Replies) != 1 {
		t.Error("ERASE is not heard after STOP")
	}
}

func TestExitClearsToSomethingNeutral(t *testing.T) {
	for _, l := range load(t).Book.Languages() {
		s := known(t, bot.Telegram, l.Tag)
		s.taps("answer/asylum")
		turn := s.says("exit")
		r := turn.Replies[0]
		if !r.Wipe || len(r.Options) != 0 || len(r.Nav) != 0 || s.d.At.Step != "" {
			t.Errorf("%s: %+v", l.Tag, r)
		}
		for _, telling := range []string{"migra", "asil", "Faro", "911", "refu", "INM"} {
			if strings.Contains(said(turn), telling) {
				t.Errorf("%s: the neutral screen says %q", l.Tag, said(turn))
			}
		}
	}
}
