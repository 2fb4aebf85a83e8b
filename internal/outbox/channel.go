package outbox

import (
	"context"
	_ "embed"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
)

//go:embed limit.lua
var limitSource string

var takePlace = redis.NewScript(limitSource)

// A channel delivers the messages of one channel: it keeps each person's in a line, and lets the
// heads of the lines go, replies first, when the provider's pace allows.
type channel struct {
	o     *Outbox
	name  bot.Channel
	route Route
	room  map[keys.Lane]chan struct{} // each has a value when memory may have room for its lane again
	wake  chan struct{}               // has a value when something may be ready
	slots chan struct{}               // one value for each message in the provider's hands, or taken and not yet acknowledged

	mu     sync.Mutex
	lines  map[lineKey]*line
	ready  map[keys.Lane][]*line   // lines whose head may go, in the order they became so
	held   map[keys.Lane]int       // entries in memory
	known  map[entryKey]*entry     // all that are in memory or being acknowledged
	ended  map[entryKey]time.Time  // when those were acknowledged whose lease was lost meanwhile
	paused time.Time               // the provider asked for quiet until then
	served [2]map[string]time.Time // when each address was last sent something: in this chatPace or so, and before
	turned time.Time               // when the first of them was begun

	looked time.Time // when Redis was last asked for a pause; run's own
}

// A line is what waits for one person in one lane, in order.
type line struct {
	key     lineKey
	entries []*entry
}

// A lineKey names a person by their address, because while keys are changed one person has several ids.
type lineKey struct {
	address string
	unknown bot.PersonID // an id that cannot be opened
	lane    keys.Lane
}

// An entryKey names an entry.
type entryKey struct{ queue, id string }

func (e *entry) key() entryKey { return entryKey{e.queue, e.id} }

func (e *entry) line() lineKey {
	if e.address == "" {
		return lineKey{unknown: e.stored, lane: e.lane}
	}
	return lineKey{address: e.address, lane: e.lane}
}

func newChannel(o *Outbox, name bot.Channel, route Route) *channel {
	return &channel{
		o: o, name: name, route: route,
		room: map[keys.Lane]chan struct{}{keys.Reply: make(chan struct{}, 1), keys.Bulk: make(chan struct{}, 1)}, wake: make(chan struct{}, 1), slots: make(chan struct{}, Unacknowledged),
		lines: map[lineKey]*line{}, ready: map[keys.Lane][]*line{}, held: map[keys.Lane]int{}, known: map[entryKey]*entry{}, ended: map[entryKey]time.Time{},
	}
}

func (c *channel) hasRoom(lane keys.Lane) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lane == keys.Bulk {
		return c.held[lane] < maxBulk
	}
	return c.held[lane] < maxReplies
}

// add puts an entry into its person's line, behind those stored before it. An entry that is here
// already stays as it is, unless it was read under a lease that is gone. One that was acknowledged while it was read
// again is not sent again.
func (c *channel) add(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ended := c.ended[e.key()]; ended {
		return
	}
	if before := c.known[e.key()]; before != nil && before.holding == e.holding {
		return
	}
	c.known[e.key()] = e
	key := e.line()
	l := c.lines[key]
	if l == nil {
		l = &line{key: key}
		c.lines[key] = l
		c.ready[e.lane] = append(c.ready[e.lane], l)
		signal(c.wake)
	}
	at := len(l.entries)
	for at > 1 && e.before(l.entries[at-1]) { // the head may be in the provider's hands
		at--
	}
	l.entries = slices.Insert(l.entries, at, e)
	c.held[e.lane]++
}

// forget lets go of an entry that is acknowledged, or is another process's. If it was or is being read again, under
// a lease that had been lost and was taken back, one that is acknowledged must not be sent again.
func (c *channel) forget(e *entry, acknowledged bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if acknowledged && !e.holding.ours() {
		maps.DeleteFunc(c.ended, func(_ entryKey, at time.Time) bool { return time.Since(at) > endedKept })
		c.ended[e.key()] = time.Now()
	}
	switch again := c.known[e.key()]; {
	case again == e:
		delete(c.known, e.key())
	case again != nil && acknowledged:
		again.done = true
	}
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// A taken is a line whose head goes now, and what becomes of that if it is not to be sent.
type taken struct {
	line    *line
	instead Outcome
}

// run sends until ctx ends, then waits for what is in the provider's hands. Sending itself goes on
// under work.
func (c *channel) run(ctx, work context.Context) {
	var sending sync.WaitGroup
	defer sending.Wait()
	lines := make(chan taken) // the senders stay, because one begun anew grows its stack anew
	defer close(lines)
	for range inFlight {
		sending.Go(func() {
			for t := range lines {
				c.send(work, t.line, t.instead)
			}
		})
	}
	for {
		select {
		case <-ctx.Done():
			return
		case c.slots <- struct{}{}:
		}
		l, instead := c.next(ctx)
		if l == nil {
			return
		}
		lines <- taken{l, instead}
	}
}

// next waits until a line may go, and takes it; nil when ctx ends. The most urgent line is chosen
// only once there is a place in the provider's pace, so a reply never waits behind bulk. A line whose head is
// not to be sent, because it is too late or held back, goes at once, with what becomes of it instead: what is
// stopped must not slow down what is not.
func (c *channel) next(ctx context.Context) (l *line, instead Outcome) {
	for ctx.Err() == nil {
		if l, instead = c.unwanted(); l != nil {
			return l, instead
		}
		lane, wait := c.first()
		if lane == "" {
			select {
			case <-ctx.Done():
			case <-c.wake:
			}
			continue
		}
		if wait <= 0 {
			wait = c.place(ctx, lane)
		}
		if wait <= 0 {
			if l = c.pop(); l != nil {
				return l, ""
			}
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-c.wake: // perhaps something more urgent
		case <-t.C:
		}
		t.Stop()
	}
	return nil, ""
}

// unwanted takes the first line of a lane if its head is not to be sent, and says what becomes of that.
func (c *channel) unwanted() (*line, Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, lane := range keys.Lanes {
		if q := c.ready[lane]; len(q) > 0 {
			if instead := c.o.instead(q[0].entries[0]); instead != "" {
				c.ready[lane] = q[1:]
				return q[0], instead
			}
		}
	}
	return nil, ""
}

// first is the most urgent lane with something ready, and how long the account must rest yet. It puts off what is
// sent to many if its reader is being answered, or was sent something a moment ago.
func (c *channel) first() (keys.Lane, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.ready[keys.Bulk]) > 0 {
		l := c.ready[keys.Bulk][0]
		rest := c.rest(l)
		if rest <= 0 {
			break
		}
		c.ready[keys.Bulk] = c.ready[keys.Bulk][1:]
		c.later(l, rest)
	}
	for _, lane := range keys.Lanes {
		if len(c.ready[lane]) > 0 {
			return lane, time.Until(c.paused)
		}
	}
	return "", 0
}

