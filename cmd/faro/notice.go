package main

import (
	"context"
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
	List     noticeListCmd   `cmd:"" default:"withargs" help:"List the notices and how they stand."`
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
		if _, err := find(ctx, service, c.ID); err != nil {
			return err
		}
		if err := service.Register.Note(ctx, "notice exported", byCommand, c.ID); err != nil {
			return err
		}
		return create(s, c.Out, func(w io.Writer) error { return service.Export(ctx, c.ID, w) })
	})
}

// find is the notice with an id.
func find(ctx context.Context, service *notices.Service, id string) (*notices.Record, error) {
	all, err := service.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, fmt.Errorf("there is no notice %q; faro notice list shows those there are", id)
}
