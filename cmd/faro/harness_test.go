package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/internal/answers"
	"faro/internal/content"
	"faro/internal/fakes"
)

const (
	botToken      = "123456:test-token"
	webhookSecret = "test-secret_1"
	accountSID    = "AC00000000000000000000000000000001"
	authToken     = "testauthtoken1"
	ourNumber     = "+525500000000"
	publicURL     = "https://faro.example.org"
)

// patience is how long a test waits for something before it fails; nothing takes as long.
const patience = time.Minute

// output collects what a server logs, from several goroutines.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// builtin is the built-in content, and index what was learned from it: once, because learning takes
// seconds with the race detector.
var (
	builtin = sync.OnceValue(func() *content.Content {
		c, found := content.Load("")
		if c == nil {
			panic(found)
		}
		return c
	})
	index = sync.OnceValue(func() *answers.Index {
		x := answers.New(builtin().Flows, builtin().Book)
		x.Warm() // with the race detector it takes so long that a turn would be refused meanwhile
		return x
	})
)

// world is a running faro, wired as in production, with stand-ins of the providers around it.
type world struct {
	t        testing.TB
	cfg      serveCmd
	telegram *fakes.Telegram
	twilio   *fakes.Twilio
	server   *server
	url      string
	log      output
	stop     func()
}

// settings are those of a server with both channels on.
func settings(t testing.TB, tg *fakes.Telegram, tw *fakes.Twilio) serveCmd {
	return serveCmd{
		Listen: "127.0.0.1:0", PublicURL: publicURL, Data: t.TempDir(), Log: "text", Operator: "Casa Prueba",
		Telegram: telegramSettings{Token: botToken, API: tg.URL(), Mode: "webhook", Secret: webhookSecret},
		Notice:   noticeSettings{Approval: 500, Quiet: "none"}, // tests run at any hour
		Twilio:   twilioSettings{AccountSID: accountSID, AuthToken: authToken, From: ourNumber, API: tw.URL(), Retain: true},
	}
}

// start runs a server. It needs a real redis-server, which it starts itself.
func start(t testing.TB, change func(*serveCmd)) *world {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	w := &world{t: t, telegram: fakes.NewTelegram(botToken, fakes.Name("Canaria Prueba", "Apellido", "canariauser")), twilio: fakes.NewTwilio(accountSID, authToken)}
	t.Cleanup(w.telegram.Close)
	t.Cleanup(w.twilio.Close)
	w.cfg = settings(t, w.telegram, w.twilio)
	if change != nil {
		change(&w.cfg)
	}
	w.run()
	t.Cleanup(func() { w.stop() })
	return w
}

// run starts the server; after stop it may be called again, on the same data.
func (w *world) run() {
	w.t.Helper()
	if err := w.cfg.validate(); err != nil {
		w.t.Fatalf("settings: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv, err := newServer(ctx, w.cfg, say(builtin(), index(), w.cfg.host()), slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		cancel()
		w.t.Fatalf("server: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	w.server, w.url = srv, "http://"+srv.Addr()
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.t.Errorf("run: %v", err)
			}
		})
	}
}

func (w *world) context() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	return ctx
}

// post delivers an update to the webhook and wants it stored.
func (w *world) post(update fakes.Update) {
	w.t.Helper()
	status, err := w.telegram.Post(w.context(), w.url+"/telegram", webhookSecret, update)
	if err != nil || status != http.StatusOK {
		w.t.Fatalf("the update was answered %d, %v\n%s", status, err, w.log.String())
	}
}

// sends waits until the bot has sent so many messages in all.
func (w *world) sends(n int) {
	w.t.Helper()
	if err := w.telegram.Await(w.context(), func() bool { return w.telegram.Sent() >= n }); err != nil {
		w.t.Fatalf("waiting for message %d, %d are sent: %v\n%s", n, w.telegram.Sent(), err, w.log.String())
	}
}

