package fakes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Telegram stands in for the Bot API and for the people who write to the bot.
//
// Push, Post and the builders of updates (Say, Tap and so on) are the people's side; Chat shows
// what they see. A chat the bot may write to is one a builder or Know has named: as with the real
// service, a bot cannot write first.
type Telegram struct {
	Service
	// OnSend, if set before the first call, is told of every accepted send, from the goroutine of
	// the call and before it is answered.
	OnSend func(chat int64, at time.Time)

	token  string
	prefix string // "/bot<token>/"
	record int
	bot    []byte // the bot as a User object
	people person
	client *http.Client

	mu          sync.Mutex
	lastMessage int
	lastUpdate  int
	chats       map[int64]*chat
	queries     map[string]bool // callback queries not answered yet; true: too old to answer
	lastQuery   int
	answers     int
	unmodified  int
	calls       map[string]int
	queue       []queued
	poll        chan struct{} // closed when another getUpdates takes the place of this one
	pushed      chan struct{} // closed when an update comes
	webhook     Webhook
	allowed     []string // nil: the default kinds
	commands    map[string][]Command
	about       map[string]string // descriptions, by method and language
}

// NewTelegram listens on 127.0.0.1 and expects this bot token. It panics when it cannot listen.
func NewTelegram(token string, options ...Option) *Telegram {
	set := apply(options)
	id, _, _ := strings.Cut(token, ":")
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		id = "1000000001"
	}
	t := &Telegram{
		token:    token,
		prefix:   "/bot" + token + "/",
		record:   set.record,
		bot:      []byte(`{"id":` + id + `,"is_bot":true,"first_name":"Faro","username":"faro_test_bot"}`),
		people:   newPerson(set),
		client:   webhookClient(),
		chats:    map[int64]*chat{},
		queries:  map[string]bool{},
		calls:    map[string]int{},
		commands: map[string][]Command{},
		about:    map[string]string{},
		// Real ids start anywhere; ones that differ show a mix-up.
		lastMessage: 90_817_262,
		lastUpdate:  700_000_000,
	}
	t.start(set, t.serve)
	return t
}

// Close ends what is under way, and the connections of Post.
func (t *Telegram) Close() {
	t.Service.Close()
	t.client.CloseIdleConnections()
}

// A reply is the answer to a call: a result in JSON, or an error.
type reply struct {
	result      []byte
	status      int // HTTP status and error_code; 0 is 200
	description string
	retryAfter  int // seconds
}

func done(result []byte) reply { return reply{result: result} }

var yes = reply{result: []byte("true")}

// refuse is an error that is nobody's mistake.
func refuse(status int, description string) reply {
	return reply{status: status, description: description}
}

func tooMany(seconds int) reply {
	return reply{status: http.StatusTooManyRequests, retryAfter: seconds,
		description: "Too Many Requests: retry after " + strconv.Itoa(seconds)}
}

// A call is one call of a method while it is checked and carried out.
type call struct {
	t      *Telegram
	ctx    context.Context
	method string
	fields fields
	now    time.Time
}

// note collects a violation that the real service tolerates.
func (c *call) note(format string, args ...any) { c.t.wrong(c.method+": "+format, args...) }

// bad answers a wrong call with 400 and collects it.
func (c *call) bad(description string) reply { return c.badQuietly(description, description) }

// badQuietly is bad where the real description repeats the caller's words: noted stands in for it.
func (c *call) badQuietly(description, noted string) reply {
	c.t.wrong("%s: %s", c.method, noted)
	return refuse(http.StatusBadRequest, "Bad Request: "+description)
}

type method struct {
	fields []string // every field this stand-in knows for it
	send   bool
	run    func(*call) reply
}

var methods map[string]method

