package fakes

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// Text is the form Twilio posts when a text comes in. https://www.twilio.com/docs/messaging/guides/webhook-request
// A test that needs a messaging service or an OptOutType sets it in the form.
func (t *Twilio) Text(from, to, body string) url.Values {
	t.mu.Lock()
	sid := t.nextSID()
	t.mu.Unlock()
	return url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "AccountSid": {t.sid},
		"From": {from}, "To": {to}, "Body": {body}, "NumMedia": {"0"}, "NumSegments": {strconv.Itoa(segments(body))},
		"SmsStatus": {"received"}, "ApiVersion": {"2010-04-01"},
		"FromCountry": {"US"}, "FromState": {"DC"}, "FromCity": {"WASHINGTON"}, "FromZip": {"20001"},
		"ToCountry": {"US"}, "ToState": {"VA"}, "ToCity": {"ARLINGTON"}, "ToZip": {"22201"},
	}
}

// Receipt is the form of one status callback: queued, sending, sent, delivered, undelivered or
// failed. An errorCode other than 0 is told. https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
func (t *Twilio) Receipt(sid, status string, errorCode int) url.Values {
	t.mu.Lock()
	sms := t.bySID[sid]
	t.mu.Unlock()
	form := url.Values{
		"MessageSid": {sid}, "MessageStatus": {status}, "SmsSid": {sid}, "SmsStatus": {status},
		"AccountSid": {t.sid}, "ApiVersion": {"2010-04-01"}, "To": {sms.To}, "From": {sms.From},
	}
	if sms.Service != "" {
		form.Set("MessagingServiceSid", sms.Service)
	}
	if errorCode != 0 {
		form.Set("ErrorCode", strconv.Itoa(errorCode))
	}
	if status == "delivered" || status == "undelivered" {
		form.Set("RawDlrDoneDate", t.now().UTC().Format("0601021504"))
	}
	return form
}

// Receipts are the callbacks of a message that went through these statuses, without an error code.
func (t *Twilio) Receipts(sid string, statuses ...string) []url.Values {
	var list []url.Values
	for _, status := range statuses {
		list = append(list, t.Receipt(sid, status, 0))
	}
	return list
}

// Sign is the X-Twilio-Signature of a form posted to a URL: HMAC-SHA1, keyed with the auth token,
// over the URL and then every parameter's name and value in the order of the names.
// https://www.twilio.com/docs/usage/security#validating-requests
func (t *Twilio) Sign(address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	mac := hmac.New(sha1.New, []byte(t.token))
	mac.Write([]byte(address))
	for _, name := range names {
		for _, value := range form[name] {
			mac.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Request is a signed POST of a form to publicURL and path, as Twilio makes it. To send it to a
// program that listens elsewhere, change URL.Host and URL.Scheme, or use Post. It panics when the
// two do not make a URL.
func (t *Twilio) Request(publicURL, path string, form url.Values) *http.Request {
	address := strings.TrimSuffix(publicURL, "/") + path
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		panic(fmt.Sprintf("fakes: making a request of Twilio's: %v", err))
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set("X-Twilio-Signature", t.Sign(address, form))
	r.Header.Set("I-Twilio-Idempotency-Token", "00000000-0000-4000-8000-000000000000")
	r.Header.Set("User-Agent", "TwilioProxy/1.1")
	return r
}

// Post sends what Request makes to the program at listenURL (http://127.0.0.1:port) and returns
// the status of its answer. An answer of 200 with a body must be TwiML; its messages reach the
// phone in the form's From.
func (t *Twilio) Post(ctx context.Context, listenURL, publicURL, path string, form url.Values) (int, error) {
	r := t.Request(publicURL, path, form).WithContext(ctx)
	target, err := url.Parse(listenURL)
	if err != nil {
		return 0, fmt.Errorf("reading the program's address: %w", err)
	}
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = target.Scheme, target.Host
	status, header, body, err := exchange(t.client, r)
	if err != nil {
		return 0, err
	}
	if status == http.StatusOK && len(body) > 0 {
		t.obey(header.Get("Content-Type"), body, form)
		t.wake()
	}
	return status, nil
}

// obey reads TwiML. https://www.twilio.com/docs/messaging/twiml
func (t *Twilio) obey(kind string, body []byte, form url.Values) {
	if !strings.HasPrefix(kind, "text/xml") && !strings.HasPrefix(kind, "application/xml") && !strings.HasPrefix(kind, "text/html") {
		if !strings.HasPrefix(kind, "text/plain") { // which Twilio would send on as a message
			t.wrong("the webhook's answer: 12300: its content type is not that of TwiML")
			return
		}
		t.wrong("the webhook's answer: plain text, which is sent to the person as it is")
		return
	}
	var twiml struct {
		XMLName  xml.Name `xml:"Response"`
		Messages []struct {
			Body string `xml:"Body"`
			Text string `xml:",chardata"`
		} `xml:"Message"`
	}
	if err := xml.Unmarshal(body, &twiml); err != nil {
		t.wrong("the webhook's answer: 12100: it is no TwiML")
		return
	}
	for _, m := range twiml.Messages {
		text := strings.TrimSpace(m.Text)
		if m.Body != "" {
			text = m.Body
		}
		t.create(fields{{"To", form.Get("From")}, {"From", form.Get("To")}, {"Body", text}})
	}
}
