package notices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/bot/sms"
	"faro/internal/keys"
	"faro/locales"
)

// A reader is someone at a facility, with what is kept of them.
type reader struct {
	id     bot.PersonID
	record string // "" if nothing is kept any more
	person bot.Person
	ch     bot.Channel
}

// read fetches what is kept of some people of one partition, in one round trip.
func (s *Service) read(ctx context.Context, ids []bot.PersonID) ([]reader, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = keys.Person(id)
	}
	records, err := s.Redis.MGet(ctx, names...).Result()
	if err != nil {
		return nil, fmt.Errorf("read who a notice is for: %w", err)
	}
	readers := make([]reader, len(ids))
	for i, id := range ids {
		r := reader{id: id}
		r.record, _ = records[i].(string)
		if r.record != "" && json.Unmarshal([]byte(r.record), &r.person) != nil {
			return nil, errors.New("read who a notice is for: not a person record")
		}
		if r.person.Lang == "" {
			r.person.Lang = defaultLang
		}
		if r.ch = r.person.Channel; r.ch == "" { // who has not written yet
			if r.ch, _, err = s.Vault.Address(id); err != nil {
				return nil, fmt.Errorf("read who a notice is for: %w", err)
			}
		}
		readers[i] = r
	}
	return readers, nil
}

// meant reports whether a notice is for someone who is at one of its facilities.
func meant(n *bot.Notice, r reader) bool {
	return r.record != "" &&
		(n.Who != bot.OnlyGuests || r.person.Role == bot.Migrant) &&
		(n.Who != bot.OnlyStaff || r.person.Role != bot.Migrant) &&
		(len(n.Langs) == 0 || slices.Contains(n.Langs, r.person.Lang)) &&
		(n.Channel == "" || n.Channel == r.ch)
}

// leftOut is why someone a notice is meant for does not get it, "" if they do.
func leftOut(p bot.Person) string {
	if p.Stopped {
		return bot.LeftStopped
	}
	return p.Gone
}

// walk is how many followers are read at once.
const walk = 256

// follow calls each for all followers of a facility in a partition, in the order they came, those who
// came after the first `after` up to `end` ("+inf" for all).
func (s *Service) follow(ctx context.Context, p keys.Partition, facility string, after int64, end string, most int) ([]bot.PersonID, int64, error) {
	got, err := s.Redis.ZRangeByScoreWithScores(ctx, keys.Followers(p, facility), &redis.ZRangeBy{
		Min: "(" + strconv.FormatInt(after, 10), Max: end, Count: int64(most)}).Result()
	if err != nil {
		return nil, after, fmt.Errorf("read who follows a facility: %w", err)
	}
	ids := make([]bot.PersonID, len(got))
	for i, z := range got {
		ids[i], after = bot.PersonID(fmt.Sprint(z.Member)), int64(z.Score)
	}
	if ids, err = s.Vault.Settled(ctx, s.Settle, ids...); err != nil {
		return nil, after, err
	}
	return ids, after, nil
}

