package fakes

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Reading of single fields. Where ok is false the reply is the answer to the call.

// integer reads a whole number from low to high, or gives fallback when the field is absent. As
// the real service does, it answers nothing to a wrong one and takes the nearest that is right.
func (c *call) integer(name string, fallback, low, high int) int {
	s, ok := c.fields.lookup(name)
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		c.note("%s is not a whole number", name)
		return fallback
	}
	if n < low || n > high {
		c.note("%s is %d, it must be %d to %d", name, n, low, high)
	}
	return min(max(n, low), high)
}

// flag reads a boolean.
func (c *call) flag(name string) bool {
	switch s, ok := c.fields.lookup(name); {
	case !ok, s == "false":
		return false
	case s == "true":
		return true
	default:
		c.note("%s must be true or false", name)
		return s == "True" || s == "yes" || s == "1"
	}
}

// chat reads chat_id and looks the chat up: it must have written to the bot. The lock is held.
func (c *call) chat() (*chat, int64, reply, bool) {
	s := c.fields.get("chat_id")
	if s == "" {
		return nil, 0, c.bad("chat_id is empty"), false
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, 0, c.badQuietly("chat not found", "chat_id is not a number"), false
	}
	room := c.t.chats[id]
	if room == nil {
		return nil, 0, c.badQuietly("chat not found", "chat_id is of a chat that never wrote to the bot"), false
	}
	if room.blocked {
		return nil, 0, refuse(http.StatusForbidden, "Forbidden: bot was blocked by the user"), false
	}
	return room, id, reply{}, true
}

// messageID reads message_id.
func (c *call) messageID() (int, reply, bool) {
	id, err := strconv.Atoi(c.fields.get("message_id"))
	if err != nil || id <= 0 {
		return 0, c.bad("message identifier is not specified"), false
	}
	return id, reply{}, true
}

// language reads language_code: two letters, or empty for everyone who has no list of their own.
func (c *call) language() (string, reply, bool) {
	lang := c.fields.get("language_code")
	if lang == "" || len(lang) == 2 && isLower(lang[0]) && isLower(lang[1]) {
		return lang, reply{}, true
	}
	return "", c.bad("invalid language code specified"), false
}

func isLower(b byte) bool { return b >= 'a' && b <= 'z' }

// updateKinds are the fields of Update that can be asked for with allowed_updates; the true ones
// come without being asked for.
var updateKinds = map[string]bool{
	"message": true, "edited_message": true, "channel_post": true, "edited_channel_post": true,
	"business_connection": true, "business_message": true, "edited_business_message": true,
	"deleted_business_messages": true, "guest_message": true, "message_reaction": false,
	"message_reaction_count": false, "inline_query": true, "chosen_inline_result": true,
	"callback_query": true, "shipping_query": true, "pre_checkout_query": true,
	"purchased_paid_media": true, "poll": true, "poll_answer": true, "my_chat_member": true,
	"chat_member": false, "chat_join_request": true, "chat_boost": true, "removed_chat_boost": true,
	"managed_bot": true, "subscription": true,
}

// allow reads allowed_updates. Absent it changes nothing; an empty list is the default kinds.
func (c *call) allow() (kinds []string, given bool, answer reply, ok bool) {
	s := c.fields.get("allowed_updates")
	if s == "" || s == "null" { // the client library writes null for none
		return nil, false, reply{}, true
	}
	if err := json.Unmarshal([]byte(s), &kinds); err != nil {
		return nil, false, c.bad("can't parse allowed updates: expected an Array of String"), false
	}
	for _, kind := range kinds {
		if _, there := updateKinds[kind]; !there {
			c.note("allowed_updates names a kind of update there is not")
		}
	}
	if len(kinds) == 0 {
		kinds = nil
	}
	return kinds, true, reply{}, true
}

// strictly decodes JSON and notes a field the type does not have, which the real service overlooks.
func strictly(raw []byte, into any, c *call) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err != nil && strings.Contains(err.Error(), "unknown field") {
		c.note("an object within has a field there is not")
		return json.Unmarshal(raw, into)
	}
	return err
}
