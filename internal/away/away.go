// Package away is what people hear while Redis is away and no turn can be stored: the emergency numbers, in
// the language of their message, once; and by SMS that STOP has to be sent again. What they wrote is not kept; the
// provider is asked to deliver it again.
package away

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"faro/bot"
)

const (
	again = time.Hour // after which someone may hear it once more
	most  = 50_000    // people in one of two generations: about 4 MB each
	stops = 3         // times that someone is told to send STOP again: each answer costs money
)

// A Desk answers for one process, and may be used from several goroutines. Redis cannot be asked who was told,
// so each process keeps that itself, under a key that dies with it.
type Desk struct {
	Talk func() *bot.Talk
	Now  func() time.Time

	mu       sync.Mutex
	key      []byte
	now, old map[mark]uint8 // how often someone was told, in this hour or the last
	since    time.Time
}

type mark [16]byte

// Answer is what someone is to hear. It reports false if they were told already or should hear nothing.
func (d *Desk) Answer(address string, in bot.Input) (bot.Reply, bool) {
	r, ok := d.Talk().Away(in, d.Now())
	about := numbers
	if d.Talk().Stops(in) {
		about = stop
	}
	if !ok || !d.may(about, in.Channel, address) {
		return bot.Reply{}, false
	}
	return r, true
}

// Unheard says that an answer did not reach its person, so that they get it when they write next, or the
// provider delivers their message again.
func (d *Desk) Unheard(ch bot.Channel, address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.mark(numbers, ch, address) // the answer to STOP is in the provider's hands
	delete(d.now, m)
	delete(d.old, m)
}

// A subject is what someone is told.
type subject string

const (
	numbers subject = "the emergency numbers"
	stop    subject = "that STOP has to be sent again"
)

// may reports whether someone was not told too often yet, and keeps that they are now.
func (d *Desk) may(about subject, ch bot.Channel, address string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.Now(); now.Sub(d.since) >= again || len(d.now) >= most {
		if now.Sub(d.since) >= 2*again {
			d.now = nil
		}
		d.old, d.now, d.since = d.now, map[mark]uint8{}, now
	}
	m, times := d.mark(about, ch, address), uint8(1)
	if about == stop {
		times = stops
	}
	if d.now[m]+d.old[m] >= times {
		return false
	}
	d.now[m]++
	return true
}

// mark names a person, and what they are told, within this process. The lock is held.
func (d *Desk) mark(about subject, ch bot.Channel, address string) (m mark) {
	if d.key == nil {
		d.key = make([]byte, sha256.Size)
		_, _ = rand.Read(d.key) // it never fails (crypto/rand)
	}
	sum := hmac.New(sha256.New, d.key)
	sum.Write([]byte(string(about) + "\n" + string(ch) + "\n" + address))
	copy(m[:], sum.Sum(nil))
	return m
}
