package fakes_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"

	"faro/internal/fakes"
)

const (
	account = "AC00000000000000000000000000000001"
	secret  = "0123456789abcdef0123456789abcdef"
	phone   = "+12025550123"
	sender  = "+12025550199"
)

// redirect sends every request to the stand-in.
type redirect struct {
	to string
	http.Transport
}

func (r *redirect) RoundTrip(q *http.Request) (*http.Response, error) {
	q = q.Clone(q.Context())
	q.URL.Scheme, q.URL.Host = "http", strings.TrimPrefix(r.to, "http://")
	return r.Transport.RoundTrip(q)
}

func startTwilio(t testing.TB, wrong bool, token string) (*fakes.Twilio, *openapi.ApiService) {
	t.Helper()
	tw := fakes.NewTwilio(account, secret)
	transport := &redirect{to: tw.URL()}
	base := &client.Client{Credentials: client.NewCredentials(account, token), HTTPClient: &http.Client{Transport: transport}}
	base.SetAccountSid(account)
	t.Cleanup(func() {
		tw.Close()
		transport.CloseIdleConnections()
		if v := tw.Violations(); !wrong && len(v) > 0 {
			t.Errorf("violations: %q", v)
		}
	})
	return tw, twilio.NewRestClientWithParams(twilio.ClientParams{Client: base}).Api
}

func message(body string) *openapi.CreateMessageParams {
	p := &openapi.CreateMessageParams{}
	return p.SetTo(phone).SetFrom(sender).SetBody(body)
}

func TestTwilioMessage(t *testing.T) {
	tw, api := startTwilio(t, false, secret)
	p := message("¿Qué tal, ñandú? " + strings.Repeat("x", 150)).SetStatusCallback("https://example.org/s").
		SetValidityPeriod(600).SetContentRetention("discard").SetAddressRetention("obfuscate")
	got, err := api.CreateMessage(p)
	if err != nil {
		t.Fatal(err)
	}
	if *got.Status != "queued" || *got.NumSegments != "3" || len(*got.Sid) != 34 || !strings.HasPrefix(*got.Sid, "SM") ||
		*got.To != phone || got.MessagingServiceSid != nil || got.ErrorCode != nil {
		t.Errorf("the answer is %+v, segments %s", got, *got.NumSegments)
	}
	inbox := tw.Inbox(phone)
	if len(inbox) != 1 || inbox[0].Body != *p.Body || inbox[0].SID != *got.Sid || inbox[0].Fields["StatusCallback"] != "https://example.org/s" {
		t.Errorf("the inbox is %+v", inbox)
	}
	p = message("hola")
	p.From = nil
	p.SetMessagingServiceSid("MG" + strings.Repeat("0a", 16))
	if got, err = api.CreateMessage(p); err != nil || *got.Status != "accepted" || got.From != nil || *got.NumSegments != "0" {
		t.Errorf("through a service: %v, %+v", err, got)
	}
	if form := tw.Receipts(*got.Sid, "sent", "delivered"); len(form) != 2 || form[1].Get("To") != phone || form[1].Get("MessageStatus") != "delivered" || form[1].Get("RawDlrDoneDate") == "" {
		t.Errorf("the receipts are %v", form)
	}
	if form := tw.Receipt(*got.Sid, "undelivered", 30003); form.Get("ErrorCode") != "30003" {
		t.Errorf("the receipt is %v", form)
	}
	if tw.Sent() != 2 {
		t.Errorf("sent %d", tw.Sent())
	}
}

