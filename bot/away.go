package bot

import (
	"cmp"
	"time"

	"faro/flows"
)

// Away is the answer to an input whose turn cannot be stored: the emergency numbers, and that more has to
// wait. Nothing is known of the person, so it is in the language of what they wrote, else of the channel's
// hint. It reports false if they should hear nothing, as after STOP.
func (t *Talk) Away(in Input, now time.Time) (Reply, bool) {
	lang := (&step{Talk: t, in: in}).guess()
	switch in.Kind {
	case OptOut, OptIn:
		return Reply{}, false
	case Text:
		cmd, spoken := t.content.Command(string(in.Words))
		if cmd != nil && t.does(cmd) == "stop" {
			return Reply{}, false
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
