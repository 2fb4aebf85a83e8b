package people

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"faro/internal/keys"
	"faro/internal/vault"
)

var (
	//go:embed reinvite.lua
	reinviteSource string
	//go:embed reaudit.lua
	reauditSource string

	reinvite = redis.NewScript(reinviteSource)
	reaudit  = redis.NewScript(reauditSource)
)

// Retains notes how long people are kept, if that was changed since it was last noted.
func (r *Register) Retains(ctx context.Context, what string) error {
	was, err := r.Redis.SetArgs(ctx, keys.Retention, what, redis.SetArgs{Get: true}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("note how long people are kept: %w", err)
	}
	if was == what {
		return nil
	}
	return r.Note(ctx, "retention set", "settings", what)
}

// ResealRole seals someone's role anew, with the key that seals now; "" stays "".
func ResealRole(v *vault.Vault, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	record, err := v.OpenBody(sealedRole, []byte(sealed))
	if err != nil {
		return "", fmt.Errorf("read a role: %w", err)
	}
	return string(v.SealBody(sealedRole, record)), nil
}

// Renamed notes that a key begins to seal, and by which digest each person with a role is called from then on.
func (r *Register) Renamed(ctx context.Context, by string, newest vault.Key) error {
	holders, err := r.Holders(ctx)
	if err != nil {
		return err
	}
	if err := r.Note(ctx, "key in force", by, newest.String()); err != nil {
		return err
	}
	for _, h := range holders {
		now, err := r.Vault.Under(newest, h.Person)
		if err != nil {
			continue // of a key nobody has any more
		}
		if err := r.note(ctx, Entry{What: "is called otherwise", Role: h.Role, Facility: h.Facility, By: h.Digest, About: Digest(now)}); err != nil {
			return err
		}
	}
	return nil
}

// Digests are, for what people with a role are called in invitations under other keys, what they are called
// under the one that seals.
func (r *Register) Digests(ctx context.Context) (map[string]string, error) {
	holders, err := r.Holders(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, h := range holders {
		for _, other := range r.Vault.Others(h.Person) {
			all[digest(string(other))] = digest(string(h.Person))
		}
	}
	return all, nil
}

// ResealInvitation reports whether an invitation is sealed with another key than the one that seals, or names
// who took it by one; see Digests. It changes that if it is told to.
func (r *Register) ResealInvitation(ctx context.Context, key string, digests map[string]string, move bool) (bool, error) {
	kept, err := r.Redis.HMGet(ctx, key, "b", "p").Result()
	if err != nil {
		return false, fmt.Errorf("read an invitation: %w", err)
	}
	sealed, _ := kept[0].(string)
	by, _ := kept[1].(string)
	now, other := digests[by]
	if sealed == "" || !r.Vault.Stale([]byte(sealed)) && !other {
		return false, nil
	}
	if !move {
		return true, nil
	}
	if !other {
		now = by
	}
	record, err := r.Vault.OpenBody(sealedInvitation, []byte(sealed))
	if err != nil {
		return true, fmt.Errorf("read an invitation: %w", err)
	}
	if err := reinvite.Run(ctx, r.Redis, []string{key}, sealed, by, r.Vault.SealBody(sealedInvitation, record), now).Err(); err != nil {
		return true, fmt.Errorf("seal an invitation anew: %w", err)
	}
	return true, nil
}

// ResealAudit seals the audit log anew if some of it is sealed with another key than the one that seals, and
// it is told to. Lines and times stay as they are. It returns how many lines there were.
func (r *Register) ResealAudit(ctx context.Context, move bool) (stale int, err error) {
	err = r.lines(ctx, func(_ string, sealed string) error {
		if r.Vault.Stale([]byte(sealed)) {
			stale++
		}
		return nil
	})
	if err != nil || stale == 0 || !move {
		return stale, err
	}
	if err := r.Redis.Del(ctx, keys.AuditNext).Err(); err != nil {
		return stale, fmt.Errorf("seal the audit log anew: %w", err)
	}
	last := ""
	err = r.lines(ctx, func(id, sealed string) error {
		line, err := r.Vault.OpenBody(sealedEntry, []byte(sealed))
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		last = id
		return r.Redis.XAdd(ctx, &redis.XAddArgs{Stream: keys.AuditNext, ID: id, Values: []any{"b", r.Vault.SealBody(sealedEntry, line)}}).Err()
	})
	if err != nil {
		return stale, fmt.Errorf("seal the audit log anew: %w", err)
	}
	// If a line came meanwhile nothing is done, and the next try does it.
	if err := reaudit.Run(ctx, r.Redis, []string{keys.Audit, keys.AuditNext}, last).Err(); err != nil {
		return stale, fmt.Errorf("seal the audit log anew: %w", err)
	}
	return stale, nil
}

// lines reads the log as it is stored, oldest first.
func (r *Register) lines(ctx context.Context, each func(id, sealed string) error) error {
	for after := "-"; ; {
		page, err := r.Redis.XRangeN(ctx, keys.Audit, after, "+", auditPage).Result()
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		for _, m := range page {
			sealed, _ := m.Values["b"].(string)
			if err := each(m.ID, sealed); err != nil {
				return err
			}
		}
		if len(page) < auditPage {
			return nil
		}
		after = "(" + page[len(page)-1].ID
	}
}

// Audit reads the whole log, oldest first.
func (r *Register) Audit(ctx context.Context, each func(Entry) error) error {
	return r.lines(ctx, func(_, sealed string) error {
		var e Entry
		line, err := r.Vault.OpenBody(sealedEntry, []byte(sealed))
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		return each(e)
	})
}
