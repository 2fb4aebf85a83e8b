package fakes

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of what hangs on a text. https://core.telegram.org/bots/api#messageentity and
// #inlinekeyboardbutton; the numbers of buttons are those the servers and apps keep to.
const (
	maxEntities = 100
	maxData     = 64 // bytes of callback_data
	maxRow      = 8
	maxButtons  = 100
	maxCopied   = 256 // characters of copy_text
)

// An Entity marks a part of a text. Offset and Length are in UTF-16 units.
type Entity struct {
	Type     string `json:"type"`
	Offset   int    `json:"offset"`
	Length   int    `json:"length"`
	URL      string `json:"url,omitempty"`
	Language string `json:"language,omitempty"`
}

var entityTypes = []string{"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bold",
	"italic", "underline", "strikethrough", "spoiler", "blockquote", "expandable_blockquote", "code", "pre",
	"text_link", "text_mention", "custom_emoji", "date_time"}

func (c *call) entities(s, text string) ([]Entity, reply, bool) {
	var list []struct {
		Type   string          `json:"type"`
		Offset *int            `json:"offset"`
		Length *int            `json:"length"`
		URL    *string         `json:"url"`
		Lang   string          `json:"language"`
		User   json.RawMessage `json:"user"`
		Emoji  string          `json:"custom_emoji_id"`
		Time   *int64          `json:"unix_time"`
	}
	const wrong = "can't parse MessageEntity: "
	if err := json.Unmarshal([]byte(s), &list); err != nil {
		return nil, c.bad("can't parse entities JSON object"), false
	}
	if len(list) > maxEntities {
		c.note("%d entities, at most %d are read", len(list), maxEntities)
	}
	total := units(text)
	out := make([]Entity, 0, len(list))
	for _, e := range list {
		switch {
		case !slices.Contains(entityTypes, e.Type):
			return nil, c.bad(wrong + "Unsupported type specified"), false
		case e.Offset == nil:
			return nil, c.bad(wrong + `Can't find field "offset"`), false
		case e.Length == nil:
			return nil, c.bad(wrong + `Can't find field "length"`), false
		case *e.Offset < 0:
			return nil, c.bad(fmt.Sprintf("receive an entity with incorrect offset %d", *e.Offset)), false
		case *e.Length < 0:
			return nil, c.bad(fmt.Sprintf("receive an entity with incorrect length %d", *e.Length)), false
		case *e.Offset > total:
			return nil, c.bad(fmt.Sprintf("entity begins after the end of the text at UTF-16 offset %d", *e.Offset)), false
		case *e.Length > total-*e.Offset:
			return nil, c.bad(fmt.Sprintf("entity beginning at UTF-16 offset %d ends after the end of the text at UTF-16 offset %d", *e.Offset, *e.Offset+*e.Length)), false
		case *e.Length == 0:
			c.note("an entity has the length 0 and is not read")
		case e.Type == "text_link" && e.URL == nil:
			return nil, c.bad(wrong + `Can't find field "url"`), false
		case e.Type == "text_mention" && e.User == nil:
			return nil, c.bad(wrong + `Can't find field "user"`), false
		case e.Type == "custom_emoji" && e.Emoji == "":
			return nil, c.bad(wrong + `Can't find field "custom_emoji_id"`), false
		case e.Type == "date_time" && e.Time == nil:
			return nil, c.bad(wrong + `Can't find field "unix_time"`), false
		}
		if e.URL != nil && e.Type == "text_link" && !isLink(*e.URL) {
			return nil, c.badQuietly("entity URL '"+*e.URL+"' is invalid: Wrong HTTP URL", "the URL of an entity is invalid"), false
		}
		one := Entity{Type: e.Type, Offset: *e.Offset, Length: *e.Length, Language: e.Lang}
		if e.URL != nil {
			one.URL = *e.URL
		}
		out = append(out, one)
	}
	if total != utf8.RuneCountInString(text) {
		for _, e := range out {
			if at, ok := boundary(text, e.Offset); !ok {
				return nil, c.bad(fmt.Sprintf("entity begins in a middle of a UTF-16 symbol at byte offset %d", at)), false
			}
			if at, ok := boundary(text, e.Offset+e.Length); !ok {
				return nil, c.bad(fmt.Sprintf("entity beginning at UTF-16 offset %d ends in a middle of a UTF-16 symbol at byte offset %d", e.Offset, at)), false
			}
		}
	}
	c.nesting(out)
	return out, reply{}, true
}