// Count says what a notice would do if it went out now.
func (s *Service) Count(ctx context.Context, n bot.Notice) (bot.Sheet, error) {
	sheet := bot.Sheet{ByLang: map[locales.Lang]int{}, ByChannel: map[bot.Channel]int{}, ByFacility: map[string]int{}, Left: map[string]int{}, Lacking: map[locales.Lang]int{}}
	now := s.Now()
	if sheet.Problem = s.problem(&n, now); sheet.Problem != "" {
		return sheet, nil
	}
	sizes, err := s.sizes(n)
	if err != nil {
		return sheet, err
	}
	bill := bill{prices: s.Prices}
	texts := map[size]int{}
	begins := latest(now, n.At)
	take := func(facility string, r reader, quiet bool) {
		if !meant(&n, r) {
			return
		}
		left := leftOut(r.person)
		if left == "" && s.off(r.ch) {
			left = bot.LeftInvalid
		}
		if left == "" && quiet {
			left = bot.LeftQuiet
		}
		if left != "" {
			sheet.Left[left]++
			return
		}
		sheet.People++
		sheet.ByLang[r.person.Lang]++
		sheet.ByChannel[r.ch]++
		sheet.ByFacility[facility]++
		if lacks(&n, r.person.Lang) {
			sheet.Lacking[r.person.Lang]++
		}
		if r.ch == bot.SMS {
			at := size{r.person.Lang, facility}
			texts[at]++
			sheet.Segments += sizes[at].Segments
			if _, number, err := s.Vault.Address(r.id); err == nil { // else it will not be sent either
				bill.add(number, sizes[at].Segments)
			}
		}
	}
	if n.Corrects != "" {
		err = s.told(ctx, n.Corrects, func(_ keys.Partition, readers []reader, states []string) error {
			for i, r := range readers {
				if got(states[i]) {
					take(r.person.Facility, r, false)
				}
			}
			return nil
		})
	} else {
		for _, facility := range facilities(&n) {
			starts, never := s.wait(&n, facility, begins)
			sheet.Ends = latest(sheet.Ends, starts)
			err = errors.Join(err, s.everyone(ctx, facility, func(r reader) { take(facility, r, never) }))
		}
	}
	if err != nil {
		return sheet, err
	}
	for at, people := range texts {
		m := bot.SMSSize{Lang: at.lang, Encoding: string(sizes[at].Encoding), Segments: sizes[at].Segments, People: people}
		if i := slices.IndexFunc(sheet.Messages, func(x bot.SMSSize) bool { return x.Lang == at.lang }); i < 0 {
			body, err := s.body(&n, bot.Person{Lang: at.lang}, bot.SMS, at.facility)
			if err != nil {
				return sheet, err
			}
			m.Text = string(body)
			sheet.Messages = append(sheet.Messages, m)
		} else { // facilities with longer names take more
			sheet.Messages[i].Segments = max(sheet.Messages[i].Segments, m.Segments)
			sheet.Messages[i].People += people
		}
		if m.Segments > mostSegments {
			sheet.Problem = "too-long"
		}
	}
	slices.SortFunc(sheet.Messages, func(a, b bot.SMSSize) int { return b.People - a.People })
	for ch, people := range sheet.ByChannel {
		if rate := s.Rates[ch]; rate > 0 {
			sheet.Takes = max(sheet.Takes, time.Duration(float64(people)/rate*float64(time.Second)))
		}
	}
	sheet.Ends = latest(sheet.Ends, begins).Add(sheet.Takes)
	sheet.Cost = bill.String()
	sheet.Approval = sheet.People > s.Approval
	if sheet.People == 0 && sheet.Problem == "" {
		sheet.Problem = "nobody"
	}
	return sheet, nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// off reports whether nothing can be sent on a channel.
func (s *Service) off(ch bot.Channel) bool {
	_, on := s.Rates[ch]
	return !on
}

// everyone calls take for all who follow a facility now.
func (s *Service) everyone(ctx context.Context, facility string, take func(reader)) error {
	for p := range keys.Partition(keys.Partitions) {
		for after := int64(0); ; {
			ids, last, err := s.follow(ctx, p, facility, after, "+inf", walk)
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
			readers, err := s.read(ctx, ids)
			if err != nil {
				return err
			}
			for _, r := range readers {
				take(r)
			}
			after = last
		}
	}
	return nil
}

// wait is when a notice may go to a facility: at once, or when its quiet hours are over. It reports true
// if that is too late.
func (s *Service) wait(n *bot.Notice, facility string, now time.Time) (at time.Time, never bool) {
	if n.Urgency == emergency {
		return now, false
	}
	if _, end, quiet := s.Quiet.At(now, s.zone(facility)); quiet {
		return end, !end.Before(n.Until)
	}
	return now, false
}

// emergency is the urgency that ignores quiet hours.
const emergency = "emergency"

// mostSegments is how many text messages one reader's notice may take: more is not read, and costs.
const mostSegments = 4

// unpaged is a budget no notice reaches: whoever reads one is not where they could ask for its next page.
const unpaged = 99

// maxLife is how far ahead a notice may be valid.
const maxLife = 30 * 24 * time.Hour

// problem is why a notice cannot be sent, as the end of a text's key; "" if nothing is wrong with it.
func (s *Service) problem(n *bot.Notice, now time.Time) string {
	c := s.Content()
	if len(n.Facilities) == 0 && n.Corrects == "" {
		return "nobody"
	}
	for _, f := range n.Facilities {
		if c.Facilities[f] == nil {
			return "gone"
		}
	}
	if !n.Until.After(latest(now, n.At)) || n.Until.After(now.Add(maxLife+time.Minute)) {
		return "past"
	}
	if n.Ready == "" {
		for _, text := range n.Texts {
			if text != "" {
				return ""
			}
		}
		return "no-text"
	}
	ready := c.Ready[n.Ready]
	if ready == nil {
		return "gone"
	}
	for _, blank := range ready.Blanks {
		if n.Blanks[blank] == "" {
			return "blank"
		}
	}
	return ""
}

// A size is what a text message depends on.
type size struct {
	lang     locales.Lang
	facility string
}

// sizes measures a notice by SMS for all its readers' languages and facilities.
func (s *Service) sizes(n bot.Notice) (map[size]sms.Size, error) {
	all := map[size]sms.Size{}
	at := facilities(&n)
	if n.Corrects != "" {
		for id := range s.Content().Facilities {
			at = append(at, id)
		}
		at = append(at, "")
	}
	for _, l := range s.Book().Languages() {
		for _, f := range at {
			body, err := s.body(&n, bot.Person{Lang: l.Tag}, bot.SMS, f)
			if err != nil {
				return nil, err
			}
			all[size{l.Tag, f}] = sms.Measure(string(body))
		}
	}
	return all, nil
}

// body is what is queued for one reader; nil if a notice has nothing to say to them.
func (s *Service) body(n *bot.Notice, p bot.Person, ch bot.Channel, facility string) ([]byte, error) {
	zone := s.home(n)
	if s.Content().Facilities[facility] != nil { // whom a correction is for may have left
		zone = s.zone(facility)
	}
	reply, ok := s.Talk().Notice(*n, facility, p, ch, zone)
	if !ok {
		return nil, nil
	}
	reply.Budget = unpaged
	body, err := s.Shapes[ch](reply, bot.Input{Channel: ch})
	if err != nil {
		return nil, fmt.Errorf("shape a notice: %w", err)
	}
	return body, nil
}
