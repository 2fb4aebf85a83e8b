package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"faro/bot"
	"faro/internal/outbox"
)

const (
	pollBatch = 100             // the most updates one call gives
	pollRest  = 2 * time.Second // before asking again after an error
	pollTurns = 16              // chats served at once
	pollTries = 30              // at least a minute: a Cluster has put another in the place of a dead primary by then
)

// Whose turn it is to poll. Telegram allows one poller a bot.
type Whose int

// The answers of Poller.Whose.
const (
	Others  Whose = iota // another process polls
	Ours                 // this one does
	Unknown              // Redis is away, and no other was seen to lately: nothing can be stored, but people can be told
)

// A Poller asks Telegram for updates, for a bot without a public address.
type Poller struct {
	API   *API
	Take  Take
	Away  func(ctx context.Context, chat string, in bot.Input) // tells someone whose turn cannot be stored
	Count Count
	Log   *slog.Logger
	Whose func(context.Context) Whose
	Meet  func() // is told when another's poll ended ours

	offset int          // behind the updates that are confirmed
	done   map[int]bool // updates that are done with, but come again because one before them is not
	tried  map[int]int  // how often an update could not be taken though Redis was there
}

// Run polls until ctx ends. An update is confirmed only after its turn is stored; what was not stored
// comes again, and with it all behind it, of which what is done is left alone.
func (p *Poller) Run(ctx context.Context) {
	p.done, p.tried = map[int]bool{}, map[int]int{}
	polling := false
	for ctx.Err() == nil {
		whose := p.Whose(ctx)
		if whose == Others {
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
		updates, err := p.ask(ctx, p.offset)
		if err != nil {
			p.failed(ctx, err)
			continue
		}
		if whose == Unknown && len(updates) > 0 { // it may have come back since
			if whose = p.Whose(ctx); whose == Others {
				continue
			}
		}
		if !p.takeAll(ctx, updates, whose) {
			rest(ctx, pollRest)
		}
	}
}

func (p *Poller) failed(ctx context.Context, err error) {
	if e, ok := errors.AsType[*outbox.Error](err); ok && e.Code == strconv.Itoa(http.StatusConflict) {
		p.Meet()
	}
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

// takeAll takes the turns of a batch: those of one chat in order, different chats at once. It moves the offset
// behind what is done with, and reports false if there is nothing to do but to try again.
func (p *Poller) takeAll(ctx context.Context, updates []json.RawMessage, whose Whose) bool {
	byChat := map[string][]Event{}
	var chats []string
	var ordinals []int
	for _, raw := range updates {
		e, err := Parse(raw)
		ordinals = append(ordinals, e.Ordinal)
		if p.done[e.Ordinal] {
			continue
		}
		if err != nil {
			e.Kind = "malformed"
		}
		p.Count(e.Kind)
		if e.Kind != KindInput {
			p.done[e.Ordinal] = true
			continue
		}
		if byChat[e.Chat] == nil {
			chats = append(chats, e.Chat)
		}
		byChat[e.Chat] = append(byChat[e.Chat], e)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, pollTurns)
	for _, chat := range chats {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for i, e := range byChat[chat] {
				if whose == Unknown {
					p.Count("not-stored")
					p.Away(ctx, e.Chat, e.Input)
					continue
				}
				if err := p.one(ctx, e); err != nil {
					p.Count("not-stored")
					mu.Lock()
					defer mu.Unlock()
					for _, e := range byChat[chat][i:] { // they come again, in order
						p.tried[e.Ordinal]++
					}
					return
				}
				mu.Lock()
				p.done[e.Ordinal] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return p.confirm(ordinals)
}

// confirm moves the offset behind what is done with. One call gives no more than a batch, so what fails for good
// would in the end keep everyone else out: once a batch is full, the first that failed often enough is given up.
func (p *Poller) confirm(ordinals []int) bool {
	slices.Sort(ordinals)
	moved := true
	first := slices.IndexFunc(ordinals, func(id int) bool { return !p.done[id] })
	if first >= 0 {
		moved = len(ordinals) == pollBatch && p.tried[ordinals[first]] >= pollTries
		if moved {
			p.Count("given-up")
			p.Log.Error("telegram: an update could not be stored and is given up, so that others are served")
			first++
		}
	} else {
		first = len(ordinals)
	}
	for _, id := range ordinals[:first] {
		p.offset = max(p.offset, id+1)
	}
	maps.DeleteFunc(p.done, func(id int, _ bool) bool { return id < p.offset })
	maps.DeleteFunc(p.tried, func(id, _ int) bool { return id < p.offset })
	return moved
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
