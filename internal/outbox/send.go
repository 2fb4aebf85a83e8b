package outbox

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/guard"
	"faro/internal/keys"
	"faro/internal/lease"
)

//go:embed ack.lua
var ackSource string

var ackScript = redis.NewScript(keys.Append + keys.Move + lease.Ours + ackSource)

// send hands the head of a line to the provider and decides what becomes of it, if it is not known already. It
// gives its slot back once the message is acknowledged: what a crash can repeat is never more than Unacknowledged.
func (c *channel) send(ctx context.Context, l *line, instead Outcome) {
	e, gone := c.head(l)
	if gone || !e.holding.enter() { // another process delivers it
		c.forget(e, false)
		c.done(l)
		<-c.slots
		return
	}
	age := time.Since(e.since)
	end := func(outcome Outcome, code string, r Receipt) {
		c.o.Observe(c.name, e.lane, outcome, time.Since(e.since))
		c.o.acks <- ack{channel: c, entry: e, line: l, outcome: outcome, code: code, receipt: r}
	}
	if instead == "" { // it may have changed while it waited for its place
		instead = c.o.instead(e)
	}
	if instead != "" {
		end(instead, map[Outcome]string{Expired: "too-late"}[instead], Receipt{})
		return
	}
	receipt, err := c.hand(ctx, e)
	c.serve(l)
	if err == nil {
		end(Delivered, "", receipt)
		return
	}
	p := policy(err)
	if err := c.o.gone(ctx, e.person, p.Outcome); err != nil {
		c.o.Log.Warn("outbox: cannot note that someone is gone, trying again", "channel", c.name, "error", err)
		p = &Error{Code: "not-noted"}
	}
	if p.Outcome != "" {
		c.o.Log.Warn("outbox: a message was not delivered", "channel", c.name, "lane", e.lane, "outcome", p.Outcome, "code", p.Code)
		end(p.Outcome, p.Code, Receipt{})
		return
	} else if p.After > 0 {
		c.pause(ctx, p.After)
	}
	c.o.Observe(c.name, e.lane, retry, age)
	e.tries++
	e.holding.leave()
	c.later(l, c.backoff(e.tries))
	<-c.slots
}

// gone tells of someone a provider will not reach any more, if that is what an outcome says.
func (o *Outbox) gone(ctx context.Context, id bot.PersonID, outcome Outcome) error {
	if outcome != OptedOut && outcome != Unreachable || o.Gone == nil {
		return nil
	}
	return o.Gone(ctx, id, outcome)
}

// instead is what becomes of a message that must not be sent now, "" if it may.
func (o *Outbox) instead(e *entry) Outcome {
	switch {
	case time.Since(e.since) > replyLife || !e.until.IsZero() && o.now().After(e.until):
		return Expired
	case !e.hold.IsZero() && !o.Now().Before(e.hold), e.note != "" && o.Halted != nil && o.Halted(e.note):
		return Held
	}
	return ""
}

// hand opens an entry and gives it to the sender.
func (c *channel) hand(ctx context.Context, e *entry) (Receipt, error) {
	if e.sealed == "" {
		return Receipt{}, &Error{Outcome: Failed, Code: "empty-entry"}
	}
	if e.address == "" {
		return Receipt{}, &Error{Outcome: Failed, Code: "unknown-key"}
	}
	body, err := c.o.Vault.OpenBody(e.stored, []byte(e.sealed))
	if err != nil {
		return Receipt{}, &Error{Outcome: Failed, Code: "unknown-key"}
	}
	if err := c.o.settle(ctx, e); err != nil {
		c.o.Log.Warn("outbox: cannot find someone under the new key, trying again", "channel", c.name, "error", err)
		return Receipt{}, &Error{Code: "not-moved"}
	}
	m := Message{Channel: c.name, Lane: e.lane, Address: e.address, Body: body, Until: e.until, Day: c.o.Now().UTC().Format(time.DateOnly), Partition: e.holding.partition,
		Sweep: func(ctx context.Context) ([]int, error) {
			packed, err := c.o.Redis.Get(ctx, keys.Sweep(e.person)).Result()
			if errors.Is(err, redis.Nil) {
				return nil, nil
			}
			return keys.Messages(packed), err
		}}
	var receipt Receipt
	err = guard.Run(func() (err error) {
		receipt, err = c.route.Sender.Send(ctx, m)
		return err
	})
	if where, ok := errors.AsType[guard.Panicked](err); ok { // it would do so again, and the provider may have taken it
		c.o.Log.Error("outbox: sending a message panicked", "channel", c.name, "in", where.At)
		return Receipt{}, &Error{Outcome: Failed, Code: "panic"}
	}
	return receipt, err
}

// settle finds a message's person under the key that seals.
func (o *Outbox) settle(ctx context.Context, e *entry) error {
	ids, err := o.Vault.Settled(ctx, o.Settle, e.person)
	if err == nil {
		e.person = ids[0]
	}
	return err
}

// An ack is a message that is done with.
type ack struct {
	taken   bool // off its queue
	channel *channel
	entry   *entry
	line    *line
	outcome Outcome
	code    string
	receipt Receipt
}

// end lets go of a message that is acknowledged. Only then may the next one to the same person go: if it
// deletes the messages of the chat, it must know this one.
func (a ack) end() {
	a.channel.forget(a.entry, a.taken)
	a.channel.done(a.line)
	a.entry.holding.leave()
	<-a.channel.slots
}

