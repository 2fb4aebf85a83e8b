package bot

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"faro/flows"
	"faro/locales"
)

// What a coordinator is shown of a notice before it is sent.

// Preflight is the sheet a coordinator sees before anything is sent; the secret is theirs.
func (t *Talk) Preflight(sheet Sheet, n Notice, key Secret, p Person, ch Channel, now time.Time) Reply {
	lang := p.Lang
	s := &step{Talk: t, Turn: Turn{Person: p}, in: Input{Channel: ch}, now: now}
	say := func(key string, args locales.Args) string { return t.text(lang, "preflight."+key, args) }
	r := Reply{Lang: lang, Title: say("title", nil), Budget: toldBudget}
	if sheet.Problem != "" {
		r.Text = t.text(lang, "notice-problem."+sheet.Problem, nil)
		if len(sheet.Left) > 0 {
			r.Text += "\n" + s.left(sheet.Left)
		}
		if ch == Telegram { // by SMS a number chooses on the screen they are on
			r.Options = s.labelled([2]string{"notice-again", flows.NoticeWhere})
		}
		return r
	}
	lines := []string{say("people", locales.Args{"count": strconv.Itoa(sheet.People)}),
		listed(sheet.ByLang, func(l locales.Lang) string { return t.book.Language(l).Name }),
		listed(sheet.ByChannel, func(c Channel) string { return t.text(lang, "channel."+string(c), nil) })}
	if len(sheet.ByFacility) > 1 {
		lines = append(lines, s.first(sheet.ByFacility))
	}
	if len(sheet.Left) > 0 {
		lines = append(lines, s.left(sheet.Left))
	}
	for _, l := range slices.Sorted(maps.Keys(sheet.Lacking)) {
		_, in := t.noticeText(&n, l)
		lines = append(lines, say("lacking", locales.Args{"count": strconv.Itoa(sheet.Lacking[l]), "language": t.book.Language(l).Name, "other": t.book.Language(in).Name}))
	}
	for _, m := range sheet.Messages {
		lines = append(lines, say("sms", locales.Args{"language": t.book.Language(m.Lang).Name, "encoding": m.Encoding,
			"segments": strconv.Itoa(m.Segments), "count": strconv.Itoa(m.People)}))
	}
	if sheet.Segments > 0 {
		cost := cmp.Or(sheet.Cost, say("unpriced", nil))
		lines = append(lines, say("cost", locales.Args{"segments": strconv.Itoa(sheet.Segments), "cost": cost}))
	}
	lines = append(lines, say("ends", locales.Args{"minutes": strconv.Itoa(int(sheet.Takes.Minutes()) + 1), "end": t.moment(lang, sheet.Ends, t.homeOf(&n))}))
	if sheet.Late {
		lines = append(lines, say("late", nil))
	}
	if sheet.Approval {
		lines = append(lines, say("approval", nil))
	}
	if ch == SMS {
		lines = append(lines, say("send", locales.Args{"code": key.code(n.sheet())}))
	}
	r.Text = joined(lines, "\n")
	if ch == SMS {
		texts := append(s.bySMS(sheet.Messages), s.onTelegram(&n, sheet)...)
		r.Text = within(r.Text, texts, roomBySMS(texts))
	} else {
		r.Text = within(r.Text, append(s.onTelegram(&n, sheet), s.bySMS(sheet.Messages)...), maxTold)
	}
	if ch == Telegram {
		r.Options = s.labelled([2]string{"notice-send", flows.NoticeSend + "/" + key.code(n.sheet())}, [2]string{"notice-test", flows.NoticeTest},
			[2]string{"notice-limit", flows.NoticeLimit}, [2]string{"notice-urgency", flows.NoticeUrgency}, [2]string{"notice-again", flows.NoticeWhere})
	}
	return r
}

