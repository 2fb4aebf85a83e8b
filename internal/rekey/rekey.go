// Package rekey changes the keys that seal addresses and bodies while Faro serves.
//
// A person's id is their address sealed, so a new key gives everyone a new id. Redis says which key seals;
// every process has both keys before that. From then on whoever touches a person moves what is kept of
// them to their new id first (Settle), and Rotate moves all others. A person's partition does not depend
// on the key, so what a turn reads and writes moves in one script: there is no moment at which someone
// has two records or none, and a process that dies leaves nothing half moved. What lies elsewhere (roles,
// answers to sessions) moves before or after that, one field at a time; whoever reads it meanwhile looks
// under all ids. Messages that wait are not touched: they open with the old key, which stays until they
// have left.
//
// The package never logs whose keys are changed. A Mover may be used from several goroutines.
package rekey

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/people"
	"faro/internal/turns"
	"faro/internal/vault"
)

var (
	//go:embed settle.lua
	settleSource string
	//go:embed role.lua
	roleSource string
	//go:embed field.lua
	fieldSource string

	settleScript = redis.NewScript(settleSource)
	roleScript   = redis.NewScript(roleSource)
	fieldScript  = redis.NewScript(fieldSource)
)

// A Mover moves people to their ids under the key that seals.
type Mover struct {
	Redis redis.UniversalClient
	Vault *vault.Vault
	Now   func() time.Time

	mu     sync.Mutex
	looked time.Time
	shared [keys.Partitions]collections
}

// collections are the keys of a partition that hold something of many people.
type collections struct{ hashes, sets []string }

const (
	lookEvery = 5 * time.Second // for collections that came up since: a new session or notice
	tries     = 5               // how often someone is moved again who is just taking a turn
)

// ErrForeign is returned if Redis holds what was sealed with other keys.
var ErrForeign = errors.New("what Redis holds was sealed with keys that the key file lacks: put the key file that belongs to it in its place " +
	"(FARO_KEY_FILE, or keys.json in the data folder), or begin with an empty Redis in which nobody is known")

// use binds what tells the key in force to that.
const use = "key in force"

// Check makes the Vault seal with the key that Redis says. The first to ask decides it.
func (m *Mover) Check(ctx context.Context) error {
	said, err := m.Redis.Get(ctx, keys.KeyInForce).Result()
	if errors.Is(err, redis.Nil) {
		if err := m.Redis.SetNX(ctx, keys.KeyInForce, m.Vault.SealName(use, "faro"), 0).Err(); err != nil {
			return fmt.Errorf("say which key seals: %w", err)
		}
		said, err = m.Redis.Get(ctx, keys.KeyInForce).Result()
	}
	if err != nil {
		return fmt.Errorf("read which key seals: %w", err)
	}
	if _, err := m.Vault.OpenName(use, said); err != nil {
		return ErrForeign
	}
	name := vault.KeyOf(said)
	if m.Vault.Sealing() == name {
		return nil
	}
	if !m.Vault.Use(name) {
		return ErrForeign
	}
	return nil
}

// Settle moves what is kept of people under other keys to their ids under the one that seals, and returns
// these, in order. With one key it does nothing.
func (m *Mover) Settle(ctx context.Context, ids ...bot.PersonID) ([]bot.PersonID, error) {
	if !m.Vault.Several() || len(ids) == 0 {
		return ids, nil
	}
	if err := m.Check(ctx); err != nil {
		return nil, err
	}
	if err := m.look(ctx, lookEvery); err != nil {
		return nil, err
	}
	now := make([]bot.PersonID, len(ids))
	for i, id := range ids {
		now[i] = m.Vault.Current(id)
		for _, old := range m.Vault.Others(id) {
			if err := m.move(ctx, old, now[i]); err != nil {
				return nil, err
			}
		}
	}
	return now, nil
}

