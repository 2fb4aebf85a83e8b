package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"faro/internal/outbox"
)

// DefaultAPI is Telegram's own Bot API.
const DefaultAPI = "https://api.telegram.org"

// An API calls the Bot API.
type API struct {
	client *tgbotapi.BotAPI
}

// callTime is the longest a call may take; a long poll takes pollTime more.
const (
	callTime = 20 * time.Second
	pollTime = 25 * time.Second
)

// NewAPI makes an API for a bot's token. The base is the address of the API server.
func NewAPI(base, token string) *API {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64 // as many as the outbox sends at once, so none is dialled anew
	// A redirect is no answer: to follow it would take the token, the chat and the text elsewhere.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &tgbotapi.BotAPI{Token: token, Client: &http.Client{Transport: transport, Timeout: callTime + pollTime, CheckRedirect: stay}, Buffer: 1}
	client.SetAPIEndpoint(strings.TrimRight(base, "/") + "/bot%s/%s")
	return &API{client: client}
}

// bound gives each request of one call the call's context; the library has no parameter for it.
type bound struct {
	ctx    context.Context
	client tgbotapi.HTTPClient
}

func (b bound) Do(r *http.Request) (*http.Response, error) { return b.client.Do(r.WithContext(b.ctx)) }

// Call calls a method. Its errors tell what to do (outbox.Error) and hold neither the address called,
// which contains the token, nor Telegram's description, which may contain names.
func (a *API) Call(ctx context.Context, method string, params tgbotapi.Params) (*tgbotapi.APIResponse, error) {
	return a.call(ctx, func(one *tgbotapi.BotAPI) (*tgbotapi.APIResponse, error) { return one.MakeRequest(method, params) })
}

func (a *API) call(ctx context.Context, do func(*tgbotapi.BotAPI) (*tgbotapi.APIResponse, error)) (*tgbotapi.APIResponse, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTime)
		defer cancel()
	}
	one := *a.client
	one.Client = bound{ctx, a.client.Client}
	answer, err := do(&one)
	if err == nil {
		return answer, nil
	}
	return nil, classify(err)
}

// maxRest is the longest that we are quiet because an answer asks for it; the answer may be damaged, and what waits is
// tried again then.
const maxRest = time.Hour

// classify turns an error of a call into what to do about it.
func classify(err error) *outbox.Error {
	var refused *tgbotapi.Error
	if !errors.As(err, &refused) {
		var network net.Error
		if errors.As(err, &network) && network.Timeout() {
			return &outbox.Error{Code: "timeout"}
		}
		return &outbox.Error{Code: "no-answer"}
	}
	e := &outbox.Error{Code: strconv.Itoa(refused.Code)}
	switch {
	case refused.RetryAfter > 0:
		e.After = time.Duration(min(refused.RetryAfter, int(maxRest.Seconds()))) * time.Second
	case refused.Code == http.StatusTooManyRequests:
		e.After = time.Second
	case refused.Code == http.StatusForbidden: // the person blocked the bot, or is gone
		e.Outcome = outbox.OptedOut
	case refused.Code == http.StatusUnauthorized, refused.Code == http.StatusNotFound:
		e.Code = "bad-token" // ours to mend; the message is not to blame
	case refused.Code >= 400 && refused.Code < 500:
		e.Outcome = outbox.Failed
		for _, known := range refusals {
			if strings.Contains(refused.Message, known) {
				e.Code = strings.ReplaceAll(known, " ", "-")
			}
		}
		if e.Code == word(noChat) {
			e.Outcome = outbox.Unreachable
		}
	}
	return e
}

// refusals are the descriptions of a 400 that mean something to us.
var refusals = []string{notModified, notFound, notEditable, noText, noChat}

const (
	notModified = "message is not modified"
	notFound    = "message to edit not found"
	notEditable = "message can't be edited"
	noText      = "there is no text in the message to edit" // it is a file
	noChat      = "chat not found"
)