// Limits of what comes unasked.
const (
	toldBudget = 8    // segments: most take two or three, but nobody can ask for a second page of it
	maxTold    = 3900 // UTF-16 units: a Telegram message has 4,096, and the title takes some
	maxToldGSM = 1150 // of a text message, within toldBudget segments of 153
	maxToldUCS = 500  // and of 67, if a text has a character GSM-7 lacks
)

// within adds texts to another, each a paragraph, as long as there is room for them. It shows where one is
// left out: five long texts of emoji alone are too much.
func within(text string, more []string, most int) string {
	for _, m := range more {
		if longer := text + "\n\n" + m; len(utf16.Encode([]rune(longer))) <= most {
			text = longer
		} else if !strings.HasSuffix(text, "\n\n…") {
			text += "\n\n…"
		}
	}
	return text
}

// NoticeTexts are the texts of a notice as they will look, on each channel in each language someone reads.
func (t *Talk) NoticeTexts(n Notice, sheet Sheet) []string {
	s := &step{Talk: t}
	return append(s.onTelegram(&n, sheet), s.bySMS(sheet.Messages)...)
}

// onTelegram are the texts as they will look on Telegram, in each language someone reads there.
func (s *step) onTelegram(n *Notice, sheet Sheet) (all []string) {
	facility := ""
	if len(n.Facilities) > 0 {
		facility = n.Facilities[0]
	}
	for _, l := range s.book.Languages() {
		readers := sheet.ByLang[l.Tag]
		for _, m := range sheet.Messages {
			if m.Lang == l.Tag {
				readers -= m.People
			}
		}
		if readers <= 0 {
			continue
		}
		if r, ok := s.Notice(*n, facility, Person{Lang: l.Tag}, Telegram, s.homeOf(n)); ok {
			all = append(all, "— "+l.Name+" —\n"+r.Title+"\n"+strings.ReplaceAll(r.Text, "\n\n", "\n"))
		}
	}
	return all
}

// bySMS are the texts as they are sent by SMS, in each language someone reads there, most readers first.
func (s *step) bySMS(messages []SMSSize) (all []string) {
	for _, m := range messages {
		if m.Text != "" {
			all = append(all, "— "+s.book.Language(m.Lang).Name+", SMS —\n"+m.Text)
		}
	}
	return all
}

// roomBySMS is how many UTF-16 units a text message with these texts in it may have. It has one encoding, and
// a character beyond the Latin ones may change it.
func roomBySMS(texts []string) int {
	for _, text := range texts {
		if strings.ContainsFunc(strings.ReplaceAll(text, "—", ""), func(r rune) bool { return r > unicode.MaxLatin1 }) {
			return maxToldUCS
		}
	}
	return maxToldGSM
}

// first says how many readers there are at the facilities with most of them.
func (s *step) first(facilities map[string]int) string {
	all := strings.Split(listed(facilities, s.cityOf), ", ")
	return some(all)
}

// some names as many as a summary has room for, and says how many more there are.
func some(all []string) string {
	said := strings.Join(all[:min(len(all), shownWhere)], ", ")
	if more := len(all) - shownWhere; more > 0 {
		said += " +" + strconv.Itoa(more)
	}
	return said
}

// left says who is left out and why.
func (s *step) left(why map[string]int) string {
	return s.text(s.Person.Lang, "preflight.left", locales.Args{"list": listed(why, func(key string) string {
		return s.text(s.Person.Lang, "notice-count."+key, nil)
	})})
}

// listed says how many there are of each, most first.
func listed[K ~string](counts map[K]int, word func(K) string) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b K) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
	var all []string
	for _, key := range names {
		all = append(all, word(key)+" "+strconv.Itoa(counts[key]))
	}
	return strings.Join(all, ", ")
}

func (s *step) labelled(all ...[2]string) (out []Option) {
	for _, o := range all {
		out = append(out, Option{Label: s.text(s.Person.Lang, "label."+o[0], nil), Data: o[1]})
	}
	return out
}
