package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"faro/bot"
)

// record posts a body without a network.
func record(p *Page, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/demo/say", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	p.Handler().ServeHTTP(w, r)
	return w
}

// A stream reads events as a browser does.
type stream struct {
	t      *testing.T
	answer *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
	last   string // the id of the last event
}

func listen(t *testing.T, server *httptest.Server, s session, header ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	r := get(t, server.URL+"/demo/events?session="+string(s), header...).WithContext(ctx)
	answer := do(t, server, r)
	return &stream{t: t, answer: answer, lines: bufio.NewScanner(answer.Body), cancel: cancel}
}

// next is the name and data of the next event; "" when the stream ended.
func (s *stream) next() (name, data string) {
	for s.lines.Scan() {
		key, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch key {
		case "event":
			name = value
		case "data":
			data = value
		case "id":
			s.last = value
		case "":
			if name != "" {
				return name, data
			}
		}
	}
	return "", ""
}

func (s *stream) shown() event {
	s.t.Helper()
	name, data := s.next()
	var e event
	if err := json.Unmarshal([]byte(data), &e); name != "shown" || err != nil {
		s.t.Fatalf("event %q: %v", name, err)
	}
	return e
}

func (s *stream) hello() hello {
	s.t.Helper()
	name, data := s.next()
	var h hello
	if err := json.Unmarshal([]byte(data), &h); name != "hello" || err != nil {
		s.t.Fatalf("event %q: %v", name, err)
	}
	return h
}

