package bot_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/content"
	"faro/locales"
)

var update = flag.Bool("update", false, "write the golden conversations anew")

// TestGolden holds the conversation, word for word, in each language on both channels. The files are
// for reading by people who do not program: ">" is the person, "<" is Faro.
func TestGolden(t *testing.T) {
	c := load(t)
	for _, l := range c.Book.Languages() {
		for _, ch := range bot.Channels {
			t.Run(fmt.Sprintf("%s-%s", ch, l.Tag), func(t *testing.T) {
				got := converse(t, c, ch, l.Tag)
				file := filepath.Join("testdata", "golden", fmt.Sprintf("%s-%s.txt", ch, l.Tag))
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s differs from the conversation as it is now; if that is meant, run make golden and read the difference. It is now:\n%s", file, got)
				}
			})
		}
	}
}

// word is the word of a command in a language, as the texts name it.
func word(c *content.Content, command string, lang locales.Lang) string {
	return strings.ToUpper(c.Flows.Commands[command].Words[string(lang)][0])
}

// converse has the conversation every language must be able to have.
func converse(t *testing.T, c *content.Content, ch bot.Channel, lang locales.Lang) string {
	s := meet(t, ch)
	var b strings.Builder
	write := func(in bot.Input, shown string) {
		fmt.Fprintf(&b, "> %s\n", shown)
		turn := s.send(in)
		if len(turn.Replies) == 0 {
			b.WriteString("  (silence)\n")
		}
		for _, r := range turn.Replies {
			b.WriteString(show(r, in, ch))
		}
		b.WriteString("\n")
	}
	says := func(text string) { write(bot.Input{Words: bot.Words(text)}, text) }
	// chooses taps a button on Telegram; by SMS it answers with the number.
	chooses := func(data string) {
		t.Helper()
		r, _ := s.talk.Show(s.d.At, s.p.Lang, ch, s.now)
		for i, o := range r.Options {
			if o.Data != data {
				continue
			}
			if ch == bot.SMS {
				says(fmt.Sprint(bot.OptionNumber(i)))
			} else {
				write(bot.Input{Kind: bot.Choice, Choice: data, Message: 1}, "["+o.Label+"]")
			}
			return
		}
		t.Fatalf("at %v there is no choice %s", s.d.At, data)
	}
	if ch == bot.Telegram {
		write(bot.Input{Kind: bot.Start, Hint: lang}, "/start")
	} else {
		says("hola")
	}
	chooses("lang/" + string(lang))
	chooses("next")
	for _, g := range c.Flows.Groups {
		for _, topic := range c.Flows.InGroup(g) {
			says(word(c, "menu", lang))
			chooses("group/" + g)
			chooses("answer/" + topic.ID)
		}
	}
	chooses("helpful/about")
	says(word(c, "emergency", lang))
	chooses("unhelpful/emergency")
	says(word(c, "back", lang))
	says("xyzzy")
	write(bot.Input{Kind: bot.Media}, "(a voice message)")
	write(bot.Input{Kind: bot.Location}, "(a location)")
	says(word(c, "help", lang))
	says(word(c, "language", lang))
	says(c.Book.Language(lang).Name)
	says(word(c, "stop", lang))
	says("hola")
	says(word(c, "start", lang))
	says(word(c, "exit", lang))
	says(word(c, "erase", lang))
	return b.String()
}

// show is a reply as the person sees it.
func show(r bot.Reply, in bot.Input, ch bot.Channel) string {
	var lines []string
	if r.Wipe && ch == bot.Telegram {
		lines = append(lines, "(the messages of this chat are deleted)")
	}
	if ch == bot.SMS {
		m := sms.Render(r)
		lines = append(lines, strings.Split(m.Text, "\n")...)
		lines = append(lines, fmt.Sprintf("(%s, %d segments)", m.Encoding, m.Segments))
	} else {
		body := telegram.Layout(r, in)
		lines = append(lines, strings.Split(body.Text, "\n")...)
		if body.Event != nil {
			lines = append(lines, fmt.Sprintf("(a calendar file, %d sessions)", strings.Count(string(body.Event), "BEGIN:VEVENT")))
		}
		for _, row := range body.Rows {
			line := ""
			for _, o := range row {
				line += "[" + o.Label + "] "
			}
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return strings.ReplaceAll("< "+strings.Join(lines, "\n  ")+"\n", "\n  \n", "\n\n")
}
