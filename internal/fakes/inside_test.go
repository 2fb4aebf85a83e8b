package fakes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestMarkup(t *testing.T) {
	for _, test := range []struct{ mode, text, want, err string }{
		{"HTML", "<b>a <i>b</i></b> &lt;&#33;", "a b <!", ""},
		{"HTML", `<a href="https://example.org">a</a>&nbsp;`, "a&nbsp;", ""},
		{"HTML", "<b>a", "", `Can't find end tag corresponding to start tag "b"`},
		{"HTML", "<b><i>test</b></i>", "", `Unmatched end tag at byte offset 10, expected "</i>", found "</b>"`},
		{"HTML", "<script>", "", `Unsupported start tag "script" at byte offset 0`},
		{"HTML", "a < b", "", "Unclosed start tag at byte offset 2"},
		{"Markdown", `*a* _b_ \_c [d](https://example.org)`, "a b _c d", ""},
		{"Markdown", "snake_case", "", "Can't find end of the entity starting at byte offset 5"},
		{"MarkdownV2", `*a _b_* ||c|| __d__ [e](https://example.org/\)) hello\.`, "a b c d e hello.", ""},
		{"MarkdownV2", "`a.b` >", "", "Character '>' is reserved and must be escaped with the preceding '\\'"},
		{"MarkdownV2", "```a-b```\n>c", "a-b\nc", ""},
		{"MarkdownV2", "*unclosed", "", "Can't find end of Bold entity at byte offset 0"},
		{"MarkdownV2", "#tag", "", "Character '#' is reserved"},
	} {
		got, err := stripMarkup(test.mode, test.text)
		if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) || test.err == "" && (err != nil || got != test.want) {
			t.Errorf("%s %q: %q, %v", test.mode, test.text, got, err)
		}
	}
}

func TestSegments(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"empty", "", 1},
		{"full", strings.Repeat("x", 160), 1},
		{"over", strings.Repeat("x", 161), 2},
		{"two full", strings.Repeat("x", 306), 2},
		{"extension counts twice", strings.Repeat("€", 81), 2},
		{"extension is not broken", strings.Repeat("x", 152) + "€" + strings.Repeat("x", 152), 3},
		{"other letters", strings.Repeat("ж", 71), 2},
		{"pairs are not broken", strings.Repeat("x", 66) + "🧭" + strings.Repeat("x", 66), 3},
	} {
		if got := segments(test.text); got != test.want {
			t.Errorf("%s: %d segments, want %d", test.name, got, test.want)
		}
	}
}

// Foreign bytes make errors, never a panic, and the answer is JSON.
func FuzzTelegram(f *testing.F) {
	f.Add("sendMessage", "chat_id=1&text=%F0%9F%A7%ADx&entities=[{\"type\":\"bold\",\"offset\":0,\"length\":1}]", 0)
	f.Add("sendMessage", `{"chat_id":1,"text":"x","reply_markup":{"inline_keyboard":[[{"text":"x","callback_data":"y"}]]}}`, 1)
	f.Add("editMessageText", "chat_id=1&message_id=90817263&text=*a_&parse_mode=MarkdownV2", 0)
	f.Add("deleteMessages", "chat_id=1&message_ids=[1,2]", 0)
	f.Add("setMyCommands", "--b\r\nContent-Disposition: form-data; name=\"commands\"\r\n\r\n[]\r\n--b--\r\n", 2)
	f.Add("setWebhook", "url=https://[::1]:80&allowed_updates=null", 0)
	tg := NewTelegram("1:x", Record(10))
	f.Cleanup(tg.Close)
	tg.Say(1, "", "hola")
	kinds := []string{"application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b"}
	f.Fuzz(func(t *testing.T, method, body string, kind int) {
		if method == "getUpdates" {
			return // it may wait
		}
		r := httptest.NewRequest(http.MethodPost, "http://x/", strings.NewReader(body))
		r.URL.Path = "/bot1:x/" + method
		r.Header.Set("Content-Type", kinds[uint(kind)%uint(len(kinds))])
		w := httptest.NewRecorder()
		tg.serve(w, r)
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("the answer is no JSON: %q", w.Body)
		}
	})
}

func FuzzTwilio(f *testing.F) {
	f.Add("To=%2B12025550123&From=%2B12025550199&Body=hola", "text/xml", "<Response><Message>x</Message></Response>")
	tw := NewTwilio("AC1", "x", Record(10))
	f.Cleanup(tw.Close)
	f.Fuzz(func(t *testing.T, form, kind, answer string) {
		r := httptest.NewRequest(http.MethodPost, "http://x"+twilioPrefix+"AC1/Messages.json", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("AC1", "x")
		w := httptest.NewRecorder()
		tw.serve(w, r)
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("the answer is no JSON: %q", w.Body)
		}
		tw.obey(kind, []byte(answer), map[string][]string{"From": {"+12025550123"}, "To": {"+12025550199"}})
	})
}

const benchForm = "chat_id=7&text=Bienvenida+a+Faro.+%C2%BFQu%C3%A9+necesita%3F+Elija+una+opci%C3%B3n+o+escriba+su+pregunta.&protect_content=true" +
	`&entities=%5B%7B%22type%22%3A%22bold%22%2C%22offset%22%3A0%2C%22length%22%3A10%7D%5D` +
	`&link_preview_options=%7B%22is_disabled%22%3Atrue%7D` +
	`&reply_markup=%7B%22inline_keyboard%22%3A%5B%5B%7B%22text%22%3A%22Asilo%22%2C%22callback_data%22%3A%22t%3Aasylum%22%7D%5D%2C%5B%7B%22text%22%3A%22Emergencia%22%2C%22callback_data%22%3A%22n%3Aemergency%22%7D%5D%5D%7D`

// BenchmarkSendMessage is the stand-in's own work, without a connection.
func BenchmarkSendMessage(b *testing.B) {
	tg := NewTelegram("1:x", Record(0))
	defer tg.Close()
	tg.Know(7)
	b.ReportAllocs()
	for b.Loop() {
		list, err := parseForm(make(fields, 0, 8), benchForm)
		if err != nil {
			b.Fatal(err)
		}
		if a := tg.do(context.Background(), "sendMessage", list); a.status != 0 {
			b.Fatal(a.description)
		}
	}
}

// BenchmarkSendMessageHTTP is the whole way over 16 connections, with as bare a client as can be:
// it writes a prepared request and reads as many bytes as the answer has.
func BenchmarkSendMessageHTTP(b *testing.B) {
	tg := NewTelegram("1:x", Record(0))
	defer tg.Close()
	tg.Know(7)
	request := fmt.Appendf(nil, "POST /bot1:x/sendMessage HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(benchForm), benchForm)
	var left atomic.Int64
	left.Store(int64(b.N))
	var wait sync.WaitGroup
	b.ResetTimer()
	for range 16 {
		wait.Go(func() {
			connection, err := net.Dial("tcp", strings.TrimPrefix(tg.URL(), "http://"))
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = connection.Close() }()
			buffer := make([]byte, 8192)
			for left.Add(-1) >= 0 {
				if _, err := connection.Write(request); err != nil {
					b.Error(err)
					return
				}
				for n := 0; ; {
					m, err := connection.Read(buffer[n:])
					if err != nil && err != io.EOF {
						b.Error(err)
						return
					}
					if n += m; n > 2 && string(buffer[n-2:n]) == "}}" {
						break
					}
				}
			}
		})
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	if v := tg.Violations(); len(v) > 0 {
		b.Fatalf("violations: %q", v)
	}
}
