package fakes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by Await when the stand-in was closed before the state was reached.
var ErrClosed = errors.New("the stand-in is closed")

// A Service is what both stand-ins have in common: the listener, the faults, the rate check, and
// waiting for a state.
type Service struct {
	url    string
	server *http.Server
	served chan struct{} // closed when the listener's goroutine has ended
	done   chan struct{} // closed by Close
	now    func() time.Time

	sent, tooMany   atomic.Int64
	waiting, faulty atomic.Int64 // waiters in Await, faults left: the common call looks at these only

	mu         sync.Mutex
	closed     bool
	running    sync.WaitGroup
	faults     []fault
	violations []string
	woken      chan struct{}

	rate  int         // sends a second, 0 for no limit
	ring  []time.Time // when the last rate sends were accepted
	next  int         // the oldest of them
	until time.Time   // sends before this are refused
}

type faultKind int

const (
	healthy faultKind = iota
	failing
	hanging
	dropping
	losing
)

type fault struct {
	kind                     faultKind
	left                     int
	status, retryAfter, code int
	description              string
}

// start listens on a free port of 127.0.0.1. Like httptest it panics when there is none.
func (s *Service) start(set settings, handle http.HandlerFunc) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("fakes: listening on 127.0.0.1: %v", err))
	}
	s.url = "http://" + listener.Addr().String()
	s.now = set.now
	s.done, s.served = make(chan struct{}), make(chan struct{})
	s.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.enter() {
				panic(http.ErrAbortHandler)
			}
			defer s.running.Done()
			handle(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(listener)
	}()
}

func (s *Service) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	return true
}

// URL is the base address, without a slash at its end.
func (s *Service) URL() string { return s.url }

// Close ends the calls under way, hanging ones too, and waits for them. It may be called twice.
func (s *Service) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.done)
		_ = s.server.Close()
	}
	s.running.Wait()
	<-s.served
}

// Violations are the wrong calls so far, oldest first: method, then what is wrong with it. They
// hold field names and limits, never a text or an address. At most 1000 are kept.
func (s *Service) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Service) wrong(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.violations) < maxViolations {
		s.violations = append(s.violations, fmt.Sprintf(format, args...))
	}
}

// Sent counts the accepted sends.
func (s *Service) Sent() int { return int(s.sent.Load()) }

// TooMany counts the sends refused by the rate check (see Limit). Refusals made by Fail are not among them.
func (s *Service) TooMany() int { return int(s.tooMany.Load()) }

// Fail answers the next n sends with this HTTP status and description instead of carrying them
// out. A retryAfter above 0, in seconds, is told in the answer and in the Retry-After header.
// Faults come in the order in which they were asked for.
func (s *Service) Fail(n, status, retryAfter int, description string) {
	s.plan(fault{kind: failing, left: n, status: status, retryAfter: retryAfter, description: description})
}

// Hang leaves the next n sends without an answer, and not carried out, until the client gives up
// or Close.
func (s *Service) Hang(n int) { s.plan(fault{kind: hanging, left: n}) }

// Drop closes the connection of the next n sends without an answer; they are not carried out.
func (s *Service) Drop(n int) { s.plan(fault{kind: dropping, left: n}) }

// Lose carries the next n sends out and then closes the connection without an answer: the person
// has the message and the client cannot know.
func (s *Service) Lose(n int) { s.plan(fault{kind: losing, left: n}) }

// Heal takes back the faults that have not happened yet.
func (s *Service) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.faulty.Store(0)
}

func (s *Service) plan(f fault) {
	if f.left <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	s.faulty.Add(int64(f.left))
}

// take is the fault of this send. A hanging or dropped send does not come back.
func (s *Service) take(r *http.Request) fault {
	if s.faulty.Load() == 0 {
		return fault{}
	}
	f := s.pop()
	switch f.kind {
	case hanging:
		s.wake()
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler)
	case dropping:
		s.wake()
		panic(http.ErrAbortHandler)
	}
	return f
}

func (s *Service) pop() fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return fault{}
	}
	f := s.faults[0]
	if s.faults[0].left--; s.faults[0].left == 0 {
		s.faults = s.faults[1:]
	}
	s.faulty.Add(-1)
	return f
}

// Faults counts the faults that are planned and have not struck yet.
func (s *Service) Faults() int { return int(s.faulty.Load()) }

// Limit refuses sends above so many in any one second with 429 and a retry_after of one second,
// and every send before that second is over. 0 takes the limit away. Calls arrive less evenly than
// they were sent: a test leaves some room between the client's rate and this one.
func (s *Service) Limit(perSecond int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate, s.ring, s.next, s.until = perSecond, make([]time.Time, max(perSecond, 0)), 0, time.Time{}
}

// penalty is what a refused client must wait, in seconds; both services tell whole seconds.
const penalty = 1

// admit says whether the rate check lets a send pass.
func (s *Service) admit(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rate <= 0 {
		return true
	}
	oldest := s.ring[s.next]
	if at.Before(s.until) || !oldest.IsZero() && at.Sub(oldest) < time.Second {
		if !at.Before(s.until) {
			s.until = at.Add(penalty * time.Second)
		}
		s.tooMany.Add(1)
		return false
	}
	s.ring[s.next] = at
	s.next = (s.next + 1) % s.rate
	return true
}

// Await returns nil as soon as reached is true; it is asked now and after each call. It returns an
// error that wraps ctx's when ctx ends first, or ErrClosed.
func (s *Service) Await(ctx context.Context, reached func() bool) error {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	for {
		s.mu.Lock()
		if s.woken == nil {
			s.woken = make(chan struct{})
		}
		woken := s.woken
		s.mu.Unlock()
		if reached() {
			return nil
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return fmt.Errorf("awaiting a state of the stand-in: %w", ctx.Err())
		case <-s.done:
			return ErrClosed
		}
	}
}

// wake lets every Await look again. It is called after the state has changed, so that a waiter
// that has not registered yet sees the change itself.
func (s *Service) wake() {
	if s.waiting.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.woken != nil {
		close(s.woken)
		s.woken = nil
	}
}
