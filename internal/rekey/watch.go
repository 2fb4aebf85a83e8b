package rekey

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/internal/keys"
	"faro/internal/vault"
)

// watchEvery is how soon a process notices a new key file or key in force.
const watchEvery = time.Second

// A Process is what a running process says of its keys.
type Process struct {
	Node    string
	Keys    []vault.Key
	Sealing vault.Key
}

// remindEvery is how often the log says that Redis is away.
const remindEvery = time.Minute

// Watch reads a key file again when it changes, follows which key seals, and says so to the others, until ctx
// ends. It calls ready once the keys are known to be the right ones, and returns an error if they are not. Why Redis
// cannot be asked it logs at once and every minute: nothing else works without, so nothing else may say so.
func (m *Mover) Watch(ctx context.Context, file, node string, log *slog.Logger, ready func()) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	seen := "" // it may have changed since it was read at the start
	var said time.Time
	for {
		if now := stamp(file); now != seen {
			if err := m.Vault.Reload(file); err != nil {
				log.Error("the key file was changed and cannot be read; the keys read before are used on", "error", err)
			} else {
				log.Debug("the key file is read", "keys", len(m.Vault.Keys()))
			}
			seen = now
		}
		err := m.Check(ctx)
		if errors.Is(err, ErrForeign) {
			return err
		}
		if err == nil {
			ready()
			err = m.tell(ctx, node)
		}
		switch {
		case err == nil && !said.IsZero():
			said = time.Time{}
			log.Info("redis answers again")
		case err != nil && ctx.Err() == nil && time.Since(said) >= remindEvery:
			said = time.Now()
			log.Warn("redis does not answer, or refuses; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			// Nobody waits for what a process knows that has ended: the list of running processes decides.
			_ = m.Redis.HDel(context.WithoutCancel(ctx), keys.Known, node).Err()
			return nil
		case <-tick.C:
		}
	}
}

// stamp changes when a file does.
func stamp(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.ModTime().UnixNano(), info.Size())
}

// tell says which keys this process has.
func (m *Mover) tell(ctx context.Context, node string) error {
	var names []string
	for _, k := range m.Vault.Keys() {
		names = append(names, k.String())
	}
	said := m.Vault.Sealing().String() + " " + strings.Join(names, " ")
	if err := m.Redis.HSet(ctx, keys.Known, node, said).Err(); err != nil {
		return fmt.Errorf("say which keys are known: %w", err)
	}
	return nil
}

// Processes are the running processes and their keys. One that has said nothing has none.
func (m *Mover) Processes(ctx context.Context) ([]Process, error) {
	pipe := m.Redis.Pipeline()
	running := pipe.ZRange(ctx, keys.Processes, 0, -1)
	known := pipe.HGetAll(ctx, keys.Known)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("read which processes run: %w", err)
	}
	var all []Process
	for _, node := range running.Val() {
		p := Process{Node: node}
		for i, word := range strings.Fields(known.Val()[node]) {
			n, _ := strconv.ParseUint(word, 10, 32) // what is no number is no key
			if i == 0 {
				p.Sealing = vault.Key(n)
			} else {
				p.Keys = append(p.Keys, vault.Key(n))
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// heardIn is how long processes may take to hear of a change.
const heardIn = 5 * watchEvery

// known returns an error if some running processes are not as they must be, and do not become so soon.
func (m *Mover) known(ctx context.Context, right func(Process) bool, wrong string) error {
	for began := m.Now(); ; {
		all, err := m.Processes(ctx)
		if err != nil {
			return err
		}
		n := 0
		for _, p := range all {
			if !right(p) {
				n++
			}
		}
		if n == 0 {
			return nil
		}
		if m.Now().Sub(began) > heardIn {
			return fmt.Errorf("%d of %d running processes %s", n, len(all), wrong)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchEvery / 4):
		}
	}
}
