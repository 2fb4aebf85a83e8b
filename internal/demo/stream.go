package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"faro/bot"
)

// Times of a stream.
const (
	pulse     = 20 * time.Second // a sign of life, within the minute after which proxies give up
	writeTime = 10 * time.Second // a browser that does not read for so long is gone
	retryTime = 1000             // ms after which a browser asks again for a lost stream
)

// A hello begins a stream: it says which talk this is and what of it is gone.
type hello struct {
	Epoch  string              `json:"epoch"`
	Floors map[bot.Channel]int `json:"floors"`
}

// events streams what is said to a session, as Server-Sent Events (HTML Standard, 9.2).
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	s := session(r.URL.Query().Get("session"))
	switch {
	case r.Method != http.MethodGet: // the router takes HEAD for GET, and a stream without a body has no end
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Sec-Fetch-Site") == "cross-site":
		http.Error(w, "from another site", http.StatusForbidden)
		return
	case !s.valid():
		http.Error(w, "bad session", http.StatusBadRequest)
		return
	case p.isClosed():
		http.Error(w, "closing", http.StatusServiceUnavailable)
		return
	}
	wake := make(chan struct{}, 1)
	t, status := p.watch(s, wake)
	if t == nil {
		http.Error(w, "too many", status)
		return
	}
	defer p.leave(t, wake)

	// The server's write timeout would cut the stream off. Where there are no deadlines to set, there is
	// none to lift; the read timeout ends with the request's body.
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection may be used again
	send := func(b []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := w.Write(b)
		return err == nil && control.Flush() == nil
	}

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // or nginx would hold events back
	seq := t.after(r.Header.Get("Last-Event-ID"))
	first := true
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for {
		var b []byte
		if b, seq = p.news(t, seq, first); len(b) > 0 && !send(b) {
			return
		}
		first = false
		select {
		case <-wake:
		case <-tick.C:
			if !send([]byte(":\n\n")) {
				return
			}
		case <-r.Context().Done():
			return
		case <-p.closed:
			return
		}
	}
}

// watch opens a stream of a session; if it may not, it returns nil and the HTTP status to say so.
func (p *Page) watch(s session, wake chan struct{}) (*talk, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.open(s)
	switch {
	case t == nil:
		return nil, http.StatusServiceUnavailable
	case len(t.streams) >= maxStreams:
		return nil, http.StatusTooManyRequests
	}
	t.streams[wake] = true
	return t, 0
}

func (p *Page) leave(t *talk, wake chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(t.streams, wake)
}

// after reads the id of the last event a browser saw: the change to go on from, 0 for all.
func (t *talk) after(last string) uint64 {
	epoch, n, _ := strings.Cut(last, "-")
	seq, err := strconv.ParseUint(n, 10, 64)
	if epoch != t.epoch || err != nil {
		return 0
	}
	return seq
}

// news are the events after seq, written out, and the change they lead to.
func (p *Page) news(t *talk, seq uint64, first bool) ([]byte, uint64) {
	p.mu.Lock()
	changed := t.since(seq)
	greeting := hello{t.epoch, map[bot.Channel]int{}}
	for ch, f := range t.phones {
		greeting.Floors[ch] = f.floor
	}
	p.mu.Unlock()
	var b bytes.Buffer
	if first {
		fmt.Fprintf(&b, "retry: %d\n", retryTime)
		frame(&b, "hello", "", greeting)
	}
	for _, k := range changed {
		seq = k.seq
		frame(&b, "shown", t.epoch+"-"+strconv.FormatUint(seq, 10), k.event)
	}
	return b.Bytes(), seq
}

// frame writes one event. JSON has no line breaks, so one data line is enough.
func frame(b *bytes.Buffer, name, id string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		panic("demo: " + err.Error()) // strings and numbers always marshal
	}
	if id != "" {
		fmt.Fprintf(b, "id: %s\n", id)
	}
	fmt.Fprintf(b, "event: %s\ndata: %s\n\n", name, text)
}
