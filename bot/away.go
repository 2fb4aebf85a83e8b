package bot

import (
	"cmp"
	"time"

	"faro/flows"
)

// Stops reports whether an input asks for silence.
func (t *Talk) Stops(in Input) bool {
	if in.Kind != Text {
		return false
	}
	cmd, _ := t.content.Command(string(in.Words))
	return cmd != nil && t.does(cmd) == "stop"
}

// Away is the answer to an input whose turn cannot be stored: the emergency numbers, and that more has to
// wait. Nothing is known of the person, so it is in the language of what they wrote, else of the channel's
// hint. It reports false if they should hear nothing: a STOP comes again by Telegram. By SMS it does not, and
// whoever hears nothing would take it for done.
func (t *Talk) Away(in Input, now time.Time) (Reply, bool) {
	lang := (&step{Talk: t, in: in}).guess()
	switch in.Kind {
	case OptOut, OptIn:
		return Reply{}, false
	case Text:
		cmd, spoken := t.content.Command(string(in.Words))
		if t.Stops(in) {
			lang = cmp.Or(spoken, lang)
			return Reply{Lang: lang, Text: t.text(lang, "away.stop", nil), Budget: 1}, in.Channel == SMS
		}
		if cmd == nil && t.find != nil {
			spoken = t.find("", in.Words).Lang
		}
		lang = cmp.Or(spoken, lang)
	}
	to, arg := flows.Split(t.content.Emergency)
	r, ok := t.Show(Screen{Step: to, Arg: arg}, lang, in.Channel, now)
	if !ok {
		return Reply{}, false
	}
	r.Text += "\n\n" + t.text(lang, "away.text", nil)
	r.Options, r.Nav, r.Footer = nil, nil, "" // they would lead nowhere
	return r, true
}

// does is what the step a command leads to does.
func (t *Talk) does(cmd *flows.Command) string {
	to, _ := flows.Split(cmd.Go)
	if step := t.content.Steps[to]; step != nil {
		return step.Does
	}
	return ""
}
