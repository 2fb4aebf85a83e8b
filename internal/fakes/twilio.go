package fakes

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of a message. https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
const (
	maxSMS       = 1600  // UTF-16 units of a body
	maxValidity  = 36000 // seconds
	maxCallback  = 4000  // characters of a StatusCallback
	twilioPrefix = "/2010-04-01/Accounts/"
)

// Twilio stands in for Twilio's REST API and for the phones at the other end.
type Twilio struct {
	Service
	// OnSend, if set before the first call, is told of every accepted message, from the goroutine
	// of the call and before it is answered.
	OnSend func(to string, at time.Time)

	sid, token string
	record     int
	client     *http.Client

	mu      sync.Mutex
	inboxes map[string][]Sms
	bySID   map[string]Sms
	barred  map[string]refusal // numbers nothing is sent to, and why
	last    int
}

// An Sms is a message a phone received.
type Sms struct {
	SID      string
	To       string
	From     string // the sender, "" if a messaging service chooses it
	Service  string // the messaging service, "" if none
	Body     string
	Segments int
	Fields   map[string]string // what else the call asked for, such as StatusCallback
	At       time.Time
}

// NewTwilio listens on 127.0.0.1 and expects this account. It panics when it cannot listen.
func NewTwilio(accountSID, authToken string, options ...Option) *Twilio {
	set := apply(options)
	t := &Twilio{
		sid: accountSID, token: authToken, record: set.record, client: webhookClient(),
		inboxes: map[string][]Sms{}, bySID: map[string]Sms{}, barred: map[string]refusal{},
	}
	t.start(set, t.serve)
	return t
}

// Close ends what is under way, and the connections of Post.
func (t *Twilio) Close() {
	t.Service.Close()
	t.client.CloseIdleConnections()
}

// Inbox is what a phone received, oldest first.
func (t *Twilio) Inbox(number string) []Sms {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.inboxes[number]
	return slices.Clone(list[max(len(list)-t.record, 0):])
}

// OptOut makes Twilio refuse messages to these numbers with 21610, as after a STOP it handled itself.
func (t *Twilio) OptOut(numbers ...string) {
	t.bar(numbers, refusal{status: http.StatusBadRequest, code: 21610, message: "Attempt to send to unsubscribed recipient"})
}

// Landline makes Twilio refuse messages to these numbers with 21614.
func (t *Twilio) Landline(numbers ...string) {
	t.bar(numbers, refusal{status: http.StatusBadRequest, code: 21614, message: "'To' number is not a valid mobile number"})
}

func (t *Twilio) bar(numbers []string, why refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range numbers {
		t.barred[n] = why
	}
}

// FailCode is Fail with one of Twilio's error codes, where Fail takes the code of the status.
func (t *Twilio) FailCode(n, status, code int, description string) {
	t.plan(fault{kind: failing, left: n, status: status, code: code, description: description})
}

// refusal is an error of the REST API. https://www.twilio.com/docs/usage/twilios-response
type refusal struct {
	status, code, retryAfter int
	message                  string
}

func (t *Twilio) serve(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok || subtle.ConstantTimeCompare([]byte(user), []byte(t.sid))&subtle.ConstantTimeCompare([]byte(password), []byte(t.token)) != 1 {
		t.wrong("the account SID or the auth token is wrong")
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
		fail(w, refusal{status: http.StatusUnauthorized, code: 20003, message: "Authenticate"})
		return
	}
	if r.URL.Path != twilioPrefix+t.sid+"/Messages.json" {
		t.wrong("a path that is not the account's Messages.json is called")
		fail(w, refusal{status: http.StatusNotFound, code: 20404, message: "The requested resource " + r.URL.Path + " was not found"})
		return
	}
	if r.Method != http.MethodPost {
		t.wrong("Messages: the method is not POST")
		fail(w, refusal{status: http.StatusMethodNotAllowed, code: 20004, message: "Method not allowed"})
		return
	}
	list, err := readFields(r)
	if err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client left in the middle of its request
		}
		t.wrong("Messages: %v", err)
		status := http.StatusBadRequest
		if errors.Is(err, errTooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		fail(w, refusal{status: status, code: 20001, message: "Bad request"})
		return
	}
	f := t.take(r)
	var sms Sms
	no := refusal{}
	if f.kind == failing {
		no = refusal{f.status, f.code, f.retryAfter, f.description}
		if no.code == 0 {
			no.code = 20000 + f.status // 20429, 20500, 20503: the codes of the general errors
		}
	} else {
		sms, no = t.create(list)
	}
	t.wake()
	if f.kind == losing {
		panic(http.ErrAbortHandler)
	}
	if no.status != 0 {
		fail(w, no)
		return
	}
	respond(w, http.StatusCreated, t.messageJSON(sms))
}

