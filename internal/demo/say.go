package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"faro/bot"
	"faro/locales"
)

// Limits of what a browser may send.
const (
	maxBody = 8 << 10 // bytes: a long message in any script that people type by hand
	maxText = 4096    // characters, as many as a Telegram message has
	maxData = 64      // bytes of a button's data, as bot.Option says
	maxLang = 35      // bytes; RFC 5646 asks for room for 35
)

// What a browser may say.
const (
	kindText = "text"
	kindTap  = "tap"
)

// said is what a browser says a person did.
type said struct {
	Session session     `json:"session"`
	Phone   bot.Channel `json:"phone"`
	Kind    string      `json:"kind"`
	Text    bot.Words   `json:"text"`    // for a text
	Data    string      `json:"data"`    // for a tap: the button's
	Message int         `json:"message"` // for a tap: the message the button is on
	Lang    string      `json:"lang"`    // the browser's language
}

var (
	errNotSaid = errors.New("not something a phone says")
	errTooLong = errors.New("too long")
)

// hear reads what a browser said. Its errors never quote it.
func hear(body []byte) (said, error) {
	var s said
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if !utf8.Valid(body) || d.Decode(&s) != nil {
		return said{}, errNotSaid
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return said{}, errNotSaid
	}
	if utf8.RuneCountInString(string(s.Text)) > maxText {
		return said{}, errTooLong
	}
	ok := s.Session.valid() && known(s.Phone) && len(s.Lang) <= maxLang
	switch s.Kind {
	case kindText:
		ok = ok && strings.TrimSpace(string(s.Text)) != "" && s.Data == "" && s.Message == 0
	case kindTap:
		ok = ok && s.Phone == bot.Telegram && s.Text == "" && s.Data != "" && len(s.Data) <= maxData && s.Message > 0
	default:
		ok = false
	}
	if !ok {
		return said{}, errNotSaid
	}
	return s, nil
}

// input is what was said as an adapter passes it on. The ids are not its own to give.
func (s said) input() bot.Input {
	in := bot.Input{Channel: s.Phone, Hint: hint(s.Lang)}
	if s.Kind == kindTap {
		in.Kind, in.Choice, in.Message = bot.Choice, s.Data, s.Message
		return in
	}
	if command, payload, _ := strings.Cut(string(s.Text), " "); s.Phone == bot.Telegram && command == "/start" {
		in.Kind, in.Choice = bot.Start, strings.TrimSpace(payload)
		return in
	}
	in.Kind, in.Words = bot.Text, s.Text
	return in
}

// hint is the language of a BCP 47 tag, without script and region; "" if it does not begin with one.
func hint(tag string) locales.Lang {
	lang, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if len(lang) < 2 || len(lang) > 8 || strings.Trim(lang, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return locales.Lang(lang)
}

// heard answers the browser: the id of the person's message, 0 for a tap, and the talk it is in.
type heard struct {
	ID    int    `json:"id,omitempty"`
	Epoch string `json:"epoch"`
}

// say takes what a person typed or tapped, and answers once it is stored.
func (p *Page) say(w http.ResponseWriter, r *http.Request) {
	if err := p.origin.Check(r); err != nil {
		http.Error(w, "from another site", http.StatusForbidden)
		return
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		http.Error(w, "not JSON", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		http.Error(w, errTooLong.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "cut off", http.StatusBadRequest)
		return
	}
	s, err := hear(body)
	switch {
	case errors.Is(err, errTooLong):
		http.Error(w, errTooLong.Error(), http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, errNotSaid.Error(), http.StatusBadRequest)
		return
	}
	p.pass(w, r, s)
}

// pass numbers what was said and passes it on.
func (p *Page) pass(w http.ResponseWriter, r *http.Request, s said) {
	in := s.input()
	in.ID = p.ids + "-" + strconv.FormatUint(p.inputs.Add(1), 10)
	answer, err := p.enter(s.Session, s.Phone, s.Kind == kindText)
	if err != nil {
		http.Error(w, "too many", http.StatusServiceUnavailable)
		return
	}
	if s.Kind == kindText && s.Phone == bot.Telegram {
		in.Message = answer.ID
	}
	if err := p.post(r.Context(), s.Phone, s.Session.address(), in); err != nil {
		if r.Context().Err() == nil {
			p.log.Warn("demo: an input was not stored", "channel", s.Phone, "error", err)
		}
		http.Error(w, "not stored", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// If the browser is gone, nobody is left to tell.
	_ = json.NewEncoder(w).Encode(answer)
}
