// Package effects carries out what turns set off outside the conversation: an answer to a session, a
// new session, someone who erased everything. A turn stores its effects with itself, so none is lost;
// here they are handed on at least once, so whoever takes them must not mind a repetition.
//
// Any number of processes may read; which of them gets an effect, and in which order those of
// different turns come, is not promised. The package never logs whose effects they are.
package effects

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/guard"
	"faro/internal/keys"
	"faro/internal/vault"
)

// A Set is what one turn set off.
type Set struct {
	Person  bot.PersonID
	Stamp   string // names the turn; see Newer
	At      time.Time
	Effects []bot.Effect
}

// Newer reports whether a turn was stored after another one of the same person. Both are stamps; ""
// is older than all.
func Newer(stamp, other string) bool {
	a, b := position(stamp), position(other)
	return a[0] > b[0] || a[0] == b[0] && a[1] > b[1]
}

func position(stamp string) (p [2]int64) {
	ms, n, _ := strings.Cut(stamp, "-")
	p[0], _ = strconv.ParseInt(ms, 10, 64)
	p[1], _ = strconv.ParseInt(n, 10, 64)
	return p
}

// A Reader hands effects on until it is told to stop.
type Reader struct {
	Redis   redis.UniversalClient
	Cluster bool // streams of several partitions cannot be read in one call
	Vault   *vault.Vault
	Log     *slog.Logger
	Now     func() time.Time
	// Handle carries a set out. After an error it is called again with the same set.
	Handle func(context.Context, Set) error
}

const (
	block     = 500 * time.Millisecond // so that a stop is noticed soon
	pause     = 250 * time.Millisecond // before Redis is asked again after an error
	count     = 64
	againIdle = 5 * time.Second // when another process is taken to have died with a set, or it failed
	life      = 24 * time.Hour  // a set that failed for so long is given up, and said so
)

// Run reads until ctx ends.
func (r *Reader) Run(ctx context.Context) {
	var all []keys.Partition
	for p := range keys.Partition(keys.Partitions) {
		all = append(all, p)
	}
	groups := [][]keys.Partition{all}
	if r.Cluster {
		groups = nil
		for _, p := range all {
			groups = append(groups, []keys.Partition{p})
		}
	}
	var reading sync.WaitGroup
	for _, g := range groups {
		reading.Go(func() { r.read(ctx, g) })
	}
	reading.Wait()
}

func (r *Reader) read(ctx context.Context, group []keys.Partition) {
	var names, newest []string
	for _, p := range group {
		names, newest = append(names, keys.Effects(p)), append(newest, ">")
	}
	streams := append(slices.Clone(names), newest...)
	ready, look := false, time.Time{}
	for ctx.Err() == nil {
		if !ready {
			if ready = r.begin(ctx, names); !ready {
				sleep(ctx, pause)
				continue
			}
		}
		if now := time.Now(); now.After(look) {
			look = now.Add(againIdle / 3)
			for _, name := range names {
				stranded, _, err := r.Redis.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: name, Group: keys.Group, Consumer: keys.Consumer,
					MinIdle: againIdle, Start: "0", Count: count}).Result()
				if err == nil {
					r.handle(ctx, name, stranded)
				}
			}
		}
		got, err := r.Redis.XReadGroup(ctx, &redis.XReadGroupArgs{Group: keys.Group, Consumer: keys.Consumer, Streams: streams,
			Count: count, Block: block}).Result()
		switch {
		case errors.Is(err, redis.Nil):
		case err != nil:
			ready = !strings.HasPrefix(err.Error(), "NOGROUP") // Redis lost its data: begin anew
			sleep(ctx, pause)
		}
		for _, s := range got {
			r.handle(ctx, s.Stream, s.Messages)
		}
	}
}

func (r *Reader) begin(ctx context.Context, names []string) bool {
	for _, name := range names {
		if err := r.Redis.XGroupCreateMkStream(ctx, name, keys.Group, "0").Err(); err != nil && !strings.HasPrefix(err.Error(), "BUSYGROUP") {
			return false
		}
	}
	return true
}

func (r *Reader) handle(ctx context.Context, stream string, messages []redis.XMessage) {
	for _, m := range messages {
		if ctx.Err() != nil {
			return
		}
		set, err := r.open(m)
		if err == nil {
			err = guard.Run(func() error { return r.Handle(ctx, set) })
		}
		late := errors.Is(err, vault.ErrBody) || r.Now().Sub(time.UnixMilli(position(m.ID)[0])) > life
		if err != nil {
			r.Log.Warn("effects: what a turn set off failed", "given_up", late, "error", err)
		}
		if err != nil && !late {
			continue
		}
		pipe := r.Redis.TxPipeline()
		pipe.XAck(ctx, stream, keys.Group, m.ID)
		pipe.XDel(ctx, stream, m.ID)
		if _, err := pipe.Exec(ctx); err != nil {
			r.Log.Warn("effects: cannot acknowledge; it will be handed on again", "error", err)
		}
	}
}

// open reads an entry. Its errors hold nothing of it.
func (r *Reader) open(m redis.XMessage) (Set, error) {
	person, _ := m.Values["p"].(string)
	sealed, _ := m.Values["b"].(string)
	set := Set{Person: bot.PersonID(person), Stamp: m.ID, At: time.UnixMilli(position(m.ID)[0])}
	b, err := r.Vault.OpenBody(set.Person, []byte(sealed))
	if err == nil && json.Unmarshal(b, &set.Effects) != nil {
		err = errors.New("not effects of a turn")
	}
	set.Person = r.Vault.Current(set.Person) // it may have been stored under another key
	return set, err
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
