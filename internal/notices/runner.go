package notices

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/guard"
	"faro/internal/keys"
	"faro/internal/lease"
	"faro/internal/outbox"
)

const (
	lookEvery = 500 * time.Millisecond // for what other processes changed
	workLease = 10 * time.Second       // a crashed process's notices wait this long at most
	showEvery = 4 * time.Second        // a chat takes no more than an edit a second, and people read slower
	showLife  = 15 * time.Second       // an older picture of the progress is not worth sending
	recall    = time.Second            // how often the lease is renewed
	panicRest = 3 * time.Second        // before a notice that made work panic is tried again: it would fill the log
)

// Run hands notices out until ctx ends.
func (s *Service) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	var mu sync.Mutex
	busy := map[string]bool{}
	leases := map[string]*lease.Lease{} // they remember how long another process has left a notice alone
	for ctx.Err() == nil {
		all, err := s.All(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Warn("notices: cannot read them, trying again", "error", err)
		}
		s.halt(all)
		for _, r := range all {
			mu.Lock()
			start := s.due(r) && !busy[r.ID]
			if start {
				busy[r.ID] = true
			} else if !busy[r.ID] {
				delete(leases, r.ID)
			}
			mu.Unlock()
			if !start {
				continue
			}
			mine := leases[r.ID]
			if mine == nil {
				mine = lease.New(s.Redis, keys.NoticeHolder(r.ID), s.Node, workLease)
				leases[r.ID] = mine
			}
			working.Go(func() {
				err := guard.Run(func() error { return s.work(ctx, r.ID, mine) })
				if err != nil && ctx.Err() == nil {
					s.Log.Warn("notices: one cannot be handed out, trying again", "error", err)
				}
				if _, ok := errors.AsType[guard.Panicked](err); ok {
					_ = wait(ctx, panicRest)
				}
				mu.Lock()
				delete(busy, r.ID)
				mu.Unlock()
			})
		}
		t := time.NewTimer(lookEvery)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// halt keeps which notices are held back.
func (s *Service) halt(all []*Record) {
	halted := map[string]bool{}
	for _, r := range all {
		if r.State == bot.Paused || r.State == bot.Stopped {
			halted[r.ID] = true
		}
	}
	s.halted.Store(&halted)
}

// due reports whether there is something to do about a notice, or will be.
func (s *Service) due(r *Record) bool {
	return r.Ended.IsZero() || r.Tell || r.Back && !r.Gone || s.Now().Sub(r.Ended) > lifetime
}

// get is a notice, nil if there is none of the id.
func (s *Service) get(ctx context.Context, id string) (*Record, error) {
	records, _, err := s.records.Read(ctx)
	if err != nil || records[id] == "" {
		return nil, err
	}
	return s.decode(records[id])
}

// work does what there is to do about a notice, as long as no other process does.
func (s *Service) work(ctx context.Context, id string, mine *lease.Lease) error {
	taken := time.Time{}
	defer func() {
		if !taken.IsZero() {
			_ = mine.Return(context.WithoutCancel(ctx)) // it ends by itself
		}
	}()
	var h *handing
	for ctx.Err() == nil {
		r, err := s.get(ctx, id)
		if err != nil || r == nil || !s.due(r) {
			return err
		}
		if time.Since(taken) > recall {
			got, err := mine.Take(ctx)
			if err != nil || got == lease.Other {
				return err
			}
			taken = time.Now()
		}
		if h == nil {
			h = hand(&r.Notice)
		}
		did, err := s.advance(ctx, r, h)
		if err == nil {
			err = s.show(ctx, r)
		}
		if err != nil {
			return err
		}
		if !did {
			if err := wait(ctx, lookEvery); err != nil {
				return nil //nolint // the end of ctx is no error
			}
		}
	}
	return nil
}

// advance does the next thing about a notice. It reports whether there was one.
func (s *Service) advance(ctx context.Context, r *Record, h *handing) (bool, error) {
	if !r.Ended.IsZero() {
		return s.after(ctx, r, h)
	}
	now := s.Now()
	over, err := s.supersede(ctx, r)
	if err != nil {
		return false, err
	}
	switch r.State {
	case bot.Waiting, bot.Planned:
		if !r.Until.After(now) {
			return s.end(ctx, r, bot.TakenOff)
		}
		if r.State == bot.Waiting || r.At.After(now) {
			return false, nil
		}
		return true, s.start(ctx, r)
	case bot.Paused:
		if !r.Until.After(now) {
			return s.end(ctx, r, bot.Done)
		}
		return false, nil
	case bot.Sending:
		if !over && r.Until.After(now) {
			return false, nil
		}
		if !r.Spread && r.Until.After(now) {
			return s.handOut(ctx, r, h)
		}
	}
	counts, err := s.Counts(ctx, r.ID)
	if err != nil {
		return false, err
	}
	if r.State == bot.Sending && r.Until.After(now) {
		held := counts[string(outbox.Held)]
		if held > 0 && !(held == h.asleep && now.Before(h.wakes)) {
			return s.goOn(ctx, r, h)
		}
		if r.Again {
			return s.again(ctx, r, h, counts)
		}
		if held > 0 { // until the morning
			return false, nil
		}
	}
	if counts[string(queued)] > 0 {
		return false, nil
	}
	if r.State == bot.Sending {
		return s.end(ctx, r, bot.Done)
	}
	return s.end(ctx, r, r.State)
}

// supersede stops the notice that a notice corrects. It reports whether nothing of that is under way any more:
// only then it is known who got it.
func (s *Service) supersede(ctx context.Context, r *Record) (over bool, err error) {
	if r.Corrects == "" || r.Spread {
		return true, nil
	}
	of, err := s.get(ctx, r.Corrects)
	if err != nil || of == nil {
		return true, err
	}
	if !of.Corrected {
		_, err = s.Change(ctx, of.ID, func(of *Record) bool {
			if of.Corrected {
				return false
			}
			if of.Corrected = true; of.Ended.IsZero() {
				of.stop(s.Now())
			}
			return true
		})
	}
	return !of.Ended.IsZero(), err
}

// start begins to hand a notice out. If it was planned, and is for so many by now that a second coordinator must
// agree, it waits for that instead.
func (s *Service) start(ctx context.Context, r *Record) error {
	state, people := bot.Sending, r.People
	if !r.At.IsZero() && !r.Approved {
		n := r.Notice
		n.At = time.Time{}
		sheet, err := s.Count(ctx, n)
		if err != nil {
			return err
		}
		if sheet.Approval {
			state, people = bot.Waiting, sheet.People
		}
	}
	var err error
	if state == bot.Sending {
		err = s.begin(ctx, r)
	} else {
		asked := *r
		asked.State, asked.People = state, people
		err = s.ask(ctx, &asked)
	}
	if err != nil {
		return err
	}
	_, err = s.Change(ctx, r.ID, func(r *Record) bool {
		if r.State != bot.Planned {
			return false
		}
		if r.State, r.People = state, people; state == bot.Sending {
			r.Began = s.Now()
		}
		return true
	})
	return err
}

// handOut hands a notice out to those who have not seen it, as the queues have room.
func (s *Service) handOut(ctx context.Context, r *Record, h *handing) (did bool, err error) {
	var all bool
	if r.Corrects != "" {
		did, all, err = s.correct(ctx, r, h)
	} else {
		did, all, err = s.spread(ctx, r, h)
	}
	if err != nil || !all {
		return did, err
	}
	return s.Change(ctx, r.ID, func(r *Record) bool { r.Spread = true; return true })
}

// again queues a notice once more for those it failed for.
func (s *Service) again(ctx context.Context, r *Record, h *handing, counts map[string]int) (bool, error) {
	did, all, err := s.repeat(ctx, r, h, h.pass(passAgain, failures(counts)...), func(to reader) (order, error) { return s.decide(h, to, to.person.Facility) })
	if err != nil || !all {
		return did, err
	}
	delete(h.passes, passAgain)
	return s.Change(ctx, r.ID, func(r *Record) bool { r.Again = false; return true })
}

// after does what there is to do about a notice that has ended.
func (s *Service) after(ctx context.Context, r *Record, h *handing) (did bool, err error) {
	if s.Now().Sub(r.Ended) > lifetime { // its time here is over
		return true, s.records.Put(ctx, r.ID, func(string) (string, error) { return "", nil })
	}
	if r.Back && !r.Gone {
		did, err = s.takeBack(ctx, r, h)
	}
	if r.Tell && !did && err == nil {
		did, err = s.close(ctx, r)
	}
	return did, err
}

// takeBack deletes a notice from the chats it was sent to, then has its author told.
func (s *Service) takeBack(ctx context.Context, r *Record, h *handing) (bool, error) {
	did, all, err := s.retract(ctx, r, h)
	if err != nil || !all {
		return did, err
	}
	counts, err := s.Counts(ctx, backTally+r.ID)
	if err != nil || counts[string(queued)] > 0 {
		return false, err
	}
	return s.Change(ctx, r.ID, func(r *Record) bool { r.Gone, r.Tell = true, true; return true })
}

// end closes a notice.
func (s *Service) end(ctx context.Context, r *Record, state string) (bool, error) {
	return s.Change(ctx, r.ID, func(now *Record) bool {
		if now.State != r.State || !now.Ended.IsZero() {
			return false
		}
		now.State, now.Ended, now.Spread, now.Tell = state, s.Now(), true, true
		return true
	})
}

// close tells who wrote a notice how it ended: the picture of its progress is edited a last time, and a message
// says so, once. It may be repeated.
func (s *Service) close(ctx context.Context, r *Record) (bool, error) {
	by := bot.PersonID(r.By)
	if by != "" {
		message, coming, err := s.picture(ctx, r)
		if err != nil {
			return false, err
		}
		if coming && s.Now().Sub(r.Ended) < sayLife {
			return false, nil
		}
		status, err := s.status(ctx, r, by)
		if err != nil {
			return false, err
		}
		reply := func(p bot.Person, ch bot.Channel) (bot.Reply, bool) {
			return s.Talk().NoticeStatus(status, p, ch, s.home(&r.Notice), s.Now()), true
		}
		if message != 0 {
			err = s.edit(ctx, by, message, sayLife, reply)
		}
		if err == nil {
			err = s.say(ctx, by, "end-"+r.ID+"-"+strconv.FormatInt(r.Ended.UnixMilli(), 36), reply)
		}
		if err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	delete(s.seen, r.ID)
	s.mu.Unlock()
	return s.Change(ctx, r.ID, func(r *Record) bool { r.Tell = false; return true })
}

// picture is the message in its author's chat that shows how far a notice is, 0 if there is none; it reports true if
// that is on its way.
func (s *Service) picture(ctx context.Context, r *Record) (message int, coming bool, err error) {
	state, err := s.Redis.HGet(ctx, keys.Tally(keys.Of(bot.PersonID(r.By)), showTally+r.ID), r.By).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, false, fmt.Errorf("read which message shows a notice: %w", err)
	}
	outcome, id := outbox.OutcomeOf(state)
	message, _ = strconv.Atoi(id) // "" is none
	return message, outcome == queued, nil
}

// home is the clock of a notice: that of its first facility.
func (s *Service) home(n *bot.Notice) *time.Location {
	if len(n.Facilities) == 0 {
		return time.UTC
	}
	return s.zone(n.Facilities[0])
}

// say queues a message to someone who has a role, once for each mark. By SMS it has no choices: a number
// chooses on the screen they are on.
func (s *Service) say(ctx context.Context, to bot.PersonID, mark string, reply func(bot.Person, bot.Channel) (bot.Reply, bool)) error {
	return s.tell(ctx, to, "", mark, reply)
}

// tell is say with a tally, for whoever must know which message it became.
func (s *Service) tell(ctx context.Context, to bot.PersonID, about, mark string, reply func(bot.Person, bot.Channel) (bot.Reply, bool)) error {
	b := batch{about: about, part: keys.Of(to), lane: keys.Reply, until: s.Now().Add(sayLife), life: sayLife,
		marks: saidMarks + mark, field: "said", after: "yes"}
	_, err := s.queue(ctx, b, []bot.PersonID{to}, func(r reader) (order, error) {
		if r.person.Stopped {
			return order{}, nil
		}
		said, ok := reply(r.person, r.ch)
		if !ok {
			return order{}, nil
		}
		if r.ch == bot.SMS {
			said.Options = nil
		}
		body, err := s.Shapes[r.ch](said, bot.Input{Channel: r.ch})
		if err != nil {
			return order{}, fmt.Errorf("shape what a coordinator is told: %w", err)
		}
		return order{body: body}, nil
	})
	return err
}

const (
	saidMarks = "said-" // begins the name of the marks of what coordinators are told
	showTally = "show-" // begins the tally of the picture of a notice's progress
)

// A pace is how far a notice was when it was last shown.
type pace struct {
	at   time.Time
	sent int
	rate float64
}

// show keeps the picture of a notice's progress in its author's chat: one message, edited.
func (s *Service) show(ctx context.Context, r *Record) error {
	by := bot.PersonID(r.By)
	if r.Began.IsZero() || r.By == "" || !r.Ended.IsZero() {
		return nil
	}
	s.mu.Lock()
	last := s.seen[r.ID]
	s.mu.Unlock()
	now := s.Now()
	if now.Sub(last.at) < showEvery {
		return nil
	}
	if ch, _, err := s.Vault.Address(by); err != nil || ch != bot.Telegram {
		return nil //nolint // nothing is edited on a phone, and who cannot be opened has no chat
	}
	status, err := s.status(ctx, r, by)
	if err != nil {
		return err
	}
	sent := sent(status.Counts)
	if !last.at.IsZero() && sent >= last.sent {
		last.rate = float64(sent-last.sent) / now.Sub(last.at).Seconds()
	}
	last.at, last.sent = now, sent
	s.mu.Lock()
	s.seen[r.ID] = last
	s.mu.Unlock()
	if r.State == bot.Sending && last.rate > 0 {
		status.Rate = last.rate
		status.Left = time.Duration(float64(max(0, status.People-sent)) / last.rate * float64(time.Second))
	}
	about := showTally + r.ID
	reply := func(p bot.Person, ch bot.Channel) (bot.Reply, bool) {
		return s.Talk().NoticeStatus(status, p, ch, s.home(&r.Notice), now), true
	}
	message, coming, err := s.picture(ctx, r)
	switch {
	case err != nil || coming:
		return err
	case message == 0:
		return s.tell(ctx, by, about, about, reply)
	}
	return s.edit(ctx, by, message, showLife, reply)
}

// edit queues a new picture in the place of a message. A picture that comes too late is not sent.
func (s *Service) edit(ctx context.Context, to bot.PersonID, message int, life time.Duration, reply func(bot.Person, bot.Channel) (bot.Reply, bool)) error {
	readers, err := s.read(ctx, []bot.PersonID{to})
	if err != nil || readers[0].record == "" {
		return err
	}
	said, _ := reply(readers[0].person, bot.Telegram)
	said.Replace, said.Only = true, true
	body, err := s.Shapes[bot.Telegram](said, bot.Input{Channel: bot.Telegram, Message: message})
	if err != nil {
		return fmt.Errorf("shape a notice's progress: %w", err)
	}
	if err := s.Redis.XAdd(ctx, outboxEntry(to, s.seal(to, body), s.Now().Add(life))).Err(); err != nil {
		return fmt.Errorf("queue a notice's progress: %w", err)
	}
	return nil
}

// sent is how many a provider has taken or refused.
func sent(counts map[string]int) (n int) {
	for state, count := range counts {
		if outcome, _ := outbox.OutcomeOf(state); outcome != queued && outcome != outbox.Held {
			n += count
		}
	}
	return n
}

// errGone is returned for a notice there is none of.
var errGone = errors.New("there is no such notice")
