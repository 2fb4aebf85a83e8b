package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"faro/bot/telegram"
	"faro/internal/content"
	"faro/internal/poster"
	"faro/locales"
)

type posterCmd struct {
	Facility string `help:"Facility whose notices one gets with it, like tapachula."`
	Topic    string `help:"Topic it says something of, like asylum."`
	Bot      string `help:"Name of the bot, for the QR code; Telegram tells it if FARO_TELEGRAM_TOKEN is set."`
	Phone    string `env:"FARO_TWILIO_FROM" help:"Number for text messages."`
	Token    string `name:"telegram-token" env:"FARO_TELEGRAM_TOKEN" hidden:""`
	API      string `name:"telegram-api" env:"FARO_TELEGRAM_API" default:"https://api.telegram.org" hidden:""`
	Out      string `short:"o" default:"-" help:"PDF file to write, - for standard output."`
}

// botName is what Telegram allows as a username.
var botName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{4,31}$`)

// Run writes the poster.
func (c posterCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	if c.Bot == "" && c.Token != "" {
		if c.Bot, err = telegram.Name(context.Background(), telegram.NewAPI(c.API, c.Token)); err != nil {
			fmt.Fprintln(s.err, "Telegram does not tell the bot's name:", err)
		}
	}
	p, err := c.poster(loaded, time.Now())
	if err != nil {
		return err
	}
	if p.Link == "" {
		fmt.Fprintln(s.err, "the poster has no QR code: give --bot, or set FARO_TELEGRAM_TOKEN")
	}
	if p.Number == "" {
		fmt.Fprintln(s.err, "the poster has no number for text messages: give --phone, or set FARO_TWILIO_FROM")
	}
	return create(s, c.Out, func(w io.Writer) error { return p.Write(w) })
}

func (c posterCmd) poster(loaded *content.Content, now time.Time) (poster.Poster, error) {
	f := loaded.Flows.Facilities[c.Facility]
	switch {
	case c.Facility == "" && c.Topic == "":
		return poster.Poster{}, errors.New("give --facility or --topic: a poster is of a place or about something")
	case c.Facility != "" && f == nil:
		return poster.Poster{}, fmt.Errorf("--facility: %q is not in flows/facilities.yaml", c.Facility)
	case c.Topic != "" && loaded.Flows.Topics[c.Topic] == nil:
		return poster.Poster{}, fmt.Errorf("--topic: %q is not in flows/topics", c.Topic)
	case c.Bot == "" && c.Phone == "":
		return poster.Poster{}, errors.New("give --bot, --phone or both, or set FARO_TELEGRAM_TOKEN or FARO_TWILIO_FROM: a poster must say where to write")
	case c.Bot != "" && !botName.MatchString(c.Bot):
		return poster.Poster{}, fmt.Errorf("--bot: %q is not a bot's name: 5 to 32 letters, digits and _, without @", c.Bot)
	}
	p := poster.Poster{Emergency: loaded.Flows.Contacts["emergency"].Phone, Version: version, Date: now.UTC().Truncate(24 * time.Hour)}
	start := "t-" + c.Topic
	if f != nil {
		start, p.Title = "f-"+c.Facility, f.Name+", "+f.City
		if f.Name == f.City {
			p.Title = f.City + ", " + f.State
		}
		p.Keyword = strings.ToUpper(strings.ReplaceAll(c.Facility, "-", " "))
	}
	if c.Bot != "" {
		p.Link = "https://t.me/" + c.Bot + "?start=" + start
	}
	if c.Phone != "" {
		n, err := phonenumbers.Parse(c.Phone, "MX")
		if err != nil || !phonenumbers.IsValidNumber(n) {
			return p, fmt.Errorf("--phone: %q is not a phone number like +52 55 1234 5678", c.Phone)
		}
		p.Number = phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
	}
	for _, l := range loaded.Book.Languages() {
		p.Blocks = append(p.Blocks, c.block(loaded, l, p))
	}
	return p, nil
}

// block is what the poster says in one language.
func (c posterCmd) block(loaded *content.Content, l locales.Language, p poster.Poster) poster.Block {
	args := locales.Args{"phone": loaded.Flows.Phones(), "keyword": p.Keyword, "number": p.Number}
	say := func(key string) string {
		text, _ := loaded.Book.Text(l.Tag, key, args)
		return text
	}
	b := poster.Block{Language: l.Name + "  ·  " + say("poster.danger"), Lines: []string{say("poster.ask")}}
	if c.Topic != "" {
		b.Lines = []string{say("topic."+c.Topic+".title") + ". " + say("topic."+c.Topic+".action")}
	}
	if p.Link != "" {
		b.Lines = append(b.Lines, say("poster.scan"))
	}
	if p.Number != "" && p.Keyword != "" {
		b.Lines = append(b.Lines, say("poster.sms"))
	}
	return b
}
