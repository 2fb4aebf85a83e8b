package fakes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Limits of messages. https://core.telegram.org/bots/api#sendmessage, #answercallbackquery, #deletemessages
const (
	maxText    = 4096 // UTF-16 units, after the markup is taken out
	maxToast   = 200  // characters of an answer to a callback query
	maxDeleted = 100  // messages deleted by one call
)

// Shown is a message as a person sees it now.
type Shown struct {
	ID       int
	Bot      bool   // from the bot; else from the person
	Kind     string // "text", or what a person sent instead: "voice", "location" and so on
	Text     string // without markup; of a document its caption
	File     string // name and, after a line break, the bytes of a document
	Entities []Entity
	Rows     [][]Button
	Silent   bool      // came without a sound
	Locked   bool      // can be neither forwarded nor saved
	Edits    int       // how often it was edited
	At       time.Time // when the bot sent it
}

// Data lists the callback data of the message's buttons, row by row.
func (s Shown) Data() []string {
	var list []string
	for _, row := range s.Rows {
		for _, b := range row {
			if b.Data != "" {
				list = append(list, b.Data)
			}
		}
	}
	return list
}

type chat struct {
	messages []*message // by id
	cut      int        // the highest id no longer kept
	blocked  bool
}

type message struct {
	Shown
	raw  fields
	date int64 // Unix seconds
	gone bool
}

// find is the message with this id, nil if the chat never had it. forgotten says that it may have
// been one that is no longer kept.
func (r *chat) find(id int) (m *message, forgotten bool) {
	i := sort.Search(len(r.messages), func(i int) bool { return r.messages[i].ID >= id })
	if i < len(r.messages) && r.messages[i].ID == id {
		return r.messages[i], false
	}
	return nil, id <= r.cut
}

func (r *chat) keep(m *message, most int) {
	if most > 0 {
		r.messages = append(r.messages, m)
	} else {
		r.cut = m.ID
	}
	if len(r.messages) >= 2*most && most > 0 { // in bulk, so that it costs little
		drop := len(r.messages) - most
		r.cut = r.messages[drop-1].ID
		r.messages = slices.Clone(r.messages[drop:])
	}
}

// Chat is what a person sees in their chat now, oldest first.
func (t *Telegram) Chat(id int64) []Shown {
	t.mu.Lock()
	defer t.mu.Unlock()
	room := t.chats[id]
	if room == nil {
		return nil
	}
	var list []Shown
	for _, m := range room.messages[max(len(room.messages)-t.record, 0):] {
		if !m.gone {
			list = append(list, m.Shown)
		}
	}
	return list
}

// Unmodified counts the edits refused because they changed nothing.
func (t *Telegram) Unmodified() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unmodified
}

// content is what sendMessage and editMessageText have in common.
type content struct {
	text     string
	entities []Entity
	rows     [][]Button
	raw      fields // what was checked and is given back as it came
}

func (c *call) content() (content, reply, bool) {
	var it content
	it.text = c.fields.get("text")
	if it.text == "" {
		return it, c.bad("message text is empty"), false
	}
	entities := c.fields.get("entities")
	if mode := c.fields.get("parse_mode"); mode != "" {
		if entities != "" {
			c.note("parse_mode and entities are both given, entities are not read")
		}
		plain, err := stripMarkup(mode, it.text)
		if err != nil {
			return it, c.badQuietly(err.Error(), "the text does not follow its parse_mode"), false
		}
		it.text = plain
	} else if entities != "" {
		var answer reply
		var ok bool
		if it.entities, answer, ok = c.entities(entities, it.text); !ok {
			return it, answer, false
		}
	}
	if strings.TrimSpace(it.text) == "" {
		return it, c.bad("text must be non-empty"), false
	}
	if n := units(it.text); n > maxText {
		return it, c.badQuietly("message is too long", fmt.Sprintf("the text has %d UTF-16 units, at most %d", n, maxText)), false
	}
	var answer reply
	var ok bool
	if it.rows, answer, ok = c.keyboard(); !ok {
		return it, answer, false
	}
	answer, ok = c.linkPreview()
	for _, name := range []string{"entities", "reply_markup", "link_preview_options"} {
		if s := c.fields.get(name); s != "" && (name != "entities" || it.entities != nil) {
			it.raw = append(it.raw, field{name, s})
		}
	}
	return it, answer, ok
}

func (c *call) sendMessage() reply { return c.send("text", "") }

// maxCaption is the most UTF-16 units of a caption. https://core.telegram.org/bots/api#senddocument
const maxCaption = 1024

// sendDocument takes an uploaded file, which readFields gives as its name, a line break and its bytes.
func (c *call) sendDocument() reply {
	file := c.fields.get("document")
	name, bytes, uploaded := strings.Cut(file, "\n")
	if !uploaded || name == "" {
		return c.bad("there is no document in the request")
	}
	if bytes == "" {
		return c.bad("file must be non-empty")
	}
	var list fields
	for _, f := range c.fields {
		switch f.name {
		case "caption":
			f.name = "text"
		case "caption_entities":
			f.name = "entities"
		case "document":
			continue
		}
		list = append(list, f)
	}
	c.fields = list
	if n := units(c.fields.get("text")); n > maxCaption {
		return c.badQuietly("message caption is too long", fmt.Sprintf("the caption has %d UTF-16 units, at most %d", n, maxCaption))
	}
	return c.send("document", file)
}

