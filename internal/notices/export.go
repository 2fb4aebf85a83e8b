package notices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
	"faro/internal/table"
)

// Export writes what became of a notice for each reader, and of its deletion if it is taken back, as CSV, without saying who they are.
func (s *Service) Export(ctx context.Context, id string, w io.Writer) error {
	r, err := s.get(ctx, id)
	if err != nil {
		return err
	}
	if r == nil {
		return fmt.Errorf("%w: %s", errGone, id)
	}
	out := table.New(w, "reader", "channel", "language", "outcome", "taken back")
	n := 0
	err = s.told(ctx, id, func(p keys.Partition, readers []reader, states map[bot.PersonID]string) error {
		if len(readers) == 0 {
			return nil
		}
		var ids []string
		for _, r := range readers {
			ids = append(ids, string(r.id))
		}
		back, err := s.Redis.HMGet(ctx, keys.Tally(p, backTally+id), ids...).Result()
		if err != nil {
			return fmt.Errorf("read who a notice was taken back from: %w", err)
		}
		for i, r := range readers {
			n++
			taken, _ := back[i].(string)
			if outcome, _ := outbox.OutcomeOf(taken); outcome == outbox.Delivered {
				taken = "deleted"
			}
			out.Row(strconv.Itoa(n), string(r.ch), string(r.person.Lang), counted(states[r.id]), counted(taken))
		}
		return nil
	})
	return errors.Join(err, out.Close())
}
