// Package sealed keeps named records in one Redis hash, the names and the records sealed, so that
// whoever sees Redis learns neither.
//
// It is for what is small and read often: a process keeps a copy and reads it again when its version
// has changed. A change is written whole, or not at all if somebody else made one since it was read.
package sealed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/vault"
)

//go:embed change.lua
var changeSource string

var change = redis.NewScript(changeSource)

// Records are what a Hash holds, by name.
type Records = map[string]string

// A Hash is one hash of records. It may be used from several goroutines.
type Hash struct {
	Redis redis.UniversalClient
	Vault *vault.Vault
	Key   string
	Use   string // binds the names to this hash

	mu   sync.Mutex
	kept *copied
}

// copied is a hash as it was read.
type copied struct {
	version int64
	records Records
	fields  map[string]string // the sealed names, by name
}

const versionField = "v"

// Version is the number of the last change, 0 before the first.
func (h *Hash) Version(ctx context.Context) (int64, error) {
	v, err := h.Redis.HGet(ctx, h.Key, versionField).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("read the version of the %s: %w", h.Use, err)
	}
	return v, nil
}

// Read is all records and their version. It asks Redis for the version alone if that has not changed.
// The records must not be changed.
func (h *Hash) Read(ctx context.Context) (Records, int64, error) {
	c, err := h.read(ctx)
	if err != nil {
		return nil, 0, err
	}
	return c.records, c.version, nil
}

func (h *Hash) read(ctx context.Context) (*copied, error) {
	v, err := h.Version(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil && h.kept.version == v {
		return h.kept, nil
	}
	all, err := h.Redis.HGetAll(ctx, h.Key).Result()
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", h.Use, err)
	}
	v, _ = strconv.ParseInt(all[versionField], 10, 64) // absent before the first change
	delete(all, versionField)
	c := &copied{version: v, records: make(Records, len(all)), fields: make(map[string]string, len(all))}
	for field, body := range all {
		name, err := h.Vault.OpenName(h.Use, field)
		if err != nil {
			return nil, h.foreign()
		}
		record, err := h.Vault.OpenBody(bot.PersonID(name), []byte(body))
		if err != nil {
			return nil, h.foreign()
		}
		c.records[name], c.fields[name] = string(record), field
	}
	h.kept = c
	return c, nil
}

// Stale is how many records are sealed with another key than the one that seals.
func (h *Hash) Stale(ctx context.Context) (n int, err error) {
	c, err := h.read(ctx)
	if err != nil {
		return 0, err
	}
	for _, field := range c.fields {
		if h.stale(field) {
			n++
		}
	}
	return n, nil
}

func (h *Hash) stale(field string) bool { return vault.KeyOf(field) != h.Vault.Sealing() }

func (h *Hash) foreign() error {
	return fmt.Errorf("read the %s: it was sealed with other keys; set FARO_KEY_FILE to the key file it was made with", h.Use)
}

// changes is how often a change is made again because another came first.
const changes = 20

// Change writes what f makes of the records: the whole change, or nothing if f returns an error. f is
// called again if somebody else changed them meanwhile; it must not change what it is given. Records that
// are sealed with another key than the one that seals are sealed anew.
func (h *Hash) Change(ctx context.Context, f func(Records) (Records, error)) error {
	for range changes {
		c, err := h.read(ctx)
		if err != nil {
			return err
		}
		after, err := f(c.records)
		if err != nil {
			return err
		}
		args := h.difference(c, after)
		if len(args) == 0 {
			return nil
		}
		done, err := change.Run(ctx, h.Redis, []string{h.Key}, append([]any{c.version}, args...)...).Int()
		if err != nil {
			return fmt.Errorf("store the %s: %w", h.Use, err)
		}
		if done == 1 {
			return nil
		}
	}
	return fmt.Errorf("store the %s: too many change it at once; try again", h.Use)
}

// Put is Change for one record; "" deletes it. f is given "" if there is none.
func (h *Hash) Put(ctx context.Context, name string, f func(record string) (string, error)) error {
	return h.Change(ctx, func(before Records) (Records, error) {
		record, err := f(before[name])
		if err != nil {
			return nil, err
		}
		after := maps.Clone(before)
		if after[name] = record; record == "" {
			delete(after, name)
		}
		return after, nil
	})
}

// difference are the records to write and, with an empty value, to delete.
func (h *Hash) difference(before *copied, after Records) (args []any) {
	for name, record := range after {
		field := before.fields[name]
		if was, ok := before.records[name]; ok && was == record && !h.stale(field) {
			continue
		}
		now := h.Vault.SealName(h.Use, name)
		if field != "" && field != now {
			args = append(args, field, "")
		}
		args = append(args, now, h.Vault.SealBody(bot.PersonID(name), []byte(record)))
	}
	for name, field := range before.fields {
		if _, ok := after[name]; !ok {
			args = append(args, field, "")
		}
	}
	return args
}
