package fakes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// webhookTimeout is how long Telegram waits for a webhook's answer, roughly.
const webhookTimeout = 60 * time.Second

// webhookClient keeps enough idle connections for a benchmark; http.DefaultTransport keeps two.
func webhookClient() *http.Client {
	return &http.Client{
		Timeout: webhookTimeout,
		Transport: &http.Transport{
			MaxIdleConns: 512, MaxIdleConnsPerHost: 512, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Post delivers an update as Telegram does: a JSON body and, unless secret is "", the header
// X-Telegram-Bot-Api-Secret-Token. It returns the HTTP status of the answer. If that is 200 and the
// body is a JSON object with "method", the method is carried out with the same checks; as with the
// real service its result is lost, and so are Fail, Hang, Drop and Lose.
func (t *Telegram) Post(ctx context.Context, webhookURL, secret string, update []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, webhookURL, bytes.NewReader(update))
	if err != nil {
		return 0, fmt.Errorf("making the webhook's request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	}
	status, header, body, err := exchange(t.client, r)
	if err != nil {
		return 0, err
	}
	if status == http.StatusOK && len(body) > 0 && strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		t.carryOut(ctx, body)
	}
	return status, nil
}

// carryOut does what the answer of a webhook asks for.
func (t *Telegram) carryOut(ctx context.Context, body []byte) {
	list, err := parseJSON(nil, body)
	if err != nil {
		t.wrong("the webhook's answer: %v", err)
		return
	}
	name, ok := list.lookup("method")
	if !ok {
		return
	}
	var rest fields
	for _, f := range list {
		if f.name != "method" {
			rest = append(rest, f)
		}
	}
	if name == "getUpdates" {
		t.wrong("the webhook's answer: getUpdates makes no sense there")
		return
	}
	t.do(ctx, name, rest)
	t.wake()
}

// exchange sends a request and reads at most 1 MB of the answer.
func exchange(client *http.Client, r *http.Request) (int, http.Header, []byte, error) {
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("calling the webhook: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("reading the webhook's answer: %w", err)
	}
	return answer.StatusCode, answer.Header, body, nil
}
