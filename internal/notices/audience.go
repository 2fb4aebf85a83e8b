package notices

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
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

// follow reads the next followers of a facility in a partition, in the order they came, and when that was: those who
// came after the first `after` up to `end` ("+inf" for all).
func (s *Service) follow(ctx context.Context, p keys.Partition, facility string, after int64, end string, most int) (ids []bot.PersonID, came []int64, err error) {
	got, err := s.Redis.ZRangeByScoreWithScores(ctx, keys.Followers(p, facility), &redis.ZRangeBy{
		Min: "(" + strconv.FormatInt(after, 10), Max: end, Count: int64(most)}).Result()
	if err != nil {
		return nil, nil, fmt.Errorf("read who follows a facility: %w", err)
	}
	for _, z := range got {
		ids, came = append(ids, bot.PersonID(fmt.Sprint(z.Member))), append(came, int64(z.Score))
	}
	ids, err = s.Vault.Settled(ctx, s.Settle, ids...)
	return ids, came, err
}

// Count says what a notice would do if it went out now.
func (s *Service) Count(ctx context.Context, n bot.Notice) (bot.Sheet, error) {
	sheet := bot.Sheet{ByLang: map[locales.Lang]int{}, ByChannel: map[bot.Channel]int{}, ByFacility: map[string]int{}, Left: map[string]int{}, Lacking: map[locales.Lang]int{}}
	now := s.Now()
	if err := s.inherit(ctx, &n); err != nil {
		return sheet, err
	}
	if sheet.Problem = s.problem(&n, now); sheet.Problem != "" {
		return sheet, nil
	}
	sizes, err := s.sizes(n)
	if err != nil {
		return sheet, err
	}
	bill := bill{prices: s.Prices}
	texts, chats := map[size]int{}, map[size]bool{}
	begins := latest(now, n.At)
	starts := map[string]start{} // by facility
	take := func(facility string, r reader) {
		if !meant(&n, r) {
			return
		}
		begin, ok := starts[facility]
		if !ok {
			begin.zone = s.zoneOf(&n, facility)
			begin.at, begin.never = s.wait(&n, begin.zone, begins)
			starts[facility] = begin
		}
		left := leftOut(r.person)
		if left == "" && s.off(r.ch) {
			left = bot.LeftOff
		}
		if left == "" && begin.never {
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
		at := size{r.person.Lang, facility}
		chats[at] = chats[at] || r.ch == bot.Telegram
		if r.ch == bot.SMS {
			texts[at]++
			sheet.Segments += sizes[at].Segments
			if _, number, err := s.Vault.Address(r.id); err == nil { // else it will not be sent either
				bill.add(number, sizes[at].Segments)
			}
		}
	}
	if n.Corrects != "" {
		err = s.told(ctx, n.Corrects, func(_ keys.Partition, readers []reader, states map[bot.PersonID]string) error {
			for _, r := range readers {
				if got(states[r.id]) {
					take(r.person.Facility, r)
				}
			}
			return nil
		})
	} else {
		for _, facility := range facilities(&n) {
			err = errors.Join(err, s.everyone(ctx, facility, func(r reader) { take(facility, r) }))
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
	for at, read := range chats {
		if !read || sheet.Problem != "" {
			continue
		}
		long, err := s.tooLong(&n, at)
		if err != nil {
			return sheet, err
		}
		if long {
			sheet.Problem = "too-long-chat"
		}
	}
	if err := s.schedule(ctx, &n, &sheet, starts, begins.Sub(now)); err != nil {
		return sheet, err
	}
	sheet.Cost = bill.String()
	sheet.Approval = sheet.People > s.Approval
	if sheet.People == 0 && sheet.Problem == "" {
		sheet.Problem = "nobody"
	}
	return sheet, nil
}

// A start is when a notice begins to go to a facility.
type start struct {
	zone  *time.Location
	at    time.Time
	never bool // that is too late
}

// schedule says how long a notice takes and when it ends: at the provider's pace, behind what is queued already and
// not sent until it begins, and not in quiet hours.
func (s *Service) schedule(ctx context.Context, n *bot.Notice, sheet *bot.Sheet, starts map[string]start, ahead time.Duration) error {
	pipe := s.Redis.Pipeline()
	before := map[bot.Channel][]*redis.IntCmd{}
	for ch := range sheet.ByChannel {
		for p := range keys.Partition(keys.Partitions) {
			before[ch] = append(before[ch], pipe.XLen(ctx, keys.Queue(p, ch, keys.Bulk)))
		}
	}
	if len(before) > 0 {
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("measure the queues: %w", err)
		}
	}
	for ch, people := range sheet.ByChannel {
		rate := s.Rates[ch]
		if rate <= 0 {
			continue
		}
		waiting := -int64(ahead.Seconds() * rate)
		for _, length := range before[ch] {
			waiting += length.Val()
		}
		sheet.Takes = max(sheet.Takes, time.Duration(float64(max(0, waiting)+int64(people))/rate*float64(time.Second)))
	}
	for _, begin := range starts {
		switch {
		case begin.never:
		case n.Urgency == emergency:
			sheet.Ends = latest(sheet.Ends, begin.at.Add(sheet.Takes))
		default:
			sheet.Ends = latest(sheet.Ends, s.Quiet.Add(begin.at, sheet.Takes, begin.zone))
		}
	}
	sheet.Late = sheet.Ends.After(n.Until)
	return nil
}

// inherit gives a correction the facilities of what it corrects: it goes to its readers, wherever they are now, and
// by the clock of the first of these. A correction of nothing has none.
func (s *Service) inherit(ctx context.Context, n *bot.Notice) error {
	if n.Corrects == "" {
		return nil
	}
	of, err := s.get(ctx, n.Corrects)
	if err != nil {
		return err
	}
	n.Facilities = nil
	if of != nil {
		n.Facilities = of.Facilities
	}
	return nil
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
			ids, came, err := s.follow(ctx, p, facility, after, "+inf", walk)
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
			after = came[len(came)-1]
		}
	}
	return nil
}

