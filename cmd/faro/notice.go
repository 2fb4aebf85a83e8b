package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/flows"
	"faro/internal/content"
	"faro/internal/notices"
	"faro/internal/training"
	"faro/internal/turns"
	"faro/locales"
)

type noticeCmd struct {
	Send     noticeSendCmd   `cmd:"" help:"Count whom a notice reaches and what it costs; with --apply, send it."`
	List     noticeListCmd   `cmd:"" default:"1" help:"List the notices and how they stand."`
	Approve  noticeActCmd    `cmd:"" help:"Approve one that waits."`
	Refuse   noticeActCmd    `cmd:"" help:"Refuse one that waits."`
	Pause    noticeActCmd    `cmd:"" help:"Send no more of it for now."`
	Resume   noticeActCmd    `cmd:"" help:"Go on."`
	Stop     noticeActCmd    `cmd:"" help:"Send no more of it, ever."`
	Retry    noticeActCmd    `cmd:"" help:"Send it once more to those it failed for."`
	TakeBack noticeActCmd    `cmd:"" help:"Delete it from Telegram's chats, within 48 hours."`
	Export   noticeExportCmd `cmd:"" help:"Write what became of it for each reader, without saying who they are, as CSV."`
}

// service makes the notices' service as the settings say.
func (n noticeSettings) service(c notices.Config) (*notices.Service, error) {
	var err error
	c.Approval = n.Approval
	c.Prices, c.Quiet, err = n.parse()
	return notices.New(c), err
}

// noticed is how a command reaches the notices of a running faro.
type noticed struct {
	joined
	Notice noticeSettings `embed:"" prefix:"notice-" envprefix:"FARO_NOTICE_"`
	// The pace of the channels and whether they are on, as faro serve has them.
	TelegramRate float64 `env:"FARO_TELEGRAM_RATE" default:"30" hidden:""`
	TwilioRate   float64 `env:"FARO_TWILIO_RATE" default:"1" hidden:""`
}

// with runs f on the notices of the running faro.
func (n noticed) with(loaded *content.Content, f func(context.Context, *notices.Service) error) error {
	return n.joined.with(func(ctx context.Context, store *training.Store) error {
		talk := bot.New(loaded.Flows, loaded.Book, nil, bot.Host{})
		service, err := n.Notice.service(notices.Config{
			Redis: store.Redis, Vault: store.Vault, Register: register(store), Settle: settle(store), Log: slog.New(slog.DiscardHandler), Now: time.Now, Node: byCommand,
			Content: func() *flows.Content { return loaded.Flows }, Book: func() *locales.Book { return loaded.Book }, Talk: func() *bot.Talk { return talk },
			Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape, bot.SMS: sms.Shape},
			Rates:  map[bot.Channel]float64{bot.Telegram: n.TelegramRate, bot.SMS: n.TwilioRate},
		})
		if err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		return f(ctx, service)
	})
}

