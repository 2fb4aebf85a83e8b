package notices

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/table"
)

// Export writes what became of a notice for each reader, as CSV, without saying who they are.
func (s *Service) Export(ctx context.Context, id string, w io.Writer) error {
	r, err := s.get(ctx, id)
	if err != nil {
		return err
	}
	if r == nil {
		return fmt.Errorf("%w: %s", errGone, id)
	}
	out := table.New(w, "reader", "channel", "language", "outcome")
	n := 0
	err = s.told(ctx, id, func(_ keys.Partition, readers []reader, states map[bot.PersonID]string) error {
		for _, r := range readers {
			n++
			out.Row(strconv.Itoa(n), string(r.ch), string(r.person.Lang), counted(states[r.id]))
		}
		return nil
	})
	return errors.Join(err, out.Close())
}
