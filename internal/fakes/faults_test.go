package fakes_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"faro/internal/fakes"
)

func TestFaults(t *testing.T) {
	tg, bot := start(t, false)
	tg.Know(person)
	out := tgbotapi.NewMessage(person, "hola")
	tg.Fail(1, 429, 7, "Too Many Requests: retry after 7")
	tg.Fail(1, 500, 0, "Internal Server Error")
	tg.Drop(1)
	tg.Lose(1)

	var e *tgbotapi.Error
	if _, err := bot.Send(out); !errors.As(err, &e) || e.RetryAfter != 7 || e.Code != 429 {
		t.Errorf("the first failure: %v", err)
	}
	if _, err := bot.Send(out); !errors.As(err, &e) || e.Code != 500 || e.RetryAfter != 0 {
		t.Errorf("the second failure: %v", err)
	}
	if _, err := bot.Send(out); err == nil || tg.Sent() != 0 {
		t.Errorf("dropped: %v, sent %d", err, tg.Sent())
	}
	if _, err := bot.Send(out); err == nil || tg.Sent() != 1 || tg.Faults() != 0 {
		t.Errorf("lost: %v, sent %d", err, tg.Sent())
	}
	if _, err := bot.Send(out); err != nil {
		t.Error(err)
	}
	if got := len(tg.Chat(person)); got != 2 {
		t.Errorf("the person sees %d messages", got)
	}
}

