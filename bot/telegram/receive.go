package telegram

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"faro/bot"
	"faro/locales"
)

// An Event is what an update means to us.
type Event struct {
	Kind    string    // for counting: "input", or why it is ignored
	Chat    string    // the address: the id of a private chat
	Input   bot.Input // if Kind is "input"
	Tap     string    // id of the callback query to answer, "" if it was no tap
	Ordinal int       // the update's id, by which Telegram counts them
}

// The kinds of events. All but an input are counted and ignored.
const (
	KindInput   = "input"
	KindGroup   = "group"   // a group, supergroup or channel: Faro speaks with one person at a time
	KindBot     = "bot"     // another bot
	KindMember  = "member"  // someone started or blocked the bot
	KindUnknown = "unknown" // a kind of update we do not ask for
)

// ErrUpdate is returned for something that is not an update at all.
var ErrUpdate = errors.New("not a Telegram update")

// Allowed are the kinds of updates we ask Telegram for.
var Allowed = []string{"message", "edited_message", "channel_post", "callback_query", "my_chat_member"}

// Parse reads an update.
func Parse(raw []byte) (Event, error) {
	if !utf8.Valid(raw) {
		return Event{}, ErrUpdate
	}
	var u tgbotapi.Update
	if err := json.Unmarshal(raw, &u); err != nil || u.UpdateID <= 0 {
		// Its id is still told, if it has one, so that a poller can leave it behind. The decoder's
		// error is not: it may quote what it read.
		var id struct {
			UpdateID int `json:"update_id"`
		}
		_ = json.Unmarshal(raw, &id)
		return Event{Kind: KindUnknown, Ordinal: max(0, id.UpdateID)}, ErrUpdate
	}
	e := Event{Kind: KindUnknown, Ordinal: u.UpdateID}
	in := bot.Input{ID: strconv.Itoa(u.UpdateID), Ordinal: u.UpdateID, Channel: bot.Telegram}
	switch {
	case u.Message != nil:
		e.message(u.Message, in)
	case u.EditedMessage != nil:
		e.message(u.EditedMessage, in)
		e.Input.Kind, e.Input.Words, e.Input.Choice = bot.Edited, "", ""
	case u.CallbackQuery != nil:
		e.tap(u.CallbackQuery, in)
	case u.ChannelPost != nil, u.EditedChannelPost != nil:
		e.Kind = KindGroup
	case u.MyChatMember != nil, u.ChatMember != nil:
		e.Kind = KindMember
	}
	return e, nil
}

// private sets the address if a chat is between a person and us alone.
func (e *Event) private(chat *tgbotapi.Chat, from *tgbotapi.User) bool {
	switch {
	case chat == nil || chat.ID == 0:
		return false
	case chat.Type != "private":
		e.Kind = KindGroup
		return false
	case from == nil || from.IsBot:
		e.Kind = KindBot
		return false
	}
	e.Kind, e.Chat = KindInput, strconv.FormatInt(chat.ID, 10)
	return true
}

func (e *Event) message(m *tgbotapi.Message, in bot.Input) {
	if !e.private(m.Chat, m.From) {
		return
	}
	in.Message, in.Hint = m.MessageID, hint(m.From)
	command, rest, _ := strings.Cut(m.Text, " ")
	switch {
	case command == "/start" || strings.HasPrefix(command, "/start@"):
		in.Kind, in.Choice = bot.Start, strings.TrimSpace(rest)
	case strings.HasPrefix(command, "/"):
		command, _, _ = strings.Cut(command, "@")
		in.Kind, in.Words = bot.Text, bot.Words(strings.TrimSpace(command[1:]+" "+rest))
	case m.Text != "":
		in.Kind, in.Words = bot.Text, bot.Words(m.Text)
	case m.Location != nil:
		in.Kind, in.Position = bot.Location, bot.Position{North: m.Location.Latitude, East: m.Location.Longitude}
	default:
		in.Kind = bot.Media
	}
	e.Input = in
}

func (e *Event) tap(q *tgbotapi.CallbackQuery, in bot.Input) {
	if q.From == nil || q.ID == "" {
		return
	}
	chat := &tgbotapi.Chat{ID: q.From.ID, Type: "private"} // a button so old that Telegram forgot its message
	if q.Message != nil {
		chat, in.Message = q.Message.Chat, q.Message.MessageID
	}
	if !e.private(chat, q.From) {
		return
	}
	in.Kind, in.Choice, in.Hint = bot.Choice, q.Data, hint(q.From)
	e.Input, e.Tap = in, q.ID
}

// hint is the language of a person's Telegram app, without its region.
func hint(u *tgbotapi.User) locales.Lang {
	tag, _, _ := strings.Cut(strings.ToLower(u.LanguageCode), "-")
	return locales.Lang(tag)
}