func init() { // a literal would refer to itself through the webhook's answers
	methods = map[string]method{
		"getMe":               {run: (*call).getMe},
		"getUpdates":          {run: (*call).getUpdates, fields: []string{"offset", "limit", "timeout", "allowed_updates"}},
		"setWebhook":          {run: (*call).setWebhook, fields: []string{"url", "ip_address", "max_connections", "allowed_updates", "drop_pending_updates", "secret_token"}},
		"deleteWebhook":       {run: (*call).deleteWebhook, fields: []string{"drop_pending_updates"}},
		"getWebhookInfo":      {run: (*call).getWebhookInfo},
		"sendMessage":         {run: (*call).sendMessage, send: true, fields: []string{"chat_id", "text", "parse_mode", "entities", "link_preview_options", "disable_notification", "protect_content", "reply_parameters", "reply_markup"}},
		"sendDocument":        {run: (*call).sendDocument, send: true, fields: []string{"chat_id", "document", "caption", "parse_mode", "caption_entities", "disable_notification", "protect_content", "reply_parameters", "reply_markup"}},
		"editMessageText":     {run: (*call).editMessageText, send: true, fields: []string{"chat_id", "message_id", "text", "parse_mode", "entities", "link_preview_options", "reply_markup"}},
		"answerCallbackQuery": {run: (*call).answerCallbackQuery, fields: []string{"callback_query_id", "text", "show_alert", "url", "cache_time"}},
		"deleteMessage":       {run: (*call).deleteMessage, fields: []string{"chat_id", "message_id"}},
		"deleteMessages":      {run: (*call).deleteMessages, fields: []string{"chat_id", "message_ids"}},
		"sendChatAction":      {run: (*call).sendChatAction, fields: []string{"chat_id", "action"}},
		"setMyCommands":       {run: (*call).setMyCommands, fields: []string{"commands", "scope", "language_code"}},
		"setMyDescription": {run: func(c *call) reply { return c.setAbout("description", maxDescription) },
			fields: []string{"description", "language_code"}},
		"setMyShortDescription": {run: func(c *call) reply { return c.setAbout("short_description", maxShortDescription) },
			fields: []string{"short_description", "language_code"}},
	}
}

func (t *Telegram) serve(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, t.prefix)
	if !ok {
		if strings.HasPrefix(r.URL.Path, "/bot") {
			t.wrong("the token in the path is wrong")
			write(w, refuse(http.StatusUnauthorized, "Unauthorized"))
		} else {
			t.wrong("the path does not start with /bot<token>/")
			write(w, refuse(http.StatusNotFound, "Not Found"))
		}
		return
	}
	list, err := readFields(r)
	if err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client left in the middle of its request
		}
		t.wrong("%s: %v", known(name), err)
		if errors.Is(err, errTooLarge) {
			write(w, refuse(http.StatusRequestEntityTooLarge, "Request Entity Too Large"))
		} else {
			write(w, refuse(http.StatusBadRequest, "Bad Request: "+err.Error()))
		}
		return
	}
	var f fault
	if methods[name].send {
		f = t.take(r)
	}
	var a reply
	if f.kind == failing {
		a = reply{status: f.status, description: f.description, retryAfter: f.retryAfter}
	} else {
		a = t.do(r.Context(), name, list)
	}
	t.wake()
	if f.kind == losing {
		panic(http.ErrAbortHandler)
	}
	write(w, a)
}

// known keeps foreign words out of the violations.
func known(name string) string {
	if _, ok := methods[name]; ok {
		return name
	}
	return "a method there is not"
}

// do checks a call and carries it out.
func (t *Telegram) do(ctx context.Context, name string, list fields) reply {
	m, ok := methods[name]
	if !ok {
		t.wrong("%s is called", known(name))
		return refuse(http.StatusNotFound, "Not Found: method not found")
	}
	c := &call{t: t, ctx: ctx, method: name, fields: list, now: t.now()}
	for i := range list {
		if !slices.Contains(m.fields, list[i].name) {
			c.note("field %.40q is not one of it", list[i].name)
		}
	}
	if again := list.repeated(); again != "" {
		c.note("field %.40q is given twice", again)
	}
	t.mu.Lock()
	t.calls[name]++
	t.mu.Unlock()
	return m.run(c)
}

func write(w http.ResponseWriter, a reply) {
	var body []byte
	if a.status == 0 {
		a.status = http.StatusOK
		body = make([]byte, 0, len(a.result)+24)
		body = append(append(append(body, `{"ok":true,"result":`...), a.result...), '}')
	} else {
		body = fmt.Appendf(nil, `{"ok":false,"error_code":%d,"description":%s`, a.status, quote(a.description))
		if a.retryAfter > 0 {
			body = fmt.Appendf(body, `,"parameters":{"retry_after":%d}`, a.retryAfter)
			w.Header().Set("Retry-After", strconv.Itoa(a.retryAfter))
		}
		body = append(body, '}')
	}
	respond(w, a.status, body)
}

// respond writes a JSON answer in one piece.
func respond(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Calls counts the calls of a method that were understood, right or wrong; sends struck by a fault
// are not among them, except lost ones.
func (t *Telegram) Calls(method string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls[method]
}

func (c *call) getMe() reply {
	b := slices.Clone(c.t.bot[:len(c.t.bot)-1])
	return done(append(b, `,"can_join_groups":false,"can_read_all_group_messages":false,"supports_inline_queries":false,"can_connect_to_business":false,"has_main_web_app":false}`...))
}