// Send delivers a queued body. It is an outbox.Sender.
func (a *API) Send(ctx context.Context, m outbox.Message) (outbox.Receipt, error) {
	b, keyboard, err := parted(m.Body)
	if err != nil {
		return outbox.Receipt{}, &outbox.Error{Outcome: outbox.Failed, Code: "not-a-body"}
	}
	var receipt outbox.Receipt
	if b.Delete != 0 { // messages that cannot be deleted are skipped (Bot API, deleteMessages)
		_, err := a.Call(ctx, "deleteMessages", tgbotapi.Params{"chat_id": m.Address, "message_ids": "[" + strconv.Itoa(b.Delete) + "]"})
		if err != nil {
			return receipt, err // an *outbox.Error
		}
		return receipt, nil
	}
	if b.Wipe {
		if err := a.sweep(ctx, m); err != nil {
			return receipt, err
		}
		receipt.Swept = true
	}
	params := content(m.Address, b, keyboard)
	if b.Replace != 0 {
		params["message_id"] = strconv.Itoa(b.Replace)
		_, err := a.Call(ctx, "editMessageText", params)
		switch code := codeOf(err); {
		case err == nil, code == word(notModified):
			return receipt, nil
		case code != word(notFound) && code != word(notEditable) && code != word(noText):
			return receipt, err
		}
		if b.Only {
			return receipt, nil // it is gone, and nobody waits for it
		}
		delete(params, "message_id") // older than 48 hours, or deleted by the person
	}
	answer, err := a.show(ctx, params, b.Event)
	if err != nil {
		return receipt, err
	}
	var sent struct {
		ID int `json:"message_id"`
	}
	if err := json.Unmarshal(answer.Result, &sent); err != nil {
		return receipt, nil // it is sent; that its id is unreadable only means it cannot be deleted later
	}
	receipt.Shown = sent.ID
	return receipt, nil
}

// show sends a new message, with a file if there is one.
func (a *API) show(ctx context.Context, params tgbotapi.Params, event []byte) (*tgbotapi.APIResponse, error) {
	if event == nil {
		return a.Call(ctx, "sendMessage", params)
	}
	caption := tgbotapi.Params{"chat_id": params["chat_id"], "caption": params["text"]}
	caption.AddNonEmpty("caption_entities", params["entities"])
	caption.AddNonEmpty("reply_markup", params["reply_markup"])
	file := tgbotapi.RequestFile{Name: "document", Data: tgbotapi.FileBytes{Name: EventName, Bytes: event}}
	return a.call(ctx, func(one *tgbotapi.BotAPI) (*tgbotapi.APIResponse, error) {
		return one.UploadFiles("sendDocument", caption, []tgbotapi.RequestFile{file})
	})
}

// EventName is what the file is called that a session comes in.
const EventName = "session.ics"

func word(s string) string { return strings.ReplaceAll(s, " ", "-") }

func codeOf(err error) string {
	var e *outbox.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// content are the parameters that sendMessage and editMessageText share.
func content(chat string, b Body, keyboard string) tgbotapi.Params {
	params := tgbotapi.Params{
		"chat_id":              chat,
		"text":                 b.Text,
		"link_preview_options": `{"is_disabled":true}`,
	}
	if b.Bold > 0 {
		params["entities"] = `[{"type":"bold","offset":0,"length":` + strconv.Itoa(b.Bold) + `}]`
	}
	if keyboard != "" {
		params["reply_markup"] = keyboard
	}
	return params
}

// Content are the parameters of sendMessage for a queued body.
func Content(chat string, queued []byte) (tgbotapi.Params, error) {
	b, keyboard, err := parted(queued)
	if err != nil {
		return nil, err
	}
	return content(chat, b, keyboard), nil
}

// maxDelete is the most messages deleteMessages takes.
const maxDelete = 100

// sweep deletes the messages of a chat, both sides', as far as the API still lets us: those of the
// last 48 hours. It skips the rest without an error.
func (a *API) sweep(ctx context.Context, m outbox.Message) error {
	ids, err := m.Sweep(ctx)
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		n := min(len(ids), maxDelete)
		list, err := json.Marshal(ids[:n])
		if err != nil {
			return err
		}
		_, err = a.Call(ctx, "deleteMessages", tgbotapi.Params{"chat_id": m.Address, "message_ids": string(list)})
		var e *outbox.Error
		if errors.As(err, &e) && e.Outcome == outbox.OptedOut || err != nil && e == nil {
			return err
		}
		if e != nil && e.Outcome == "" {
			return e // to be tried again
		}
		ids = ids[n:]
	}
	return nil
}

// ValidBase reports what is wrong with the address of an API server, nil if nothing.
func ValidBase(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("not an address like " + DefaultAPI)
	}
	return nil
}
