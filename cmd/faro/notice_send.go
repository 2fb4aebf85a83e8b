package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"faro/bot"
	"faro/flows"
	"faro/internal/content"
	"faro/internal/notices"
	"faro/locales"
)

type noticeSendCmd struct {
	Facility []string          `help:"Where: facilities, like tapachula; several by repeating it." placeholder:"ID"`
	State    []string          `help:"Where: all facilities of a state, like Chiapas."`
	To       string            `enum:"all,migrants,staff" default:"all" help:"To whom there: all, migrants or staff."`
	Lang     []string          `help:"Only readers of these languages."`
	Channel  string            `enum:"any,telegram,sms" default:"any" help:"Only there: telegram or sms."`
	Urgency  string            `enum:",routine,important,emergency" default:"" help:"routine, important or emergency, which ignores quiet hours; if not given, that of the ready-made notice, or routine."`
	Ready    string            `help:"A ready-made notice of flows/notices.yaml."`
	Blank    map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"What fills its blanks, one flag each: day=2026-12-01, time=09:00, until=18:00, place=..."`
	Text     map[string]string `mapsep:"none" placeholder:"LANG=TEXT" help:"Or its text, one flag for each language: es=\"No hay agua.\""`
	Until    string            `required:"" help:"Until when it is valid: 2026-12-01T18:00 on the clock of the first facility, or a duration like 6h."`
	At       string            `help:"When it goes out, likewise; at once if not given."`
	Corrects string            `help:"A notice whose readers get this one, wherever they are."`
	Test     string            `placeholder:"DIGEST" help:"Send it to this person alone, marked as a test: a digest of faro roles."`
	Apply    bool              `help:"Do it. Without this nothing is sent."`
	noticed
}

// Run prints the sheet of a notice and its texts, and with --apply makes it.
func (c noticeSendCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	n, err := c.notice(loaded)
	if err != nil {
		return err
	}
	return c.with(loaded, func(ctx context.Context, service *notices.Service) error {
		now := time.Now()
		n.ID = "c" + strconv.FormatInt(now.UnixMilli(), 36)
		if err := c.correct(ctx, service, &n); err != nil {
			return err
		}
		if err := c.times(loaded, &n, now); err != nil {
			return err
		}
		var sheet bot.Sheet
		if c.Apply {
			sheet, err = service.Make(ctx, n, "", byCommand)
		} else {
			sheet, err = service.Count(ctx, n)
		}
		if err != nil {
			return err
		}
		if sheet.Problem != "" {
			text, _ := loaded.Book.Raw("en", "notice-problem."+sheet.Problem)
			return errors.New(text)
		}
		printSheet(s.out, sheet, n, service.Rates)
		for _, text := range service.Talk().NoticeTexts(n, sheet) {
			fmt.Fprintf(s.out, "\n%s\n", text)
		}
		fmt.Fprintln(s.out)
		if c.Test != "" {
			return c.try(ctx, s.out, service, n)
		}
		switch {
		case !c.Apply:
			fmt.Fprintln(s.out, "nothing is sent without --apply")
		case sheet.Approval:
			fmt.Fprintf(s.out, "%s waits until a coordinator approves it in the chat\n", n.ID)
		default:
			fmt.Fprintf(s.out, "%s goes out; faro notice list shows how it stands\n", n.ID)
		}
		return nil
	})
}

// correct takes from the notice that is corrected where it went, for its clock and quiet hours.
func (c noticeSendCmd) correct(ctx context.Context, service *notices.Service, n *bot.Notice) error {
	if c.Corrects == "" {
		return nil
	}
	r, err := find(ctx, service, c.Corrects)
	if err != nil {
		return fmt.Errorf("--corrects: %w", err)
	}
	n.Facilities = r.Facilities
	if c.Urgency == "" {
		n.Urgency = flows.MorePressing(n.Urgency, r.Urgency)
	}
	return nil
}

// try sends a notice to one person with a role.
func (c noticeSendCmd) try(ctx context.Context, out io.Writer, service *notices.Service, n bot.Notice) error {
	holders, err := service.Register.Holders(ctx)
	if err != nil {
		return err
	}
	for _, h := range holders {
		if h.Digest == c.Test {
			if err := service.Test(ctx, h.Person, "test-"+n.ID, n); err != nil {
				return err
			}
			_, err := fmt.Fprintf(out, "a test goes to %s, and to nobody else\n", h.Digest)
			return err
		}
	}
	return fmt.Errorf("--test: nobody with a role is %q; faro roles lists them", c.Test)
}

// notice is what the flags describe.
func (c noticeSendCmd) notice(loaded *content.Content) (bot.Notice, error) {
	n := bot.Notice{Who: bot.Who(c.To), Urgency: cmp.Or(c.Urgency, flows.Urgencies[0]), Ready: c.Ready, Blanks: c.Blank,
		Texts: map[locales.Lang]string{}, Corrects: c.Corrects, Facilities: c.Facility}
	if c.Apply && c.Test != "" {
		return n, errors.New("--test sends to one person, --apply to all: give one of them")
	}
	if c.Channel != "any" {
		n.Channel = bot.Channel(c.Channel)
	}
	for _, f := range c.Facility {
		if loaded.Flows.Facilities[f] == nil {
			return n, fmt.Errorf("--facility: %q is not in flows/facilities.yaml", f)
		}
	}
	for _, state := range c.State {
		before := len(n.Facilities)
		for _, id := range slices.Sorted(maps.Keys(loaded.Flows.Facilities)) {
			if locales.Fold(loaded.Flows.Facilities[id].State) == locales.Fold(state) {
				n.Facilities = append(n.Facilities, id)
			}
		}
		if len(n.Facilities) == before {
			return n, fmt.Errorf("--state: no facility of flows/facilities.yaml is in %q", state)
		}
	}
	switch {
	case len(n.Facilities) == 0 && c.Corrects == "":
		return n, errors.New("to whom? give --facility or --state")
	case len(n.Facilities) > 0 && c.Corrects != "":
		return n, errors.New("--corrects: it goes to those who got the notice it corrects: give neither --facility nor --state")
	}
	for _, l := range c.Lang {
		if !loaded.Book.Has(locales.Lang(l)) {
			return n, unknownLanguage(loaded.Book, l)
		}
		n.Langs = append(n.Langs, locales.Lang(l))
	}
	for l, text := range c.Text {
		if !loaded.Book.Has(locales.Lang(l)) {
			return n, unknownLanguage(loaded.Book, l)
		}
		n.Texts[locales.Lang(l)] = text
	}
	if err := c.ready(loaded); err != nil {
		return n, err
	}
	if r := loaded.Flows.Ready[c.Ready]; r != nil && c.Urgency == "" {
		n.Urgency = r.Urgency
	}
	return n, nil
}

// times takes when a notice goes out and until when it is valid, by the clock of its first facility.
func (c noticeSendCmd) times(loaded *content.Content, n *bot.Notice, now time.Time) error {
	zone := time.UTC
	if len(n.Facilities) > 0 {
		if f := loaded.Flows.Facilities[n.Facilities[0]]; f != nil {
			if z, err := time.LoadLocation(f.Zone); err == nil {
				zone = z
			}
		}
	}
	var err error
	if c.At != "" {
		if n.At, err = moment(c.At, now, zone); err != nil {
			return fmt.Errorf("--at: %w", err)
		}
	}
	if n.Until, err = moment(c.Until, now, zone); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	if n.Until.After(now.Add(bot.MaxNoticeLife)) {
		return fmt.Errorf("--until: %s is more than %d days ahead", c.Until, bot.MaxNoticeLife/(24*time.Hour))
	}
	if day := c.Blank["day"]; day != "" && day < now.In(zone).Format(time.DateOnly) {
		return fmt.Errorf("--blank: day=%s is over", day)
	}
	return nil
}

// ready checks the flags of a ready-made notice.
func (c noticeSendCmd) ready(loaded *content.Content) error {
	if (c.Ready == "") == (len(c.Text) == 0) {
		return errors.New("what? give either --ready or --text")
	}
	r := loaded.Flows.Ready[c.Ready]
	if c.Ready != "" && r == nil {
		return fmt.Errorf("--ready: %q is not in flows/notices.yaml; there are %s", c.Ready, strings.Join(slices.Sorted(maps.Keys(loaded.Flows.Ready)), ", "))
	}
	filled := map[string]time.Time{}
	for name, value := range c.Blank {
		layout := map[string]string{"day": time.DateOnly, "time": "15:04", "until": "15:04"}[name]
		example := map[string]string{"day": "2026-12-01", "time": "09:00", "until": "18:00"}[name]
		switch {
		case r == nil || !slices.Contains(r.Blanks, name):
			return fmt.Errorf("--blank: %s is no blank of this notice", name)
		case layout != "":
			at, err := time.Parse(layout, value)
			if err != nil {
				return fmt.Errorf("--blank: %s=%q is not like %s", name, value, example)
			}
			filled[name] = at
		case len([]rune(value)) > bot.MaxBlank:
			return fmt.Errorf("--blank: %s has %d characters; at most %d are read", name, len([]rune(value)), bot.MaxBlank)
		}
	}
	if until, ok := filled["until"]; ok && c.Blank["time"] != "" && !until.After(filled["time"]) {
		return fmt.Errorf("--blank: until=%s is not after time=%s; what ends on another day needs --text", c.Blank["until"], c.Blank["time"])
	}
	return nil
}

// moment reads "2026-12-01T18:00" on a clock, or a duration from now.
func moment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", text, zone)
	if err != nil {
		return at, fmt.Errorf("%q is neither a time like 2026-12-01T18:00 nor a duration like 6h", text)
	}
	return at, nil
}

func printSheet(w io.Writer, sheet bot.Sheet, n bot.Notice, rates map[bot.Channel]float64) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "people\t%d\n", sheet.People)
	lines(out, "language", sheet.ByLang)
	lines(out, "channel", sheet.ByChannel)
	lines(out, "facility", sheet.ByFacility)
	lines(out, "left out", sheet.Left)
	lines(out, "without a text in their language", sheet.Lacking)
	for _, m := range sheet.Messages {
		fmt.Fprintf(out, "sms %s\t%d people, %d segments %s\n", m.Lang, m.People, m.Segments, m.Encoding)
	}
	if sheet.Segments > 0 {
		cost := sheet.Cost
		if cost == "" {
			cost = "unknown: set FARO_NOTICE_PRICES"
		}
		fmt.Fprintf(out, "sms segments\t%d, cost %s\n", sheet.Segments, cost)
	}
	fmt.Fprintf(out, "urgency\t%s\n", n.Urgency)
	fmt.Fprintf(out, "takes\t%s, until %s\n", sheet.Takes.Round(time.Second), sheet.Ends.Format("2006-01-02 15:04 MST"))
	for _, ch := range slices.Sorted(maps.Keys(sheet.ByChannel)) {
		pace := "as fast as it can"
		if rates[ch] > 0 {
			pace = strconv.FormatFloat(rates[ch], 'f', -1, 64) + " a second"
		}
		fmt.Fprintf(out, "pace %s\t%s, as FARO_%s_RATE says here\n", ch, pace, map[bot.Channel]string{bot.Telegram: "TELEGRAM", bot.SMS: "TWILIO"}[ch])
	}
	if sheet.Late {
		fmt.Fprintln(out, "it is over before all can get it: give it longer, or fewer readers\t")
	}
	_ = out.Flush() // the terminal
}

func lines[K ~string](out io.Writer, what string, counts map[K]int) {
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "%s %s\t%d\n", what, key, counts[key])
	}
}
