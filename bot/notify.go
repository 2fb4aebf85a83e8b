package bot

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"faro/flows"
	"faro/locales"
)

// What readers of notices, and those who send them, are shown.

// Notice is the message one reader gets; false if the notice has nothing to say. Its facility is told by
// its city, and until when it is valid on the clock of zone.
func (t *Talk) Notice(n Notice, facility string, p Person, ch Channel, zone *time.Location) (Reply, bool) {
	return t.notify(n, facility, p, ch, zone, "")
}

// NoticeTest is the message as one reader would get it, marked as a test.
func (t *Talk) NoticeTest(n Notice, facility string, p Person, ch Channel, zone *time.Location) (Reply, bool) {
	r, ok := t.notify(n, facility, p, ch, zone, t.text(p.Lang, "notice-read.test", nil))
	r.Budget++ // for that line: nothing of what is tested may be cut off
	return r, ok
}

func (t *Talk) notify(n Notice, facility string, p Person, ch Channel, zone *time.Location, first string) (Reply, bool) {
	lang := p.Lang
	text, in := t.noticeText(&n, lang)
	if text == "" {
		return Reply{}, false
	}
	urgency := cmp.Or(n.Urgency, flows.Urgencies[0])
	title := t.text(lang, "notice-read."+urgency, locales.Args{"facility": t.cityOf(facility)})
	lines := []string{first}
	if n.Corrects != "" {
		lines = append(lines, t.text(lang, "notice-read.corrects", nil))
	}
	if in != lang {
		lines = append(lines, t.text(lang, "notice-read.other", locales.Args{"language": t.book.Language(in).Name}))
	}
	lines = append(lines, text)
	if until := t.moment(lang, n.Until, zone); until != "" {
		lines = append(lines, t.text(lang, "notice-read.until", locales.Args{"until": until}))
	}
	r := Reply{Lang: lang, Budget: noticeBudget}
	if ch == SMS {
		r.Text = title + "\n" + joined(append(lines, t.text(lang, "notice-read.stop", nil)), "\n")
		return r, true
	}
	r.Title, r.Text = title, joined(lines, "\n\n")
	s := &step{Talk: t, Turn: Turn{Person: p}, in: Input{Channel: ch}}
	r.Nav = s.nav(Screen{}, lang)[1:] // there is nothing to go back to
	for i := range r.Nav {
		r.Nav[i].Data = underNotice + r.Nav[i].Data
	}
	return r, true
}

// noticeBudget is how many segments a notice may take at most; see package notices.
const noticeBudget = 4

func joined(lines []string, with string) string {
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), with)
}

// noticeText is what a notice says in a language, and the language it is in: another if it lacks that.
// Free texts and places are made plain here, because not all of them were written in a chat.
func (t *Talk) noticeText(n *Notice, lang locales.Lang) (string, locales.Lang) {
	if r := t.content.Ready[n.Ready]; r != nil {
		args := locales.Args{}
		for _, blank := range r.Blanks {
			args[blank] = cmp.Or(strings.Join(strings.Fields(plainText(n.Blanks[blank])), " "), notFilled)
		}
		if day, err := time.Parse(time.DateOnly, n.Blanks["day"]); err == nil {
			args["day"] = t.day(lang, day)
		}
		return t.text(lang, r.TextKey(), args), lang
	}
	for _, l := range t.inOrder(lang) {
		if text := paragraphs(n.Texts[l]); text != "" {
			return text, l
		}
	}
	return "", ""
}

// notFilled stands where a blank is not filled in yet.
const notFilled = "___"

// inOrder are the languages a text is looked for in: the reader's, Spanish, and the others.
func (t *Talk) inOrder(lang locales.Lang) []locales.Lang {
	all := []locales.Lang{lang, spanish}
	for _, l := range t.book.Languages() {
		all = append(all, l.Tag)
	}
	return all
}

// spanish is read by most who are not read to in their own language here.
const spanish locales.Lang = "es"

// cityOf is how a facility is called in a notice.
func (t *Talk) cityOf(facility string) string {
	if f := t.content.Facilities[facility]; f != nil {
		return f.City
	}
	return name
}

// day writes a day as a language does.
func (t *Talk) day(lang locales.Lang, day time.Time) string {
	return t.text(lang, "date.day", locales.Args{
		"weekday": t.text(lang, "date.d"+strconv.Itoa(int(day.Weekday())), nil),
		"day":     strconv.Itoa(day.Day()),
		"month":   t.text(lang, "date.m"+strconv.Itoa(int(day.Month())), nil),
	})
}

// moment writes a moment on the clock of a place; "" for the zero time.
func (t *Talk) moment(lang locales.Lang, at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	at = at.In(zone)
	return t.day(lang, at) + ", " + at.Format(clock)
}

