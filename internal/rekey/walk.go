package rekey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/effects"
	"faro/internal/keys"
	"faro/internal/people"
	"faro/internal/vault"
)

// A Resealer seals what it keeps anew that was sealed with another key than the one that seals, if it is told
// to. It returns how much there was.
type Resealer func(ctx context.Context, move bool) (int, error)

// A Walker changes the keys of everyone there is. It is for one command at a time; a second one does the
// same work once more.
type Walker struct {
	*Mover
	Register *people.Register
	Programs map[string]Resealer // what lies in hashes of its own, by what it is called
}

// Left is how much is still sealed with another key, by what it is.
type Left map[string]int

// waits are messages that leave by themselves.
const waits = "waiting messages"

// String lists what is left.
func (l Left) String() string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(l)) {
		if l[what] > 0 {
			all = append(all, fmt.Sprintf("%s %d", what, l[what]))
		}
	}
	if all == nil {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

func (l Left) count(but string) (n int) {
	for what, some := range l {
		if what != but {
			n += some
		}
	}
	return n
}

// rest is the longest pause after someone is moved.
const rest = 5 * time.Millisecond

// passes is how often everything is walked through for what came up behind the walker.
const passes = 10

// Rotate has the newest key seal from now on, if every running process has it, and moves everyone to it. It
// reports what is left, which is only what leaves by itself. It may be repeated, after a crash too.
func (w *Walker) Rotate(ctx context.Context, by string) (Left, error) {
	all := w.Vault.Keys()
	newest := all[len(all)-1]
	if len(all) == 1 {
		return nil, errors.New("there is only one key: make a new one with faro keys add")
	}
	if err := w.known(ctx, func(p Process) bool { return slices.Contains(p.Keys, newest) },
		"do not have the new key yet: copy the key file to them; they read it within seconds"); err != nil {
		return nil, err
	}
	if err := w.Check(ctx); err != nil {
		return nil, err
	}
	if w.Vault.Sealing() != newest {
		if err := w.Register.Renamed(ctx, by, newest); err != nil {
			return nil, err
		}
		w.Vault.Use(newest)
		if err := w.Redis.Set(ctx, keys.KeyInForce, w.Vault.SealName(use, "faro"), 0).Err(); err != nil {
			return nil, fmt.Errorf("say which key seals: %w", err)
		}
	}
	for range passes {
		if _, err := w.walk(ctx, true); err != nil {
			return nil, err
		}
		left, err := w.walk(ctx, false)
		if err != nil || left.count(waits) == 0 {
			return left, err
		}
	}
	return nil, errors.New("people keep coming up under the old key: is a faro running that is older than this one? Stop it and repeat")
}

// Retire takes every key but the one that seals out of a key file, if nothing is sealed with them any more.
func (w *Walker) Retire(ctx context.Context, file, by string) error {
	if err := w.Check(ctx); err != nil {
		return err
	}
	seals := w.Vault.Sealing()
	if !w.Vault.Several() {
		return errors.New("there is only one key; nothing is to be retired")
	}
	if seals == w.Vault.Keys()[0] {
		return errors.New("the old key still seals: run faro keys rotate first")
	}
	if err := w.known(ctx, func(p Process) bool { return p.Sealing == seals }, "still seal with the old key; try again in a moment"); err != nil {
		return err
	}
	left, err := w.walk(ctx, false)
	if err != nil {
		return err
	}
	if left.count("") > 0 {
		hint := "run faro keys rotate again"
		if left.count(waits) == 0 {
			hint = "they leave within a day, if their channel is on; try again then"
		}
		return fmt.Errorf("the old key is still needed: %s; %s", left, hint)
	}
	if err := w.forget(ctx); err != nil {
		return err
	}
	if err := vault.Keep(file, seals); err != nil {
		return err
	}
	return w.Register.Note(ctx, "key retired", by, seals.String())
}

// forget deletes what still says that people have moved.
func (w *Walker) forget(ctx context.Context) error {
	return w.each(ctx, func(key string) error {
		if _, rest, ok := parted(key); ok && strings.HasPrefix(rest, "u:") && w.stale(rest[2:]) {
			return w.Redis.Del(ctx, key).Err()
		}
		return nil
	})
}

// stale reports whether an id was sealed with one of the keys that do not seal.
func (w *Walker) stale(id string) bool {
	k := vault.KeyOf(id)
	return k != w.Vault.Sealing() && slices.Contains(w.Vault.Keys(), k)
}

// walk counts everything that is sealed with another key, and moves it if it is told to.
func (w *Walker) walk(ctx context.Context, move bool) (Left, error) {
	left := Left{}
	if err := w.look(ctx, 0); err != nil {
		return nil, err
	}
	renamed, err := w.Register.Digests(ctx)
	if err != nil {
		return nil, err
	}
	person := func(what, id string) error {
		if !w.stale(id) {
			return nil
		}
		left[what]++
		if !move {
			return nil
		}
		began := time.Now()
		_, err := w.Settle(ctx, bot.PersonID(id))
		// As much time again is left to those who are being answered.
		time.Sleep(min(time.Since(began), rest))
		return err
	}
	err = w.each(ctx, func(key string) error {
		if _, rest, ok := parted(key); ok {
			return w.inPartition(ctx, left, key, rest, person, move)
		}
		switch {
		case key == keys.Roles:
			return w.fields(ctx, key, func(field, _ string) error { return person("roles", field) })
		case strings.HasPrefix(key, keys.Reactions("")):
			return w.fields(ctx, key, func(field, value string) error { return w.reaction(ctx, left, key, field, value, move) })
		case strings.HasPrefix(key, keys.Invitation("")):
			stale, err := w.Register.ResealInvitation(ctx, key, renamed, move)
			if stale {
				left["invitations"]++
			}
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for what, reseal := range w.Programs {
		n, err := reseal(ctx, move)
		if err != nil {
			return nil, err
		}
		left[what] += n
	}
	return left, nil
}

// inPartition looks at a key of a partition.
func (w *Walker) inPartition(ctx context.Context, left Left, key, rest string, person func(what, id string) error, move bool) error {
	kind, name, _ := strings.Cut(rest, ":")
	switch kind {
	case "d", "m":
		return person("people", name)
	case "u":
		if !w.stale(name) {
			return nil
		}
		record, err := w.Redis.Get(ctx, key).Result()
		if errors.Is(err, redis.Nil) || record == keys.Moved {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read someone to move: %w", err)
		}
		return person("people", name)
	case "told", "tally", "asked":
		return w.fields(ctx, key, func(field, _ string) error { return person("marks", field) })
	case "f":
		return w.scan(ctx, func(cursor uint64) ([]string, uint64, error) {
			return w.Redis.ZScan(ctx, key, cursor, "", page).Result()
		}, func(member, _ string) error { return person("followers", member) })
	case "receipts":
		return w.fields(ctx, key, func(field, value string) error {
			at := strings.LastIndexByte(value, ' ') + 1
			if !w.stale(value[at:]) {
				return nil
			}
			left["receipts"]++
			if !move {
				return nil
			}
			now := value[:at] + string(w.Vault.Current(bot.PersonID(value[at:])))
			return w.rename(ctx, key, field, value, field, now)
		})
	case "out", "effects":
		return w.waiting(ctx, left, key)
	}
	return nil
}

// waiting counts the entries of a stream that were stored under another key.
func (w *Walker) waiting(ctx context.Context, left Left, key string) error {
	for after := "-"; ; {
		some, err := w.Redis.XRangeN(ctx, key, after, "+", page).Result()
		if err != nil {
			return fmt.Errorf("read what waits: %w", err)
		}
		for _, m := range some {
			if id, _ := m.Values["p"].(string); w.stale(id) {
				left[waits]++
			}
		}
		if len(some) < page {
			return nil
		}
		after = "(" + some[len(some)-1].ID
	}
}

// reaction moves an answer to a session, or that someone was there.
func (w *Walker) reaction(ctx context.Context, left Left, key, field, value string, move bool) error {
	kind, id, _ := strings.Cut(field, ":")
	if !w.stale(id) {
		return nil
	}
	left["answers"]++
	if !move {
		return nil
	}
	to := kind + ":" + string(w.Vault.Current(bot.PersonID(id)))
	newer, err := w.Redis.HGet(ctx, key, to).Result()
	if errors.Is(err, redis.Nil) {
		return w.rename(ctx, key, field, value, to, value)
	}
	if err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	stamp, _, _ := strings.Cut(value, " ")
	other, _, _ := strings.Cut(newer, " ")
	if effects.Newer(stamp, other) {
		if err := w.rename(ctx, key, to, newer, to, value); err != nil {
			return err
		}
	}
	return w.rename(ctx, key, field, value, "", "")
}

// rename changes a field, unless somebody else has: then the next pass does it.
func (w *Walker) rename(ctx context.Context, key, field, value, to, now string) error {
	if err := fieldScript.Run(ctx, w.Redis, []string{key}, field, value, to, now).Err(); err != nil {
		return fmt.Errorf("move a field to a new key: %w", err)
	}
	return nil
}

// fields calls f for every field of a hash. One may come twice.
func (w *Walker) fields(ctx context.Context, key string, f func(field, value string) error) error {
	return w.scan(ctx, func(cursor uint64) ([]string, uint64, error) {
		return w.Redis.HScan(ctx, key, cursor, "", page).Result()
	}, f)
}

func (w *Walker) scan(ctx context.Context, read func(cursor uint64) ([]string, uint64, error), f func(field, value string) error) error {
	for cursor := uint64(0); ; {
		some, next, err := read(cursor)
		if err != nil {
			return fmt.Errorf("look through Redis: %w", err)
		}
		for i := 0; i+1 < len(some); i += 2 {
			if err := f(some[i], some[i+1]); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return ctx.Err()
		}
	}
}