func TestHang(t *testing.T) {
	tg := fakes.NewTelegram(token)
	tg.Know(person)
	tg.Hang(2)
	form := "chat_id=5000001&text=hola"
	post := func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, tg.URL()+"/bot"+token+"/sendMessage", strings.NewReader(form))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	ctx, cancel := context.WithCancel(deadline(t))
	gaveUp, ended := make(chan error, 1), make(chan error, 1)
	go func() { gaveUp <- post(ctx) }()
	if err := tg.Await(deadline(t), func() bool { return tg.Faults() == 1 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("the client that gave up has %v", err)
	}
	go func() { ended <- post(deadline(t)) }()
	if err := tg.Await(deadline(t), func() bool { return tg.Faults() == 0 }); err != nil {
		t.Fatal(err)
	}
	tg.Close()
	if err := <-ended; err == nil || tg.Sent() != 0 {
		t.Errorf("after Close the client has %v, sent %d", err, tg.Sent())
	}
	if err := tg.Await(deadline(t), func() bool { return false }); !errors.Is(err, fakes.ErrClosed) {
		t.Errorf("awaiting of what is closed: %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// A clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestLimit(t *testing.T) {
	c := &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	tg, bot := start(t, false, fakes.Clock(c.now))
	tg.Know(person)
	tg.Limit(3)
	var e *tgbotapi.Error
	for i, step := range []struct {
		after   time.Duration
		refused bool
	}{
		{0, false}, {400 * time.Millisecond, false}, {400 * time.Millisecond, false},
		{199 * time.Millisecond, true},  // the fourth within a second
		{500 * time.Millisecond, true},  // too early: the second to wait is not over
		{501 * time.Millisecond, false}, // it is
	} {
		c.add(step.after)
		_, err := bot.Send(tgbotapi.NewMessage(person, "hola"))
		if refused := errors.As(err, &e) && e.Code == 429 && e.RetryAfter == 1; refused != step.refused {
			t.Errorf("send %d: %v", i, err)
		}
	}
	if tg.TooMany() != 2 || tg.Sent() != 4 {
		t.Errorf("too many %d, sent %d", tg.TooMany(), tg.Sent())
	}
}

func TestRecord(t *testing.T) {
	var chats []int64
	tg, bot := start(t, false, fakes.Record(2))
	tg.OnSend = func(chat int64, at time.Time) { chats = append(chats, chat) }
	tg.Know(person)
	first := 0
	for range 5 {
		m, err := bot.Send(tgbotapi.NewMessage(person, "hola"))
		if err != nil {
			t.Fatal(err)
		}
		if first == 0 {
			first = m.MessageID
		}
	}
	if n := len(tg.Chat(person)); n != 2 || len(chats) != 5 {
		t.Errorf("%d messages are kept, OnSend heard %d", n, len(chats))
	}
	if _, err := bot.Send(tgbotapi.NewEditMessageText(person, first, "otra")); err != nil {
		t.Errorf("editing what is no longer kept: %v", err)
	}
	none, other := start(t, false, fakes.Record(0))
	none.Say(person, "", "hola")
	if _, err := other.Send(tgbotapi.NewMessage(person, "hola")); err != nil || len(none.Chat(person)) != 0 {
		t.Errorf("without a record: %v, %v", err, none.Chat(person))
	}
}

func TestPolling(t *testing.T) {
	tg, bot := start(t, false)
	first, second := tg.Say(person, "", "uno"), tg.Say(person, "", "dos")
	tg.Push(first)
	tg.Push(second)
	get := func(offset, limit, timeout int) []tgbotapi.Update {
		t.Helper()
		list, err := bot.GetUpdates(tgbotapi.UpdateConfig{Offset: offset, Limit: limit, Timeout: timeout, AllowedUpdates: []string{"message"}})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := get(0, 1, 0); len(got) != 1 || got[0].UpdateID != first.ID() {
		t.Errorf("with a limit of 1: %v", got)
	}
	if got := get(0, 100, 0); len(got) != 2 {
		t.Errorf("not confirmed they come again: %v", got)
	}
	if got := get(second.ID(), 100, 0); len(got) != 1 || tg.Pending() != 1 {
		t.Errorf("after confirming the first: %v", got)
	}
	tg.Push(tg.Tap(person, "", 1, "x")) // not asked for
	if got := get(second.ID()+1, 100, 0); len(got) != 0 {
		t.Errorf("after confirming all: %v", got)
	}
	late := make(chan []tgbotapi.Update, 1)
	go func() { late <- get(0, 100, 30) }()
	if err := tg.Await(deadline(t), func() bool { return tg.Calls("getUpdates") == 5 }); err != nil {
		t.Fatal(err)
	}
	tg.Push(tg.Say(person, "", "tres"))
	if got := <-late; len(got) != 1 || got[0].Message.Text != "tres" {
		t.Errorf("the long poll got %v", got)
	}
}

func TestTwoPollers(t *testing.T) {
	tg, bot := start(t, true)
	first := make(chan string, 1)
	poll := func() string { return call(t, bot, "getUpdates", tgbotapi.Params{"timeout": "30"}) }
	go func() { first <- poll() }()
	if err := tg.Await(deadline(t), func() bool { return tg.Calls("getUpdates") == 1 }); err != nil {
		t.Fatal(err)
	}
	second := make(chan string, 1)
	go func() { second <- poll() }()
	if got := <-first; !strings.HasPrefix(got, "Conflict: terminated by other getUpdates request") || len(tg.Violations()) != 1 {
		t.Errorf("the first poll ends with %q, violations %q", got, tg.Violations())
	}
	if got := call(t, bot, "setWebhook", tgbotapi.Params{"url": "https://example.org/x", "secret_token": "a-B_9"}); got != "" {
		t.Error(got)
	}
	if got := <-second; !strings.HasPrefix(got, "Conflict: terminated by setWebhook") {
		t.Errorf("the second poll ends with %q", got)
	}
	if got := poll(); !strings.HasPrefix(got, "Conflict: can't use getUpdates") {
		t.Errorf("polling beside a webhook: %q", got)
	}
	if hook := tg.Webhook(); hook.Secret != "a-B_9" || hook.MaxConnections != 40 {
		t.Errorf("the webhook is %+v", hook)
	}
	if got := call(t, bot, "deleteWebhook", nil); got != "" || tg.Webhook().URL != "" {
		t.Errorf("deleting it: %q", got)
	}
}

// One client that gives up a poll and begins the next is not two clients.
func TestPollAgain(t *testing.T) {
	tg, bot := start(t, false)
	ctx, cancel := context.WithCancel(deadline(t))
	over := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, tg.URL()+"/bot"+token+"/getUpdates?timeout=30", nil)
		if err == nil {
			_, err = http.DefaultClient.Do(r) //nolint:bodyclose // there is no answer
		}
		over <- err
	}()
	if err := tg.Await(deadline(t), func() bool { return tg.Calls("getUpdates") == 1 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-over
	if got := call(t, bot, "getUpdates", nil); got != "" {
		t.Errorf("the next poll: %q", got)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestBodies(t *testing.T) {
	tg, _ := start(t, true)
	tg.Know(person)
	for _, test := range []struct {
		name, kind, body string
		status           int
	}{
		{"JSON", "application/json", `{"chat_id":5000001,"text":"hola","protect_content":true,"entities":[{"type":"bold","offset":0,"length":2}]}`, 200},
		{"multipart", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n5000001\r\n--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhola\r\n--b--\r\n", 200},
		{"form", "application/x-www-form-urlencoded", "chat_id=5000001&text=a%26b", 200},
		{"broken form", "application/x-www-form-urlencoded", "text=%zz", 400},
		{"broken JSON", "application/json", `[`, 400},
		{"other", "text/plain", "x", 400},
		{"large", "application/x-www-form-urlencoded", "text=" + strings.Repeat("x", 1<<20), 413},
	} {
		answer, err := http.Post(tg.URL()+"/bot"+token+"/sendMessage", test.kind, strings.NewReader(test.body))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.name, answer.StatusCode, test.status)
		}
	}
	if n := len(tg.Violations()); n != 4 {
		t.Errorf("violations: %q", tg.Violations())
	}
	http.DefaultClient.CloseIdleConnections()
}
