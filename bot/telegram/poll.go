package telegram

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

const (
	pollBatch = 100             // the most updates one call gives
	pollRest  = 2 * time.Second // before asking again after an error
	pollTurns = 16              // chats served at once
)

// A Poller asks Telegram for updates, for a bot without a public address.
type Poller struct {
	API   *API
	Take  Take
	Count Count
	Log   *slog.Logger
	// Mine reports whether this process is the one to poll. Telegram allows one poller a bot.
	Mine func(context.Context) bool
}

// Run polls until ctx ends. An update is confirmed only after its turn is stored; what was not stored
// comes again.
func (p *Poller) Run(ctx context.Context) {
	offset := 0
	polling := false
	for ctx.Err() == nil {
		if !p.Mine(ctx) {
			polling = false
			rest(ctx, pollRest)
			continue
		}
		if !polling { // a webhook set earlier would keep updates from us
			if _, err := p.API.Call(ctx, "deleteWebhook", nil); err != nil {
				p.failed(ctx, err)
				continue
			}
			polling = true
		}
		updates, err := p.ask(ctx, offset)
		if err != nil {
			p.failed(ctx, err)
			continue
		}
		next, stored := p.takeAll(ctx, updates)
		offset = max(offset, next)
		if !stored {
			rest(ctx, pollRest)
		}
	}
}

func (p *Poller) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		p.Log.Warn("telegram: polling failed, trying again", "error", err)
		rest(ctx, pollRest)
	}
}

func (p *Poller) ask(ctx context.Context, offset int) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTime+callTime)
	defer cancel()
	allowed, err := json.Marshal(Allowed)
	if err != nil {
		return nil, err
	}
	answer, err := p.API.Call(ctx, "getUpdates", tgbotapi.Params{
		"offset": strconv.Itoa(offset), "limit": strconv.Itoa(pollBatch),
		"timeout": strconv.Itoa(int(pollTime.Seconds())), "allowed_updates": string(allowed),
	})
	if err != nil {
		return nil, err
	}
	var updates []json.RawMessage
	return updates, json.Unmarshal(answer.Result, &updates)
}

// takeAll takes the turns of a batch: those of one chat in order, different chats at once. It returns
// the offset behind the updates that are done with, and whether that is all of them.
func (p *Poller) takeAll(ctx context.Context, updates []json.RawMessage) (offset int, all bool) {
	byChat := map[string][]Event{}
	var chats []string
	last := 0
	for _, raw := range updates {
		e, err := Parse(raw)
		last = max(last, e.Ordinal)
		if err != nil {
			p.Count("malformed")
			continue
		}
		p.Count(e.Kind)
		if e.Kind != KindInput {
			continue
		}
		if byChat[e.Chat] == nil {
			chats = append(chats, e.Chat)
		}
		byChat[e.Chat] = append(byChat[e.Chat], e)
	}
	var mu sync.Mutex
	failed := 0 // the first update that was not stored
	var wg sync.WaitGroup
	slots := make(chan struct{}, pollTurns)
	for _, chat := range chats {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for _, e := range byChat[chat] {
				if err := p.one(ctx, e); err != nil {
					p.Count("not-stored")
					mu.Lock()
					if failed == 0 || e.Ordinal < failed {
						failed = e.Ordinal
					}
					mu.Unlock()
					return // what follows in this chat comes again, in order
				}
			}
		})
	}
	wg.Wait()
	if failed != 0 {
		return failed, false
	}
	return last + 1, true
}

func (p *Poller) one(ctx context.Context, e Event) error {
	if err := p.Take(ctx, e.Chat, e.Input); err != nil {
		return err
	}
	if e.Tap != "" {
		// Only stops the button's spinner; if it fails, Telegram stops it by itself after a while.
		if _, err := p.API.Call(ctx, "answerCallbackQuery", tgbotapi.Params{"callback_query_id": e.Tap}); err != nil {
			p.Count("tap-unanswered")
		}
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