// NoticeStatus is how a notice stands, for a coordinator.
func (t *Talk) NoticeStatus(st Status, p Person, ch Channel, zone *time.Location, now time.Time) Reply {
	s := &step{Talk: t, Turn: Turn{Person: p}, in: Input{Channel: ch}, now: now}
	r := Reply{Lang: p.Lang, Title: t.noticeName(&st.Notice, p.Lang), Budget: toldBudget}
	r.Text = s.standing(st, zone, p.Lang)
	if ch == SMS { // the title is not shown there, and a number would choose on the screen they are on
		r.Text = r.Title + "\n" + r.Text
		if len(st.Acts) > 0 {
			r.Text += "\n" + t.text(p.Lang, "notice-state.acts", nil)
		}
		return r
	}
	for _, act := range st.Acts {
		if label := s.text(p.Lang, "label.act-"+act, nil); label != "" {
			r.Options = append(r.Options, s.acting(act, st.ID, p.Lang))
		}
	}
	return r
}

// acting is the choice that does something to a notice. What cannot be undone is asked again.
func (s *step) acting(act, id string, lang locales.Lang) Option {
	to := flows.NoticeDo
	if act == Stop || act == TakeBack {
		to = flows.NoticeSure
	}
	return Option{Label: s.text(lang, "label.act-"+act, nil), Data: to + "/" + act + "." + id}
}

// noticeName is a notice in one line.
func (t *Talk) noticeName(n *Notice, lang locales.Lang) string {
	if r := t.content.Ready[n.Ready]; r != nil {
		return t.text(lang, r.TitleKey(), nil)
	}
	text, _ := t.noticeText(n, lang)
	return clip(strings.ReplaceAll(text, "\n", " "))
}

// standing says how far a notice is and what became of it.
func (s *step) standing(st Status, zone *time.Location, lang locales.Lang) string {
	var lines []string
	lines = append(lines, s.text(lang, "notice-state."+st.State, nil))
	if st.State == Waiting || st.State == Planned {
		lines = append(lines, s.summary(&st.Notice, zone, lang))
	}
	if st.State == Waiting {
		lines = append(lines, s.text(lang, "preflight.people", locales.Args{"count": strconv.Itoa(st.People)}))
		return within(joined(lines, "\n"), s.texts(&st.Notice, lang), maxTold)
	}
	sent := 0
	for state, n := range st.Counts {
		if state != "queued" && state != "held" {
			sent += n
		}
	}
	if len(st.Counts) > 0 {
		of := max(st.People, sent)
		done := s.text(lang, "notice-state.of", locales.Args{"done": strconv.Itoa(sent), "all": strconv.Itoa(of)})
		if s.in.Channel == Telegram && of > 0 {
			full := barLength * sent / of
			done = strings.Repeat("▓", full) + strings.Repeat("░", barLength-full) + " " + done
		}
		lines = append(lines, done)
		if st.Rate > 0 {
			pace := s.text(lang, "notice-state.rate", locales.Args{"rate": rate(st.Rate)})
			if st.Left > 0 {
				pace += " " + s.text(lang, "notice-state.time", locales.Args{"minutes": strconv.Itoa(int(st.Left.Minutes()) + 1)})
			}
			lines = append(lines, pace)
		}
		lines = append(lines, listed(st.Counts, func(state string) string {
			word, code, _ := strings.Cut(state, " ")
			return cmp.Or(s.text(lang, "notice-count."+word, locales.Args{"code": code}), state)
		}))
	}
	return joined(lines, "\n")
}

// rate writes messages a second; few of them not as none.
func rate(r float64) string {
	if r < 10 {
		return strconv.FormatFloat(r, 'f', 1, 64)
	}
	return strconv.FormatFloat(r, 'f', 0, 64)
}

// texts are all texts of a notice, each under its language, for someone who has to judge them; a
// ready-made one in theirs, because all of its texts were read before.
func (s *step) texts(n *Notice, lang locales.Lang) (all []string) {
	if s.content.Ready[n.Ready] != nil {
		text, _ := s.noticeText(n, lang)
		return []string{text}
	}
	for _, l := range s.book.Languages() {
		if text := paragraphs(n.Texts[l.Tag]); text != "" {
			all = append(all, "— "+l.Name+" —\n"+text)
		}
	}
	return all
}

// barLength is how many blocks the picture of the progress has.
const barLength = 10

