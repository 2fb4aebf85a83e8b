// Package outbox delivers what turns queued: each message once, in order for each person, replies
// before what is sent to many, at the provider's pace, whatever fails meanwhile.
//
// The queues are Redis streams. A partition of people is held by one process at a time (a lease); it reads
// the partition's queues, and whoever takes a lease over finds what the last holder left unfinished,
// because a message leaves its queue only when it was delivered or failed for good; both are counted, and failures are kept for a while without saying whose they were. A message
// is sent twice only if a process dies, or loses its lease, between the provider's yes and the
// acknowledgement. The package never prints an address or a body.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/vault"
)

// A Message is one message on its way, opened for its sender.
type Message struct {
	Channel bot.Channel
	Lane    keys.Lane
	Address string
	Body    []byte
	Until   time.Time // it is of no use after this, zero if that is not known
	// Day and Partition say where a delivery receipt belongs; see Receive.
	Day       string
	Partition keys.Partition
	// Sweep reads the ids of the messages that are to be deleted from the chat first.
	Sweep func(context.Context) ([]int, error)
}

// String hides the message.
func (Message) String() string { return "[redacted]" }

// LogValue hides the message.
func (Message) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// A Receipt says what the provider made of a message.
type Receipt struct {
	Shown int    // the id of the new message in the chat, 0 if there is none
	SID   string // the provider's id of a text message, "" if there is none
	Swept bool   // the messages of Sweep are deleted
}

// A Sender hands messages to a provider. Errors it returns should be an *Error; others are retried.
// It is called from several goroutines at once.
type Sender interface {
	Send(context.Context, Message) (Receipt, error)
}

// An Outcome is what became of a message.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered" // the provider took it
	OptedOut  Outcome = "opted-out" // the person blocked the bot or opted out with the carrier
	Failed    Outcome = "failed"    // the provider will never take it
	Expired   Outcome = "expired"   // it could not be delivered in time
	retry     Outcome = "retried"

	Unreachable Outcome = "unreachable" // there is no such chat or number
	Held        Outcome = "held"        // what it belongs to was stopped or paused, or its reader sleeps
	Arrived     Outcome = "arrived"     // the carrier says that the phone has it
	Undelivered Outcome = "undelivered" // the carrier says that it will not
)

// A State is an Outcome as it is kept in a tally: with the provider's code of a failure or of what did not arrive, and with the
// provider's id of a message that was taken, behind "#".
func state(a ack) string {
	switch {
	case a.outcome == Failed:
		return string(Failed) + " " + a.code
	case a.outcome == Delivered && a.receipt.Shown != 0:
		return string(Delivered) + "#" + strconv.Itoa(a.receipt.Shown)
	}
	return string(a.outcome)
}

// OutcomeOf is the outcome a state of a tally tells, and the id behind it.
func OutcomeOf(state string) (outcome Outcome, id string) {
	state, id, _ = strings.Cut(state, "#")
	word, _, _ := strings.Cut(state, " ")
	return Outcome(word), id
}

// An Error says what to do about a message that was not taken.
type Error struct {
	Outcome Outcome       // OptedOut, Unreachable or Failed for good, "" to try again
	After   time.Duration // the provider asks the whole account to wait this long
	Code    string        // the provider's code or a word for it; never its text, which may name people
}

// Error is the code.
func (e *Error) Error() string { return "provider: " + e.Code }

// A Route is how one channel is served.
type Route struct {
	Sender Sender
	Rate   float64 // messages a second over all processes, 0 for no limit, of a chat neither
}

// Config is what an Outbox needs.
type Config struct {
	Redis   redis.UniversalClient
	Cluster bool // streams of several partitions cannot be read in one call
	Vault   *vault.Vault
	Node    string // names this process, unlike any other
	Routes  map[bot.Channel]Route
	Log     *slog.Logger
	Now     func() time.Time
	Backoff time.Duration // before the first repetition; it doubles each time
	// Observe is told what became of each message and how long it took from its storing.
	Observe func(ch bot.Channel, lane keys.Lane, outcome Outcome, age time.Duration)
	// Halted reports whether messages about something are held back; nil if nothing ever is. It is asked
	// before each of them is sent, so it must be quick.
	Halted func(about string) bool
	Settle vault.Settle // called only while there are several keys
	// Gone is told whom a provider will not reach any more; nil if nobody wants to know. It may be told
	// again. After an error the message is tried again.
	Gone func(ctx context.Context, id bot.PersonID, outcome Outcome) error
}