// look finds the collections, if that is longer ago than some time.
func (m *Mover) look(ctx context.Context, ago time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.looked.IsZero() && m.Now().Sub(m.looked) < ago {
		return nil
	}
	var found [keys.Partitions]collections
	began := m.Now()
	err := m.each(ctx, func(key string) error {
		p, rest, ok := parted(key)
		if !ok {
			return nil
		}
		switch kind, _, _ := strings.Cut(rest, ":"); kind {
		case "told", "tally", "asked":
			found[p].hashes = append(found[p].hashes, key)
		case "f":
			found[p].sets = append(found[p].sets, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.shared, m.looked = found, began
	return nil
}

// parted takes a key of a partition apart.
func parted(key string) (p keys.Partition, rest string, ok bool) {
	tag, rest, ok := strings.Cut(key, "}")
	number, isPartition := strings.CutPrefix(tag, "{p")
	n, err := strconv.Atoi(number)
	return keys.Partition(n), rest, ok && isPartition && err == nil && n >= 0 && n < keys.Partitions
}

// each calls f for every key there is. One may come twice.
func (m *Mover) each(ctx context.Context, f func(key string) error) error {
	walk := func(ctx context.Context, rdb redis.Cmdable) error {
		all := rdb.Scan(ctx, 0, "*", page).Iterator()
		for all.Next(ctx) {
			if err := f(all.Val()); err != nil {
				return err
			}
		}
		return all.Err()
	}
	var err error
	if cluster, ok := m.client().(*redis.ClusterClient); ok {
		var one sync.Mutex // it asks its servers at once
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, rdb *redis.Client) error {
			one.Lock()
			defer one.Unlock()
			return walk(ctx, rdb)
		})
	} else {
		err = walk(ctx, m.Redis)
	}
	if err != nil {
		return fmt.Errorf("look through Redis: %w", err)
	}
	return nil
}

// page is how many keys or fields are asked for at once.
const page = 1000

// client is what go-redis gave.
func (m *Mover) client() redis.UniversalClient {
	if inner, ok := m.Redis.(interface{ Client() redis.UniversalClient }); ok {
		return inner.Client()
	}
	return m.Redis
}

// move moves one person from an id to another.
func (m *Mover) move(ctx context.Context, old, now bot.PersonID) error {
	for range tries {
		pipe := m.Redis.Pipeline()
		role := pipe.HGet(ctx, keys.Roles, string(old))
		kept := pipe.MGet(ctx, keys.Dialogue(old), keys.Person(old), keys.Person(now))
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("read someone to move: %w", err)
		}
		// The role goes first: who has a record under the new id is not looked for under the old one.
		done, err := m.moveRole(ctx, old, now, role.Val())
		if err != nil {
			return err
		}
		if !done {
			continue
		}
		if done, err = m.moveKept(ctx, old, now, kept.Val()); err != nil || done {
			return err
		}
	}
	return errors.New("move someone to a new key: their records keep changing")
}

func (m *Mover) moveRole(ctx context.Context, old, now bot.PersonID, sealed string) (bool, error) {
	fresh, err := people.ResealRole(m.Vault, sealed)
	if err != nil {
		return false, err
	}
	done, err := roleScript.Run(ctx, m.Redis, []string{keys.Roles}, string(old), string(now), sealed, fresh).Int()
	if err != nil {
		return false, fmt.Errorf("move a role to a new key: %w", err)
	}
	return done == 1, nil
}

func (m *Mover) moveKept(ctx context.Context, old, now bot.PersonID, kept []any) (bool, error) {
	read := make([]string, len(kept))
	for i := range kept {
		read[i], _ = kept[i].(string)
	}
	dialogue, person := "", ""
	if read[0] != "" {
		dialogue = turns.Reseal(m.Vault, read[0], old, now)
	}
	if read[1] != "" && read[1] != keys.Moved {
		var err error
		if person, err = one(read[1], read[2]); err != nil {
			return false, err
		}
	}
	m.mu.Lock()
	shared := m.shared[keys.Of(old)]
	m.mu.Unlock()
	names := []string{keys.Dialogue(old), keys.Person(old), keys.Sweep(old), keys.Dialogue(now), keys.Person(now), keys.Sweep(now)}
	names = append(append(names, shared.hashes...), shared.sets...)
	done, err := settleScript.Run(ctx, m.Redis, names, string(old), string(now), read[0], read[1], read[2], dialogue, person,
		len(shared.hashes), keys.Moved, int(keys.MovedLife.Seconds())).Int()
	if err != nil {
		return false, fmt.Errorf("move someone to a new key: %w", err)
	}
	return done == 1, nil
}

// one makes one record of two of the same person. The newer holds, but who has stopped has stopped.
func one(old, now string) (string, error) {
	if now == "" || now == keys.Moved {
		return old, nil
	}
	var a, b bot.Person
	if json.Unmarshal([]byte(old), &a) != nil || json.Unmarshal([]byte(now), &b) != nil {
		return "", errors.New("move someone to a new key: not a person record")
	}
	b.Stopped = b.Stopped || a.Stopped
	record, err := json.Marshal(b)
	return string(record), err
}