// boundary says whether a character begins (or the text ends) at a UTF-16 offset, and at which byte.
func boundary(text string, offset int) (int, bool) {
	n := 0
	for i, r := range text {
		if n >= offset {
			return i, n == offset
		}
		if n++; r > 0xFFFF {
			n++
		}
	}
	return len(text), n == offset
}

// nesting notes entities that cut into each other, or are where none may be.
func (c *call) nesting(list []Entity) {
	for i, a := range list {
		for _, b := range list[i+1:] {
			if a.Offset > b.Offset || a.Offset == b.Offset && a.Length < b.Length {
				a, b = b, a
			}
			end, other := a.Offset+a.Length, b.Offset+b.Length
			switch {
			case b.Offset >= end:
			case other > end:
				c.note("entities overlap without one being within the other")
			case a.Type == "code" || a.Type == "pre" || b.Type == "code" || b.Type == "pre":
				c.note("code and pre can't be combined with other entities")
			case strings.HasSuffix(a.Type, "blockquote") && strings.HasSuffix(b.Type, "blockquote"):
				c.note("a blockquote is within a blockquote")
			}
		}
	}
}

// isLink says whether Telegram would take s for a link; it adds http:// to a bare host name.
func isLink(s string) bool {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return strings.Contains(u.Hostname(), ".") || strings.Contains(u.Host, "[")
	case "tg", "ton", "tonsite":
		return true
	}
	return false
}

// A Button is one button under a message. Action names the field that says what it does; Data is
// its callback data, URL its link.
type Button struct {
	Text, Action, Data, URL string
}

type wireButton struct {
	Text     *string         `json:"text"`
	Icon     string          `json:"icon_custom_emoji_id"`
	Style    string          `json:"style"`
	URL      *string         `json:"url"`
	Data     *string         `json:"callback_data"`
	WebApp   json.RawMessage `json:"web_app"`
	Login    json.RawMessage `json:"login_url"`
	Switch   *string         `json:"switch_inline_query"`
	Current  *string         `json:"switch_inline_query_current_chat"`
	Chosen   json.RawMessage `json:"switch_inline_query_chosen_chat"`
	Copy     *copyText       `json:"copy_text"`
	Game     json.RawMessage `json:"callback_game"`
	Pay      bool            `json:"pay"`
	Disabled json.RawMessage `json:"disabled"`
}

type copyText struct {
	Text string `json:"text"`
}

// action is the first action of a button, and how many it has.
func (w *wireButton) action() (name string, n int) {
	count := func(there bool, what string) {
		if there {
			if n++; n == 1 {
				name = what
			}
		}
	}
	count(w.Data != nil, "callback_data")
	count(w.URL != nil, "url")
	count(w.WebApp != nil, "web_app")
	count(w.Login != nil, "login_url")
	count(w.Switch != nil, "switch_inline_query")
	count(w.Current != nil, "switch_inline_query_current_chat")
	count(w.Chosen != nil, "switch_inline_query_chosen_chat")
	count(w.Copy != nil, "copy_text")
	count(w.Game != nil, "callback_game")
	count(w.Pay, "pay")
	count(w.Disabled != nil, "disabled")
	return name, n
}

// keyboard reads reply_markup, which must be an inline keyboard.
func (c *call) keyboard() ([][]Button, reply, bool) {
	s, ok := c.fields.lookup("reply_markup")
	if !ok {
		return nil, reply{}, true
	}
	wire, ok := plainKeyboard(s)
	if !ok {
		var answer reply
		if wire, answer, ok = c.oddKeyboard(s); !ok || wire == nil {
			return nil, answer, ok
		}
	}
	total := 0
	rows := make([][]Button, 0, len(wire))
	for _, line := range wire {
		row := make([]Button, 0, len(line))
		for i := range line {
			b, answer, ok := c.button(&line[i])
			if !ok {
				return nil, answer, false
			}
			row = append(row, b)
		}
		if total += len(row); len(row) > maxRow || total > maxButtons {
			return nil, c.bad("REPLY_MARKUP_TOO_LONG"), false
		}
		if len(row) == 0 {
			c.note("a row of the inline keyboard is empty")
			continue
		}
		rows = append(rows, row)
	}
	return rows, reply{}, true
}