func fail(w http.ResponseWriter, no refusal) {
	if no.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.retryAfter))
	}
	respond(w, no.status, fmt.Appendf(nil, `{"code":%d,"message":%s,"more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`,
		no.code, quote(no.message), no.code, no.status))
}

// bad collects a wrong call and answers it with 400.
func (t *Twilio) bad(code int, message, noted string) (Sms, refusal) {
	t.wrong("Messages: %d: %s", code, noted)
	return Sms{}, refusal{status: http.StatusBadRequest, code: code, message: message}
}

var messageFields = []string{"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod",
	"ContentRetention", "AddressRetention", "SmartEncoded"}

func (t *Twilio) create(list fields) (Sms, refusal) {
	for i := range list {
		if !slices.Contains(messageFields, list[i].name) {
			t.wrong("Messages: field %.40q is not one of it", list[i].name)
		}
	}
	if again := list.repeated(); again != "" {
		t.wrong("Messages: field %.40q is given twice", again)
	}
	to, from, service, body := list.get("To"), list.get("From"), list.get("MessagingServiceSid"), list.get("Body")
	switch {
	case to == "":
		return t.bad(21604, "A 'To' phone number is required.", "To is missing")
	case !isE164(to):
		return t.bad(21211, "Invalid 'To' Phone Number: "+masked(to), "To is no E.164 number")
	case from == "" && service == "":
		return t.bad(21603, "A 'From' phone number is required.", "neither From nor MessagingServiceSid is given")
	case from != "" && !isSender(from):
		return t.bad(21212, "Invalid From Number (caller ID): "+from, "From is no sender")
	case service != "" && !isSID(service, "MG"):
		return t.bad(21701, "The Messaging Service resource does not exist.", "MessagingServiceSid is no such SID")
	case from == to:
		return t.bad(21266, "'To' and 'From' number cannot be the same: "+masked(to), "To and From are the same")
	case body == "":
		return t.bad(21602, "Message body is required.", "Body is missing")
	case units(body) > maxSMS:
		return t.bad(21617, "The concatenated message body exceeds the 1600 character limit", fmt.Sprintf("Body has %d UTF-16 units, at most %d", units(body), maxSMS))
	}
	if s, ok := list.lookup("StatusCallback"); ok && !isCallback(s) {
		return t.bad(21609, "The 'StatusCallback' URL is not a valid URL.", "StatusCallback is no absolute URL")
	}
	if s, ok := list.lookup("ValidityPeriod"); ok {
		if n, err := strconv.Atoi(s); err != nil || n < 1 || n > maxValidity {
			return t.bad(21624, "Invalid validity period value", fmt.Sprintf("ValidityPeriod must be 1 to %d", maxValidity))
		}
	}
	for _, choice := range [][3]string{{"ContentRetention", "retain", "discard"}, {"AddressRetention", "retain", "obfuscate"}, {"SmartEncoded", "true", "false"}} {
		if s, ok := list.lookup(choice[0]); ok && s != choice[1] && s != choice[2] {
			return t.bad(20001, "Invalid parameter "+choice[0], choice[0]+" must be "+choice[1]+" or "+choice[2])
		}
	}
	return t.deliver(list, Sms{To: to, From: from, Service: service, Body: body, Segments: segments(body)})
}

