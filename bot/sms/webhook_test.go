package sms

import (
	"net/url"
	"strings"
	"testing"

	"faro/bot"
)

func FuzzForm(f *testing.F) {
	f.Add("MessageSid=SM1&From=%2B5219612345678&Body=hola")
	f.Add("MessageSid=SM1&From=whatsapp:%2B52961&Body=x")
	f.Add("MessageSid=SM1&From=12345&OptOutType=STOP")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		address, in, kind := parse(form)
		if kind != "input" {
			return
		}
		if !strings.HasPrefix(address, "+") || in.ID == "" || in.Channel != bot.SMS {
			t.Error("an input without a number or an id")
		}
		if in.Kind != bot.Text && in.Words != "" {
			t.Errorf("words in an input of kind %d", in.Kind)
		}
	})
}
