package training

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/flows"
	"faro/internal/keys"
)

// changed tells those who know only of an older version that the session was moved or cancelled, or
// that they are not meant any more; also after it has begun or was moved into the past, because they
// expect it at another time. It may be called at any time: each of them is told once.
func (t *Trainer) changed(ctx context.Context, p *Programme, s *Session) error {
	if s.Version == 1 || t.Now().After(s.over()) {
		return nil
	}
	told, err := t.told(ctx, s)
	if err != nil {
		return err
	}
	attend := map[bot.PersonID]bool{}
	for _, id := range t.present(p, s, "") {
		attend[id] = true
	}
	byStep := map[string][]bot.PersonID{}
	for id, marks := range told {
		step := flows.Moved
		switch {
		case strings.Contains(marks, " "+s.mark()):
			continue
		case s.Cancelled:
			step = flows.Cancelled
		case !attend[id]:
			step = flows.Withdrawn
		}
		byStep[step] = append(byStep[step], id)
	}
	for step, ids := range byStep {
		what := telling{session: s, mark: s.mark() + "c", whom: forTold, about: s.about(), lane: keys.Bulk, until: s.over(), say: t.about(s, step)}
		if step == flows.Moved {
			what.asks = s.ID
		}
		if err := t.tell(ctx, what, ids); err != nil {
			return err
		}
	}
	if len(byStep) == 0 {
		return nil
	}
	return t.overtaken(ctx, s)
}

// told are the marks of those who know of a session, in any version.
func (t *Trainer) told(ctx context.Context, s *Session) (map[bot.PersonID]string, error) {
	pipe := t.Redis.Pipeline()
	var hashes []*redis.MapStringStringCmd
	for p := range keys.Partition(keys.Partitions) {
		hashes = append(hashes, pipe.HGetAll(ctx, keys.Told(p, s.ID)))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read who was told of a session: %w", err)
	}
	all := map[bot.PersonID]string{}
	for _, hash := range hashes {
		for person, marks := range hash.Val() {
			if strings.Contains(marks, " "+knows) {
				all[t.Vault.Current(bot.PersonID(person))] += marks
			}
		}
	}
	return all, nil
}

// overtaken tells of a change that was made while people were being told of the version before: what
// tells of changes may have looked for them too early.
func (t *Trainer) overtaken(ctx context.Context, s *Session) error {
	p, err := t.Store.Load(ctx)
	if err != nil {
		return err
	}
	if now := p.Sessions[s.ID]; now != nil && now.Version != s.Version {
		return t.changed(ctx, p, now)
	}
	return nil
}
