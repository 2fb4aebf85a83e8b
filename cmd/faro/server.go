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
	"faro/flows"
	"faro/internal/answers"
	"faro/internal/away"
	"faro/internal/content"
	"faro/internal/demo"
	"faro/internal/effects"
	"faro/internal/guard"
	"faro/internal/keys"
	"faro/internal/lease"
	"faro/internal/metrics"
	"faro/internal/notices"
	"faro/internal/outbox"
	"faro/internal/people"
	"faro/internal/redisx"
	"faro/internal/rekey"
	"faro/internal/training"
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
	trains *training.Trainer
	tells  *notices.Service
	away   *away.Desk
	keeper *unanswered.Keeper // nil unless questions are kept
	demo   *demo.Page
	bot    *telegram.API
	called atomic.Pointer[string] // the bot's name, once Telegram has told it
	node   string
	poller *lease.Lease // only one process polls Telegram
	mover  *rekey.Mover
	keys   chan struct{} // closed when the keys are known to be those of what Redis holds
	once   sync.Once

	listener net.Listener
	http     *http.Server
}

// gcPercent is by how much the heap may grow before it is collected.
const gcPercent = 400

// said is what people are told: the content, and the conversation that says it. It is replaced as a
// whole or not at all.
type said struct {
	flows *flows.Content
	book  *locales.Book
	index *answers.Index
	talk  *bot.Talk
}

func say(c *content.Content, index *answers.Index, host bot.Host) *said {
	return &said{c.Flows, c.Book, index, bot.New(c.Flows, c.Book, index.Find, host)}
}

// facility is the time zone and the federal entity of a facility, "" if it is unknown.
func (s *said) facility(id string) (zone, state string) {
	if f := s.flows.Facilities[id]; f != nil {
		return f.Zone, f.State
	}
	return "", ""
}

// Times a stranger may take of ours.
const (
	headerTime = 5 * time.Second
	readTime   = 15 * time.Second
	writeTime  = 30 * time.Second
	turnTime   = 8 * time.Second // providers wait 10 to 15 s for an answer
	awayTime   = 5 * time.Second // for telling someone that their turn was not stored
	closeTime  = 10 * time.Second
	pollLease  = 45 * time.Second // longer than one long poll, which renews it
	leaseTime  = 3 * time.Second  // for renewing it: people in danger may wait
)

// newServer opens what is needed and listens. Redis or a provider being away is not an error.
func newServer(ctx context.Context, cfg serveCmd, what *said, log *slog.Logger) (_ *server, err error) {
	s := &server{cfg: cfg, log: log, meter: metrics.New(), node: rand.Text()}
	s.keys = make(chan struct{})
	if s.cfg.KeyFile == "" {
		s.cfg.KeyFile = filepath.Join(cfg.Data, "keys.json")
	}
	cfg = s.cfg
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
	s.poller = lease.New(s.redis, keys.Poller, s.node, pollLease)
	s.mover = &rekey.Mover{Redis: s.redis, Vault: seals, Now: time.Now}
	if err := s.checkKeys(ctx); err != nil {
		_ = s.redis.Close()
		return nil, err
	}
	s.said.Store(what)
	if cfg.Keep {
		s.keeper = unanswered.New(s.redis, log, time.Now)
	}
	s.taker = &turns.Taker{
		Redis: s.redis, Vault: seals, Settle: s.mover.Settle, Life: s.cfg.life(), Now: time.Now, Observe: s.observe,
		Talk:   func() *bot.Talk { return s.said.Load().talk },
		Shapes: map[bot.Channel]turns.Shape{bot.Telegram: telegram.Shape, bot.SMS: sms.Shape},
	}
	s.away = &away.Desk{Talk: s.taker.Talk, Now: time.Now}
	register := &people.Register{Redis: s.redis, Vault: seals, Settle: s.mover.Settle, Life: s.cfg.life(), Now: time.Now}
	s.trains = training.New(training.Trainer{
		Redis: s.redis, Vault: seals, Store: &training.Store{Redis: s.redis, Vault: seals}, Register: register, Settle: s.mover.Settle, Life: s.cfg.life(),
		Talk: s.taker.Talk, Shapes: s.taker.Shapes, Public: cfg.PublicURL, Log: log, Now: time.Now,
		Facility: func(id string) (string, string) { return s.said.Load().facility(id) },
		Link: func(code string) string {
			if name := s.called.Load(); name != nil {
				return telegram.Link(*name, code)
			}
			return ""
		},
	})
	routes, err := s.routes()
	if err == nil {
		s.tells, err = cfg.Notice.service(notices.Config{
			Redis: s.redis, Vault: seals, Register: register, Settle: s.mover.Settle, Talk: s.taker.Talk, Shapes: s.taker.Shapes, Node: s.node, Log: log, Now: time.Now,
			Content: func() *flows.Content { return s.said.Load().flows }, Book: func() *locales.Book { return s.said.Load().book },
			Rates: rates(routes),
		})
	}
	if err != nil {
		_ = s.redis.Close()
		return nil, err
	}
	s.taker.Prepare = s.prepare
	s.outbox = outbox.New(outbox.Config{
		Redis: s.redis, Cluster: s.redis.Cluster(), Vault: seals, Node: s.node, Routes: routes,
		Log: log, Now: time.Now, Observe: s.meter.Delivery, Halted: s.tells.Halted, Settle: s.mover.Settle, Gone: register.Gone,
	})
	s.meter.Queues(s.outbox)
	s.http = &http.Server{
		Handler:           guard.Handler(s.handler(), func(p guard.Panicked) { s.log.Error("a request panicked", "in", p.At) }),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
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

// rates are the channels that are on, with their pace.
func rates(routes map[bot.Channel]outbox.Route) map[bot.Channel]float64 {
	all := map[bot.Channel]float64{}
	for ch, r := range routes {
		all[ch] = r.Rate
	}
	return all
}

// prepare fills in what someone with a role has before them.
func (s *server) prepare(ctx context.Context, id bot.PersonID, p bot.Person, in *bot.Input, heard bool) error {
	if err := s.trains.Prepare(ctx, id, p, in, heard); err != nil {
		return err
	}
	return s.tells.Prepare(ctx, id, in)
}

// checkTime is how long the start waits for Redis to say which keys belong to it. If it is away, nothing
// is taken or sent until it has.
const checkTime = 2 * time.Second

func (s *server) checkKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	err := s.mover.Check(ctx)
	if err == nil {
		s.ownKeys()
	}
	if errors.Is(err, rekey.ErrForeign) {
		return err
	}
	return nil // watching the keys tells of a Redis that is away
}

func (s *server) ownKeys() { s.once.Do(func() { close(s.keys) }) }

// whenKeyed runs f once the keys are known to be the right ones, unless ctx ends before.
func (s *server) whenKeyed(ctx context.Context, f func(context.Context)) func() {
	return func() {
		select {
		case <-ctx.Done():
		case <-s.keys:
			f(ctx)
		}
	}
}

var errUnkeyed = errors.New("redis has not said yet which keys belong to it")

// handle carries out what a turn set off.
func (s *server) handle(ctx context.Context, set effects.Set) error {
	ids, err := s.taker.Vault.Settled(ctx, s.mover.Settle, set.Person)
	if err != nil {
		return err
	}
	set.Person = ids[0]
	return errors.Join(s.trains.Handle(ctx, set), s.tells.Handle(ctx, set))
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
		mux.Handle("POST /telegram", telegram.Webhook(s.cfg.Telegram.Secret, s.takeTelegram, s.meter.Request(bot.Telegram)))
	}
	if s.cfg.twilioOn() {
		gate := sms.NewGate(s.cfg.PublicURL, s.cfg.Twilio.AccountSID, s.cfg.Twilio.AuthToken, s.meter.Request(bot.SMS))
		mux.Handle("POST /twilio/message", gate.Messages(s.take, s.awaySMS))
		mux.Handle("POST /twilio/status", gate.Receipts(s.receive))
	}
	if s.cfg.PublicURL != "" {
		mux.HandleFunc("GET /calendar/{name}", s.trains.Feed)
	}
	if s.demo != nil {
		mux.Handle("/", s.demo.Handler())
	}
	return mux
}

