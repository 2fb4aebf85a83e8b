package sms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"faro/bot"
	"faro/internal/outbox"
)

// DefaultAPI is Twilio's own REST API.
const DefaultAPI = "https://api.twilio.com"

// callTime is the longest a call to Twilio may take.
const callTime = 20 * time.Second

// An Account is a Twilio account with the number, or the messaging service, that messages come from.
type Account struct {
	SID, Token       string
	From, ServiceSID string // one of the two
	API              string // address of the REST API
	Public           string // where the world reaches us, for delivery receipts
	Discard          bool   // ask Twilio to keep neither body nor number (Message content retention)
}

// A Twilio sends text messages.
type Twilio struct {
	account Account
	rest    *twilio.RestClient
}

// NewTwilio makes a sender for an account.
func NewTwilio(a Account) (*Twilio, error) {
	base, err := url.Parse(a.API)
	if err != nil || base.Host == "" {
		return nil, errors.New("the address of the Twilio API is not one like " + DefaultAPI)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64 // as many as the outbox sends at once, so none is dialled anew
	c := &client.Client{
		Credentials: client.NewCredentials(a.SID, a.Token),
		// A redirect is no answer: to follow it would send the message twice.
		HTTPClient: &http.Client{Transport: redirected{base, transport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	c.SetAccountSid(a.SID)
	return &Twilio{account: a, rest: twilio.NewRestClientWithParams(twilio.ClientParams{Client: c})}, nil
}

// redirected sends requests to another server than the one the library builds into addresses.
type redirected struct {
	base *url.URL
	next http.RoundTripper
}

// RoundTrip carries out a whole call within callTime. The answer is read here, because the library
// leaves the body of a refusal open, which would keep its connection.
func (t redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	r = r.Clone(ctx)
	r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, ""
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// maxAnswer is far more than Twilio says of one message, in bytes.
const maxAnswer = 1 << 20

// Shape makes the queued body of a reply: its text, paged and fitted.
func Shape(r bot.Reply, _ bot.Input) ([]byte, error) { return []byte(Render(r).Text), nil }

// Send delivers a queued body. It is an outbox.Sender. The library takes no context; a call ends
// after callTime.
func (t *Twilio) Send(_ context.Context, m outbox.Message) (outbox.Receipt, error) {
	p := &openapi.CreateMessageParams{}
	p.SetTo(m.Address)
	p.SetBody(string(m.Body))
	if t.account.ServiceSID != "" {
		p.SetMessagingServiceSid(t.account.ServiceSID)
	} else {
		p.SetFrom(t.account.From)
	}
	if t.account.Public != "" {
		p.SetStatusCallback(fmt.Sprintf("%s/twilio/status?day=%s&part=%d", strings.TrimRight(t.account.Public, "/"), m.Day, m.Partition))
	}
	if seconds := int(time.Until(m.Until).Seconds()); !m.Until.IsZero() && seconds < maxValidity {
		p.SetValidityPeriod(max(seconds, minValidity))
	}
	if t.account.Discard {
		p.SetContentRetention("discard")
		p.SetAddressRetention("obfuscate")
	}
	sent, err := t.rest.Api.CreateMessage(p)
	if err != nil {
		return outbox.Receipt{}, classify(err)
	}
	receipt := outbox.Receipt{Swept: true} // nothing can be deleted from someone's phone
	if sent.Sid != nil {
		receipt.SID = *sent.Sid
	}
	return receipt, nil
}

// How long Twilio may try to deliver a message, in seconds (Message resource, ValidityPeriod).
const (
	minValidity = 1
	maxValidity = 36000
)

// Twilio's error codes that mean something to us (Twilio, Error and Warning Dictionary).
const (
	codeTooMany  = 20429 // too many requests
	codeOptedOut = 21610 // the recipient replied STOP
	codeQueue    = 21611 // the sender's queue is full
)

// unreachable are the codes that say there is nobody at a number: it is none, or it takes no text messages. The
// last two come in receipts: the carrier knows no such phone (30005), or it is a landline (30006). A phone that is only
// switched off (30003) may be reached tomorrow.
var unreachable = []int{21211, 21214, 21217, 21614, 30005, 30006}

// gone is what a code says of the person: outbox.OptedOut or Unreachable, "" if nothing.
func gone(code string) outbox.Outcome {
	n, err := strconv.Atoi(code)
	switch {
	case err != nil:
		return ""
	case n == codeOptedOut:
		return outbox.OptedOut
	case slices.Contains(unreachable, n):
		return outbox.Unreachable
	}
	return ""
}

// classify turns an error into what to do about it. Twilio's own text is dropped: it names numbers.
func classify(err error) *outbox.Error {
	var refused *client.TwilioRestError
	if !errors.As(err, &refused) {
		return &outbox.Error{Code: "no-answer"}
	}
	e := &outbox.Error{Code: strconv.Itoa(refused.Code)}
	switch e.Outcome = gone(e.Code); {
	case e.Outcome != "":
	case refused.Code == codeTooMany, refused.Code == codeQueue, refused.Status == http.StatusTooManyRequests:
		e.After = time.Second
	case refused.Status == http.StatusUnauthorized, refused.Status == http.StatusForbidden:
		// the account's settings are wrong; the message is not to blame
	case refused.Status >= 400 && refused.Status < 500:
		e.Outcome = outbox.Failed
	}
	return e
}
