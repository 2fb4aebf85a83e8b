package notices

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/effects"
	"faro/internal/keys"
	"faro/internal/people"
)

//go:embed forget.lua
var forgetSource string

var forgetScript = redis.NewScript(forgetSource)

// Handle carries out what turns did to notices. It may be called again with the same set.
func (s *Service) Handle(ctx context.Context, set effects.Set) error {
	var failed []error
	for i, e := range set.Effects {
		switch {
		case e.Left:
			failed = append(failed, s.Forget(ctx, set.Person, set.At))
		case e.Deed != nil:
			failed = append(failed, s.deed(ctx, set, *e.Deed, set.Stamp+"-"+strconv.Itoa(i)))
		}
	}
	return errors.Join(failed...)
}

func (s *Service) deed(ctx context.Context, set effects.Set, d bot.Deed, mark string) error {
	role, err := s.Register.Role(ctx, set.Person)
	if err != nil || !role.Coordinates() { // taken away meanwhile
		return err
	}
	switch {
	case d.Does == bot.Count && d.Notice != nil:
		sheet, err := s.Count(ctx, *d.Notice)
		if err != nil {
			return err
		}
		return s.preflight(ctx, set.Person, mark, *d.Notice, sheet)
	case d.Does == bot.Test && d.Notice != nil:
		return s.Test(ctx, set.Person, mark, *d.Notice)
	case d.Does == bot.Send && d.Notice != nil:
		n := *d.Notice
		n.ID = named(set.Stamp)
		sheet, err := s.Make(ctx, n, set.Person, people.Digest(set.Person))
		if err != nil || sheet.Problem == "" {
			return err
		}
		return s.preflight(ctx, set.Person, mark, n, sheet)
	case d.Does == bot.Count, d.Does == bot.Test, d.Does == bot.Send:
		return nil
	}
	_, err = s.Act(ctx, d.ID, d.Does, set.Person, people.Digest(set.Person))
	if errors.Is(err, errGone) || errors.Is(err, ErrNot) {
		return nil // the conversation offered it before it changed; what it shows next says how it stands
	}
	return err
}

// Test sends a notice to one person alone, marked as a test, once for each mark.
func (s *Service) Test(ctx context.Context, to bot.PersonID, mark string, n bot.Notice) error {
	return s.say(ctx, to, mark, func(p bot.Person, ch bot.Channel) (bot.Reply, bool) {
		facility := ""
		if len(n.Facilities) > 0 {
			facility = n.Facilities[0]
		}
		return s.Talk().NoticeTest(n, facility, p, ch, s.home(&n))
	})
}

// named is the id of the notice a turn makes: the same however often it is carried out.
func named(stamp string) string {
	ms, n, _ := strings.Cut(stamp, "-")
	number, _ := strconv.ParseInt(ms, 10, 64)
	return "n" + strconv.FormatInt(number, 36) + "-" + n
}

func (s *Service) preflight(ctx context.Context, to bot.PersonID, mark string, n bot.Notice, sheet bot.Sheet) error {
	return s.say(ctx, to, mark, func(p bot.Person, ch bot.Channel) (bot.Reply, bool) {
		return s.Talk().Preflight(sheet, n, s.Vault.Secret(to), p, ch, s.Now()), true
	})
}

// Make stores a new notice, to be sent at its time, or to wait for approval if it is for many. Nothing is
// stored if the returned sheet has a problem. It may be repeated: a notice is made once for each id. By
// is "" for the command line; who is its digest, for the audit log.
func (s *Service) Make(ctx context.Context, n bot.Notice, by bot.PersonID, who string) (bot.Sheet, error) {
	if before, err := s.get(ctx, n.ID); err != nil {
		return bot.Sheet{}, err
	} else if before != nil && before.State == bot.Waiting {
		return bot.Sheet{People: before.People, Approval: true}, s.ask(ctx, before)
	} else if before != nil {
		return bot.Sheet{People: before.People}, nil
	}
	sheet, err := s.Count(ctx, n)
	if err != nil || sheet.Problem != "" {
		return sheet, err
	}
	if err := s.inherit(ctx, &n); err != nil {
		return sheet, err
	}
	r := &Record{Notice: n, By: string(by), State: bot.Planned, Made: s.Now(), People: sheet.People}
	if sheet.Approval {
		r.State = bot.Waiting
	}
	added, err := s.add(ctx, r)
	if err != nil {
		return sheet, err
	}
	if added {
		if err := s.Register.Note(ctx, "notice made"+ignores(n), who, n.ID); err != nil {
			return sheet, err
		}
	}
	if !sheet.Approval {
		return sheet, nil
	}
	return sheet, s.ask(ctx, r)
}

// ignores is what the audit log says of an emergency.
func ignores(n bot.Notice) string {
	if n.Urgency == emergency {
		return ", emergency: quiet hours ignored"
	}
	return ""
}

