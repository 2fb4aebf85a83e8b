// Package unanswered keeps what Faro could not answer, and how its answers were judged, so that the
// content can be made better. It is off unless switched on, because it is the one place where
// anything of what people wrote is kept: the words alone, after numbers, names, addresses and links
// are cut, for 30 days, by day, never with a person, a place or a time.
//
// A Keeper may be used from several goroutines.
package unanswered

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/locales"
)

// A Question is something Faro did not answer.
type Question struct {
	Lang    locales.Lang `json:"lang"`              // of the person
	Text    string       `json:"text"`              // what is left of the words
	Offered []string     `json:"offered,omitempty"` // topics, if a choice was offered
}

const (
	most    = 10000 // questions kept a day: more are not read, and a flood must not fill Redis
	waiting = 1000  // turns that wait to be kept; when Redis is slow, later ones are dropped
	putTime = 5 * time.Second
)

// A Keeper keeps questions and judgements.
type Keeper struct {
	redis redis.UniversalClient
	log   *slog.Logger
	now   func() time.Time
	put   chan any // a Question or a bot.Judgement
}

// New makes a Keeper. It keeps nothing until Run is called.
func New(rdb redis.UniversalClient, log *slog.Logger, now func() time.Time) *Keeper {
	return &Keeper{redis: rdb, log: log, now: now, put: make(chan any, waiting)}
}

// Turn is told of every turn. It does not block.
func (k *Keeper) Turn(in bot.Input, turn bot.Turn) {
	for _, e := range turn.Effects {
		if e.Judged != nil {
			k.hand(*e.Judged)
		}
	}
	if in.Kind != bot.Text || turn.Heard != bot.HeardNone && turn.Heard != bot.HeardOffer {
		return
	}
	q := Question{Lang: turn.Person.Lang, Text: Scrub(string(in.Words))}
	if turn.Heard == bot.HeardOffer {
		q.Offered = strings.Split(turn.Dialogue.At.Arg, "+")
	}
	k.hand(q)
}

func (k *Keeper) hand(what any) {
	select {
	case k.put <- what:
	default:
	}
}

// Run keeps what it was told of until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case what := <-k.put:
			ctx, cancel := context.WithTimeout(ctx, putTime)
			if err := k.keep(ctx, what); err != nil {
				k.log.Warn("a question was not kept", "error", err)
			}
			cancel()
		}
	}
}

func (k *Keeper) keep(ctx context.Context, what any) error {
	pipe := k.redis.Pipeline()
	var key string
	switch what := what.(type) {
	case Question:
		line, err := json.Marshal(what)
		if err != nil {
			return fmt.Errorf("write a question: %w", err)
		}
		key = keys.Unanswered(k.now())
		pipe.LPush(ctx, key, line)
		pipe.LTrim(ctx, key, 0, most-1)
	case bot.Judgement:
		key = keys.Judged(k.now())
		pipe.HIncrBy(ctx, key, judgement(what), 1)
	}
	pipe.Expire(ctx, key, keys.UnansweredLife)
	_, err := pipe.Exec(ctx)
	return err
}

func judgement(j bot.Judgement) string {
	if j.Helped {
		return j.Topic + " yes"
	}
	return j.Topic + " no"
}

// A Report is what was kept.
type Report struct {
	Questions []Question     // newest first
	Judged    map[string]int // "asylum yes": how often its answer helped; "asylum no": how often not
}

// Read collects what was kept of the days before now.
func Read(ctx context.Context, rdb redis.UniversalClient, now time.Time) (Report, error) {
	r := Report{Judged: map[string]int{}}
	for day := now; day.After(now.Add(-keys.UnansweredLife)); day = day.AddDate(0, 0, -1) {
		lines, err := rdb.LRange(ctx, keys.Unanswered(day), 0, -1).Result()
		if err != nil {
			return r, fmt.Errorf("read questions: %w", err)
		}
		for _, line := range lines {
			var q Question
			if err := json.Unmarshal([]byte(line), &q); err != nil {
				return r, fmt.Errorf("read questions: %w", err)
			}
			r.Questions = append(r.Questions, q)
		}
		judged, err := rdb.HGetAll(ctx, keys.Judged(day)).Result()
		if err != nil {
			return r, fmt.Errorf("read judgements: %w", err)
		}
		for _, what := range slices.Sorted(maps.Keys(judged)) {
			var n int
			if _, err := fmt.Sscan(judged[what], &n); err != nil {
				return r, fmt.Errorf("read judgements: %w", err)
			}
			r.Judged[what] += n
		}
	}
	return r, nil
}
