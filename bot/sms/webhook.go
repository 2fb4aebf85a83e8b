package sms

import (
	"context"
	"crypto/subtle"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"github.com/twilio/twilio-go/client"

	"faro/bot"
	"faro/internal/outbox"
)

// Take takes one turn; see package turns. After an error the message must be delivered again.
type Take func(ctx context.Context, address string, in bot.Input) error

// Count counts requests by what became of them.
type Count func(result string)

// maxForm is far more than Twilio's parameters need.
const maxForm = 64 << 10

// A Gate lets in what Twilio signed. Twilio signs the public address and the parameters
// (Twilio, Webhooks security).
type Gate struct {
	Public string // where the world reaches us, without a slash at the end
	SID    string // of the account
	Token  string // its auth token, the key of the signature; must not be empty
	Count  Count
}

// open checks a request and returns its parameters, or answers it and returns nil.
func (g Gate) open(w http.ResponseWriter, r *http.Request) url.Values {
	refuse := func(result, why string, status int) url.Values {
		g.Count(result)
		http.Error(w, why, status)
		return nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return refuse("too-large", "larger than a text message", http.StatusRequestEntityTooLarge)
		}
		return refuse("cut-off", "cannot read the body", http.StatusBadRequest)
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return refuse("malformed", "not a form", http.StatusBadRequest)
	}
	signed := make(map[string]string, len(form))
	for name, values := range form {
		// The signature covers one value of each name; a second one would be taken unsigned.
		if len(values) != 1 {
			return refuse("repeated", "a parameter is repeated", http.StatusBadRequest)
		}
		if !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
			return refuse("malformed", "not UTF-8", http.StatusBadRequest)
		}
		signed[name] = values[0]
	}
	for _, values := range r.URL.Query() {
		if len(values) != 1 {
			return refuse("repeated", "a parameter is repeated", http.StatusBadRequest)
		}
	}
	validator := client.NewRequestValidator(g.Token)
	if !validator.Validate(g.Public+r.URL.RequestURI(), signed, r.Header.Get("X-Twilio-Signature")) {
		return refuse("forbidden", "wrong signature", http.StatusForbidden)
	}
	if subtle.ConstantTimeCompare([]byte(form.Get("AccountSid")), []byte(g.SID)) != 1 {
		return refuse("forbidden", "another account", http.StatusForbidden)
	}
	return form
}

// NewGate makes a Gate.
func NewGate(public, sid, token string, count Count) Gate {
	if token == "" || public == "" {
		panic("sms: a webhook without an auth token or a public address would be open to anyone")
	}
	return Gate{Public: strings.TrimRight(public, "/"), SID: sid, Token: token, Count: count}
}

// Away is what someone whose message could not be stored is told at once, "" for nothing.
type Away func(address string, in bot.Input) string

// Messages receives text messages. They are answered through the REST API, so the response is empty
// TwiML, unless a message could not be stored and there is something to say all the same: Twilio does not
// deliver again what was refused unless it is told to (Twilio, Webhooks connection overrides).
func (g Gate) Messages(take Take, away Away) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := g.open(w, r)
		if form == nil {
			return
		}
		address, in, kind := parse(form)
		g.Count(kind)
		if kind == "malformed" {
			http.Error(w, "not a text message", http.StatusBadRequest)
			return
		}
		if kind == "input" {
			if err := take(r.Context(), address, in); err != nil {
				g.Count("not-stored")
				text := away(address, in)
				if text == "" {
					http.Error(w, "not stored, please deliver again", http.StatusServiceUnavailable)
					return
				}
				answer(w, text)
				return
			}
		}
		answer(w, "")
	})
}

// answer writes TwiML with a message, or none.
func answer(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Response"`
		Message string   `xml:",omitempty"`
	}{Message: text})
}

// parse reads the parameters of a text message: its sender in E.164 and what was sent. The kind is
// "input", "malformed", or why the message is ignored.
func parse(form url.Values) (address string, in bot.Input, kind string) {
	sid, from := form.Get("MessageSid"), form.Get("From")
	if sid == "" || from == "" {
		return "", in, "malformed"
	}
	if strings.Contains(from, ":") {
		return "", in, "other-channel" // "whatsapp:+52…": not a text message
	}
	number, err := phonenumbers.Parse(from, "")
	if err != nil {
		return "", in, "no-number" // a short code or a name: nobody to answer
	}
	in = bot.Input{ID: sid, Channel: bot.SMS, Kind: bot.Text, Words: bot.Words(form.Get("Body"))}
	switch form.Get("OptOutType") { // set when the messaging service handles these words itself
	case "STOP":
		in.Kind = bot.OptOut
	case "START":
		in.Kind = bot.OptIn
	case "HELP":
		return "", in, "carrier-help"
	}
	if in.Kind == bot.Text && strings.TrimSpace(string(in.Words)) == "" {
		in.Kind = bot.Media
	}
	if in.Kind != bot.Text {
		in.Words = ""
	}
	return phonenumbers.Format(number, phonenumbers.E164), in, "input"
}

// Receive records a delivery receipt of a message sent on a day in a partition. After an error it must come again.
type Receive func(ctx context.Context, day time.Time, partition int, r outbox.Report) (moved bool, err error)

// Receipts receives delivery receipts.
func (g Gate) Receipts(receive Receive) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := g.open(w, r)
		if form == nil {
			return
		}
		day, err := time.Parse(time.DateOnly, r.URL.Query().Get("day"))
		part, perr := partition(r.URL.Query().Get("part"))
		sid, status := form.Get("MessageSid"), form.Get("MessageStatus")
		if err != nil || perr != nil || sid == "" || status == "" {
			g.Count("malformed")
			http.Error(w, "not a delivery receipt of ours", http.StatusBadRequest)
			return
		}
		code := form.Get("ErrorCode")
		if !digits(code) { // it is kept and shown
			code = ""
		}
		moved, err := receive(r.Context(), day, part, outbox.Report{SID: sid, Status: status, Code: code, Gone: gone(code)})
		switch {
		case err != nil:
			g.Count("not-stored")
			http.Error(w, "not stored, please deliver again", http.StatusServiceUnavailable)
			return
		case moved:
			g.Count("receipt")
		default:
			g.Count("receipt-late")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

var errPartition = errors.New("not a partition")

func partition(s string) (int, error) {
	if len(s) == 0 || len(s) > 2 || !digits(s) {
		return 0, errPartition
	}
	return strconv.Atoi(s)
}

// digits reports whether a text is a short number, or empty.
func digits(s string) bool { return len(s) < 10 && strings.Trim(s, "0123456789") == "" }