func (s *server) receive(ctx context.Context, day time.Time, part int, r outbox.Report) (bool, error) {
	return s.outbox.Receive(ctx, day, keys.Partition(part), r)
}

// ready says whether this process can take turns.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := s.redis.Ping(ctx).Err(); err != nil {
		http.Error(w, "redis does not answer, or refuses; the log says why", http.StatusServiceUnavailable)
		return
	}
	select {
	case <-s.keys:
		fmt.Fprintln(w, "ready")
	default:
		http.Error(w, errUnkeyed.Error(), http.StatusServiceUnavailable)
	}
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
	foreign := make(chan error, 1)
	delivery.Go(func() {
		if err := s.mover.Watch(sending, s.cfg.KeyFile, s.node, s.log, s.ownKeys); err != nil {
			foreign <- err
		}
	})
	delivery.Go(s.whenKeyed(sending, s.outbox.Run))
	delivery.Go(s.whenKeyed(sending, func(ctx context.Context) {
		if err := s.trains.Register.Retains(ctx, s.cfg.retention()); err != nil {
			s.log.Warn("the audit log lacks how long people are kept; the next start notes it", "error", err)
		}
	}))
	reader := &effects.Reader{Redis: s.redis, Cluster: s.redis.Cluster(), Vault: s.taker.Vault, Log: s.log, Now: time.Now, Handle: s.handle}
	delivery.Go(s.whenKeyed(sending, reader.Run))
	delivery.Go(s.whenKeyed(sending, s.trains.Run))
	delivery.Go(s.whenKeyed(sending, s.tells.Run))
	if s.keeper != nil {
		delivery.Go(func() { s.keeper.Run(sending) })
	}
	if s.bot != nil {
		intake.Go(func() { s.introduce(ctx) })
		if s.cfg.Telegram.Mode == "poll" {
			turn := &pollTurn{lease: s.poller, now: time.Now}
			poller := &telegram.Poller{API: s.bot, Take: s.takeTelegram, Away: s.awayTelegram, Count: s.meter.Request(bot.Telegram), Log: s.log, Whose: turn.whose, Meet: turn.meet}
			intake.Go(func() {
				poller.Run(ctx)
				if err := s.poller.Return(sending); err != nil {
					s.log.Warn("cannot give the poller's lease back", "error", err)
				}
			})
		}
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	var failed, foreignKeys error
	select {
	case <-ctx.Done():
	case failed = <-served:
	case foreignKeys = <-foreign:
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
	return errors.Join(failed, foreignKeys, s.redis.Close())
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

// retryTime is how long to wait before Telegram is told again about the bot.
const retryTime = 30 * time.Second

// introduce tells Telegram about the bot, until it has heard.
func (s *server) introduce(ctx context.Context) {
	for {
		name, err := telegram.Name(ctx, s.bot)
		if err == nil {
			s.called.Store(&name)
			err = telegram.Introduce(ctx, s.bot, s.said.Load().book)
		}
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
		if b.Event != nil { // the page has no files
			b.Text += "\n\n📎 " + telegram.EventName
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
