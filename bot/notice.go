package bot

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"faro/locales"
)

// A Notice is what a coordinator tells everyone at some facilities.
type Notice struct {
	ID         string                  `json:"id,omitempty"`
	Facilities []string                `json:"f,omitempty"`
	Who        Who                     `json:"w,omitempty"`
	Langs      []locales.Lang          `json:"l,omitempty"` // only readers of these, of all if empty
	Channel    Channel                 `json:"c,omitempty"` // only there, everywhere if ""
	Urgency    string                  `json:"g,omitempty"` // one of flows.Urgencies
	Ready      string                  `json:"r,omitempty"` // the ready-made notice it is, "" if its text is free
	Blanks     map[string]string       `json:"b,omitempty"` // of the ready-made: a day as 2026-12-01, an hour as 09:00
	Texts      map[locales.Lang]string `json:"t,omitempty"` // free
	Until      time.Time               `json:"u,omitzero"`  // it is not sent any more after this
	At         time.Time               `json:"a,omitzero"`  // when it goes out, zero for at once
	Corrects   string                  `json:"k,omitempty"` // the notice whose readers get it, "" for none
}

// String hides what someone wrote.
func (Notice) String() string { return redacted }

// GoString hides what someone wrote.
func (Notice) GoString() string { return redacted }

// clone is a copy that shares nothing.
func (n *Notice) clone() *Notice {
	if n == nil {
		return nil
	}
	c := *n
	c.Facilities, c.Langs = slices.Clone(n.Facilities), slices.Clone(n.Langs)
	c.Blanks, c.Texts = maps.Clone(n.Blanks), maps.Clone(n.Texts)
	return &c
}

// Who says which people of a facility a notice is for.
type Who string

// The people of a facility.
const (
	Everyone   Who = "all"
	OnlyGuests Who = "migrants"
	OnlyStaff  Who = "staff"
)

// A Deed is something a coordinator does to a notice.
type Deed struct {
	Does   string  `json:"d"`           // one of Deeds
	ID     string  `json:"i,omitempty"` // the notice, but for a new one
	Notice *Notice `json:"n,omitempty"` // to count, test and send
}

// What can be done with a notice.
const (
	Count    = "count"     // say how many it reaches and what it costs
	Test     = "test"      // send it to oneself alone
	Send     = "send"      // start it, or ask for approval
	Approve  = "approve"   // by a second coordinator
	Refuse   = "refuse"    // by any other coordinator
	Pause    = "pause"     // send no more for now
	Resume   = "resume"    // go on
	Stop     = "stop"      // send no more, ever
	Retry    = "retry"     // once more to those it failed for
	TakeBack = "take-back" // delete it from the chats
	Correct  = "correct"   // say something else to those who got it: begins a draft
)

// Why someone is left out of a notice.
const (
	LeftStopped = "stopped" // they sent STOP
	LeftBlocked = "blocked" // they blocked the bot
	LeftInvalid = "invalid" // there is no such number or chat
	LeftOff     = "off"     // nothing can be sent on their channel now
	LeftQuiet   = "quiet"   // their quiet hours end only when it is not valid any more
)

// A Sheet is what a notice would do, counted before it is sent.
type Sheet struct {
	People     int // who would be told
	ByLang     map[locales.Lang]int
	ByChannel  map[Channel]int
	ByFacility map[string]int
	Left       map[string]int       // who would not, by Left...
	Lacking    map[locales.Lang]int // readers of languages it has no text in
	Messages   []SMSSize            // its texts by SMS
	Segments   int                  // all text messages together
	Cost       string               // of these, with its currency, "" if no prices are set
	Takes      time.Duration        // at the providers' rates, after what is queued already
	Ends       time.Time            // when the last one is sent
	Late       bool                 // that is when it is not valid any more: not all will get it
	Approval   bool                 // a second coordinator must agree
	Problem    string               // why it cannot be sent: the end of a key "notice-problem.…", "" if it can
}

// An SMSSize is what one language's text is by SMS.
type SMSSize struct {
	Lang     locales.Lang
	Encoding string
	Segments int
	People   int
	Text     string // as it is sent to one facility
}

// String hides the text.
func (SMSSize) String() string { return redacted }

// GoString hides the text.
func (SMSSize) GoString() string { return redacted }

// The states of a notice.
const (
	Waiting  = "waiting" // for approval
	Planned  = "planned" // for later
	Sending  = "sending"
	Paused   = "paused"
	Stopped  = "stopped"
	Done     = "done"
	Refused  = "refused"
	TakenOff = "expired" // it was over before it could be sent
)

// A Status is how a notice stands.
type Status struct {
	Notice
	State  string
	People int            // whom it is for, as counted when it was sent
	Counts map[string]int // by what became of it: "queued", "delivered", "arrived", "failed 21211", "stopped" …
	Rate   float64        // messages a second now, 0 if unknown
	Left   time.Duration  // until the last one is sent, 0 if unknown
	Back   map[string]int // by what became of its deletion from the chats: "queued", "delivered" (deleted) …; empty if it is not taken back
	Acts   []string       // what the reader may do with it
}

// String hides the notice.
func (Status) String() string { return redacted }

// GoString hides the notice.
func (Status) GoString() string { return redacted }

// MarshalJSON hides the notice: only Notice itself is sealed and stored.
func (Status) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
