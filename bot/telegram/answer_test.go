package telegram

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"faro/bot"
	"faro/internal/outbox"
)

// FuzzAnswer holds that whatever Telegram answers, a message is taken or there is an error that tells nothing of the
// answer and pauses for a bounded time, and that updates are a list or an error.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{`{"ok":true,"result":{"message_id":7}}`, `{"ok":true,"result":[{"update_id":1},null,[]]}`, `{"ok":true,"result":true}`, `{"ok":true}`,
		`{"ok":false,"error_code":429,"description":"canary","parameters":{"retry_after":3}}`, `{"ok":false,"error_code":429,"parameters":{"retry_after":9223372036854775807}}`,
		`{"ok":false,"error_code":429,"parameters":{"retry_after":-1}}`, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`,
		`{"ok":false,"error_code":403,"description":"canary"}`, `{"ok":false}`, "<html>canary", "", "null"} {
		f.Add(http.StatusOK, body)
		f.Add(http.StatusBadGateway, body)
	}
	queued, err := Shape(bot.Reply{Lang: "es", Text: "texto"}, bot.Input{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		api := NewAPI("https://telegram.example", "1:token")
		api.client.Client = answering(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})
		_, err := api.Send(t.Context(), outbox.Message{Channel: bot.Telegram, Address: "1", Body: queued})
		if err != nil {
			e, ok := err.(*outbox.Error)
			if !ok {
				t.Fatalf("an error without a policy: %T", err)
			}
			if strings.Contains(e.Code, "canary") || e.After < 0 || e.After > maxRest {
				t.Errorf("code %q, pause %v", e.Code, e.After)
			}
		}
		poller := &Poller{API: api, Count: func(string) {}, Log: slog.New(slog.DiscardHandler)}
		updates, err := poller.ask(t.Context(), 0)
		if err == nil {
			for _, raw := range updates {
				_, _ = Parse(raw)
			}
		}
	})
}

// answering is a client that answers itself.
type answering func(*http.Request) (*http.Response, error)

func (a answering) Do(r *http.Request) (*http.Response, error) { return a(r) }
