package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/answers"
	"faro/locales"
)

type chatCmd struct {
	Lang     string `help:"Language to begin in; asked for if not given." default:""`
	Channel  string `help:"Channel to imitate." enum:"telegram,sms" default:"telegram"`
	As       string `help:"Whose conversation." enum:"migrant,staff,coordinator" default:"migrant"`
	Operator string `env:"FARO_OPERATOR" help:"Name of the organisation that runs the service."`
}

// Run has the conversation in the terminal, until the input ends. Nothing is stored.
func (c chatCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	lang := locales.Lang(c.Lang)
	if lang != "" && !loaded.Book.Has(lang) {
		return unknownLanguage(loaded.Book, c.Lang)
	}
	talk := bot.New(loaded.Flows, loaded.Book, answers.New(loaded.Flows, loaded.Book).Find, bot.Host{Operator: c.Operator})
	t := &terminal{talk: talk, channel: bot.Channel(c.Channel), out: s.out, desk: newDesk(c.As, time.Now())}
	t.person = bot.Person{Lang: lang, Role: t.desk.Role}
	fmt.Fprintln(s.out, "Write as a person would. [n] or the number taps a button; /start opens a link; Ctrl-D ends.")
	lines := bufio.NewScanner(s.in)
	fmt.Fprint(s.out, "> ")
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			t.say(line)
		}
		fmt.Fprint(s.out, "> ")
	}
	fmt.Fprintln(s.out)
	return lines.Err()
}

// terminal is one person's conversation on a screen of text.
type terminal struct {
	talk     *bot.Talk
	channel  bot.Channel
	out      io.Writer
	dialogue bot.Dialogue
	person   bot.Person
	buttons  []bot.Option // of the last message
	desk     *desk
	inputs   int
}

func (t *terminal) say(line string) {
	t.inputs++
	in := bot.Input{ID: strconv.Itoa(t.inputs), Channel: t.channel, Kind: bot.Text, Words: bot.Words(line)}
	if t.channel == bot.Telegram {
		in = t.telegram(in, line)
	}
	in.Desk = t.desk.Desk
	in.Desk.Sessions = slices.Clone(t.desk.Sessions)
	t.dialogue.Pace = bot.Pace{} // a script types faster than any person
	turn := t.talk.Step(t.dialogue, t.person, in, time.Now())
	t.dialogue, t.person = turn.Dialogue, turn.Person
	turn.Replies = append(turn.Replies, t.desk.take(t, turn.Effects)...)
	if len(turn.Replies) == 0 {
		fmt.Fprintln(t.out, "(silence)")
	}
	for _, r := range turn.Replies {
		if r.Wipe {
			fmt.Fprintln(t.out, "(the messages of this chat are deleted)")
		}
		if t.channel == bot.SMS {
			m := sms.Render(r)
			fmt.Fprintf(t.out, "%s\n(%s, %d units, %d segments, page %d of %d)\n", m.Text, m.Encoding, m.Units, m.Segments, m.Page+1, m.Pages)
			continue
		}
		b := telegram.Layout(r, in)
		fmt.Fprintln(t.out, b.Text)
		t.buttons = nil
		for _, row := range b.Rows {
			for i, o := range row {
				t.buttons = append(t.buttons, o)
				if i > 0 {
					fmt.Fprint(t.out, "  ")
				}
				fmt.Fprintf(t.out, "[%d] %s", len(t.buttons), o.Label)
			}
			fmt.Fprintln(t.out)
		}
	}
}

// telegram makes a line a tap if it is the number of a button, or a /start.
func (t *terminal) telegram(in bot.Input, line string) bot.Input {
	if rest, ok := strings.CutPrefix(line, "/start"); ok {
		in.Kind, in.Words, in.Choice = bot.Start, "", strings.TrimSpace(rest)
		return in
	}
	if n, err := strconv.Atoi(strings.Trim(line, "[]")); err == nil && n >= 1 && n <= len(t.buttons) {
		in.Kind, in.Words, in.Choice, in.Message = bot.Choice, "", t.buttons[n-1].Data, 1
	}
	return in
}
