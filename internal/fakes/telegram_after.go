package fakes

import (
	"encoding/json"
	"net/http"
	"slices"
	"unicode/utf8"
)

// What a bot does about messages that are already there.

func (c *call) deleteMessage() reply {
	number, answer, ok := c.messageID()
	if !ok {
		return answer
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	room, _, answer, ok := c.chat()
	if !ok {
		return answer
	}
	switch m, forgotten := room.find(number); {
	case m == nil && !forgotten:
		return c.bad("message to delete not found")
	case m == nil:
		return yes
	case m.gone:
		return refuse(http.StatusBadRequest, "Bad Request: message to delete not found")
	default:
		m.gone = true
		return yes
	}
}

func (c *call) deleteMessages() reply {
	s := c.fields.get("message_ids")
	if s == "" {
		return c.bad("message identifiers are not specified")
	}
	var numbers []int
	if err := json.Unmarshal([]byte(s), &numbers); err != nil {
		return c.bad("expected an Array of message identifiers")
	}
	switch {
	case len(numbers) == 0:
		return c.bad("message identifiers are not specified")
	case len(numbers) > maxDeleted:
		return c.bad("too many message identifiers specified")
	case slices.Min(numbers) <= 0:
		return c.bad("invalid message identifier specified")
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	room, _, answer, ok := c.chat()
	if !ok {
		return answer
	}
	for _, number := range numbers {
		if m, _ := room.find(number); m != nil {
			m.gone = true
		}
	}
	return yes
}

func (c *call) answerCallbackQuery() reply {
	if utf8.RuneCountInString(c.fields.get("text")) > maxToast {
		return c.bad("MESSAGE_TOO_LONG")
	}
	c.flag("show_alert")
	c.integer("cache_time", 0, 0, 1<<31-1)
	const late = "query is too old and response timeout expired or query ID is invalid"
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	query := c.fields.get("callback_query_id")
	old, open := c.t.queries[query]
	if !open {
		return c.bad(late)
	}
	delete(c.t.queries, query)
	if old {
		return refuse(http.StatusBadRequest, "Bad Request: "+late)
	}
	c.t.answers++
	return yes
}

// Answers counts the callback queries answered in time.
func (t *Telegram) Answers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answers
}

// ExpireQueries makes every callback query so far too old to answer.
func (t *Telegram) ExpireQueries() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.queries {
		t.queries[id] = true
	}
}

var actions = []string{"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
	"upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note"}

func (c *call) sendChatAction() reply {
	if !slices.Contains(actions, c.fields.get("action")) {
		return c.bad("wrong parameter action in request")
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if _, _, answer, ok := c.chat(); !ok {
		return answer
	}
	return yes
}
