package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"faro/bot"
	"faro/internal/fakes"
)

// stuck is how many updates of one chat wait before those of others.
const stuck = 40

// batch is the first updates that a bot did not confirm, as Telegram gives them: no more than a call gives.
func batch(offset, last int) (updates []json.RawMessage) {
	for id := max(1, offset); id <= last && len(updates) < pollBatch; id++ {
		chat := max(stuck, id)
		updates = append(updates, fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"text":"hola","chat":{"id":%d,"type":"private"},"from":{"id":%d}}}`, id, id, chat, chat))
	}
	return updates
}

// TestOneChatKeepsNobodyOut: a chat whose turns fail for good is tried again and again, and others are not served
// twice meanwhile. Only when it keeps others out are its updates given up; and never for failing while Redis is away.
func TestOneChatKeepsNobodyOut(t *testing.T) {
	const others = 3 * pollBatch / 2
	failing := strconv.Itoa(stuck)
	var mu sync.Mutex // of what follows
	took, told, results := map[string]int{}, 0, map[string]int{}
	p := &Poller{
		Take: func(_ context.Context, chat string, _ bot.Input) error {
			mu.Lock()
			defer mu.Unlock()
			took[chat]++
			if chat == failing {
				return errors.New("a record nobody can read")
			}
			return nil
		},
		Away:  func(context.Context, string, bot.Input) { mu.Lock(); defer mu.Unlock(); told++ },
		Count: func(result string) { mu.Lock(); defer mu.Unlock(); results[result]++ },
		Log:   slog.New(slog.DiscardHandler), done: map[int]bool{}, tried: map[int]int{},
	}
	round := func(others int, whose Whose) bool {
		return p.takeAll(t.Context(), batch(p.offset, stuck+others), whose)
	}
	for range 2 * pollTries {
		if round(1, Ours) {
			t.Fatal("an update that keeps nobody out is given up")
		}
	}
	if next := strconv.Itoa(stuck + 1); took[failing] != 2*pollTries || took[next] != 1 {
		t.Fatalf("the chat that fails was tried %d times, the one behind it %d times", took[failing], took[next])
	}
	p.tried = map[int]int{}
	for range pollTries {
		if round(others, Unknown) {
			t.Fatal("an update is given up while Redis is away")
		}
	}
	if told == 0 || took[failing] != 2*pollTries {
		t.Errorf("%d were told while Redis was away, and %d turns taken", told, took[failing]-2*pollTries)
	}
	for n := 0; p.offset <= stuck+others; n++ {
		if round(others, Ours); n > pollTries+stuck+others/pollBatch {
			t.Fatalf("nobody behind update %d is served", p.offset)
		}
	}
	for chat, n := range took {
		if chat != failing && n != 1 {
			t.Errorf("an update was taken %d times", n)
		}
	}
	if len(took) != 1+others || results["given-up"] != stuck || len(p.done)+len(p.tried) != 0 {
		t.Errorf("%d chats are served, %d updates given up, %d remembered", len(took), results["given-up"], len(p.done)+len(p.tried))
	}
}

// TestPollersMeet: of two that poll while Redis is away, whose poll the other ended hears of it.
func TestPollersMeet(t *testing.T) {
	tg := fakes.NewTelegram("1:x")
	defer tg.Close()
	ctx, cancel := context.WithCancel(t.Context())
	met := make(chan struct{}, 2)
	var polling sync.WaitGroup
	for range 2 {
		p := &Poller{API: NewAPI(tg.URL(), "1:x"), Log: slog.New(slog.DiscardHandler), Whose: func(context.Context) Whose { return Unknown },
			Meet: func() { met <- struct{}{}; <-ctx.Done() }}
		polling.Go(func() { p.Run(ctx) })
	}
	select {
	case <-met:
	case <-time.After(time.Minute):
		t.Error("neither hears of the other")
	}
	cancel()
	polling.Wait()
}
