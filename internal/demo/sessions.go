package demo

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"faro/bot"
)

// Limits of what is kept in memory.
const (
	maxSessions = 500 // more than ever try a demo at once
	keep        = 32  // messages a phone shows; what is older has scrolled far away
	maxStreams  = 4   // of one session: a tab has one, and a duplicated tab shares its session
)

// Errors of Deliver. All but ErrAddress may pass: the message can be tried again.
var (
	ErrAddress = errors.New("demo: not an address of this page")
	ErrFull    = errors.New("demo: too many sessions are open")
	ErrClosed  = errors.New("demo: the page is closed")
)

// prefix is what an address of this page begins with; the session follows.
const prefix = "demo-"

// A session is the random id a browser tab made for itself. It is an address, so it is never printed.
type session string

// String hides the session.
func (session) String() string { return "[redacted]" }

// LogValue hides the session.
func (s session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// uuid is a random UUID in the one way crypto.randomUUID writes it (RFC 9562, version 4).
var uuid = regexp.MustCompile(`\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\z`)

func (s session) valid() bool { return uuid.MatchString(string(s)) }

func (s session) address() string { return prefix + string(s) }

// A talk is what is kept of one session. Page.mu guards it.
type talk struct {
	epoch   string // names this talk; a browser that knew another one starts anew
	used    uint64 // when it was last used, in counts of Page.uses
	seq     uint64 // changes so far: the ids of the events
	phones  map[bot.Channel]*phone
	streams map[chan struct{}]bool // what wakes each open stream
}

// A phone is one of the two logs of a session.
type phone struct {
	last     int // the newest id given to a message, the person's or Faro's
	floor    int // messages with a lower id are gone
	messages []kept
}

type kept struct {
	seq   uint64 // the change that made it what it is now
	event event
}

// known reports whether there is such a phone.
func known(ch bot.Channel) bool { return slices.Contains(bot.Channels, ch) }

// open finds or begins the talk of a session; nil if there is no room. Page.mu is held.
func (p *Page) open(s session) *talk {
	p.uses++
	t := p.sessions[s]
	if t == nil {
		if len(p.sessions) >= maxSessions && !p.forgetIdle() {
			return nil
		}
		t = &talk{epoch: rand.Text(), phones: map[bot.Channel]*phone{}, streams: map[chan struct{}]bool{}}
		for _, ch := range bot.Channels {
			t.phones[ch] = &phone{}
		}
		p.sessions[s] = t
	}
	t.used = p.uses
	return t
}

// forgetIdle forgets the session that nobody watches and that was not used for longest, and reports
// whether there was one. Page.mu is held.
func (p *Page) forgetIdle() bool {
	var oldest session
	for s, t := range p.sessions {
		if len(t.streams) == 0 && (oldest == "" || t.used < p.sessions[oldest].used) {
			oldest = s
		}
	}
	delete(p.sessions, oldest)
	return oldest != ""
}

// enter names the talk that a person says something in. If that is a message, it gets an id; a tap
// has none.
func (p *Page) enter(s session, ch bot.Channel, message bool) (heard, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.open(s)
	switch {
	case t == nil:
		return heard{}, ErrFull
	case !message:
		return heard{Epoch: t.epoch}, nil
	}
	t.phones[ch].last++
	return heard{ID: t.phones[ch].last, Epoch: t.epoch}, nil
}

// Deliver shows a message on the phone of a channel in the browser that has the address, now or when
// it comes back. It returns the message's id, which is higher than any before on that phone; for a
// replaced message, its own. The errors are ErrAddress, ErrFull and ErrClosed.
func (p *Page) Deliver(ch bot.Channel, address string, m Shown) (id int, err error) {
	name, ok := strings.CutPrefix(address, prefix)
	s := session(name)
	switch {
	case !ok, !s.valid(), !known(ch):
		return 0, ErrAddress
	case p.isClosed():
		return 0, ErrClosed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.open(s)
	if t == nil {
		return 0, ErrFull
	}
	t.seq++
	id = t.phones[ch].put(ch, t.seq, m)
	for wake := range t.streams {
		select {
		case wake <- struct{}{}:
		default: // it is awake already
		}
	}
	return id, nil
}

// put adds or replaces a message and returns its id.
func (f *phone) put(ch bot.Channel, seq uint64, m Shown) int {
	if m.Wipe {
		f.messages, f.floor = nil, f.last+1
	}
	for i := range f.messages {
		if old := &f.messages[i]; old.event.ID == m.Replace {
			*old = kept{seq, newEvent(ch, m.Replace, m)}
			return m.Replace
		}
	}
	f.last++
	f.messages = append(f.messages, kept{seq, newEvent(ch, f.last, m)})
	if extra := len(f.messages) - keep; extra > 0 {
		f.floor = f.messages[extra-1].event.ID + 1
		f.messages = slices.Delete(f.messages, 0, extra)
	}
	return f.last
}

// since are the messages changed after seq, in the order of their changes.
func (t *talk) since(seq uint64) []kept {
	var changed []kept
	for _, f := range t.phones {
		for _, k := range f.messages {
			if k.seq > seq {
				k.event.Floor = f.floor
				changed = append(changed, k)
			}
		}
	}
	slices.SortFunc(changed, func(a, b kept) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	return changed
}