// send shows a new message.
func (c *call) send(kind, file string) reply {
	it, answer, ok := c.content()
	if !ok {
		return answer
	}
	silent, locked := c.flag("disable_notification"), c.flag("protect_content")
	t := c.t
	t.mu.Lock()
	room, id, answer, ok := c.chat()
	if ok {
		answer, ok = c.repliesTo(room)
	}
	if ok && !t.admit(c.now) {
		answer, ok = tooMany(penalty), false
	}
	if !ok {
		t.mu.Unlock()
		return answer
	}
	t.lastMessage++
	m := &message{Shown: Shown{ID: t.lastMessage, Bot: true, At: c.now, Kind: kind, Text: it.text, File: file,
		Entities: it.entities, Rows: it.rows, Silent: silent, Locked: locked}, raw: it.raw, date: c.now.Unix()}
	room.keep(m, t.record)
	t.sent.Add(1)
	result := t.messageJSON(id, m, 0)
	t.mu.Unlock()
	if t.OnSend != nil {
		t.OnSend(id, c.now)
	}
	return done(result)
}

// repliesTo checks reply_parameters. The lock is held.
func (c *call) repliesTo(room *chat) (reply, bool) {
	s := c.fields.get("reply_parameters")
	if s == "" {
		return reply{}, true
	}
	var to struct {
		Message *int `json:"message_id"`
		Anyway  bool `json:"allow_sending_without_reply"`
	}
	if err := json.Unmarshal([]byte(s), &to); err != nil {
		return c.bad("can't parse reply parameters JSON object"), false
	}
	if to.Message == nil {
		return c.bad(`can't find field "message_id"`), false
	}
	m, forgotten := room.find(*to.Message)
	if m == nil && !forgotten && !to.Anyway {
		return c.bad("message to be replied not found"), false
	}
	if m != nil && m.gone && !to.Anyway {
		return refuse(http.StatusBadRequest, "Bad Request: message to be replied not found"), false
	}
	return reply{}, true
}

const notModified = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"

func (c *call) editMessageText() reply {
	it, answer, ok := c.content()
	if !ok {
		return answer
	}
	number, answer, ok := c.messageID()
	if !ok {
		return answer
	}
	t := c.t
	t.mu.Lock()
	room, id, answer, ok := c.chat()
	if !ok {
		t.mu.Unlock()
		return answer
	}
	m, forgotten := room.find(number)
	switch {
	case m == nil && !forgotten:
		answer, ok = c.bad("message to edit not found"), false
	case m == nil:
		m = &message{Shown: Shown{ID: number, Bot: true, Kind: "text"}, date: c.now.Unix()}
	case m.gone:
		answer, ok = refuse(http.StatusBadRequest, "Bad Request: message to edit not found"), false
	case !m.Bot:
		answer, ok = c.bad("message can't be edited"), false
	case m.File != "": // nobody can know of an older message
		answer, ok = refuse(http.StatusBadRequest, "Bad Request: there is no text in the message to edit"), false
	case m.Text == it.text && slices.Equal(m.Entities, it.entities) && slices.EqualFunc(m.Rows, it.rows, slices.Equal[[]Button]):
		t.unmodified++
		answer, ok = refuse(http.StatusBadRequest, notModified), false
	}
	if ok && !t.admit(c.now) {
		answer, ok = tooMany(penalty), false
	}
	if !ok {
		t.mu.Unlock()
		return answer
	}
	m.Text, m.Entities, m.Rows, m.raw = it.text, it.entities, it.rows, it.raw
	m.Edits++
	t.sent.Add(1)
	result := t.messageJSON(id, m, c.now.Unix())
	t.mu.Unlock()
	if t.OnSend != nil {
		t.OnSend(id, c.now)
	}
	return done(result)
}

// messageJSON is a message as the Bot API returns it. edited is 0 for a new one.
func (t *Telegram) messageJSON(id int64, m *message, edited int64) []byte {
	b := make([]byte, 0, 512+2*len(m.Text))
	b = append(b, `{"message_id":`...)
	b = strconv.AppendInt(b, int64(m.ID), 10)
	b = append(b, `,"from":`...)
	if m.Bot {
		b = append(b, t.bot...)
	} else {
		b = t.people.user(b, id, "")
	}
	b = append(b, `,"chat":`...)
	b = t.people.chat(b, id)
	b = append(b, `,"date":`...)
	b = strconv.AppendInt(b, m.date, 10)
	if edited != 0 {
		b = append(b, `,"edit_date":`...)
		b = strconv.AppendInt(b, edited, 10)
	}
	text := `,"text":`
	if m.File != "" {
		name, _, _ := strings.Cut(m.File, "\n")
		b = append(append(append(b, `,"document":{"file_id":"f","file_unique_id":"f","file_name":`...), quote(name)...), '}')
		text = `,"caption":`
	}
	if m.Text != "" {
		b = append(append(b, text...), quote(m.Text)...)
	}
	for _, f := range m.raw {
		if m.File != "" && f.name == "entities" {
			f.name = "caption_entities"
		}
		b = append(append(append(append(b, `,"`...), f.name...), `":`...), f.value...)
	}
	if m.Locked {
		b = append(b, `,"has_protected_content":true`...)
	}
	return append(b, '}')
}
