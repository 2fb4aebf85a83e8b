package outbox

import (
	"testing"
	"time"

	"faro/bot"
	"faro/internal/keys"
)

// TestAcknowledgedWhileReadAgain: a lease is lost and taken back while a message is in the provider's hands. The queue is
// read again, and what was read arrives only after the message was acknowledged.
func TestAcknowledgedWhileReadAgain(t *testing.T) {
	c := newChannel(nil, bot.Telegram, Route{})
	read := func() *entry {
		return &entry{id: "1-0", queue: "q", lane: keys.Reply, address: "1", holding: newHolding(0, time.Now().Add(time.Hour))}
	}
	sent := read()
	c.add(sent)
	l := c.pop()
	sent.holding.give()
	again := read()
	c.forget(sent, true)
	c.done(l)
	c.add(again)
	if l := c.pop(); l != nil {
		t.Error("it would be sent again")
	}
	other := read()
	other.id = "2-0"
	c.add(other)
	if c.pop() == nil {
		t.Error("the next message is not sent")
	}
}
