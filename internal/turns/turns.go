// Package turns takes what a person sent through one turn of the conversation: load, step, commit.
//
// A turn is two round trips to Redis: one reads the person and the dialogue, one script writes both
// and queues the replies, if nothing changed in between; else the turn is computed again. So one
// input makes exactly one turn, whatever is redelivered, and turns at the same time do not overwrite
// each other. What a person wrote is never stored or printed. A Taker may be used from several
// goroutines.
package turns

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/vault"
)

//go:embed commit.lua
var commitSource string

var commit = redis.NewScript(keys.Append + commitSource)

// Shape makes what is queued of a reply to an input, for one channel.
type Shape func(bot.Reply, bot.Input) ([]byte, error)

// A Taker takes turns.
type Taker struct {
	Redis  redis.UniversalClient
	Vault  *vault.Vault
	Talk   func() *bot.Talk // the conversation, asked for each turn, because content can be replaced
	Shapes map[bot.Channel]Shape
	Now    func() time.Time
	// Observe is told of each turn how it was heard and how long it took. It must not block.
	Observe func(in bot.Input, turn bot.Turn, took time.Duration)
}

// attempts is how often a turn is computed again because another was committed first. Each failure
// means someone else's success, so only a flood from one person comes near it.
const attempts = 20

// ErrBusy is returned when so many turns of one person run at once that this one never came through.
// The provider should deliver the input again.
var ErrBusy = errors.New("too many turns of one person at once")

// Take takes one turn. When it returns nil the turn is stored, or needed no storing, and the provider
// may be told so; after an error nothing is stored and the input should be delivered again.
func (t *Taker) Take(ctx context.Context, address string, in bot.Input) error {
	id := t.Vault.Seal(in.Channel, address)
	began := t.Now()
	for range attempts {
		turn, done, err := t.try(ctx, id, in)
		if err != nil {
			return err
		}
		if done {
			t.Observe(in, turn, t.Now().Sub(began))
			return nil
		}
	}
	return ErrBusy
}

func (t *Taker) try(ctx context.Context, id bot.PersonID, in bot.Input) (bot.Turn, bool, error) {
	stored, err := t.Redis.MGet(ctx, keys.Dialogue(id), keys.Person(id)).Result()
	if err != nil {
		return bot.Turn{}, false, fmt.Errorf("load a dialogue: %w", err)
	}
	record, person := head(stored[0]), text(stored[1])
	var d bot.Dialogue
	if record != "" {
		if err := d.UnmarshalText([]byte(record)); err != nil {
			d = bot.Dialogue{} // of another version: the conversation begins at the menu again
		}
	}
	var p bot.Person
	if person != "" {
		if err := json.Unmarshal([]byte(person), &p); err != nil {
			return bot.Turn{}, false, errors.New("load a person: not a person record")
		}
	}
	turn := t.Talk().Step(d, p, in, t.Now())
	if turn.Silent {
		return turn, true, nil
	}
	args, err := t.args(id, in, turn, record, person)
	if err != nil {
		return turn, false, err
	}
	part := keys.Of(id)
	names := []string{keys.Dialogue(id), keys.Person(id), keys.Queue(part, in.Channel, keys.Reply), keys.Done(part, digest(in)), keys.Sweep(id)}
	result, err := commit.Run(ctx, t.Redis, names, args...).Int()
	if err != nil {
		return turn, false, fmt.Errorf("commit a turn: %w", err)
	}
	if result == 2 {
		turn = bot.Turn{Heard: bot.HeardDuplicate, Silent: true}
	}
	return turn, result != 0, nil
}

func (t *Taker) args(id bot.PersonID, in bot.Input, turn bot.Turn, record, person string) ([]any, error) {
	dialogue, err := turn.Dialogue.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("write a dialogue: %w", err)
	}
	newPerson, err := json.Marshal(turn.Person)
	if err != nil {
		return nil, fmt.Errorf("write a person: %w", err)
	}
	message, besides := "", ""
	if in.Message != 0 && in.Kind != bot.Choice {
		message = strconv.Itoa(in.Message)
	}
	for _, r := range turn.Replies {
		if r.Wipe {
			besides = "clear"
		}
	}
	if turn.Forget {
		besides = "erase"
	}
	args := []any{record, person, dialogue, newPerson, seconds(bot.DialogueLife), seconds(bot.PersonLife), message, besides,
		seconds(keys.DoneLife), seconds(keys.SweepLife), string(id)}
	for _, r := range turn.Replies {
		body, err := t.Shapes[in.Channel](r, in)
		if err != nil {
			return nil, fmt.Errorf("shape a reply: %w", err)
		}
		args = append(args, t.Vault.SealBody(id, body))
	}
	return args, nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// digest names an input, and says nothing of it.
func digest(in bot.Input) string {
	sum := sha256.Sum256([]byte(string(in.Channel) + "\n" + in.ID))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// head is the record of a stored dialogue, without the message ids behind it; see commit.lua.
func head(stored any) string {
	s := text(stored)
	length, rest, ok := strings.Cut(s, ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(rest) {
		return ""
	}
	return rest[:n]
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
