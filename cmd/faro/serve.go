package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/answers"
	"faro/internal/keys"
	"faro/internal/notices"
	"faro/internal/quiet"
)

// serveCmd is everything that can be set. The names of the environment variables are a contract.
type serveCmd struct {
	Listen    string `env:"FARO_LISTEN" default:"127.0.0.1:8080" help:"Address to listen on."`
	PublicURL string `env:"FARO_PUBLIC_URL" help:"Where the world reaches it; webhooks and signatures use it."`
	Data      string `env:"FARO_DATA" default:"./data" type:"path" help:"Data folder."`
	RedisURL  string `env:"FARO_REDIS_URL" help:"redis:// or rediss://, or several addresses parted by commas for a cluster. Without it faro starts its own redis-server."`
	KeyFile   string `env:"FARO_KEY_FILE" type:"path" help:"Keys that seal addresses; made on first start in the data folder."`
	Operator  string `env:"FARO_OPERATOR" help:"Name of the organisation that runs the service, told to everyone in the privacy notice."`
	Keep      bool   `name:"keep-questions" env:"FARO_KEEP_QUESTIONS" help:"Keep the words of questions without an answer for 30 days, numbers, names and links cut, never with a person; see faro questions."`
	Log       string `env:"FARO_LOG" enum:"text,json" default:"text" help:"Form of the log: text or json."`

	Telegram telegramSettings `embed:"" prefix:"telegram-" envprefix:"FARO_TELEGRAM_"`
	Twilio   twilioSettings   `embed:"" prefix:"twilio-" envprefix:"FARO_TWILIO_"`
	Forget   forgetSettings   `embed:"" prefix:"forget-" envprefix:"FARO_FORGET_"`
	Notice   noticeSettings   `embed:"" prefix:"notice-" envprefix:"FARO_NOTICE_"`
}

// forgetSettings say how long records are kept after someone's last message.
type forgetSettings struct {
	Dialogue string `env:"DIALOGUE" default:"72h" help:"How long someone's place in the menus is kept after their last message, like 72h or 7d; 2h to 30d."`
	Person   string `env:"PERSON" default:"365d" help:"How long someone's language and place are kept after their last message, like 90d; 2d to 1095d. Staff with a role are kept for 365d at least."`
}

// Bounds of what is kept, each for a reason.
const (
	day         = 24 * time.Hour
	minDialogue = 2 * time.Hour // people look for a while before they answer
	maxDialogue = 30 * day      // nobody knows after a month what a number on an old screen chose
	minPerson   = 2 * day       // else everyone is asked for their language again and again
	maxPerson   = 3 * 365 * day // longer serves nobody who passes through
)

// parse reads both; the record of a person outlives their dialogue.
func (f forgetSettings) parse() (bot.Life, error) {
	dialogue, err := period("FARO_FORGET_DIALOGUE", f.Dialogue, time.Hour, minDialogue, maxDialogue)
	person, err2 := period("FARO_FORGET_PERSON", f.Person, day, minPerson, maxPerson)
	if err = errors.Join(err, err2); err != nil {
		return bot.Life{}, err
	}
	if person != 0 && person < dialogue {
		return bot.Life{}, errors.New("FARO_FORGET_PERSON is shorter than FARO_FORGET_DIALOGUE: who is forgotten has no place in the menus either")
	}
	return bot.Life{Dialogue: dialogue, Person: person}, nil
}

// period reads "72h" or "30d", in whole units, because people are told. "" is the default.
func period(name, text string, unit, least, most time.Duration) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(max(-1, min(n, int(maxPerson/day)+1))) * day
	}
	if err != nil || d%unit != 0 {
		return 0, fmt.Errorf("%s is %q: that is no whole number of %s, like %s", name, text, map[time.Duration]string{time.Hour: "hours or days", day: "days"}[unit], written(least))
	}
	if d < least || d > most {
		return 0, fmt.Errorf("%s is %q: it must be from %s to %s", name, text, written(least), written(most))
	}
	return d, nil
}

func written(d time.Duration) string {
	if d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return strconv.Itoa(int(d/time.Hour)) + "h"
}

// noticeSettings hold for notices, by whatever way they are made.
type noticeSettings struct {
	Approval int    `env:"APPROVAL" default:"500" help:"A notice to more people than this needs a second coordinator."`
	Prices   string `env:"PRICES" help:"What an SMS segment costs by country, like \"USD MX=0.06 US=0.01 *=0.10\"; a notice's cost is told with it."`
	Quiet    string `env:"QUIET" default:"21:00-07:00" help:"When nobody gets a notice but an emergency, by the facility's clock; none for never."`
}

// parse reads what is written in words.
func (n noticeSettings) parse() (notices.Prices, quiet.Hours, error) {
	prices, err := notices.ParsePrices(n.Prices)
	if err != nil {
		err = fmt.Errorf("FARO_NOTICE_PRICES: %w", err)
	}
	hours, err2 := quiet.Parse(n.Quiet)
	if err2 != nil {
		err = errors.Join(err, fmt.Errorf("FARO_NOTICE_QUIET: %w", err2))
	}
	if n.Approval < 0 {
		err = errors.Join(err, errors.New("FARO_NOTICE_APPROVAL is below 0"))
	}
	return prices, hours, err
}

type telegramSettings struct {
	Token  string  `env:"TOKEN" help:"The bot's token; switches Telegram on."`
	API    string  `env:"API" default:"https://api.telegram.org" help:"Address of the Bot API."`
	Mode   string  `env:"MODE" enum:"poll,webhook" default:"poll" help:"How updates come: poll or webhook."`
	Secret string  `env:"SECRET" help:"Secret that proves a webhook call is Telegram's: 1 to 256 letters, digits, _ or -."`
	Rate   float64 `env:"RATE" default:"30" help:"Messages a second over all processes; 0 is no limit."`
}