type noticeSendCmd struct {
	Facility []string          `help:"Where: facilities, like tapachula; several by repeating it." placeholder:"ID"`
	State    []string          `help:"Where: all facilities of a state, like Chiapas."`
	To       string            `enum:"all,migrants,staff" default:"all" help:"To whom there: all, migrants or staff."`
	Lang     []string          `help:"Only readers of these languages."`
	Channel  string            `enum:"any,telegram,sms" default:"any" help:"Only there: telegram or sms."`
	Urgency  string            `enum:"routine,important,emergency" default:"routine" help:"routine, important or emergency, which ignores quiet hours."`
	Ready    string            `help:"A ready-made notice of flows/notices.yaml."`
	Blank    map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"What fills its blanks, one flag each: day=2026-12-01, time=09:00, until=18:00, place=..."`
	Text     map[string]string `mapsep:"none" placeholder:"LANG=TEXT" help:"Or its text, one flag for each language: es=\"No hay agua.\""`
	Until    string            `required:"" help:"Until when it is valid: 2026-12-01T18:00 on the clock of the first facility, or a duration like 6h."`
	At       string            `help:"When it goes out, likewise; at once if not given."`
	Corrects string            `help:"A notice whose readers get this one instead of those of the facilities."`
	Apply    bool              `help:"Do it. Without this nothing is sent."`
	noticed
}

// Run prints the sheet of a notice, and with --apply makes it.
func (c noticeSendCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	n, err := c.notice(loaded, time.Now())
	if err != nil {
		return err
	}
	return c.with(loaded, func(ctx context.Context, service *notices.Service) error {
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
		printSheet(s.out, sheet)
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

// notice is what the flags describe.
func (c noticeSendCmd) notice(loaded *content.Content, now time.Time) (bot.Notice, error) {
	n := bot.Notice{ID: "c" + strconv.FormatInt(now.UnixMilli(), 36), Who: bot.Who(c.To), Urgency: c.Urgency, Ready: c.Ready, Blanks: c.Blank,
		Texts: map[locales.Lang]string{}, Corrects: c.Corrects, Facilities: c.Facility}
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
	if len(n.Facilities) == 0 && c.Corrects == "" {
		return n, errors.New("to whom? give --facility or --state")
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
	zone := time.UTC
	if len(n.Facilities) > 0 {
		if z, err := time.LoadLocation(loaded.Flows.Facilities[n.Facilities[0]].Zone); err == nil {
			zone = z
		}
	}
	var err error
	if c.At != "" {
		if n.At, err = moment(c.At, now, zone); err != nil {
			return n, fmt.Errorf("--at: %w", err)
		}
	}
	if n.Until, err = moment(c.Until, now, zone); err != nil {
		return n, fmt.Errorf("--until: %w", err)
	}
	return n, nil
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
	for name, value := range c.Blank {
		layout := map[string]string{"day": time.DateOnly, "time": "15:04", "until": "15:04"}[name]
		example := map[string]string{"day": "2026-12-01", "time": "09:00", "until": "18:00"}[name]
		switch {
		case r == nil || !slices.Contains(r.Blanks, name):
			return fmt.Errorf("--blank: %s is no blank of this notice", name)
		case layout != "":
			if _, err := time.Parse(layout, value); err != nil {
				return fmt.Errorf("--blank: %s=%q is not like %s", name, value, example)
			}
		}
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

func printSheet(w io.Writer, sheet bot.Sheet) {
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
	fmt.Fprintf(out, "takes\t%s, until %s\n", sheet.Takes.Round(time.Second), sheet.Ends.Format("2006-01-02 15:04 MST"))
	if sheet.Late {
		fmt.Fprintln(out, "warning\tit ends when it is not valid any more: not everyone will get it")
	}
	_ = out.Flush() // the terminal
}

func lines[K ~string](out io.Writer, what string, counts map[K]int) {
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "%s %s\t%d\n", what, key, counts[key])
	}
}

type noticeListCmd struct{ noticed }

// Run lists the notices without their texts.
func (c noticeListCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	return c.with(loaded, func(ctx context.Context, service *notices.Service) error {
		all, err := service.All(ctx)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "notice\tmade\tstate\tpeople\toutcomes")
		for _, r := range all {
			counts, err := service.Counts(ctx, r.ID)
			if err != nil {
				return err
			}
			var words []string
			for _, state := range slices.Sorted(maps.Keys(counts)) {
				words = append(words, state+" "+strconv.Itoa(counts[state]))
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%s\n", r.ID, r.Made.Format("2006-01-02 15:04"), r.State, r.People, strings.Join(words, ", "))
		}
		return out.Flush()
	})
}

type noticeActCmd struct {
	ID string `arg:"" help:"As faro notice list shows it."`
	noticed
}

// Run does to a notice what the command says.
func (c noticeActCmd) Run(s streams, dir source, act noticeAct) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	return c.with(loaded, func(ctx context.Context, service *notices.Service) error {
		r, err := service.Act(ctx, c.ID, string(act), "", byCommand)
		if err != nil {
			return fmt.Errorf("%s %s: %w", act, c.ID, err)
		}
		_, err = fmt.Fprintf(s.out, "%s: %s\n", r.ID, r.State)
		return err
	})
}

// noticeAct is the command's own name, which is what it does.
type noticeAct string

type noticeExportCmd struct {
	ID  string `arg:"" help:"As faro notice list shows it."`
	Out string `short:"o" default:"-" help:"File to write, - for the terminal."`
	noticed
}

// Run writes the outcomes.
func (c noticeExportCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	return c.with(loaded, func(ctx context.Context, service *notices.Service) error {
		if err := service.Register.Note(ctx, "notice exported", byCommand, c.ID); err != nil {
			return err
		}
		return create(s, c.Out, func(w io.Writer) error { return service.Export(ctx, c.ID, w) })
	})
}