// say posts a text and returns the newest message of the chat once the reply is there.
func (w *world) say(chat int64, text string) fakes.Shown {
	w.t.Helper()
	n := w.telegram.Sent()
	w.post(w.telegram.Say(chat, "es", text))
	w.sends(n + 1)
	return w.last(chat)
}

func (w *world) last(chat int64) fakes.Shown {
	w.t.Helper()
	all := w.telegram.Chat(chat)
	if len(all) == 0 {
		w.t.Fatal("the chat is empty")
	}
	return all[len(all)-1]
}

// tap taps the button with this data under the newest message and waits for what it does.
func (w *world) tap(chat int64, data string) fakes.Shown {
	w.t.Helper()
	n := w.telegram.Sent()
	w.post(w.telegram.Tap(chat, "es", w.last(chat).ID, data))
	w.sends(n + 1)
	return w.last(chat)
}

// text sends a text message from a phone and returns what the phone received last, once it did.
func (w *world) text(from, body string) fakes.Sms {
	w.t.Helper()
	n := len(w.twilio.Inbox(from))
	status, err := w.twilio.Post(w.context(), w.url, publicURL, "/twilio/message", w.twilio.Text(from, ourNumber, body))
	if err != nil || status != http.StatusOK {
		w.t.Fatalf("the message was answered %d, %v", status, err)
	}
	if err := w.twilio.Await(w.context(), func() bool { return len(w.twilio.Inbox(from)) > n }); err != nil {
		w.t.Fatalf("no answer by SMS: %v\n%s", err, w.log.String())
	}
	all := w.twilio.Inbox(from)
	return all[len(all)-1]
}

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	resp, err := http.Get(w.url + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// counted wants a line of the metrics.
func (w *world) counted(line string) {
	w.t.Helper()
	if _, body := w.get("/metrics"); !strings.Contains(body, "\n"+line+"\n") {
		w.t.Errorf("the metrics lack %q", line)
	}
}

// dump is everything Redis holds: keys, and values as they are stored.
func (w *world) dump() string {
	w.t.Helper()
	ctx := w.context()
	var b strings.Builder
	keys := w.server.redis.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		b.WriteString(keys.Val() + "\n")
		switch kind := w.server.redis.Type(ctx, keys.Val()).Val(); kind {
		case "string":
			b.WriteString(w.server.redis.Get(ctx, keys.Val()).Val())
		case "hash":
			for k, v := range w.server.redis.HGetAll(ctx, keys.Val()).Val() {
				b.WriteString(k + "=" + v + "\n")
			}
		case "stream":
			for _, m := range w.server.redis.XRange(ctx, keys.Val(), "-", "+").Val() {
				for k, v := range m.Values {
					b.WriteString(m.ID + " " + k + "=" + v.(string) + "\n")
				}
			}
		case "set":
			b.WriteString(strings.Join(w.server.redis.SMembers(ctx, keys.Val()).Val(), "\n") + "\n")
		case "list":
			b.WriteString(strings.Join(w.server.redis.LRange(ctx, keys.Val(), 0, -1).Val(), "\n") + "\n")
		case "zset":
			for _, z := range w.server.redis.ZRange(ctx, keys.Val(), 0, -1).Val() {
				b.WriteString(z + "\n")
			}
		case "none": // expired or deleted since SCAN named it
		default:
			w.t.Errorf("a key of kind %s is not looked into", kind)
		}
	}
	if err := keys.Err(); err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}

// calm fails the test if a provider was called wrongly.
func (w *world) calm() {
	w.t.Helper()
	for _, v := range append(w.telegram.Violations(), w.twilio.Violations()...) {
		w.t.Errorf("wrong call: %s", v)
	}
}

// files is what lies in the data folder, the keys apart.
func (w *world) files() string {
	w.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(w.cfg.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "keys.json" {
			return err
		}
		content, err := os.ReadFile(path)
		b.WriteString(path + "\n" + string(content))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}

// socket is where the embedded Redis listens.
func (w *world) socket() string {
	return w.server.redis.UniversalClient.(*redis.Client).Options().Addr
}
