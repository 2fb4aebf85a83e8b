// Package telegram is the Telegram Bot API on one side and the conversation on the other: it turns
// updates into inputs, by webhook or long polling, and replies into calls.
//
// It never prints a chat id, a name, a text, or the bot's token, which is part of every address it
// calls. Everything exported may be used from several goroutines.
package telegram

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf16"

	"faro/bot"
	"faro/internal/calendar"
	"faro/locales"
)

// A Body is what will be seen in the chat.
type Body struct {
	Lang    locales.Lang `json:"l"`
	Bold    int          `json:"b,omitempty"` // UTF-16 units at the start that are bold
	Replace int          `json:"e,omitempty"` // id of the message to replace
	Only    bool         `json:"o,omitempty"` // replace it, or send nothing
	Delete  int          `json:"d,omitempty"` // id of the message to delete; nothing else is done
	Wipe    bool         `json:"w,omitempty"` // first delete the messages of the chat
	Event   []byte       `json:"i,omitempty"` // a calendar file the text is the caption of

	Text string         `json:"-"`
	Rows [][]bot.Option `json:"-"`
}

// The most UTF-16 units a message and a caption may have (Bot API, sendMessage and sendDocument).
const (
	MaxText    = 4096
	maxCaption = 1024
)

// Shape makes what is queued of a reply: a line about the body, a line with the keyboard as Telegram
// takes it, and the text. The sender takes it apart without reading the keyboard, which is most of
// the work of sending otherwise.
func Shape(r bot.Reply, in bot.Input) ([]byte, error) {
	b := Layout(r, in)
	head, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	keyboard, err := keyboard(b.Rows)
	if err != nil {
		return nil, err
	}
	return slices.Concat(head, []byte{'\n'}, keyboard, []byte{'\n'}, []byte(b.Text)), nil
}

// Retraction is what is queued to delete a message.
func Retraction(message int) []byte {
	head, err := json.Marshal(Body{Delete: message})
	if err != nil { // a number
		panic(err)
	}
	return append(head, "\n\n"...)
}

var errBody = errors.New("not a queued body")

// parted takes a queued body apart. The rows are in the keyboard; see Open.
func parted(queued []byte) (b Body, keyboard string, err error) {
	parts := strings.SplitN(string(queued), "\n", 3)
	if len(parts) != 3 || json.Unmarshal([]byte(parts[0]), &b) != nil {
		return Body{}, "", errBody
	}
	b.Text = parts[2]
	return b, parts[1], nil
}

// Open reads what Shape made.
func Open(queued []byte) (Body, error) {
	b, keyboard, err := parted(queued)
	if err != nil || keyboard == "" {
		return b, err
	}
	var m markup
	if json.Unmarshal([]byte(keyboard), &m) != nil {
		return Body{}, errBody
	}
	for _, row := range m.Rows {
		var options []bot.Option
		for _, o := range row {
			options = append(options, bot.Option(o))
		}
		b.Rows = append(b.Rows, options)
	}
	return b, nil
}

// A markup is an inline keyboard (Bot API, InlineKeyboardMarkup).
type markup struct {
	Rows [][]button `json:"inline_keyboard"`
}

type button struct {
	Label string `json:"text"`
	Data  string `json:"callback_data"`
}

func keyboard(rows [][]bot.Option) ([]byte, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var m markup
	for _, row := range rows {
		var buttons []button
		for _, o := range row {
			buttons = append(buttons, button(o))
		}
		m.Rows = append(m.Rows, buttons)
	}
	return json.Marshal(m)
}

// Layout lays a reply out as a message. Texts are sent without markup, so nothing in them can break
// or forge it; the title is set off by an entity.
func Layout(r bot.Reply, in bot.Input) Body {
	b := Body{Lang: r.Lang, Text: r.Text, Wipe: r.Wipe}
	if r.Title != "" {
		b.Text = r.Title + "\n\n" + r.Text
		b.Bold = len(utf16.Encode([]rune(r.Title)))
	}
	if r.Replace {
		b.Replace, b.Only = in.Message, r.Only
	}
	// One call carries text and file, so that a crash between two can lose or repeat neither. A file
	// cannot take the place of a text. The same reply must give the same bytes, so no clock is read.
	if len(r.Events) > 0 && len(utf16.Encode([]rune(b.Text))) <= maxCaption {
		b.Event, b.Replace = calendar.Write("Faro", r.Events, r.Events[0].Start), 0
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