// deliver puts a correct message into the phone's inbox.
func (t *Twilio) deliver(list fields, sms Sms) (Sms, refusal) {
	sms.At = t.now()
	t.mu.Lock()
	why, barred := t.barred[sms.To]
	switch {
	case barred:
		t.mu.Unlock()
		return sms, why
	case !t.admit(sms.At):
		t.mu.Unlock()
		return sms, refusal{status: http.StatusTooManyRequests, code: 20429, retryAfter: penalty, message: "Too Many Requests"}
	}
	sms.SID = t.nextSID()
	if t.record > 0 {
		sms.Fields = map[string]string{}
		for _, f := range list {
			switch f.name {
			case "To", "From", "MessagingServiceSid", "Body":
			default:
				sms.Fields[f.name] = f.value
			}
		}
		t.keep(sms)
	}
	t.sent.Add(1)
	t.mu.Unlock()
	if t.OnSend != nil {
		t.OnSend(sms.To, sms.At)
	}
	return sms, refusal{}
}

// nextSID makes the SID of a message. The lock is held.
func (t *Twilio) nextSID() string {
	t.last++
	return fmt.Sprintf("SM%032x", 0xfa0<<40+t.last)
}

func (t *Twilio) keep(sms Sms) {
	list := append(t.inboxes[sms.To], sms)
	t.bySID[sms.SID] = sms
	if len(list) >= 2*t.record { // in bulk, so that it costs little
		for _, old := range list[:len(list)-t.record] {
			delete(t.bySID, old.SID)
		}
		list = slices.Clone(list[len(list)-t.record:])
	}
	t.inboxes[sms.To] = list
}

// isE164 says whether s is + and 8 to 15 digits, the first of them not 0.
func isE164(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	return plus && len(digits) >= 8 && len(digits) <= 15 && digits[0] != '0' && allDigits(digits)
}

func allDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// isSender allows a number, a short code of 3 to 8 digits, or an alphanumeric name of up to 11
// characters with a letter among them.
func isSender(s string) bool {
	if isE164(s) {
		return true
	}
	if allDigits(s) {
		return len(s) >= 3 && len(s) <= 8
	}
	if strings.IndexFunc(s, func(r rune) bool { return isLower(byte(r) | 0x20) }) < 0 {
		return false
	}
	return len(s) <= 11 && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(" +-_&", r))
	}) < 0
}

func isSID(s, kind string) bool {
	rest, ok := strings.CutPrefix(s, kind)
	return ok && len(rest) == 32 && strings.IndexFunc(rest, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F')
	}) < 0
}

func isCallback(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxCallback && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.Contains(u.Host, "_")
}

// masked is a number the way Twilio repeats it in an error.
func masked(s string) string {
	if len(s) < 4 {
		return "XXXX"
	}
	return s[:len(s)-4] + "XXXX"
}

// messageJSON is the Message resource of a message just accepted.
func (t *Twilio) messageJSON(sms Sms) []byte {
	date := sms.At.UTC().Format(time.RFC1123Z)
	status, parts, from, service := "queued", sms.Segments, "null", "null"
	if sms.From != "" {
		from = string(quote(sms.From))
	}
	if sms.Service != "" { // no sender is chosen yet, so neither are the segments known
		status, parts, service = "accepted", 0, string(quote(sms.Service))
	}
	uri := twilioPrefix + t.sid + "/Messages/" + sms.SID
	return fmt.Appendf(make([]byte, 0, 1024), `{"account_sid":%s,"api_version":"2010-04-01","body":%s,"date_created":%q,"date_sent":null,`+
		`"date_updated":%q,"direction":"outbound-api","error_code":null,"error_message":null,"from":%s,"messaging_service_sid":%s,`+
		`"num_media":"0","num_segments":"%d","price":null,"price_unit":null,"sid":%q,"status":%q,`+
		`"subresource_uris":{"media":"%s/Media.json"},"to":%s,"uri":"%s.json"}`,
		quote(t.sid), quote(sms.Body), date, date, from, service, parts, sms.SID, status, uri, quote(sms.To), uri)
}
