package notices

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
)

// status is how a notice stands, for someone who may act on it.
func (s *Service) status(ctx context.Context, r *Record, reader bot.PersonID) (bot.Status, error) {
	all, err := s.counts(ctx, r.tallies())
	if err != nil {
		return bot.Status{}, err
	}
	return s.shown(r, all, reader), nil
}

// tallies are those that tell how a notice stands.
func (r *Record) tallies() []string {
	if r.Back {
		return []string{r.ID, backTally + r.ID}
	}
	return []string{r.ID}
}

// shown is how a notice stands, by the counts of its tallies.
func (s *Service) shown(r *Record, counts map[string]map[string]int, reader bot.PersonID) bot.Status {
	return bot.Status{Notice: r.Notice, State: r.State, People: r.People, Counts: counts[r.ID], Back: counts[backTally+r.ID],
		Acts: s.acts(r, counts[r.ID], string(reader))}
}

// acts are what someone may do with a notice now.
func (s *Service) acts(r *Record, counts map[string]int, reader string) (acts []string) {
	now := s.Now()
	switch r.State {
	case bot.Waiting:
		if r.By != reader {
			acts = append(acts, bot.Approve)
		}
		return append(acts, bot.Refuse)
	case bot.Planned:
		return []string{bot.Stop}
	case bot.Sending:
		acts = []string{bot.Pause, bot.Stop}
	case bot.Paused:
		acts = []string{bot.Resume, bot.Stop}
	case bot.Done, bot.Stopped:
		if r.State == bot.Done && !r.Corrected && !r.Back && r.Until.After(now) && len(failures(counts)) > 0 {
			acts = append(acts, bot.Retry)
		}
	default:
		return nil
	}
	reached := 0
	for state, n := range counts {
		if got(state) {
			reached += n
		}
	}
	if reached > 0 {
		acts = append(acts, bot.Correct)
		if !r.Back && now.Sub(r.Began) < backTo && counts[string(outbox.Delivered)] > 0 && !s.off(bot.Telegram) {
			acts = append(acts, bot.TakeBack)
		}
	}
	return acts
}

// shownNotices is how many notices a coordinator sees: as many as a small screen shows.
const shownNotices = 8

// Prepare fills in the notices someone who coordinates has before them. Others cost nothing.
func (s *Service) Prepare(ctx context.Context, id bot.PersonID, in *bot.Input) error {
	if !in.Desk.Role.Coordinates() {
		return nil
	}
	all, err := s.All(ctx)
	if err != nil {
		return err
	}
	all = all[:min(len(all), shownNotices)]
	var ids []string
	for _, r := range all {
		ids = append(ids, r.tallies()...)
	}
	counts, err := s.counts(ctx, ids)
	if err != nil {
		return err
	}
	in.Desk.Notices = nil
	for _, r := range all {
		in.Desk.Notices = append(in.Desk.Notices, s.shown(r, counts, id))
	}
	return nil
}

// outboxEntry is a reply to someone, that is of no use after a moment.
func outboxEntry(to bot.PersonID, sealed []byte, until time.Time) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: keys.Queue(keys.Of(to), bot.Telegram, keys.Reply), Values: []any{"p", string(to), "b", sealed, "u", until.Unix()}}
}
