package fakes

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxPoll is how long getUpdates holds an empty answer back at most.
const maxPoll = 50 * time.Second

// patience is what a superseded poll waits for its client to have left: a client that gave up one
// poll and began the next is not two clients, though its first connection ends a little later.
const patience = 100 * time.Millisecond

type queued struct {
	id  int
	raw []byte
}

// Push queues an update for getUpdates, unless its kind is not among the allowed ones.
func (t *Telegram) Push(update []byte) {
	u := Update(update)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.wanted(u.Kind()) {
		return
	}
	t.queue = append(t.queue, queued{u.ID(), update})
	if t.pushed != nil {
		close(t.pushed)
		t.pushed = nil
	}
}

func (t *Telegram) wanted(kind string) bool {
	if t.allowed == nil {
		return updateKinds[kind]
	}
	return slices.Contains(t.allowed, kind)
}

// Pending counts the queued updates that the bot has not confirmed.
func (t *Telegram) Pending() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue)
}

const (
	polledElsewhere = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
	hooked          = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)

func (c *call) getUpdates() reply {
	t := c.t
	offset := 0
	if s, ok := c.fields.lookup("offset"); ok {
		var err error
		if offset, err = strconv.Atoi(s); err != nil {
			c.note("offset is not a whole number")
		}
	}
	limit := c.integer("limit", 100, 1, 100)
	wait := time.Duration(c.integer("timeout", 0, 0, int(maxPoll/time.Second))) * time.Second
	kinds, given, answer, ok := c.allow()
	if !ok {
		return answer
	}

	t.mu.Lock()
	if t.webhook.URL != "" {
		t.mu.Unlock()
		return c.conflict(hooked)
	}
	if given {
		t.allowed = kinds
	}
	if t.poll != nil {
		close(t.poll)
	}
	mine := make(chan struct{})
	t.poll = mine
	t.confirm(offset)
	t.mu.Unlock()
	t.wake() // confirming is a change of state, and the answer may be long in coming

	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for over := wait == 0; ; {
		t.mu.Lock()
		select {
		case <-mine:
			t.mu.Unlock()
			return c.superseded()
		default:
		}
		if len(t.queue) > 0 || over {
			t.poll = nil
			page := t.page(limit)
			t.mu.Unlock()
			return done(page)
		}
		if t.pushed == nil {
			t.pushed = make(chan struct{})
		}
		pushed := t.pushed
		t.mu.Unlock()
		select {
		case <-pushed:
		case <-deadline.C:
			over = true
		case <-mine:
			return c.superseded()
		case <-c.ctx.Done():
			t.release(mine)
			panic(http.ErrAbortHandler)
		case <-t.done:
			t.release(mine)
			panic(http.ErrAbortHandler)
		}
	}
}

// release forgets a poll whose client is gone.
func (t *Telegram) release(mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.poll == mine {
		t.poll = nil
	}
}

func (c *call) conflict(description string) reply {
	c.note("%s", description)
	return refuse(http.StatusConflict, description)
}

// superseded ends a poll that another call took the place of.
func (c *call) superseded() reply {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-c.ctx.Done():
		panic(http.ErrAbortHandler)
	case <-c.t.done:
		panic(http.ErrAbortHandler)
	case <-wait.C:
	}
	if c.t.Webhook().URL != "" {
		return refuse(http.StatusConflict, "Conflict: terminated by setWebhook request")
	}
	return c.conflict(polledElsewhere)
}

// confirm drops the updates below offset; a negative offset keeps only so many of the newest.
func (t *Telegram) confirm(offset int) {
	if offset < 0 {
		t.queue = t.queue[max(len(t.queue)+offset, 0):]
		return
	}
	t.queue = slices.DeleteFunc(t.queue, func(q queued) bool { return q.id < offset })
}

func (t *Telegram) page(limit int) []byte {
	b := []byte{'['}
	for i, q := range t.queue[:min(limit, len(t.queue))] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, q.raw...)
	}
	return append(b, ']')
}

// An Update is the JSON of one update, as Telegram sends it.
type Update []byte

type updateHead struct {
	ID      int `json:"update_id"`
	Message struct {
		ID int `json:"message_id"`
	} `json:"message"`
	Query struct {
		ID string `json:"id"`
	} `json:"callback_query"`
}

func (u Update) head() (h updateHead) {
	_ = json.Unmarshal(u, &h) // what is not an update has no ids
	return h
}

// ID is the update_id, 0 if there is none.
func (u Update) ID() int { return u.head().ID }

// Message is the id of the message that was sent, 0 if it is no new message.
func (u Update) Message() int { return u.head().Message.ID }

// Query is the id of the callback query, "" if it is none.
func (u Update) Query() string { return u.head().Query.ID }

// Kind is the name of the field that says what happened ("message", "callback_query"), "" if none does.
func (u Update) Kind() string {
	decoder := json.NewDecoder(bytes.NewReader(u))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		if s, _ := name.(string); s != "update_id" {
			return s
		}
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return ""
		}
	}
	return ""
}
