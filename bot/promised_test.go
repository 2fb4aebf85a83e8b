package bot_test

import (
	"regexp"
	"strings"
	"testing"

	"faro/bot"
	"faro/flows"
)

// promised are the words of a text that someone is to write: those in upper case, as in "YES, NOT COMING or
// MAYBE". A heading, a letter alone and the name of SMS are none.
func promised(text string) (all []string) {
	run, first := "", true
	end := func(by string) {
		if len([]rune(run)) > 1 && run != "SMS" && !(first && by == ":") {
			all = append(all, run)
		}
		first = first && run == ""
		run = ""
	}
	for _, token := range regexp.MustCompile(`\{\{.*?\}\}|\pL+|[^\pL\s]`).FindAllString(text, -1) {
		if token != strings.ToUpper(token) || token == strings.ToLower(token) {
			end(token)
			continue
		}
		run = strings.TrimSpace(run + " " + token)
	}
	end("")
	return all
}

// TestTextsPromiseOnlyWhatIsHeard: each word that a text asks staff to write is a command in that language,
// the one the text means, and does it. So no translation can name a word that nobody hears.
func TestTextsPromiseOnlyWhatIsHeard(t *testing.T) {
	c := load(t)
	means := map[string][]string{
		"reminder.sms":      {"coming", "not-coming", "maybe", "training", "stop"},
		"moved.sms":         {"coming", "not-coming", "maybe"},
		"joined.text":       {"stop"},
		"joined.sms":        {"stop", "training"},
		"joined-where.text": {"stop"},
		"joined-where.sms":  {"stop", "training"},
		"stopped.text":      {"start"},
	}
	keys := []string{"stopped.text"}
	for _, step := range c.Flows.Steps {
		if step.Role != "" || step.ID == flows.Joined || step.ID == flows.BadCode || step.ID == flows.Locked {
			for _, part := range []string{".title", ".text", ".sms", ".wrong", ".none"} {
				keys = append(keys, step.Text+part)
			}
		}
	}
	does := func(turn bot.Turn, command string) bool {
		answer := map[string]bot.Answer{"coming": bot.Coming, "not-coming": bot.NotComing, "maybe": bot.Maybe}[command]
		switch {
		case answer != bot.NoAnswer:
			return len(turn.Effects) == 1 && turn.Effects[0].Answer != nil && *turn.Effects[0].Answer == bot.Reaction{Session: "s2", Answer: answer, Version: 1}
		case command == "stop":
			return turn.Person.Stopped && len(turn.Replies) == 1
		case command == "start":
			return !turn.Person.Stopped && turn.Dialogue.At.Step == "started"
		}
		return turn.Dialogue.At.Step == command
	}
	for _, l := range c.Book.Languages() {
		for _, key := range keys {
			text, ok := c.Book.Raw(l.Tag, key)
			words := promised(text)
			if ok && len(words) != len(means[key]) {
				t.Errorf("%s: %s asks for %q; it should be for %v", l.Tag, key, words, means[key])
				continue
			}
			for i, word := range words {
				w := work(t, bot.SMS, l.Tag, bot.Staff)
				w.desk.Asked, w.p.Stopped = "s2", key == "stopped.text"
				if turn := w.says(word); !does(turn, means[key][i]) {
					t.Errorf("%s: %s asks for %q, meant as %s: at %v, %+v", l.Tag, key, word, means[key][i], turn.Dialogue.At, turn.Effects)
				}
			}
		}
	}
}