func deliver(t *testing.T, p *Page, ch bot.Channel, s session, m Shown) int {
	t.Helper()
	id, err := p.Deliver(ch, s.address(), m)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestDeliveredIsStreamed(t *testing.T) {
	s, server := newScript(t)
	stream := listen(t, server, someone)
	if got := stream.answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	stream.hello()
	deliver(t, s.page, bot.SMS, someone, Shown{Lang: "ar", RightToLeft: true, Text: "a\nb\r\u2028", Encoding: "UCS-2", Units: 71, Segments: 2, Page: 1, Pages: 3})
	want := event{Phone: bot.SMS, ID: 1, Lang: "ar", Dir: "rtl", Text: "a\nb\r\u2028", Encoding: "UCS-2", Units: 71, Room: 134, Segments: 2, Page: 1, Pages: 3}
	if got := stream.shown(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v", got)
	}
	deliver(t, s.page, bot.Telegram, someone, Shown{Lang: "es", Text: "a", Bold: 1, Rows: [][]bot.Option{row("x", "y")}, Page: 1, Pages: 1})
	want = event{Phone: bot.Telegram, ID: 1, Lang: "es", Dir: "ltr", Text: "a", Bold: 1, Rows: [][]button{{{"x", "y"}}}}
	if got := stream.shown(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v", got)
	}
}

func TestLateStreamSeesWhatCame(t *testing.T) {
	s, server := newScript(t)
	for _, text := range []string{"1", "2", "3"} {
		deliver(t, s.page, bot.Telegram, someone, Shown{Text: text})
	}
	all := listen(t, server, someone)
	all.hello()
	for _, text := range []string{"1", "2", "3"} {
		if got := all.shown().Text; got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
	deliver(t, s.page, bot.SMS, someone, Shown{Text: "4"})
	rest := listen(t, server, someone, "Last-Event-ID", all.last)
	rest.hello()
	if got := rest.shown().Text; got != "4" {
		t.Errorf("%q was sent again", got)
	}
}

func TestStreamGoesOnAfterTheLastEvent(t *testing.T) {
	s, _ := newScript(t)
	deliver(t, s.page, bot.SMS, someone, Shown{Text: "a"})
	talk := s.page.sessions[someone]
	for _, test := range []struct {
		name, last string
		want       uint64
	}{
		{"new page", "", 0},
		{"seen some", talk.epoch + "-7", 7},
		{"of another process", "OTHER-7", 0},
		{"no epoch", "7", 0},
		{"no number", talk.epoch, 0},
		{"not a number", talk.epoch + "-x", 0},
		{"negative", talk.epoch + "--7", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := talk.after(test.last); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

func TestReplaceAndWipe(t *testing.T) {
	s, server := newScript(t)
	first := deliver(t, s.page, bot.Telegram, someone, Shown{Text: "first"})
	second := deliver(t, s.page, bot.Telegram, someone, Shown{Text: "second"})
	if second <= first {
		t.Errorf("ids %d, %d do not rise", first, second)
	}
	if id := deliver(t, s.page, bot.Telegram, someone, Shown{Text: "changed", Replace: first}); id != first {
		t.Errorf("replaced message got id %d", id)
	}
	stream := listen(t, server, someone)
	stream.hello()
	if a, b := stream.shown(), stream.shown(); a.Text != "second" || b.Text != "changed" || b.ID != first {
		t.Errorf("saw %q, %q", a.Text, b.Text)
	}
	last := deliver(t, s.page, bot.Telegram, someone, Shown{Text: "gone", Wipe: true})
	if e := stream.shown(); e.Floor != last || e.ID != last {
		t.Errorf("floor %d of message %d", e.Floor, e.ID)
	}
	if id := deliver(t, s.page, bot.Telegram, someone, Shown{Text: "late", Replace: second}); id <= last {
		t.Errorf("a message that is gone was replaced")
	}
	after := listen(t, server, someone)
	if h := after.hello(); h.Floors[bot.Telegram] != last || h.Floors[bot.SMS] != 0 {
		t.Errorf("floors %v", h.Floors)
	}
	if got := after.shown().Text; got != "gone" {
		t.Errorf("%q came back", got)
	}
}

func TestOnlyTheNewestMessagesAreKept(t *testing.T) {
	s, server := newScript(t)
	for i := range keep + 5 {
		deliver(t, s.page, bot.SMS, someone, Shown{Text: strconv.Itoa(i + 1)})
	}
	stream := listen(t, server, someone)
	if h := stream.hello(); h.Floors[bot.SMS] != 6 {
		t.Errorf("floor %d, want 6", h.Floors[bot.SMS])
	}
	for i := range keep {
		if e := stream.shown(); e.ID != i+6 || e.Floor != 6 {
			t.Fatalf("message %d with floor %d", e.ID, e.Floor)
		}
	}
}

func sessionNumber(i int) session {
	return session(fmt.Sprintf("%08x-0000-4000-8000-000000000000", i))
}

func TestIdleSessionIsForgotten(t *testing.T) {
	s, server := newScript(t)
	watched := listen(t, server, sessionNumber(0))
	watched.hello()
	for i := range maxSessions + 1 {
		deliver(t, s.page, bot.SMS, sessionNumber(i), Shown{Text: "a"})
	}
	s.page.mu.Lock()
	defer s.page.mu.Unlock()
	if len(s.page.sessions) != maxSessions {
		t.Errorf("%d sessions", len(s.page.sessions))
	}
	for i, want := range map[int]bool{0: true, 1: false, 2: true, maxSessions: true} {
		if got := s.page.sessions[sessionNumber(i)] != nil; got != want {
			t.Errorf("session %d kept: %v", i, got)
		}
	}
}

func TestFullPageRefuses(t *testing.T) {
	s, server := newScript(t)
	for i := range maxSessions {
		if _, status := s.page.watch(sessionNumber(i), make(chan struct{}, 1)); status != 0 {
			t.Fatal(status)
		}
	}
	if _, err := s.page.Deliver(bot.SMS, someone.address(), Shown{}); !errors.Is(err, ErrFull) {
		t.Errorf("deliver: %v", err)
	}
	if answer := say(t, server, body(`"phone":"sms","kind":"text","text":"a"`)); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("say: %d", answer.StatusCode)
	}
	if answer := listen(t, server, someone).answer; answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("events: %d", answer.StatusCode)
	}
	if len(s.inputs()) != 0 {
		t.Error("it was passed on")
	}
}

func TestStreamIsRefused(t *testing.T) {
	_, server := newScript(t)
	for _, test := range []struct {
		name, session string
		header        []string
		status        int
	}{
		{"no session", "", nil, 400},
		{"bad session", "x", nil, 400},
		{"another site", string(someone), []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			if answer := listen(t, server, session(test.session), test.header...).answer; answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
		})
	}
	for range maxStreams {
		listen(t, server, someone).hello()
	}
	if answer := listen(t, server, someone).answer; answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one stream too many: %d", answer.StatusCode)
	}
}

func TestDeliverRefusesAddresses(t *testing.T) {
	s, _ := newScript(t)
	for _, address := range []string{"", "demo-", string(someone), "demo-" + string(someone) + " ", "+525512345678", "123456"} {
		if _, err := s.page.Deliver(bot.SMS, address, Shown{}); !errors.Is(err, ErrAddress) {
			t.Errorf("error %v", err)
		}
	}
	if _, err := s.page.Deliver("fax", someone.address(), Shown{}); !errors.Is(err, ErrAddress) {
		t.Errorf("unknown channel: %v", err)
	}
}

func TestCloseEndsStreams(t *testing.T) {
	s, server := newScript(t)
	stream := listen(t, server, someone)
	stream.hello()
	s.page.Close()
	if name, _ := stream.next(); name != "" || stream.lines.Err() != nil {
		t.Errorf("no clean end: event %q, %v", name, stream.lines.Err())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if _, err := s.page.Deliver(bot.SMS, someone.address(), Shown{}); !errors.Is(err, ErrClosed) {
		t.Errorf("deliver: %v", err)
	}
	w := httptest.NewRecorder()
	s.page.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/demo/events?session="+string(someone), nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("new stream: %d", w.Code)
	}
}

func TestStreamOutlivesTheServersTimeouts(t *testing.T) {
	s := &script{}
	s.page = New(s.post, slogDiscard())
	server := httptest.NewUnstartedServer(s.page.Handler())
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	defer server.Close()
	defer s.page.Close()
	stream := listen(t, server, someone)
	stream.hello()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for i := range 5 {
		<-tick.C
		deliver(t, s.page, bot.SMS, someone, Shown{Text: strconv.Itoa(i)})
		if got := stream.shown().Text; got != strconv.Itoa(i) {
			t.Fatalf("%q", got)
		}
	}
}

func TestQuietStreamGivesSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(nil, slogDiscard())
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/demo/events?session="+string(someone), nil))
		}()
		time.Sleep(2*pulse + time.Second)
		synctest.Wait()
		if n := strings.Count(w.Body.String(), ":\n\n"); n != 2 {
			t.Errorf("%d signs of life, want 2", n)
		}
		p.Close()
		<-done
	})
}