func TestTwilioErrors(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*fakes.Twilio, *openapi.CreateMessageParams)
		code    int // 0: accepted, and noted
		allowed bool
	}{
		{"no recipient", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.To = nil }, 21604, false},
		{"recipient", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetTo("2025550123") }, 21211, false},
		{"no sender", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.From = nil }, 21603, false},
		{"sender", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetFrom("+0") }, 21212, false},
		{"to itself", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetFrom(phone) }, 21266, false},
		{"service", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetMessagingServiceSid("MG1") }, 21701, false},
		{"empty", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetBody("") }, 21602, false},
		{"long", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetBody(strings.Repeat("x", 1601)) }, 21617, false},
		{"callback", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetStatusCallback("/status") }, 21609, false},
		{"validity", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetValidityPeriod(36001) }, 21624, false},
		{"retention", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetContentRetention("forget") }, 20001, false},
		{"unknown field", func(_ *fakes.Twilio, p *openapi.CreateMessageParams) { p.SetApplicationSid("AP1") }, 0, false},
		{"opted out", func(tw *fakes.Twilio, _ *openapi.CreateMessageParams) { tw.OptOut(phone) }, 21610, true},
		{"landline", func(tw *fakes.Twilio, _ *openapi.CreateMessageParams) { tw.Landline(phone) }, 21614, true},
		{"planned", func(tw *fakes.Twilio, _ *openapi.CreateMessageParams) { tw.Fail(1, 503, 0, "Service unavailable") }, 20503, true},
		{"planned code", func(tw *fakes.Twilio, _ *openapi.CreateMessageParams) { tw.FailCode(1, 400, 30007, "x") }, 30007, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			tw, api := startTwilio(t, true, secret)
			p := message("hola")
			test.change(tw, p)
			_, err := api.CreateMessage(p)
			var e *client.TwilioRestError
			if code := 0; errors.As(err, &e) {
				if code = e.Code; code != test.code {
					t.Errorf("code %d, want %d", code, test.code)
				}
			} else if err != nil || test.code != 0 {
				t.Errorf("answered %v", err)
			}
			if noted := len(tw.Violations()) > 0; noted == test.allowed {
				t.Errorf("violations %q", tw.Violations())
			}
		})
	}
}

func TestTwilioAuth(t *testing.T) {
	tw, api := startTwilio(t, true, "wrong")
	var e *client.TwilioRestError
	if _, err := api.CreateMessage(message("hola")); !errors.As(err, &e) || e.Code != 20003 || e.Status != 401 || len(tw.Violations()) != 1 {
		t.Errorf("%v, violations %q", err, tw.Violations())
	}
}

// The real library accepts the signature, and no other text.
func TestTwilioRequest(t *testing.T) {
	tw, _ := startTwilio(t, true, secret)
	validator := client.NewRequestValidator(secret)
	const public = "https://faro.example"
	answer, kind := `<?xml version="1.0"?><Response><Message>adiós</Message></Response>`, "text/xml"
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form := map[string]string{}
		for name := range r.PostForm {
			form[name] = r.PostForm.Get(name)
		}
		if r.Host != "faro.example" || !validator.Validate(public+r.URL.Path, form, r.Header.Get("X-Twilio-Signature")) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(answer))
	}))
	defer program.Close()
	text := tw.Text(phone, sender, "hola, ¿qué + tal?")
	if text.Get("MessageSid") != text.Get("SmsMessageSid") || text.Get("NumSegments") != "1" {
		t.Errorf("the form is %v", text)
	}
	status, err := tw.Post(deadline(t), program.URL, public, "/twilio/message", text)
	if err != nil || status != 200 {
		t.Fatalf("%d, %v", status, err)
	}
	if inbox := tw.Inbox(phone); len(inbox) != 1 || inbox[0].Body != "adiós" || len(tw.Violations()) != 0 {
		t.Errorf("the inbox is %+v, violations %q", inbox, tw.Violations())
	}
	kind = "application/json"
	if _, err := tw.Post(deadline(t), program.URL, public, "/twilio/message", text); err != nil || len(tw.Violations()) != 1 {
		t.Errorf("%v, violations %q", err, tw.Violations())
	}
	r := tw.Request(public, "/twilio/message", url.Values{"Body": {"a"}})
	if validator.Validate(public+"/twilio/message", map[string]string{"Body": "b"}, r.Header.Get("X-Twilio-Signature")) {
		t.Error("the signature fits another text")
	}
}
