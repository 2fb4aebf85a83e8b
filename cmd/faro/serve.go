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
	"syscall"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/answers"
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
func (c *serveCmd) host() bot.Host   { return bot.Host{Operator: c.Operator, Keeps: c.Keep} }
func (c *serveCmd) twilioOn() bool   { return c.Twilio.AccountSID != "" }

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