// rest is how long a line of what is sent to many must wait for its reader's sake. Partitions are held by one
// process at a time, so this holds over all of them. The channel's lock is held.
func (c *channel) rest(l *line) time.Duration {
	if c.route.Rate <= 0 || l.key.address == "" {
		return 0
	}
	if c.lines[lineKey{address: l.key.address, lane: keys.Reply}] != nil {
		return chatPace
	}
	at, ok := c.served[0][l.key.address]
	if !ok {
		at = c.served[1][l.key.address]
	}
	return chatPace - time.Since(at)
}

// serve notes that someone was sent something. Older notes are dropped, so there are no more than the provider's
// pace allows in two of chatPace.
func (c *channel) serve(l *line) {
	if c.route.Rate <= 0 || l.key.address == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.served[0] == nil || now.Sub(c.turned) >= chatPace {
		c.served[0], c.served[1], c.turned = map[string]time.Time{}, c.served[0], now
	}
	c.served[0][l.key.address] = now
}

func (c *channel) pop() *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, lane := range keys.Lanes {
		if q := c.ready[lane]; len(q) > 0 {
			c.ready[lane] = q[1:]
			return q[0]
		}
	}
	return nil
}

// head is the entry of a line that goes next, and whether it has gone already. It stays the head until done.
func (c *channel) head(l *line) (e *entry, gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return l.entries[0], l.entries[0].done
}

// place takes a place in the provider's pace, or says how long to wait before asking again. Replies
// may go a little ahead of the pace, bulk never, so what is left over is theirs.
func (c *channel) place(ctx context.Context, lane keys.Lane) time.Duration {
	if c.route.Rate <= 0 {
		return c.asked(ctx)
	}
	ahead := 1
	if lane == keys.Reply {
		ahead = max(1, int(c.route.Rate/10))
	}
	wait, err := takePlace.Run(ctx, c.o.Redis, []string{keys.Rate(c.name), keys.Pause(c.name)},
		int64(1e6/c.route.Rate), ahead).Int64()
	if err != nil {
		return readPause // Redis is away: nothing could be acknowledged anyway
	}
	return time.Duration(wait) * time.Microsecond
}

// asked is how long the provider asked the account to rest, in whatever process. Without a pace to ask for places
// Redis is asked now and then, not for each message.
func (c *channel) asked(ctx context.Context) time.Duration {
	if time.Since(c.looked) < pauseSeen {
		return 0
	}
	rest, err := c.o.Redis.PTTL(ctx, keys.Pause(c.name)).Result()
	if err != nil {
		return readPause // Redis is away: nothing could be acknowledged anyway
	}
	c.looked = time.Now()
	if rest <= 0 { // there is none
		return 0
	}
	c.restUntil(c.looked.Add(rest))
	return rest
}

// done takes the head off a line and lets the next one go.
func (c *channel) done(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lane := l.key.lane
	l.entries = l.entries[1:]
	c.held[lane]--
	if len(l.entries) == 0 {
		delete(c.lines, l.key)
	} else {
		c.ready[lane] = append(c.ready[lane], l)
		signal(c.wake)
	}
	signal(c.room[lane])
}

// later lets a line go again after a while; what follows the failed message waits with it.
func (c *channel) later(l *line, after time.Duration) {
	time.AfterFunc(after, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ready[l.key.lane] = append(c.ready[l.key.lane], l)
		signal(c.wake)
	})
}

// pause makes the whole account rest, in every process.
func (c *channel) pause(ctx context.Context, d time.Duration) {
	c.restUntil(time.Now().Add(d))
	if err := c.o.Redis.Set(ctx, keys.Pause(c.name), "1", d).Err(); err != nil {
		c.o.Log.Warn("outbox: cannot tell the other processes of a pause", "channel", c.name, "error", err)
	}
}

// restUntil lets this process send nothing before a moment.
func (c *channel) restUntil(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until.After(c.paused) {
		c.paused = until
	}
}

// backoff is how long to wait before try n (from 1) is repeated, between half and all of the doubled
// time, so that many do not come back at once.
func (c *channel) backoff(n int) time.Duration {
	d := maxBackoff
	if n < 16 {
		d = min(maxBackoff, c.o.Backoff<<(n-1))
	}
	return d/2 + rand.N(d/2+1)
}
