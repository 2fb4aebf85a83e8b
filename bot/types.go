package bot

import (
	"cmp"
	"encoding/json"
	"time"

	"faro/locales"
)

// A Channel is a way a person reaches Faro.
type Channel string

// The channels there are.
const (
	Telegram Channel = "telegram"
	SMS      Channel = "sms"
)

// Channels lists every channel; tests walk it so that none is left without data.
var Channels = []Channel{Telegram, SMS}

const redacted = "[redacted]"

// A PersonID is a person's address sealed with authenticated encryption (package vault), in
// URL-safe base64. It is opaque here, and never printed: convert it with string(id) where it
// becomes a key.
type PersonID string

// String hides the id.
func (PersonID) String() string { return redacted }

// GoString hides the id.
func (PersonID) GoString() string { return redacted }

// MarshalJSON hides the id.
func (PersonID) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// Words are what a person wrote. They are read once and never kept or printed.
type Words string

// String hides the words.
func (Words) String() string { return redacted }

// GoString hides the words.
func (Words) GoString() string { return redacted }

// MarshalJSON hides the words.
func (Words) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// A Kind says what a person sent.
type Kind int

// What a person can send.
const (
	Text     Kind = iota // words, in Input.Words
	Choice               // a tapped button, its data in Input.Choice
	Start                // Telegram's /start, its payload in Input.Choice; from SMS never
	Location             // a place, in Input.Position
	Media                // voice, photo, sticker, file, contact: nothing that can be read
	Edited               // a message changed after it was sent
	OptOut               // the provider already handled a STOP and answered it itself
	OptIn                // the provider already handled a START and answered it itself
)

// An Input is one thing a person sent, as an adapter passes it on.
type Input struct {
	ID       string       // the provider's id of this message, unique within the channel
	Ordinal  int          // Telegram: the number of the update, which grows; else 0
	Channel  Channel      // how it came
	Kind     Kind         // what it is
	Words    Words        // for Text
	Choice   string       // for Choice and Start
	Position Position     // for Location
	Hint     locales.Lang // the language the channel guesses, "" if none; it only orders lists
	Desk     Desk         // for someone with a role or an invitation
	Message  int          // Telegram: the id of the message sent, or of the one the button was on; else 0
}

// An Option is one thing a person can choose: a button, or a number in a text message.
type Option struct {
	Label string // as shown
	Data  string // as it comes back in Input.Choice: 1 to 64 bytes (Telegram's callback_data)
}

// A Reply is one message to a person, not yet shaped for a channel.
type Reply struct {
	Lang    locales.Lang
	Title   string    // first line, set off where the channel can; "" if none
	Text    string    // the message; paragraphs parted by an empty line
	Options []Option  // what can be chosen here, numbered on SMS by OptionNumber
	Nav     []Option  // the ways out of here: back, menu, emergency; on SMS these are words, see Footer
	Footer  string    // SMS only: the ways out in words
	More    string    // SMS only: how to ask for the next page
	Page    int       // SMS only: the page wanted, from 0; past the end is the last
	Budget  int       // SMS only: segments a page may take
	Replace bool      // Telegram: put it in the place of the message Input.Message
	Only    bool      // Telegram: with Replace, or not at all
	Wipe    bool      // Telegram: first delete the messages of this chat
	Events  []Session // Telegram: attach them as a calendar file
}

// OptionNumber is the number that chooses option i (from 0) by SMS: 1 to 8, then 10 and on, because
// 9 asks for more and 0 for the menu.
func OptionNumber(i int) int {
	if i >= 8 {
		return i + 2
	}
	return i + 1
}

// A Person is what Faro keeps of someone: for 12 months after the last message, unless a Life says otherwise.
type Person struct {
	Lang     locales.Lang `json:"l,omitempty"`
	Stopped  bool         `json:"s,omitempty"`
	Noticed  bool         `json:"n,omitempty"` // has seen the privacy notice
	Facility string       `json:"f,omitempty"`
	Role     Role         `json:"r,omitempty"`
	Channel  Channel      `json:"c,omitempty"` // where they write, so that it need not be opened to be known
	Gone     string       `json:"g,omitempty"` // LeftBlocked or LeftInvalid, until they write again
}

// A Screen is a step of the conversation with what it shows.
type Screen struct {
	Step string
	Arg  string
	Page int
	Lang locales.Lang // if it is not in the person's: they wrote in this one
	Had  string       // a digest of the choices it had, if others may change them; "" else
}

// A Dialogue is where someone is in the conversation: kept for 72 hours after the last message, unless a Life
// says otherwise.
type Dialogue struct {
	At    Screen
	Trail []Screen // where "back" leads, oldest first
	Next  Screen   // where to go once language and notice are done
	Seen  []string // marks of the last inputs, to know a duplicate
	Pace  Pace     // how fast they write
	Draft Draft    // what a trainer is writing; stored apart and sealed
}

// maxTrail keeps a person's record small: nobody goes further back by hand than this.
const maxTrail = 5

// DialogueLife and PersonLife are how long the records are kept after the last message, unless a Life says
// otherwise.
const (
	DialogueLife = 72 * time.Hour
	PersonLife   = 365 * 24 * time.Hour
)

// A Life is how long the records are kept after the last message. Zero is DialogueLife and PersonLife.
type Life struct {
	Dialogue, Person time.Duration
}

// Of is how long the records of someone are kept. Who has a role is kept for PersonLife at least: a course is
// long, and who is forgotten in it would lose their place in it. Who has chosen nothing yet is kept no longer than the
// dialogue, so that a flood of strangers leaves nothing behind.
func (l Life) Of(p Person) (dialogue, person time.Duration) {
	dialogue, person = cmp.Or(l.Dialogue, DialogueLife), cmp.Or(l.Person, PersonLife)
	switch {
	case p == (Person{Channel: p.Channel}):
		person = min(person, dialogue)
	case p.Role != Migrant:
		person = max(person, PersonLife)
	}
	return dialogue, person
}
