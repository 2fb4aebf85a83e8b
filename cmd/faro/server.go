package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/answers"
	"faro/internal/content"
	"faro/internal/demo"
	"faro/internal/keys"
	"faro/internal/lease"
	"faro/internal/metrics"
	"faro/internal/outbox"
	"faro/internal/redisx"
	"faro/internal/turns"
	"faro/internal/unanswered"
	"faro/internal/vault"
	"faro/locales"
)

// server is everything faro serve runs, wired together.
type server struct {
	cfg    serveCmd
	log    *slog.Logger
	said   atomic.Pointer[said]
	redis  *redisx.Redis
	meter  *metrics.Metrics
	taker  *turns.Taker
	outbox *outbox.Outbox
	keeper *unanswered.Keeper // nil unless questions are kept
	demo   *demo.Page
	bot    *telegram.API
	node   string

	listener net.Listener
	http     *http.Server
}

// gcPercent is by how much the heap may grow before it is collected.
const gcPercent = 400

// said is what people are told: the content, and the conversation that says it. It is replaced as a
// whole or not at all.
type said struct {
	book  *locales.Book
	index *answers.Index
	talk  *bot.Talk
}

func say(c *content.Content, index *answers.Index, host bot.Host) *said {
	return &said{c.Book, index, bot.New(c.Flows, c.Book, index.Find, host)}
}

// Times a stranger may take of ours.
const (
	headerTime = 5 * time.Second
	readTime   = 15 * time.Second
	writeTime  = 30 * time.Second
	turnTime   = 8 * time.Second // providers wait 10 to 15 s for an answer
	closeTime  = 10 * time.Second
	pollLease  = time.Minute // longer than one long poll, which renews it
)

// newServer opens what is needed and listens. Redis or a provider being away is not an error.
func newServer(ctx context.Context, cfg serveCmd, what *said, log *slog.Logger) (_ *server, err error) {
	s := &server{cfg: cfg, log: log, meter: metrics.New(), node: rand.Text()}
	if cfg.KeyFile == "" {
		cfg.KeyFile = filepath.Join(cfg.Data, "keys.json")
	}
	seals, err := vault.Open(cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen on FARO_LISTEN: %w", err)
	}
	defer func() {
		if err != nil {
			_ = s.listener.Close()
		}
	}()
	if s.redis, err = redisx.Open(ctx, redisx.Config{URL: cfg.RedisURL, DataDir: cfg.Data, Log: log}); err != nil {
		return nil, err
	}
	s.redis.AddHook(s.meter.Redis())
	s.said.Store(what)
	if cfg.Keep {
		s.keeper = unanswered.New(s.redis, log, time.Now)
	}
	s.taker = &turns.Taker{
		Redis: s.redis, Vault: seals, Now: time.Now, Observe: s.observe,
		Talk:   func() *bot.Talk { return s.said.Load().talk },
		Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape, bot.SMS: sms.Shape},
	}
	routes, err := s.routes()
	if err != nil {
		_ = s.redis.Close()
		return nil, err
	}
	s.outbox = outbox.New(outbox.Config{
		Redis: s.redis, Cluster: s.redis.Cluster(), Vault: seals, Node: s.node, Routes: routes,
		Log: log, Now: time.Now, Observe: s.meter.Delivery,
	})
	s.meter.Queues(s.outbox)
	s.http = &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// routes says how each channel that is on is delivered. With none on, the demo page is both.
func (s *server) routes() (map[bot.Channel]outbox.Route, error) {
	routes := map[bot.Channel]outbox.Route{}
	if s.cfg.telegramOn() {
		s.bot = telegram.NewAPI(s.cfg.Telegram.API, s.cfg.Telegram.Token)
		routes[bot.Telegram] = outbox.Route{Sender: s.bot, Rate: s.cfg.Telegram.Rate}
	}
	if w := s.cfg.Twilio; s.cfg.twilioOn() {
		sender, err := sms.NewTwilio(sms.Account{SID: w.AccountSID, Token: w.AuthToken, From: w.From, ServiceSID: w.ServiceSID,
			API: w.API, Public: s.cfg.PublicURL, Discard: !w.Retain})
		if err != nil {
			return nil, err
		}
		routes[bot.SMS] = outbox.Route{Sender: sender, Rate: w.Rate}
	}
	if len(routes) == 0 {
		s.demo = demo.New(s.demoTake, s.log)
		for _, ch := range bot.Channels {
			routes[ch] = outbox.Route{Sender: demoSender{s.demo, func() *locales.Book { return s.said.Load().book }}}
		}
	} else if s.cfg.Operator == "" {
		s.log.Warn("FARO_OPERATOR is empty: people are told that this is a test and nobody runs it")
	}
	return routes, nil
}

// take is a turn within the time a provider waits.
func (s *server) take(ctx context.Context, address string, in bot.Input) error {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	err := s.taker.Take(ctx, address, in)
	if err != nil {
		s.log.Warn("a turn was not stored", "channel", in.Channel, "error", err)
	}
	return err
}

// observe is told of every turn that was stored.
func (s *server) observe(in bot.Input, turn bot.Turn, took time.Duration) {
	s.meter.Turn(in, turn, took)
	if s.keeper != nil {
		s.keeper.Turn(in, turn)
	}
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.meter.Handler())
	if s.cfg.telegramOn() && s.cfg.Telegram.Mode == "webhook" {
		mux.Handle("POST /telegram", telegram.Webhook(s.cfg.Telegram.Secret, s.take, s.meter.Request(bot.Telegram)))
	}
	if s.cfg.twilioOn() {
		gate := sms.NewGate(s.cfg.PublicURL, s.cfg.Twilio.AccountSID, s.cfg.Twilio.AuthToken, s.meter.Request(bot.SMS))
		mux.Handle("POST /twilio/message", gate.Messages(s.take))
		mux.Handle("POST /twilio/status", gate.Receipts(s.receive))
	}
	if s.demo != nil {
		mux.Handle("/", s.demo.Handler())
	}
	return mux
}

