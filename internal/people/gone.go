package people

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
)

var (
	//go:embed gone.lua
	goneSource string
	//go:embed unmeet.lua
	unmeetSource string

	goneScript   = redis.NewScript(goneSource)
	unmeetScript = redis.NewScript(unmeetSource)
)

// Unmeet deletes the record that telling someone something makes if they have none, of someone who has
// erased theirs: the two may cross. Who has written since keeps theirs. It may be repeated.
func (r *Register) Unmeet(ctx context.Context, id bot.PersonID) error {
	for _, other := range r.Vault.Others(id) { // where it says that they have moved
		if err := r.Redis.Del(ctx, keys.Person(other)).Err(); err != nil {
			return fmt.Errorf("delete who was met: %w", err)
		}
	}
	record, err := r.Redis.Get(ctx, keys.Person(id)).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read who was met: %w", err)
	}
	var p bot.Person
	if err := json.Unmarshal([]byte(record), &p); err != nil || p.Channel != "" { // they have written
		return nil //nolint // a record nobody can read is not one that telling made
	}
	if err := unmeetScript.Run(ctx, r.Redis, []string{keys.Person(id)}, record).Err(); err != nil {
		return fmt.Errorf("delete who was met: %w", err)
	}
	return nil
}

// Gone notes that a provider does not reach someone any more, so that they are not sent to again until
// they write. It may be repeated.
func (r *Register) Gone(ctx context.Context, id bot.PersonID, outcome outbox.Outcome) error {
	ch, _, err := r.Vault.Address(id)
	if err == nil {
		id, err = r.settled(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("note that someone is gone: %w", err)
	}
	for range goneTries {
		record, err := r.Redis.Get(ctx, keys.Person(id)).Result()
		if errors.Is(err, redis.Nil) {
			return nil // nothing is kept of them
		}
		if err != nil {
			return fmt.Errorf("read who is gone: %w", err)
		}
		var p bot.Person
		if err := json.Unmarshal([]byte(record), &p); err != nil {
			return errors.New("read who is gone: not a person record")
		}
		switch {
		case outcome == outbox.Unreachable:
			p.Gone = bot.LeftInvalid
		case ch == bot.SMS: // the carrier heard their STOP and did not tell us
			p.Stopped = true
		default:
			p.Gone = bot.LeftBlocked
		}
		next, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("write who is gone: %w", err)
		}
		done, err := goneScript.Run(ctx, r.Redis, []string{keys.Person(id)}, record, next).Int()
		if err != nil {
			return fmt.Errorf("note that someone is gone: %w", err)
		}
		if done == 1 {
			return nil
		}
	}
	return errors.New("note that someone is gone: their record keeps changing")
}

// goneTries is how often a record is read again because a turn changed it.
const goneTries = 5