func TestRoom(t *testing.T) {
	for _, test := range []struct {
		encoding       string
		segments, want int
	}{
		{"GSM-7", 1, 160}, {"GSM-7", 2, 306}, {"GSM-7", 3, 459}, {"UCS-2", 1, 70}, {"UCS-2", 2, 134}, {"GSM-7", 0, 160}, {"?", 1, 0},
	} {
		if got := room(test.encoding, test.segments); got != test.want {
			t.Errorf("%s, %d: %d, want %d", test.encoding, test.segments, got, test.want)
		}
	}
}

// Many people at once; run with -race.
func TestConcurrentUse(t *testing.T) {
	s, server := newScript(t)
	done := make(chan []int)
	for i := range 4 {
		go func() {
			var ids []int
			for range 25 {
				if id, err := s.page.Deliver(bot.SMS, sessionNumber(i%2).address(), Shown{Text: "a"}); err == nil {
					ids = append(ids, id)
				}
			}
			done <- ids
		}()
	}
	for i := range 2 {
		stream := listen(t, server, sessionNumber(i))
		stream.hello()
		stream.shown()
	}
	var ids []int
	for range 4 {
		ids = append(ids, <-done...)
	}
	slices.Sort(ids)
	for i, id := range ids {
		if id != i/2+1 {
			t.Fatalf("id %d at %d: each session counts by itself", id, i)
		}
	}
}

// FuzzLastEvent holds that whatever a browser says it has heard last, it is told all that came after it.
func FuzzLastEvent(f *testing.F) {
	for _, last := range []string{"", "epoch-0", "epoch-1", "epoch-2", "epoch-18446744073709551615", "other-1", "epoch", "epoch-", "epoch--1", "epoch-1-1"} {
		f.Add(last)
	}
	f.Fuzz(func(t *testing.T, last string) {
		p := New(nil, nil)
		one := &talk{epoch: "epoch", seq: 2, phones: map[bot.Channel]*phone{bot.SMS: {messages: []kept{{seq: 1}, {seq: 2}}}}}
		heard := one.after(last)
		if heard > 0 && !strings.HasPrefix(last, "epoch-") {
			t.Errorf("%q is taken for change %d of another talk", last, heard)
		}
		b, seq := p.news(one, heard, false)
		if told := strings.Count(string(b), "\nid: ") + strings.Count(string(b[:min(4, len(b))]), "id: "); told != int(2-min(2, heard)) || seq != max(2, heard) {
			t.Errorf("after %q it is told %d events, up to %d: %q", last, told, seq, b)
		}
	})
}
