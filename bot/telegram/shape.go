// Package telegram is the Telegram Bot API on one side and the conversation on the other: it turns
// updates into inputs, by webhook or long polling, and replies into calls.
//
// It never prints a chat id, a name, a text, or the bot's token, which is part of every address it
// calls. Everything exported may be used from several goroutines.
package telegram

import (
	"encoding/json"
	"unicode/utf16"

	"faro/bot"
	"faro/locales"
)

// A Body is what is queued of a reply: what will be seen in the chat.
type Body struct {
	Lang    locales.Lang   `json:"l"`
	Text    string         `json:"t"`
	Bold    int            `json:"b,omitempty"` // UTF-16 units at the start that are bold
	Rows    [][]bot.Option `json:"r,omitempty"`
	Replace int            `json:"e,omitempty"` // id of the message to replace
	Wipe    bool           `json:"w,omitempty"` // first delete the messages of the chat
}

// MaxText is the most UTF-16 units a message may have (Bot API, sendMessage).
const MaxText = 4096

// Shape makes the queued body of a reply.
func Shape(r bot.Reply, in bot.Input) ([]byte, error) { return json.Marshal(Layout(r, in)) }

// Layout lays a reply out as a message. Texts are sent without markup, so nothing in them can break
// or forge it; the title is set off by an entity.
func Layout(r bot.Reply, in bot.Input) Body {
	b := Body{Lang: r.Lang, Text: r.Text, Wipe: r.Wipe}
	if r.Title != "" {
		b.Text = r.Title + "\n\n" + r.Text
		b.Bold = len(utf16.Encode([]rune(r.Title)))
	}
	if r.Replace {
		b.Replace = in.Message
	}
	b.Rows = rows(r.Options)
	if len(r.Nav) > 0 {
		b.Rows = append(b.Rows, r.Nav)
	}
	return b
}

// short is how many characters a label may have to share a row on a narrow phone.
const short = 18

// rows puts short neighbours side by side.
func rows(options []bot.Option) [][]bot.Option {
	var rows [][]bot.Option
	for i := 0; i < len(options); i++ {
		row := []bot.Option{options[i]}
		if i+1 < len(options) && fits(options[i].Label) && fits(options[i+1].Label) {
			i++
			row = append(row, options[i])
		}
		rows = append(rows, row)
	}
	return rows
}

func fits(label string) bool { return len([]rune(label)) <= short }
