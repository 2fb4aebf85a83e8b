// Package demo is the page shown while no channel is configured: two phones in the browser, one like
// Telegram and one like SMS, that speak with the real conversation through the real store and outbox.
//
// It never sends anything anywhere else, never keeps what a person typed (that stays in their browser
// tab), and never prints a word, a session or a message id. What Faro said is kept in memory, the newest
// messages of each session, so that a reload still shows it; it is gone when the process ends.
//
// Everything exported may be used from several goroutines. A Page starts no goroutine: a stream lives
// in its HTTP handler and ends with the request, or with Close.
package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/language"

	"faro/bot"
)

// A Post passes on what a person typed or tapped, and returns when it is stored. Its errors are
// logged, so they must hold neither words nor addresses.
type Post func(ctx context.Context, ch bot.Channel, address string, in bot.Input) error

// A Page is the demo page and what is behind it. Make it with New.
type Page struct {
	post     Post
	log      *slog.Logger
	handler  http.Handler
	origin   *http.CrossOriginProtection
	ids      string        // what the input ids of this process begin with, so that no two processes share one
	inputs   atomic.Uint64 // inputs numbered so far
	closed   chan struct{} // closed by Close
	closing  sync.Once
	mu       sync.Mutex
	sessions map[session]*talk
	uses     uint64 // counts uses of sessions, to find the one idle longest
}

// New makes a page that passes on what people do to post. It panics if the embedded page cannot be
// laid out, which a test would have seen.
func New(post Post, log *slog.Logger) *Page {
	p := &Page{
		post: post, log: log, ids: "demo-" + rand.Text(), origin: http.NewCrossOriginProtection(),
		closed: make(chan struct{}), sessions: map[session]*talk{},
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", front())
	mux.Handle("GET /demo.css", file("demo.css", "text/css; charset=utf-8"))
	mux.Handle("GET /demo.js", file("demo.js", "text/javascript; charset=utf-8"))
	mux.Handle("GET /icon.svg", file("icon.svg", "image/svg+xml"))
	mux.HandleFunc("POST /demo/say", p.say)
	mux.HandleFunc("GET /demo/events", p.events)
	p.handler = guarded(mux)
	return p
}

// Handler serves the page, its files, what people say, and the event streams. A stream lifts the
// server's write timeout for itself.
func (p *Page) Handler() http.Handler { return p.handler }

// Close ends all streams and refuses new ones, so that a graceful shutdown does not wait for them.
// From then on Deliver refuses as well. It may be called more than once.
func (p *Page) Close() { p.closing.Do(func() { close(p.closed) }) }

func (p *Page) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// policy lets the page load its own files and nothing else, and nobody frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guarded sets the headers every answer has, errors too.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store") // unless the handler knows better
		next.ServeHTTP(w, r)
	})
}

//go:embed web
var web embed.FS

func read(name string) []byte {
	b, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err)) // it is embedded
	}
	return b
}

// An asset is a file of the page. Browsers ask each time whether it changed, so that a new version of
// Faro never runs with the script of an old one.
type asset struct {
	name, media, tag string
	content          []byte
}

func newAsset(name, media string, content []byte) *asset {
	sum := sha256.Sum256(content)
	return &asset{name, media, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, content}
}

func file(name, media string) *asset { return newAsset(name, media, read(name)) }

// ServeHTTP answers with the file, or that it has not changed.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.media)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", a.tag)
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(a.content))
}

// front serves the page itself in the language of the browser, as far as its labels speak it.
func front() http.Handler {
	layout := template.Must(template.New("page").Parse(string(read("page.html"))))
	var pages []*asset
	var tags []language.Tag
	for _, l := range labels {
		var b bytes.Buffer
		if err := layout.Execute(&b, l); err != nil {
			panic(fmt.Sprintf("demo: %v", err)) // it is embedded
		}
		pages = append(pages, newAsset("page.html", "text/html; charset=utf-8", b.Bytes()))
		tags = append(tags, language.Make(l.Lang))
	}
	matcher := language.NewMatcher(tags)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, i := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
		w.Header().Set("Vary", "Accept-Language")
		pages[i].ServeHTTP(w, r)
	})
}