// Unacknowledged is how many messages of a channel a process has in the provider's hands, or taken and not yet acknowledged: so
// many may be sent twice when it dies. Twice as many as are sent at once, so that sending does not wait for Redis.
const Unacknowledged = 2 * inFlight

// Limits, each for a reason.
const (
	maxBackoff = time.Minute    // a provider that is back should not wait longer for us
	replyLife  = 24 * time.Hour // an answer of yesterday confuses more than it helps
	inFlight   = 48             // sends at once and channel; a provider's answer takes 50 to 500 ms
	maxReplies = 2048           // replies read ahead into memory, about 4 MB
	maxBulk    = 256            // bulk messages read ahead: few, so that a stop is soon heard
	drainTime  = 10 * time.Second
	chatPace   = time.Second            // between a message to many and another one to the same chat (Bot API FAQ: no more than one a second)
	endedKept  = time.Minute            // longer than any read of a queue is under way
	pauseSeen  = 100 * time.Millisecond // how long a pause may go unseen by a process without a pace
)

// An Outbox delivers until it is told to stop.
type Outbox struct {
	Config
	clock    clock
	leases   leases
	channels []*channel
	acks     chan ack
}

// New makes an Outbox; Run starts it.
func New(c Config) *Outbox {
	if c.Backoff == 0 {
		c.Backoff = 500 * time.Millisecond
	}
	o := &Outbox{Config: c, acks: make(chan ack, 256)}
	o.leases.init(o)
	for _, ch := range bot.Channels {
		if route, ok := c.Routes[ch]; ok {
			o.channels = append(o.channels, newChannel(o, ch, route))
		}
	}
	return o
}

// Run delivers until ctx ends, then finishes what is in the providers' hands, acknowledges it, gives
// its leases back and returns.
func (o *Outbox) Run(ctx context.Context) {
	work, end := context.WithCancel(context.WithoutCancel(ctx)) // outlives ctx, for what is under way
	var readers, senders, acker sync.WaitGroup
	for _, c := range o.channels {
		senders.Go(func() { c.run(ctx, work) })
		for _, group := range o.groups() {
			for _, lane := range keys.Lanes {
				readers.Go(func() { (&reader{channel: c, lane: lane, group: group}).run(ctx) })
			}
		}
	}
	acker.Go(func() { o.acknowledge(work) })
	readers.Go(func() { o.leases.run(ctx) })
	readers.Wait()
	deadline := time.AfterFunc(drainTime, end)
	senders.Wait()
	close(o.acks)
	acker.Wait()
	o.leases.releaseAll(work)
	deadline.Stop()
	end()
}

// groups are the partitions that one reader reads: all, or on a cluster each by itself.
func (o *Outbox) groups() [][]keys.Partition {
	all := allPartitions()
	if !o.Cluster {
		return [][]keys.Partition{all}
	}
	var each [][]keys.Partition
	for _, p := range all {
		each = append(each, []keys.Partition{p})
	}
	return each
}

// A Depth is how much waits in a lane, and how long its oldest has waited.
type Depth struct {
	Channel bot.Channel
	Lane    keys.Lane
	Waiting int64
	Oldest  time.Duration
}

// Depths measures all queues.
func (o *Outbox) Depths(ctx context.Context) ([]Depth, error) {
	pipe := o.Redis.Pipeline()
	var depths []Depth
	var lengths []*redis.IntCmd
	var firsts []*redis.XMessageSliceCmd
	for ch := range o.Routes {
		for _, lane := range keys.Lanes {
			depths = append(depths, Depth{Channel: ch, Lane: lane})
			for p := range keys.Partition(keys.Partitions) {
				lengths = append(lengths, pipe.XLen(ctx, keys.Queue(p, ch, lane)))
				firsts = append(firsts, pipe.XRangeN(ctx, keys.Queue(p, ch, lane), "-", "+", 1))
			}
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("measure the queues: %w", err)
	}
	for i, n := range lengths {
		d := &depths[i/keys.Partitions]
		d.Waiting += n.Val()
		for _, first := range firsts[i].Val() {
			d.Oldest = max(d.Oldest, o.redisNow().Sub(storedAt(first.ID)))
		}
	}
	return depths, nil
}

// policy is what to do about an error of a sender.
func policy(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: "unknown"}
}
