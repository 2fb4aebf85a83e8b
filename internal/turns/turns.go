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
	"slices"
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
	// Prepare fills in what someone with a role or an invitation has before them; heard says whether the
	// input will be heard, see bot.Dialogue.Hears. It is called for each input, again when a turn is computed
	// again, and must not cost others a round trip.
	Prepare func(ctx context.Context, id bot.PersonID, p bot.Person, in *bot.Input, heard bool) error
	Settle  vault.Settle // called only while there are several keys
	Life    bot.Life     // how long records are kept
	// Observe is told of each turn how it was heard and how long it took. It must not block.
	Observe func(in bot.Input, turn bot.Turn, took time.Duration)

	erased erased
}

// attempts is how often a turn is computed again because another was committed first. Each failure
// means another's success, and bot.Pace lets fewer succeed at once, so that no flood comes near it.
const attempts = 40

// ErrBusy is returned when so many turns of one person run at once that this one never came through.
// The provider should deliver the input again.
var ErrBusy = errors.New("too many turns of one person at once")

// Take takes one turn. When it returns nil the turn is stored, or needed no storing, and the provider
// may be told so; after an error nothing is stored and the input should be delivered again.
func (t *Taker) Take(ctx context.Context, address string, in bot.Input) error {
	began := t.Now()
	for range attempts {
		turn, done, err := t.try(ctx, t.Vault.Seal(in.Channel, address), in)
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
	load := []string{keys.Dialogue(id), keys.Person(id)}
	others := t.Vault.Others(id)
	for _, other := range others {
		load = append(load, keys.Dialogue(other), keys.Person(other))
	}
	stored, err := t.Redis.MGet(ctx, load...).Result()
	if err != nil {
		return bot.Turn{}, false, fmt.Errorf("load a dialogue: %w", err)
	}
	if text(stored[1]) == keys.Moved || slices.ContainsFunc(stored[2:], func(v any) bool { return text(v) != "" && text(v) != keys.Moved }) {
		_, err := t.Settle(ctx, id)
		return bot.Turn{}, false, err
	}
	record, person := head(stored[0]), text(stored[1])
	d := t.dialogue(id, record)
	if record == "" {
		d.Pace = t.erased.pace(id)
	}
	var p bot.Person
	if person != "" {
		if err := json.Unmarshal([]byte(person), &p); err != nil {
			return bot.Turn{}, false, errors.New("load a person: not a person record")
		}
	}
	now := t.Now()
	if t.Prepare != nil {
		if err := t.Prepare(ctx, id, p, &in, d.Hears(in, now)); err != nil {
			return bot.Turn{}, false, fmt.Errorf("prepare a turn: %w", err)
		}
	}
	turn := t.Talk().Step(d, p, in, now)
	if turn.Silent {
		return turn, true, nil
	}
	left, came := "", ""
	if p.Facility != turn.Person.Facility {
		if p.Facility != "" {
			left = "left"
		}
		if turn.Person.Facility != "" {
			came = "came"
		}
	}
	args, err := t.args(id, in, turn, record, person, left, came, len(others))
	if err != nil {
		return turn, false, err
	}
	part := keys.Of(id)
	names := []string{keys.Dialogue(id), keys.Person(id), keys.Queue(part, in.Channel, keys.Reply), keys.Done(part, done(in.Channel, in.Mark())), keys.Sweep(id), keys.Effects(part),
		keys.Followers(part, p.Facility), keys.Followers(part, turn.Person.Facility), keys.Arrivals(part)}
	for _, other := range others {
		names = append(names, keys.Person(other))
	}
	if turn.Forget {
		for _, mark := range d.Seen {
			names = append(names, keys.Done(part, done(in.Channel, mark)))
		}
	}
	result, err := commit.Run(ctx, t.Redis, names, args...).Int()
	if err != nil {
		return turn, false, fmt.Errorf("commit a turn: %w", err)
	}
	if result == 1 && turn.Forget {
		t.erased.add(id, turn.Dialogue.Pace, now)
	}
	if result == 2 {
		turn = bot.Turn{Heard: bot.HeardDuplicate, Silent: true}
	}
	return turn, result != 0, nil
}

func (t *Taker) args(id bot.PersonID, in bot.Input, turn bot.Turn, record, person, left, came string, others int) ([]any, error) {
	dialogue, err := turn.Dialogue.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("write a dialogue: %w", err)
	}
	if draft := turn.Dialogue.Draft.Record(); draft != nil {
		dialogue = append(append(dialogue, '\n'), t.Vault.SealBody(id, draft)...)
	}
	effects, err := t.effects(id, turn.Effects)
	if err != nil {
		return nil, err
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
	dialogueLife, personLife := t.Life.Of(turn.Person)
	args := []any{record, person, dialogue, newPerson, seconds(dialogueLife), seconds(personLife), message, besides,
		seconds(keys.DoneLife), seconds(keys.SweepLife), string(id), effects, left, came, others}
	for _, r := range turn.Replies {
		body, err := t.Shapes[in.Channel](r, in)
		if err != nil {
			return nil, fmt.Errorf("shape a reply: %w", err)
		}
		args = append(args, t.Vault.SealBody(id, body))
	}
	return args, nil
}

// dialogue reads a stored record: the dialogue, and the sealed draft on the line after it. One of
// another version, or sealed with other keys, is not read: the conversation begins at the menu again.
func (t *Taker) dialogue(id bot.PersonID, record string) (d bot.Dialogue) {
	text, sealed, drafted := strings.Cut(record, "\n")
	if text == "" || d.UnmarshalText([]byte(text)) != nil {
		return bot.Dialogue{}
	}
	if drafted {
		draft, err := t.Vault.OpenBody(id, []byte(sealed))
		if err != nil || json.Unmarshal(draft, &d.Draft) != nil {
			return bot.Dialogue{}
		}
	}
	return d
}

// Reseal makes of a stored dialogue of someone what is stored of it under another id of theirs.
func Reseal(v *vault.Vault, stored string, from, to bot.PersonID) string {
	record := head(stored)
	ids := strings.TrimPrefix(stored, strconv.Itoa(len(record))+":"+record)
	if text, sealed, drafted := strings.Cut(record, "\n"); drafted {
		record = text // without the draft, if it cannot be opened
		if draft, err := v.OpenBody(from, []byte(sealed)); err == nil {
			record += "\n" + string(v.SealBody(to, draft))
		}
	}
	return strconv.Itoa(len(record)) + ":" + record + ids
}

// effects are those that are stored with the turn, sealed; empty if there are none.
func (t *Taker) effects(id bot.PersonID, all []bot.Effect) ([]byte, error) {
	all = slices.DeleteFunc(slices.Clone(all), func(e bot.Effect) bool { return !e.Shared() })
	if len(all) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("write effects: %w", err)
	}
	return t.Vault.SealBody(id, b), nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// done names an input by its mark, and says nothing of whose it was.
func done(ch bot.Channel, mark string) string {
	sum := sha256.Sum256([]byte(string(ch) + "\n" + mark))
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