func (s *server) receive(ctx context.Context, day time.Time, part int, sid, status string) (bool, error) {
	return outbox.Receive(ctx, s.redis, day, keys.Partition(part), sid, status)
}

// ready says whether this process can take turns.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := s.redis.Ping(ctx).Err(); err != nil {
		http.Error(w, "redis does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// Addr is the address that is listened on.
func (s *server) Addr() string { return s.listener.Addr().String() }

// Run serves until ctx ends. Then it takes nothing new, finishes what is under way, delivers what is
// in the providers' hands and closes.
func (s *server) Run(ctx context.Context) error {
	s.log.Info("faro serves", "address", s.Addr(), "redis", s.redis.Kind(), "telegram", s.cfg.telegramOn(), "sms", s.cfg.twilioOn())
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	var intake, delivery sync.WaitGroup
	intake.Go(func() {
		s.said.Load().index.Warm()
		// What learning left behind is given back. From now on the heap may grow to five times what
		// lives: collecting half as often costs less than it saves.
		debug.SetGCPercent(gcPercent)
		debug.FreeOSMemory()
	})
	delivery.Go(func() { s.outbox.Run(sending) })
	if s.keeper != nil {
		delivery.Go(func() { s.keeper.Run(sending) })
	}
	if s.bot != nil {
		intake.Go(func() { s.introduce(ctx) })
		if s.cfg.Telegram.Mode == "poll" {
			poller := &telegram.Poller{API: s.bot, Take: s.take, Count: s.meter.Request(bot.Telegram), Log: s.log, Mine: s.polls}
			intake.Go(func() {
				poller.Run(ctx)
				if err := lease.Return(sending, s.redis, keys.Poller, s.node); err != nil {
					s.log.Warn("cannot give the poller's lease back", "error", err)
				}
			})
		}
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	}
	if s.demo != nil {
		s.demo.Close()
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := s.http.Shutdown(closing); err != nil {
		failed = errors.Join(failed, fmt.Errorf("finish requests: %w", err))
	}
	if failed == nil {
		<-served
	}
	intake.Wait()
	stopSending()
	delivery.Wait()
	s.log.Info("faro stops")
	return errors.Join(failed, s.redis.Close())
}

// replace puts new content in the place of the old, for the turns that begin from now on. It returns
// when the new content is ready, and changes nothing if a language people may have chosen is gone.
func (s *server) replace(ctx context.Context, c *content.Content) error {
	next := say(c, answers.New(c.Flows, c.Book), s.cfg.host())
	for _, l := range s.said.Load().book.Languages() {
		if !next.book.Has(l.Tag) {
			return fmt.Errorf("the language %s is gone, and people may have chosen it; put it back, or restart", l.Tag)
		}
	}
	next.index.Warm()
	s.said.Store(next)
	debug.FreeOSMemory()
	if s.bot != nil {
		if err := telegram.Introduce(ctx, s.bot, next.book); err != nil {
			s.log.Warn("telegram does not take the new commands; the next start tells it again", "error", err)
		}
	}
	return nil
}

// polls reports whether this process is the one that polls Telegram.
func (s *server) polls(ctx context.Context) bool {
	got, err := lease.Take(ctx, s.redis, keys.Poller, s.node, pollLease)
	return err == nil && got != lease.Other
}

// retryTime is how long to wait before Telegram is told again about the bot.
const retryTime = 30 * time.Second

// introduce tells Telegram about the bot, until it has heard.
func (s *server) introduce(ctx context.Context) {
	for {
		err := telegram.Introduce(ctx, s.bot, s.said.Load().book)
		if err == nil && s.cfg.Telegram.Mode == "webhook" {
			err = telegram.SetWebhook(ctx, s.bot, s.cfg.PublicURL+"/telegram", s.cfg.Telegram.Secret)
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.Warn("telegram does not take the bot's settings, trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryTime):
		}
	}
}

// demoTake takes what was typed or tapped on the demo page.
func (s *server) demoTake(ctx context.Context, ch bot.Channel, address string, in bot.Input) error {
	in.Channel = ch
	return s.take(ctx, address, in)
}

// demoSender delivers to the demo page.
type demoSender struct {
	page *demo.Page
	book func() *locales.Book
}

// Send shows a message on the phone it is for. It is an outbox.Sender.
func (d demoSender) Send(_ context.Context, m outbox.Message) (outbox.Receipt, error) {
	shown := demo.Shown{Text: string(m.Body)}
	if m.Channel == bot.Telegram {
		b, err := telegram.Open(m.Body)
		if err != nil {
			return outbox.Receipt{}, &outbox.Error{Outcome: outbox.Failed, Code: "not-a-body"}
		}
		shown = demo.Shown{Lang: string(b.Lang), RightToLeft: d.book().Language(b.Lang).RightToLeft, Text: b.Text,
			Bold: b.Bold, Rows: b.Rows, Replace: b.Replace, Wipe: b.Wipe}
	} else {
		size := sms.Measure(shown.Text)
		shown.Encoding, shown.Units, shown.Segments = string(size.Encoding), size.Units, size.Segments
	}
	id, err := d.page.Deliver(m.Channel, m.Address, shown)
	if err != nil { // the page was closed; nobody is there to read it
		return outbox.Receipt{}, &outbox.Error{Outcome: outbox.Failed, Code: "page-closed"}
	}
	return outbox.Receipt{Shown: id, Swept: shown.Wipe}, nil
}
