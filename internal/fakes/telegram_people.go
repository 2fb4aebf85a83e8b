package fakes

import (
	"fmt"
	"strconv"
	"strings"
)

// A person is what Telegram tells of everyone who writes, ready as JSON.
type person struct {
	name     []byte // the first and last name and username fields
	fullName string
}

func newPerson(set settings) person {
	b := append([]byte(`"first_name":`), quote(set.first)...)
	if set.last != "" {
		b = append(append(b, `,"last_name":`...), quote(set.last)...)
	}
	if set.username != "" {
		b = append(append(b, `,"username":`...), quote(set.username)...)
	}
	return person{b, strings.TrimSpace(set.first + " " + set.last)}
}

// user appends a User object. A person's id is that of their chat with the bot.
func (p person) user(b []byte, id int64, lang string) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, id, 10)
	b = append(b, `,"is_bot":false,`...)
	b = append(b, p.name...)
	if lang != "" {
		b = append(append(b, `,"language_code":`...), quote(lang)...)
	}
	return append(b, '}')
}

// chat appends the Chat object of a person's chat with the bot.
func (p person) chat(b []byte, id int64) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, id, 10)
	b = append(b, ',')
	b = append(b, p.name...)
	return append(b, `,"type":"private"}`...)
}

// Know lets the bot write to these chats, as if each had written to it before.
func (t *Telegram) Know(chats ...int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range chats {
		t.room(id)
	}
}

// room is the chat, made known. The lock is held.
func (t *Telegram) room(id int64) *chat {
	room := t.chats[id]
	if room == nil {
		room = &chat{}
		t.chats[id] = room
	}
	return room
}

// Remove takes a message out of a chat, as a person does who deletes it for both sides.
func (t *Telegram) Remove(chat int64, messageID int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, _ := t.room(chat).find(messageID); m != nil {
		m.gone = true
	}
}

// open begins an update. The lock is held.
func (t *Telegram) open(kind string) []byte {
	t.lastUpdate++
	b := make([]byte, 0, 640)
	b = append(b, `{"update_id":`...)
	b = strconv.AppendInt(b, int64(t.lastUpdate), 10)
	return append(append(append(b, `,"`...), kind...), `":`...)
}

// fromPerson makes the update of a new message in a private chat and puts the message into it.
func (t *Telegram) fromPerson(id int64, lang, kind, text, rest string) Update {
	now := t.now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastMessage++
	t.room(id).keep(&message{Shown: Shown{ID: t.lastMessage, Kind: kind, Text: text}, date: now}, t.record)
	b := append(t.open("message"), `{"message_id":`...)
	b = strconv.AppendInt(b, int64(t.lastMessage), 10)
	b = t.people.user(append(b, `,"from":`...), id, lang)
	b = t.people.chat(append(b, `,"chat":`...), id)
	b = strconv.AppendInt(append(b, `,"date":`...), now, 10)
	return append(append(b, rest...), `}}`...)
}

// textFields are the fields of a text, with the entity Telegram puts on a command at its start.
func textFields(text string) string {
	s := `,"text":` + string(quote(text))
	if word, _, _ := strings.Cut(text, " "); len(word) > 1 && word[0] == '/' {
		s += `,"entities":[{"offset":0,"length":` + strconv.Itoa(units(word)) + `,"type":"bot_command"}]`
	}
	return s
}

// Say is a person's text. lang is the language of their app ("es", "pt-br"), "" if it is not told.
// Like every builder it gives the JSON of one update, with the next update_id.
func (t *Telegram) Say(chat int64, lang, text string) Update {
	return t.fromPerson(chat, lang, "text", text, textFields(text))
}

const someFile = `"file_id":"AwACAgEAAxkBAAIB","file_unique_id":"AgADfake","file_size":14323`

// Location is a place a person shared.
func (t *Telegram) Location(chat int64, lang string, latitude, longitude float64) Update {
	return t.fromPerson(chat, lang, "location", "", fmt.Sprintf(`,"location":{"latitude":%.6f,"longitude":%.6f}`, latitude, longitude))
}

// Voice is a voice message.
func (t *Telegram) Voice(chat int64, lang string) Update {
	return t.fromPerson(chat, lang, "voice", "", `,"voice":{"duration":4,"mime_type":"audio/ogg",`+someFile+`}`)
}

// Sticker is a sticker.
func (t *Telegram) Sticker(chat int64, lang string) Update {
	return t.fromPerson(chat, lang, "sticker", "",
		`,"sticker":{"width":512,"height":512,"emoji":"👍","set_name":"Animals","is_animated":false,"is_video":false,"type":"regular",`+someFile+`}`)
}