// wait is when a notice may go to who lives by a clock: at once, or when their quiet hours are over. It reports true
// if that is too late.
func (s *Service) wait(n *bot.Notice, zone *time.Location, now time.Time) (at time.Time, never bool) {
	if n.Urgency == emergency {
		return now, false
	}
	if _, end, quiet := s.Quiet.At(now, zone); quiet {
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

// lateStart is how long someone may look at the sheet while the time to begin goes by.
const lateStart = 10 * time.Minute

// problem is why a notice cannot be sent, as the end of a text's key; "" if nothing is wrong with it.
func (s *Service) problem(n *bot.Notice, now time.Time) string {
	c := s.Content()
	switch {
	case len(n.Facilities) == 0 && n.Corrects == "":
		return "nobody"
	case len(n.Facilities) == 0: // what it corrects is gone
		return "gone"
	}
	for _, f := range n.Facilities {
		if c.Facilities[f] == nil {
			return "gone"
		}
	}
	switch {
	case !n.At.IsZero() && n.At.Before(now.Add(-lateStart)):
		return "started"
	case !n.Until.After(latest(now, n.At)):
		return "past"
	case n.Until.After(now.Add(bot.MaxNoticeLife + time.Minute)):
		return "too-far"
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
	if len([]rune(n.Blanks["place"])) > bot.MaxBlank {
		return "blank-long"
	}
	if day := n.Blanks["day"]; day != "" && day < now.In(s.home(n)).Format(time.DateOnly) {
		return "day-past"
	}
	return ""
}

// tooLong reports whether a notice does not fit in a message of a chat.
func (s *Service) tooLong(n *bot.Notice, at size) (bool, error) {
	queued, err := s.body(n, bot.Person{Lang: at.lang}, bot.Telegram, at.facility)
	if err != nil || queued == nil {
		return false, err
	}
	b, err := telegram.Open(queued)
	return len(utf16.Encode([]rune(b.Text))) > telegram.MaxText, err
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
	reply, ok := s.Talk().Notice(*n, facility, p, ch, s.zoneOf(n, facility))
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
