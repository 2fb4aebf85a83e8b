package outbox

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/internal/keys"
)

//go:embed ack.lua
var ackSource string

var ackScript = redis.NewScript(keys.Append + ackSource)

// send hands the head of a line to the provider and decides what becomes of it.
func (c *channel) send(ctx context.Context, l *line) {
	e := c.head(l)
	if !e.holding.enter() {
		c.forget(e) // another process delivers it
		c.done(l)
		return
	}
	age := c.o.Now().Sub(storedAt(e.id))
	end := func(outcome Outcome, code string, r Receipt) {
		c.o.Observe(c.name, e.lane, outcome, c.o.Now().Sub(storedAt(e.id)))
		c.o.acks <- ack{channel: c, entry: e, outcome: outcome, code: code, receipt: r}
		c.done(l)
	}
	if age > replyLife {
		end(Expired, "too-late", Receipt{})
		return
	}
	receipt, err := c.hand(ctx, e)
	if err == nil {
		end(Delivered, "", receipt)
		return
	}
	if p := policy(err); p.Outcome != "" {
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
}

// hand opens an entry and gives it to the sender.
func (c *channel) hand(ctx context.Context, e *entry) (Receipt, error) {
	if e.sealed == "" {
		return Receipt{}, &Error{Outcome: Failed, Code: "empty-entry"}
	}
	_, address, err := c.o.Vault.Address(e.person)
	if err != nil {
		return Receipt{}, &Error{Outcome: Failed, Code: "unknown-key"}
	}
	body, err := c.o.Vault.OpenBody(e.person, []byte(e.sealed))
	if err != nil {
		return Receipt{}, &Error{Outcome: Failed, Code: "unknown-key"}
	}
	return c.route.Sender.Send(ctx, Message{Channel: c.name, Lane: e.lane, Address: address, Body: body, Day: c.o.Now().UTC().Format(time.DateOnly), Partition: e.holding.partition,
		Sweep: func(ctx context.Context) ([]int, error) {
			packed, err := c.o.Redis.Get(ctx, keys.Sweep(e.person)).Result()
			if errors.Is(err, redis.Nil) {
				return nil, nil
			}
			return keys.Messages(packed), err
		}})
}

// An ack is a message that is done with.
type ack struct {
	channel *channel
	entry   *entry
	outcome Outcome
	code    string
	receipt Receipt
}

// end lets go of a message that is acknowledged.
func (a ack) end() {
	a.channel.forget(a.entry)
	a.entry.holding.leave()
}

const (
	ackBatch = 128                    // acknowledgements in one round trip
	ackPause = 200 * time.Millisecond // before they are tried again when Redis is away
)

// acknowledge takes delivered messages off their queues, as many at once as have come together, until
// acks is closed. It tries until Redis answers, because a message that is not acknowledged is sent
// again by the next holder.
func (o *Outbox) acknowledge(ctx context.Context) {
	for first := range o.acks {
		batch := []ack{first}
	more:
		for len(batch) < ackBatch {
			select {
			case a, ok := <-o.acks:
				if !ok {
					break more
				}
				batch = append(batch, a)
			default:
				break more
			}
		}
		for len(batch) > 0 && ctx.Err() == nil {
			if batch = o.ackAll(ctx, batch); len(batch) > 0 {
				o.wait(ctx, ackPause)
			}
		}
		for _, a := range batch {
			a.end()
		}
	}
}

// ackAll acknowledges a batch in one round trip and returns what must be tried again.
func (o *Outbox) ackAll(ctx context.Context, batch []ack) []ack {
	pipe := o.Redis.Pipeline()
	results := make([]*redis.Cmd, len(batch))
	for i, a := range batch {
		names, args := o.ackArgs(a)
		results[i] = pipe.EvalSha(ctx, ackScript.Hash(), names, args...)
	}
	_, _ = pipe.Exec(ctx) // each command is looked at below
	var again []ack
	for i, a := range batch {
		err := results[i].Err()
		if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
			names, args := o.ackArgs(a)
			err = ackScript.Eval(ctx, o.Redis, names, args...).Err()
		}
		if err != nil && a.entry.holding.ours() {
			again = append(again, a)
			continue
		}
		a.end()
	}
	return again
}

func (o *Outbox) ackArgs(a ack) ([]string, []any) {
	e, p, now := a.entry, a.entry.holding.partition, o.Now()
	day := now.UTC().Format(time.DateOnly)
	shown, swept := "", ""
	if a.receipt.Shown != 0 {
		shown = strconv.Itoa(a.receipt.Shown)
	}
	if a.receipt.Swept {
		swept = "swept"
	}
	return []string{e.queue, keys.Holder(p), keys.Outcomes(p, now), keys.Failed(p), keys.Sweep(e.person), keys.Dialogue(e.person), keys.Receipts(p, day)},
		[]any{o.Node, e.id, string(a.channel.name) + ":" + string(e.lane) + ":" + string(a.outcome),
			int(keys.OutcomesLife.Seconds()), a.code, keys.FailedKept, shown, swept, a.receipt.SID, int(keys.ReceiptsLife.Seconds())}
}
