package bot_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"faro/bot"
	"faro/flows"
	"faro/locales"
)

// disguises write a word in ways that look like it, or come with what phones add.
var disguises = map[string]func(string) string{
	"zero-width space":   func(w string) string { return within(w, "\u200b") },
	"joiners":            func(w string) string { return "\ufeff" + within(w, "\u200c\u200d\u2060") },
	"soft hyphen":        func(w string) string { return within(w, "\u00ad") },
	"filler":             func(w string) string { return w + "\u3164\u115f\uffa0" },
	"grapheme joiner":    func(w string) string { return within(w, "\u034f") },
	"right to left":      func(w string) string { return "\u202e" + w },
	"isolated":           func(w string) string { return "\u2067" + w + "\u2069" },
	"language tag":       func(w string) string { return w + "\U000e0001\U000e0065" },
	"dot":                func(w string) string { return w + "." },
	"shouted":            func(w string) string { return strings.ToUpper(w) + "!!" },
	"quoted":             func(w string) string { return "«" + w + "»" },
	"with an emoji":      func(w string) string { return w + " 🙏🏽" },
	"with other spaces":  func(w string) string { return "\u00a0\t" + w + "\r\n\u2003" },
	"with invalid bytes": func(w string) string { return w + "\xff" },
	"full width": func(w string) string {
		return strings.Map(func(r rune) rune {
			if r > ' ' && r <= '~' {
				return r - '!' + '！'
			}
			return r
		}, strings.ToUpper(w))
	},
	"accents apart":   func(w string) string { return strings.ReplaceAll(w, "e", "e\u0301") },
	"bold letters":    func(w string) string { return mathematical(w) },
	"circled letters": func(w string) string { return strings.Map(func(r rune) rune { return circled(r) }, w) },
}

// within puts something behind the first character.
func within(w, what string) string {
	_, size := utf8.DecodeRuneInString(w)
	return w[:size] + what + w[size:]
}

func mathematical(w string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + '𝐚'
		}
		return r
	}, w)
}

func circled(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'ⓐ'
	}
	return r
}

// TestWaysOutInDisguise: STOP, ERASE, EXIT and SOS are heard however a phone or a prankster writes them.
func TestWaysOutInDisguise(t *testing.T) {
	for _, id := range []string{"stop", "erase", "exit", "emergency", "start"} {
		for lang, words := range load(t).Flows.Commands[id].Words {
			for _, word := range words {
				for how, disguise := range disguises {
					if got, _ := load(t).Flows.Command(disguise(word)); got == nil || got.ID != id {
						t.Errorf("%s (%s) %s is not heard as %s", word, lang, how, id)
					}
				}
			}
		}
	}
	for _, signs := range []string{"🙏🆘🆘!!", "🚨 🚨", "🚑\ufe0f"} {
		if got, _ := load(t).Flows.Command(signs); got == nil || got.ID != "emergency" {
			t.Errorf("%s is not heard as a cry for help", signs)
		}
	}
	s := known(t, bot.SMS, "es")
	if s.says("\u202eS\u200bＴOP!!"); !s.p.Stopped {
		t.Error("STOP in disguise does not stop")
	}
}

// TestNothingInvisibleIsApproved: what a coordinator reads and approves is what is sent, and looks as
// it will look.
func TestNothingInvisibleIsApproved(t *testing.T) {
	n := bot.Notice{Facilities: []string{"tapachula"}, Texts: map[locales.Lang]string{}}
	for _, l := range load(t).Book.Languages() {
		n.Texts[l.Tag] = "ok\u202eevil\u2066\u200b \u3164\u115f\ufeff\x00\x1b[31m\U000e0041.\r\nsecond\u2028third"
	}
	for _, ch := range bot.Channels {
		s := known(t, ch, "en")
		r, ok := s.talk.Notice(n, "tapachula", s.p, ch, day.Location())
		if !ok || !strings.Contains(r.Text, "okevil [31m.\nsecond third") {
			t.Errorf("%s: %q", ch, r.Text)
		}
		for _, r := range r.Title + r.Text {
			if r != '\n' && (unicode.IsControl(r) || locales.Invisible(r)) {
				t.Errorf("%s: %U is sent", ch, r)
			}
		}
	}
	s := known(t, bot.Telegram, "en")
	s.p.Role = bot.Coordinator
	s.d.Draft.Notice = &bot.Notice{Facilities: []string{"tapachula"}}
	s.d.At = bot.Screen{Step: flows.NoticeWrite, Arg: "en"}
	s.send(bot.Input{Words: "\u202e\u3164", Desk: bot.Desk{Role: bot.Coordinator}})
	if s.d.Draft.Notice.Texts["en"] != "" || s.d.At.Step != flows.NoticeWrite {
		t.Errorf("a text that shows nothing is taken: at %v", s.d.At)
	}
}