type twilioSettings struct {
	AccountSID string  `env:"ACCOUNT_SID" help:"The account; switches SMS on."`
	AuthToken  string  `env:"AUTH_TOKEN" help:"Its auth token."`
	From       string  `env:"FROM" help:"The number messages come from."`
	ServiceSID string  `env:"SERVICE_SID" help:"Or the messaging service."`
	API        string  `env:"API" default:"https://api.twilio.com" help:"Address of the REST API."`
	Rate       float64 `env:"RATE" default:"1" help:"Messages a second over all processes; 0 is no limit."`
	Retain     bool    `env:"RETAIN" negatable:"" default:"true" help:"Let Twilio keep message texts and numbers as it does by default; --no-twilio-retain asks it to discard and obfuscate them, which the account must allow."`
}

func (c *serveCmd) telegramOn() bool { return c.Telegram.Token != "" }
func (c *serveCmd) host() bot.Host {
	return bot.Host{Operator: c.Operator, Keeps: c.Keep, Life: c.life()}
}
func (c *serveCmd) twilioOn() bool { return c.Twilio.AccountSID != "" }

// life is how long records are kept. What is wrong with the settings validate tells.
func (c *serveCmd) life() bot.Life {
	life, _ := c.Forget.parse()
	return life
}

// retention is how long people are kept, for the audit log.
func (c *serveCmd) retention() string {
	dialogue, person := c.life().Of(bot.Person{Noticed: true})
	questions := "none"
	if c.Keep {
		questions = written(keys.UnansweredLife)
	}
	return "dialogue " + written(dialogue) + ", person " + written(person) + ", questions " + questions
}

// secret is what Telegram accepts as a webhook's secret (Bot API, setWebhook).
var secret = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// credential is what Twilio's account ids and tokens are made of; its client library refuses others.
var credential = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// validate reports everything that is wrong with the settings at once, and how to mend it. It prints
// no secret.
func (c *serveCmd) validate() error {
	var wrong []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		need(err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.RawQuery == "",
			"FARO_PUBLIC_URL is not an address like https://faro.example.org")
	}
	t := c.Telegram
	if c.telegramOn() {
		need(telegram.ValidBase(t.API) == nil, "FARO_TELEGRAM_API is not an address like %s", telegram.DefaultAPI)
		if t.Mode == "webhook" {
			need(t.Secret != "", "FARO_TELEGRAM_SECRET is empty: a webhook without it would be open to anyone; make one with: openssl rand -hex 32")
			need(t.Secret == "" || secret.MatchString(t.Secret), "FARO_TELEGRAM_SECRET has other characters than letters, digits, _ and -, or more than 256")
			need(c.PublicURL != "", "FARO_PUBLIC_URL is empty: Telegram needs it to reach the webhook; or set FARO_TELEGRAM_MODE=poll")
		}
	} else {
		need(t.Secret == "", "FARO_TELEGRAM_SECRET is set but FARO_TELEGRAM_TOKEN is not: the channel would stay off; set the token BotFather gave")
	}
	need(t.Rate >= 0, "FARO_TELEGRAM_RATE is below 0")
	w := c.Twilio
	if c.twilioOn() {
		need(w.AuthToken != "", "FARO_TWILIO_AUTH_TOKEN is empty: without it anyone could forge messages; it is in the Twilio console")
		need(credential.MatchString(w.AccountSID) && (w.AuthToken == "" || credential.MatchString(w.AuthToken)),
			"FARO_TWILIO_ACCOUNT_SID or FARO_TWILIO_AUTH_TOKEN has other characters than letters and digits; copy both from the Twilio console again")
		need(w.From != "" || w.ServiceSID != "", "set FARO_TWILIO_FROM or FARO_TWILIO_SERVICE_SID: messages must come from somewhere")
		need(c.PublicURL != "", "FARO_PUBLIC_URL is empty: Twilio signs it, so its messages could not be checked")
		_, err := sms.NewTwilio(sms.Account{API: w.API})
		need(err == nil, "FARO_TWILIO_API is not an address like %s", sms.DefaultAPI)
	} else {
		need(w.AuthToken == "" && w.From == "" && w.ServiceSID == "", "FARO_TWILIO_ACCOUNT_SID is empty but other Twilio settings are not: the channel would stay off; set it")
	}
	need(w.Rate >= 0, "FARO_TWILIO_RATE is below 0")
	if _, _, err := c.Notice.parse(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := c.Forget.parse(); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// Run serves until it is interrupted, then drains.
func (c *serveCmd) Run(s streams, dir source) error {
	if err := c.validate(); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	var handler slog.Handler = slog.NewTextHandler(s.err, nil)
	if c.Log == "json" {
		handler = slog.NewJSONHandler(s.err, nil)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	srv, err := newServer(ctx, *c, say(loaded, answers.New(loaded.Flows, loaded.Book), c.host()), slog.New(handler))
	if err != nil {
		return err
	}
	if srv.demo != nil {
		fmt.Fprintf(s.out, "No channel is configured. Try Faro here: http://%s/\n", srv.Addr())
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	go reloads(ctx, hangups, srv, dir, s)
	return srv.Run(ctx)
}

// reloads reads the content again whenever the process is sent SIGHUP, until ctx ends. Content with
// errors is refused as a whole, with its findings, and the old stays.
func reloads(ctx context.Context, hangups <-chan os.Signal, srv *server, dir source, s streams) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		c, err := dir.load(s)
		if err == nil {
			err = srv.replace(ctx, c)
		}
		if err != nil {
			srv.log.Error("the content was not replaced", "error", err)
			continue
		}
		srv.log.Info("the content was replaced", "topics", len(c.Flows.Topics))
	}
}