// askMark is the mark of having asked someone, named by their digest, for their approval.
func askMark(notice, digest string) string { return "ask-" + notice + "-" + digest }

// ask asks all others who may for their approval.
func (s *Service) ask(ctx context.Context, r *Record) error {
	holders, err := s.Register.Holders(ctx)
	if err != nil {
		return err
	}
	for _, h := range holders {
		if !h.Role.Coordinates() || string(h.Person) == r.By {
			continue
		}
		status := s.shown(r, nil, h.Person)
		err := s.say(ctx, h.Person, askMark(r.ID, h.Digest), func(p bot.Person, ch bot.Channel) (bot.Reply, bool) {
			return s.Talk().NoticeStatus(status, p, ch, s.home(&r.Notice), s.Now()), true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ErrNot is returned for what cannot be done with a notice as it stands.
var ErrNot = errors.New("that cannot be done with this notice now")

// Act does something to a notice: bot.Approve, Refuse, Pause, Resume, Stop, Retry or TakeBack. By is ""
// for the command line.
func (s *Service) Act(ctx context.Context, id, act string, by bot.PersonID, who string) (*Record, error) {
	r, err := s.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("%w: %s", errGone, id)
	}
	counts, err := s.Counts(ctx, id)
	if err != nil {
		return nil, err
	}
	done, err := s.Change(ctx, id, func(now *Record) bool {
		r = now
		return s.apply(now, counts, act, string(by))
	})
	if err != nil {
		return nil, err
	}
	if !done {
		return r, ErrNot
	}
	return r, s.Register.Note(ctx, "notice "+act, who, id)
}

// apply changes a record, if that may be.
func (s *Service) apply(r *Record, counts map[string]int, act, by string) bool {
	may := false
	for _, a := range s.acts(r, counts, by) {
		may = may || a == act
	}
	if !may {
		return false
	}
	switch act {
	case bot.Approve:
		r.State, r.Approved = bot.Planned, true
	case bot.Refuse:
		r.State, r.Ended, r.Tell = bot.Refused, s.Now(), true
	case bot.Pause:
		r.State = bot.Paused
	case bot.Resume:
		r.State = bot.Sending
	case bot.Stop:
		r.stop(s.Now())
	case bot.Retry:
		r.State, r.Again, r.Ended = bot.Sending, true, time.Time{}
	case bot.TakeBack: // once nothing of it is under way any more
		if r.Ended.IsZero() {
			r.stop(s.Now())
		}
		r.Back = true
	default:
		return false
	}
	return true
}

// Forget parts someone who erased everything from all notices: whether they got them, what they wrote, and
// whether they were asked. The counts stay; they name nobody.
func (s *Service) Forget(ctx context.Context, id bot.PersonID, at time.Time) error {
	all, err := s.All(ctx)
	if err != nil {
		return err
	}
	part := keys.Of(id)
	var tallies, marks []string
	for _, r := range all {
		for _, about := range []string{r.ID, backTally + r.ID, showTally + r.ID} {
			tallies = append(tallies, keys.Tally(part, about), keys.Counts(part, about))
		}
	}
	var ids []any
	for _, each := range s.Vault.All(id) {
		ids = append(ids, string(each))
		for _, r := range all {
			marks = append(marks, keys.Spread(part, saidMarks+askMark(r.ID, people.Digest(each))))
		}
	}
	if len(all) > 0 {
		if err := s.Redis.Del(ctx, marks...).Err(); err != nil {
			return fmt.Errorf("forget who was asked about a notice: %w", err)
		}
		if err := forgetScript.Run(ctx, s.Redis, tallies, ids...).Err(); err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("forget who got a notice: %w", err)
		}
	}
	for _, r := range all {
		if r.By != string(s.Vault.Current(id)) {
			continue
		}
		if _, err := s.Change(ctx, r.ID, func(r *Record) bool { r.By = ""; return true }); err != nil {
			return err
		}
	}
	return s.forgetReceipts(ctx, part, id, at)
}

// forgetReceipts drops whom the receipts of the last days were for.
func (s *Service) forgetReceipts(ctx context.Context, part keys.Partition, id bot.PersonID, at time.Time) error {
	for back := time.Duration(0); back <= keys.ReceiptsLife; back += 24 * time.Hour {
		key := keys.Receipts(part, at.Add(-back).UTC().Format(time.DateOnly))
		for cursor := uint64(0); ; {
			found, next, err := s.Redis.HScan(ctx, key, cursor, "", scan).Result()
			if err != nil {
				return fmt.Errorf("forget receipts: %w", err)
			}
			for i := 0; i+1 < len(found); i += 2 {
				value := found[i+1]
				about := strings.LastIndexByte(value, ' ')
				if s.Vault.Current(bot.PersonID(value[about+1:])) == s.Vault.Current(id) {
					if err := s.Redis.HDel(ctx, key, found[i]).Err(); err != nil {
						return fmt.Errorf("forget receipts: %w", err)
					}
				}
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return nil
}
