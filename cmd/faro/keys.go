package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"faro/internal/notices"
	"faro/internal/people"
	"faro/internal/redisx"
	"faro/internal/rekey"
	"faro/internal/training"
	"faro/internal/vault"
)

type keysCmd struct {
	Status keysStatusCmd `cmd:"" default:"withargs" help:"Say which keys there are, which one seals, and who has them."`
	Add    keysAddCmd    `cmd:"" help:"Put a new key into the key file. It does not seal yet."`
	Rotate keysRotateCmd `cmd:"" help:"Have the new key seal, and move everyone to it while faro serves."`
	Retire keysRetireCmd `cmd:"" help:"Take the old key out of the key file, if nothing is sealed with it any more."`
}

// rotateTime is the longest a walk through everything may take: about a thousand people a second on a
// busy machine, for a million people.
const rotateTime = time.Hour

// walk runs f with all that changing keys needs.
func (j joined) walk(f func(context.Context, *rekey.Walker) error) error {
	rdb, seals, err := j.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), rotateTime)
	defer cancel()
	return errors.Join(f(ctx, walker(rdb, seals)), rdb.Close())
}

func walker(rdb *redisx.Redis, seals *vault.Vault) *rekey.Walker {
	mover := &rekey.Mover{Redis: rdb, Vault: seals, Now: time.Now}
	register := &people.Register{Redis: rdb, Vault: seals, Settle: mover.Settle, Now: time.Now}
	return &rekey.Walker{Mover: mover, Register: register, Programs: map[string]rekey.Resealer{
		"records of the training": (&training.Store{Redis: rdb, Vault: seals}).Reseal,
		"notices":                 notices.New(notices.Config{Redis: rdb, Vault: seals}).Reseal,
		"lines of the audit log":  register.ResealAudit,
	}}
}

type keysStatusCmd struct{ joined }

// Run prints the keys by their numbers, which say nothing of them.
func (c keysStatusCmd) Run(s streams) error {
	return c.walk(func(ctx context.Context, w *rekey.Walker) error {
		processes, err := w.Processes(ctx)
		if err != nil {
			return err
		}
		for _, k := range w.Vault.Keys() {
			have, seal := 0, 0
			for _, p := range processes {
				if slices.Contains(p.Keys, k) {
					have++
				}
				if p.Sealing == k {
					seal++
				}
			}
			state := ""
			if k == w.Vault.Sealing() {
				state = ", in force"
			}
			fmt.Fprintf(s.out, "key %s%s: %d of %d running processes have it, %d seal with it\n", k, state, have, len(processes), seal)
		}
		return nil
	})
}

type keysAddCmd struct{ joined }

// Run adds a key.
func (c keysAddCmd) Run(s streams) error {
	return c.walk(func(ctx context.Context, w *rekey.Walker) error {
		name, err := vault.Add(c.file())
		if err != nil {
			return err
		}
		if err := w.Register.Note(ctx, "key added", byCommand, name.String()); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "key %s is in %s. Back the file up, copy it to every process of this Redis, then: faro keys rotate\n", name, c.file())
		return err
	})
}

type keysRotateCmd struct{ joined }

// Run moves everyone to the new key.
func (c keysRotateCmd) Run(s streams) error {
	return c.walk(func(ctx context.Context, w *rekey.Walker) error {
		left, err := w.Rotate(ctx, byCommand)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.out, "key %s seals; everyone is moved to it. Sealed with the old key: %s\n", w.Vault.Sealing(), left); err != nil {
			return err
		}
		return w.Register.Note(ctx, "key rotated", byCommand, w.Vault.Sealing().String())
	})
}

type keysRetireCmd struct{ joined }

// Run takes the old key away.
func (c keysRetireCmd) Run(s streams) error {
	return c.walk(func(ctx context.Context, w *rekey.Walker) error {
		if err := w.Retire(ctx, c.file(), byCommand); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "only key %s is left in %s. Copy the file to every process, back it up, and destroy the backups of the old one when no backup of Redis needs them\n",
			w.Vault.Sealing(), c.file())
		return err
	})
}