// Photo is a picture with a caption, "" for none.
func (t *Telegram) Photo(chat int64, lang, caption string) Update {
	rest := `,"photo":[{"width":90,"height":67,` + someFile + `},{"width":800,"height":600,` + someFile + `}]`
	if caption != "" {
		rest += `,"caption":` + string(quote(caption))
	}
	return t.fromPerson(chat, lang, "photo", caption, rest)
}

// Contact is a phone number a person shared.
func (t *Telegram) Contact(chat int64, lang, phone string) Update {
	return t.fromPerson(chat, lang, "contact", "",
		fmt.Sprintf(`,"contact":{"phone_number":%s,"first_name":%s,"user_id":%d}`, quote(phone), quote(t.people.fullName), chat))
}

// Edited is a person's change of a text they sent before.
func (t *Telegram) Edited(chat int64, lang string, messageID int, text string) Update {
	now := t.now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, _ := t.room(chat).find(messageID); m != nil {
		m.Text = text
		m.Edits++
	}
	b := append(t.open("edited_message"), `{"message_id":`...)
	b = strconv.AppendInt(b, int64(messageID), 10)
	b = t.people.user(append(b, `,"from":`...), chat, lang)
	b = t.people.chat(append(b, `,"chat":`...), chat)
	b = fmt.Appendf(b, `,"date":%d,"edit_date":%d`, now-5, now)
	return append(append(b, textFields(text)...), `}}`...)
}

// Tap is a tap on the button with this data under a message, whether or not it is there: apps show
// old messages too. The query waits for its answer.
func (t *Telegram) Tap(chat int64, lang string, messageID int, data string) Update {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastQuery++
	query := fmt.Sprintf("%d%09d", 4_000_000_000+chat%1_000_000_000, t.lastQuery)
	t.queries[query] = false
	b := append(t.open("callback_query"), `{"id":"`...)
	b = append(append(b, query...), `","from":`...)
	b = t.people.user(b, chat, lang)
	b = append(b, `,"message":`...)
	if m, _ := t.room(chat).find(messageID); m != nil && !m.gone {
		b = append(b, t.messageJSON(chat, m, 0)...)
	} else { // an InaccessibleMessage: date 0
		b = fmt.Appendf(b, `{"message_id":%d,"chat":`, messageID)
		b = append(t.people.chat(b, chat), `,"date":0}`...)
	}
	b = append(b, `,"chat_instance":"-4611686018427387904","data":`...)
	return append(append(b, quote(data)...), `}}`...)
}

// groupJSON appends a Chat object that is no private chat.
func groupJSON(b []byte, id int64, kind string) []byte {
	return fmt.Appendf(b, `{"id":%d,"title":"Test","type":%q}`, id, kind)
}

// Group is a person's text in a group; its id is negative, and the bot may not write to it.
func (t *Telegram) Group(group, person int64, lang, text string) Update {
	now := t.now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastMessage++
	b := fmt.Appendf(t.open("message"), `{"message_id":%d,"from":`, t.lastMessage)
	b = t.people.user(b, person, lang)
	b = groupJSON(append(b, `,"chat":`...), group, "supergroup")
	b = strconv.AppendInt(append(b, `,"date":`...), now, 10)
	return append(append(b, textFields(text)...), `}}`...)
}

// ChannelPost is a text in a channel, which has no sender.
func (t *Telegram) ChannelPost(channel int64, text string) Update {
	now := t.now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastMessage++
	b := fmt.Appendf(t.open("channel_post"), `{"message_id":%d,"sender_chat":`, t.lastMessage)
	b = groupJSON(b, channel, "channel")
	b = groupJSON(append(b, `,"chat":`...), channel, "channel")
	b = strconv.AppendInt(append(b, `,"date":`...), now, 10)
	return append(append(b, textFields(text)...), `}}`...)
}

// MyChatMember tells that a person blocked the bot (status "kicked") or let it back in ("member").
// From then on the bot's messages are refused with 403, or accepted again.
func (t *Telegram) MyChatMember(chat int64, lang, status string) Update {
	now := t.now().Unix()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room(chat).blocked = status == "kicked"
	before := "kicked"
	if status == before {
		before = "member"
	}
	b := t.people.chat(append(t.open("my_chat_member"), `{"chat":`...), chat)
	b = t.people.user(append(b, `,"from":`...), chat, lang)
	b = strconv.AppendInt(append(b, `,"date":`...), now, 10)
	b = append(append(b, `,"old_chat_member":`...), t.member(before)...)
	b = append(append(b, `,"new_chat_member":`...), t.member(status)...)
	return append(b, `}}`...)
}

func (t *Telegram) member(status string) string {
	s := fmt.Sprintf(`{"user":%s,"status":%q`, t.bot, status)
	if status == "kicked" {
		s += `,"until_date":0`
	}
	return s + "}"
}