// plainKeyboard reads a keyboard that is well formed in one go, for speed.
func plainKeyboard(s string) ([][]wireButton, bool) {
	var top struct {
		Rows [][]wireButton `json:"inline_keyboard"`
	}
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&top); err != nil || top.Rows == nil || slices.ContainsFunc(top.Rows, func(row []wireButton) bool { return row == nil }) {
		return nil, false
	}
	_, err := decoder.Token()
	return top.Rows, err == io.EOF
}

// oddKeyboard finds out what is wrong with any other, step by step. Without rows it is left out.
func (c *call) oddKeyboard(s string) ([][]wireButton, reply, bool) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s), &top); err != nil {
		return nil, c.bad("can't parse reply keyboard markup JSON object"), false
	}
	if top == nil {
		return nil, c.bad("object expected as reply markup"), false
	}
	raw, inline := top["inline_keyboard"]
	if !inline {
		c.note("reply_markup is no inline keyboard; this stand-in knows no other")
		return nil, reply{}, true
	}
	if len(top) > 1 {
		c.note("reply_markup has a field besides inline_keyboard")
	}
	var lines []json.RawMessage
	if err := json.Unmarshal(raw, &lines); err != nil || lines == nil {
		return nil, c.bad(`field "inline_keyboard" must be of type Array`), false
	}
	rows := make([][]wireButton, len(lines))
	for i, line := range lines {
		if err := strictly(line, &rows[i], c); err != nil || rows[i] == nil {
			return nil, c.bad("can't parse inline keyboard button: expected an Array of InlineKeyboardButton"), false
		}
	}
	return rows, reply{}, true
}

func (c *call) button(w *wireButton) (Button, reply, bool) {
	const wrong = "can't parse inline keyboard button: "
	if w.Text == nil {
		return Button{}, c.bad(wrong + `Can't find field "text"`), false
	}
	if strings.TrimSpace(*w.Text) == "" {
		return Button{}, c.bad("inline keyboard button text must be non-empty"), false
	}
	if w.Style != "" && !slices.Contains([]string{"danger", "success", "primary"}, w.Style) {
		c.note("a button has a style there is not")
	}
	does, n := w.action()
	if n == 0 || w.Data != nil && *w.Data == "" {
		return Button{}, c.bad(wrong + "Text buttons are unallowed in the inline keyboard"), false
	}
	if n > 1 {
		c.note("a button has %d actions, it must have exactly one", n)
	}
	b := Button{Text: *w.Text, Action: does}
	switch b.Action {
	case "url":
		if b.URL = *w.URL; !isLink(b.URL) {
			return b, c.badQuietly("inline keyboard button URL '"+b.URL+"' is invalid: Wrong HTTP URL", "the URL of a button is invalid"), false
		}
	case "callback_data":
		if b.Data = *w.Data; len(b.Data) > maxData {
			return b, c.badQuietly("BUTTON_DATA_INVALID", "callback_data has "+strconv.Itoa(len(b.Data))+" bytes, at most "+strconv.Itoa(maxData)), false
		}
	case "copy_text":
		if n := utf8.RuneCountInString(w.Copy.Text); n < 1 || n > maxCopied {
			return b, c.bad("BUTTON_COPY_TEXT_INVALID"), false
		}
	case "pay", "callback_game":
		return b, c.bad("BUTTON_TYPE_INVALID"), false
	}
	return b, reply{}, true
}

func (c *call) linkPreview() (reply, bool) {
	s, ok := c.fields.lookup("link_preview_options")
	if !ok {
		return reply{}, true
	}
	if s == `{"is_disabled":true}` { // what nearly every call says
		return reply{}, true
	}
	var options map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s), &options); err != nil || options == nil {
		return c.bad("can't parse link preview options JSON object"), false
	}
	for name, raw := range options {
		switch name {
		case "is_disabled", "prefer_small_media", "prefer_large_media", "show_above_text":
			if v := string(raw); v != "true" && v != "false" {
				return c.bad(`field "` + name + `" must be of type Boolean`), false
			}
		case "url":
			var link string
			if json.Unmarshal(raw, &link) != nil || !isLink(link) {
				return c.bad("WEBPAGE_URL_INVALID"), false
			}
		default:
			c.note("link_preview_options has a field there is not")
		}
	}
	return reply{}, true
}