// summary is whom a notice is for, how it presses, from when and until when.
func (s *step) summary(n *Notice, zone *time.Location, lang locales.Lang) string {
	var where []string
	for _, f := range n.Facilities {
		where = append(where, s.cityOf(f))
	}
	return s.text(lang, "notice-summary.text", locales.Args{"where": some(where), "readers": s.readers(n, lang), "urgency": s.text(lang, "urgency."+cmp.Or(n.Urgency, flows.Urgencies[0]), nil),
		"from": cmp.Or(s.moment(lang, n.At, zone), s.text(lang, "notice-summary.now", nil)), "until": s.moment(lang, n.Until, zone)})
}

// readers is who gets a notice where it is for.
func (s *step) readers(n *Notice, lang locales.Lang) string {
	who := s.text(lang, "who-gets."+string(cmp.Or(n.Who, Everyone)), nil)
	if n.Channel != "" {
		who += ", " + s.text(lang, "channel."+string(n.Channel), nil)
	}
	for _, l := range n.Langs {
		who += ", " + s.book.Language(l).Name
	}
	return who
}

// shownWhere is how many facilities a summary names.
const shownWhere = 4

// noticeArgs are what a screen shows of notices.
func (s *step) noticeArgs(step *flows.Step, arg string, lang locales.Lang) locales.Args {
	args := locales.Args{}
	n := s.Dialogue.Draft.Notice
	switch {
	case step.Of == flows.OfNotice:
		act, id, ok := strings.Cut(arg, ".")
		if !ok {
			id = arg
		}
		if st := s.status(id); st != nil {
			args["notice"] = s.noticeName(&st.Notice, lang)
			args["status"] = s.standing(*st, s.homeOf(&st.Notice), lang)
		}
		args["act"] = s.text(lang, "label.act-"+act, nil)
	case step.Of != flows.OfWriting || n == nil:
	default:
		args["notice"] = s.noticeName(n, lang)
		args["summary"] = s.summary(n, s.homeOf(n), lang)
		args["readers"] = s.readers(n, lang)
		args["language"] = s.book.Language(locales.Lang(arg)).Name
		args["zone"] = s.city(s.homeOf(n))
		if blank := s.blank(n); blank != "" {
			args["what"] = s.text(lang, "blank."+blank, nil)
		}
		var have, lack []string
		for _, l := range s.book.Languages() {
			if n.Texts[l.Tag] != "" {
				have = append(have, l.Name)
			} else {
				lack = append(lack, l.Name)
			}
		}
		args["have"], args["lack"] = cmp.Or(strings.Join(have, ", "), "-"), cmp.Or(strings.Join(lack, ", "), "-")
	}
	return args
}

// noticeOptions are the choices a list of notices offers.
func (s *step) noticeOptions(list, arg string, lang locales.Lang) (out []Option) {
	n := s.Dialogue.Draft.Notice
	switch list {
	case "notices":
		for i := range s.in.Desk.Notices {
			st := &s.in.Desk.Notices[i]
			out = append(out, Option{Label: clip(s.text(lang, "notice-sign."+st.State, nil) + " " + s.noticeName(&st.Notice, lang)), Data: flows.NoticeShow + "/" + st.ID})
		}
	case "acts":
		if st := s.status(arg); st != nil {
			for _, act := range st.Acts {
				out = append(out, s.acting(act, st.ID, lang))
			}
		}
	case "own-facility":
		if f := s.content.Facilities[s.Person.Facility]; f != nil {
			out = append(out, Option{Label: clip(facility(f)), Data: flows.NoticeWho + "/" + f.ID})
		}
	case "ready":
		for _, r := range s.content.ReadyNotices() {
			out = append(out, Option{Label: s.text(lang, r.TitleKey(), nil), Data: flows.NoticeFill + "/" + r.ID})
		}
	case "text-languages":
		for _, l := range s.book.Languages() {
			label := s.ticked(l.Name, n != nil && n.Texts[l.Tag] != "")
			out = append(out, Option{Label: label, Data: flows.NoticeWrite + "/" + string(l.Tag)})
		}
	case "limits":
		for _, ch := range Channels {
			label := s.ticked(s.text(lang, "channel."+string(ch), nil), n != nil && n.Channel == ch)
			out = append(out, Option{Label: label, Data: flows.NoticeLimit + "/" + string(ch)})
		}
		for _, l := range s.book.Languages() {
			label := s.ticked(l.Name, n != nil && slices.Contains(n.Langs, l.Tag))
			out = append(out, Option{Label: label, Data: flows.NoticeLimit + "/lang." + string(l.Tag)})
		}
	}
	return out
}

// ticked is a label with a sign that it is chosen, if it is.
func (s *step) ticked(label string, chosen bool) string {
	if !chosen {
		return label
	}
	return label + map[Channel]string{Telegram: " ✓", SMS: " (OK)"}[s.in.Channel]
}
