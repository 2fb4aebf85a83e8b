package demo

import (
	"log/slog"

	"faro/bot"
)

// Shown is a message as a phone shows it.
type Shown struct {
	Lang        string // BCP 47, for the lang attribute
	RightToLeft bool
	Text        string
	Bold        int            // UTF-16 units at the start shown bold
	Rows        [][]bot.Option // buttons under the message, row by row
	Replace     int            // id of the message to replace, 0 none; if that is gone, the message is a new one
	Wipe        bool           // first remove all messages of this phone
	Encoding    string         // "GSM-7" or "UCS-2"; "" where nothing is measured
	Units       int            // septets or UTF-16 units
	Segments    int
	Page, Pages int // from 1; shown if there is more than one page
}

// String hides the text.
func (Shown) String() string { return "[redacted]" }

// GoString hides the text.
func (Shown) GoString() string { return "[redacted]" }

// LogValue hides the text.
func (s Shown) LogValue() slog.Value { return slog.StringValue(s.String()) }

// An event is what the browser gets of a message. It is whole: the browser puts it in the place of
// the message with the same id, so an event that comes twice changes nothing.
type event struct {
	Phone    bot.Channel `json:"phone"`
	ID       int         `json:"id"`
	Floor    int         `json:"floor,omitempty"` // messages with a lower id are gone
	Lang     string      `json:"lang,omitempty"`
	Dir      string      `json:"dir"`
	Text     string      `json:"text"`
	Bold     int         `json:"bold,omitempty"`
	Rows     [][]button  `json:"rows,omitempty"`
	Encoding string      `json:"encoding,omitempty"`
	Units    int         `json:"units,omitempty"`
	Room     int         `json:"room,omitempty"` // units that fit in as many segments
	Segments int         `json:"segments,omitempty"`
	Page     int         `json:"page,omitempty"`
	Pages    int         `json:"pages,omitempty"`
}

type button struct {
	Label string `json:"label"`
	Data  string `json:"data"`
}

func newEvent(ch bot.Channel, id int, s Shown) event {
	e := event{
		Phone: ch, ID: id, Lang: s.Lang, Dir: "ltr", Text: s.Text, Bold: s.Bold,
		Encoding: s.Encoding, Units: s.Units, Room: room(s.Encoding, s.Segments), Segments: s.Segments,
	}
	if s.RightToLeft {
		e.Dir = "rtl"
	}
	if s.Pages > 1 {
		e.Page, e.Pages = s.Page, s.Pages
	}
	for _, options := range s.Rows {
		row := make([]button, len(options))
		for i, o := range options {
			row[i] = button(o)
		}
		e.Rows = append(e.Rows, row)
	}
	return e
}

// room is how many units fit in a number of segments: one alone has no header, and each of several
// gives six octets to it (3GPP TS 23.040, 9.2.3.24.1). It is 0 for an unknown encoding.
func room(encoding string, segments int) int {
	alone, joined := 0, 0
	switch encoding {
	case "GSM-7":
		alone, joined = 160, 153
	case "UCS-2":
		alone, joined = 70, 67
	}
	if segments <= 1 {
		return alone
	}
	return joined * segments
}