const (
	ackBatch  = 128                    // acknowledgements in one round trip
	ackGather = 4 * time.Millisecond   // from one round trip to the next: what ends meanwhile shares that, and its scripts
	ackEnough = 16                     // or less, if so many have come: a sixth of a channel's slots, so that sending goes on
	ackPause  = 200 * time.Millisecond // before they are tried again when Redis is away
)

// acknowledge takes delivered messages off their queues, as many at once as have come together, until
// acks is closed. One that comes alone does not wait. It tries until Redis answers, because a message that is
// not acknowledged is sent again by the next holder; what comes meanwhile is tried with it, so that a part of
// Redis that is away does not keep the others waiting for its return.
func (o *Outbox) acknowledge(ctx context.Context) {
	var last time.Time
	for first := range o.acks {
		batch := []ack{first}
		for len(batch) > 0 && ctx.Err() == nil {
			batch = o.gather(batch, ackGather-time.Since(last))
			last = time.Now()
			if batch = o.ackAll(ctx, batch); len(batch) > 0 {
				o.wait(ctx, ackPause)
			}
		}
		for _, a := range batch {
			a.end()
		}
	}
}

// gather adds to a batch what comes for some time, unless that is enough, and all that has come by then.
func (o *Outbox) gather(batch []ack, some time.Duration) []ack {
	over := time.NewTimer(some)
	defer over.Stop()
	for waiting := some > 0; waiting && len(batch) < ackEnough; {
		select {
		case a, ok := <-o.acks:
			if !ok {
				return batch
			}
			batch = append(batch, a)
		case <-over.C:
			waiting = false
		}
	}
	for len(batch) < ackBatch {
		select {
		case a, ok := <-o.acks:
			if !ok {
				return batch
			}
			batch = append(batch, a)
		default:
			return batch
		}
	}
	return batch
}

// An ackGroup is what one script can acknowledge: messages of one queue about one thing.
type ackGroup struct {
	queue, about string
	holding      *holding
}

// ackAll acknowledges a batch in one round trip and returns what must be tried again.
func (o *Outbox) ackAll(ctx context.Context, batch []ack) []ack {
	groups := map[ackGroup][]ack{}
	for _, a := range batch {
		g := ackGroup{a.entry.queue, a.entry.note, a.entry.holding}
		groups[g] = append(groups[g], a)
	}
	if o.Vault.Several() {
		for _, a := range batch {
			if a.entry.address == "" {
				continue
			}
			if err := o.settle(ctx, a.entry); err != nil {
				o.Log.Warn("outbox: cannot find someone under the new key, trying again", "channel", a.channel.name, "error", err)
				return batch
			}
		}
	}
	pipe := o.Redis.Pipeline()
	results := map[ackGroup]*redis.Cmd{}
	for g, some := range groups {
		names, args := o.ackArgs(g, some)
		results[g] = pipe.EvalSha(ctx, ackScript.Hash(), names, args...)
	}
	_, _ = pipe.Exec(ctx) // each command is looked at below
	var again []ack
	for g, some := range groups {
		answer, err := results[g].StringSlice()
		if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
			names, args := o.ackArgs(g, some)
			answer, err = ackScript.Eval(ctx, o.Redis, names, args...).StringSlice()
		}
		if err != nil && g.holding.ours() {
			again = append(again, some...)
			continue
		}
		if err == nil && len(answer) == 0 { // whatever our clock says, another process has the partition
			o.leases.lose(g.holding)
		}
		for _, a := range some {
			a.taken = len(answer) > 0
			a.end()
		}
		for i := 1; i+1 < len(answer); i += 2 {
			if err := o.gone(ctx, bot.PersonID(answer[i]), Outcome(answer[i+1])); err != nil { // the next message tells it again
				o.Log.Warn("outbox: cannot note that someone is gone", "error", err)
			}
		}
	}
	return again
}

func (o *Outbox) ackArgs(g ackGroup, some []ack) ([]string, []any) {
	p, now := g.holding.partition, o.Now()
	names := []string{g.queue, keys.Holder(p), keys.Outcomes(p, now), keys.Failed(p), keys.Receipts(p, now.UTC().Format(time.DateOnly)),
		keys.Tally(p, g.about), keys.Counts(p, g.about)}
	args := []any{o.Node, int(keys.OutcomesLife.Seconds()), keys.FailedKept, int(keys.ReceiptsLife.Seconds()), g.about, int(keys.TallyLife.Seconds())}
	for _, a := range some {
		e, shown, swept := a.entry, "", ""
		if a.receipt.Shown != 0 {
			shown = strconv.Itoa(a.receipt.Shown)
		}
		if a.receipt.Swept || a.outcome == OptedOut || a.outcome == Unreachable || a.outcome == Expired {
			swept = "swept" // or nothing can be deleted from that chat
		}
		names = append(names, keys.Sweep(e.person), keys.Dialogue(e.person), keys.Person(e.person))
		args = append(args, e.id, string(a.channel.name)+":"+string(e.lane)+":"+string(a.outcome), a.code, shown, swept, receiptName(a.receipt.SID),
			string(e.person), state(a))
	}
	return names, args
}
