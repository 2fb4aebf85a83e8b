package training

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/flows"
	"faro/internal/keys"
	"faro/internal/people"
)

// Prepare fills in what someone with a role or an invitation has before them. Others cost nothing. A code in an
// input that will not be heard is not looked at, so that nobody guesses faster than they are answered.
func (t *Trainer) Prepare(ctx context.Context, id bot.PersonID, p bot.Person, in *bot.Input, heard bool) error {
	code := ""
	if heard {
		code = sentCode(in)
	}
	if p.Role == bot.Migrant && code == "" {
		return nil
	}
	if code != "" {
		if err := t.claim(ctx, id, code, in); err != nil {
			return err
		}
	}
	role, err := t.Register.Role(ctx, id)
	if err != nil || role == bot.Migrant {
		return err
	}
	programme, err := t.Store.Load(ctx)
	if err != nil {
		return err
	}
	d := &in.Desk
	d.Role, d.Secret = role, t.Vault.Secret(id)
	member := programme.Member(id)
	if d.Zone = t.zone(programme, member); member == nil {
		d.Zone = t.zoneAt(p.Facility)
	}
	var size func(*Session) int
	if role.Trains() {
		size = programme.sizes()
	}
	for _, s := range programme.Sorted() {
		if mine := member != nil && member.Attends(s); s.End.After(t.Now()) && (role.Trains() || mine) {
			x := s.shown()
			x.Mine = mine
			if size != nil {
				x.People = size(s)
			}
			d.Sessions = append(d.Sessions, x)
		}
	}
	if role.Trains() {
		d.Courses, d.Fresh = courses(programme), people.NewCode()
		if t.Link != nil {
			d.Link = t.Link(d.Fresh)
		}
	}
	if member == nil {
		return nil
	}
	d.Member, d.Delegation = true, member.Delegation
	if t.Public != "" {
		d.Feed = t.Public + "/calendar/" + t.Vault.SealName(feedUse, string(id)) + ".ics"
	}
	d.Asked, err = t.Redis.HGet(ctx, keys.Asked(keys.Of(id)), string(id)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("read what someone was asked: %w", err)
	}
	return t.answered(ctx, id, programme, d.Sessions)
}

// zoneAt is the clock of a facility, nil if it is none.
func (t *Trainer) zoneAt(facility string) *time.Location {
	name, _ := t.Facility(facility)
	if zone, err := loadZone(name); err == nil {
		return zone
	}
	return nil
}

// feedUse binds the names in calendar links to their place.
const feedUse = "calendar"

// sentCode is the invitation code of an input, "" if it is none.
func sentCode(in *bot.Input) string {
	said := ""
	switch in.Kind {
	case bot.Text:
		said = string(in.Words)
	case bot.Start:
		said = in.Choice
	}
	code, _ := people.ReadCode(said) // "" if it is none
	return code
}

// claim takes an invitation.
func (t *Trainer) claim(ctx context.Context, id bot.PersonID, code string, in *bot.Input) error {
	inv, result, err := t.Register.Claim(ctx, id, code)
	if err != nil {
		return err
	}
	in.Desk.Invitation = &bot.Invitation{Locked: result == people.Locked}
	if result != people.Taken {
		return nil
	}
	in.Desk.Invitation.Role, in.Desk.Invitation.Facility = inv.Role, inv.Facility
	return t.join(ctx, id, inv)
}

// join makes someone the member their invitation was for, or a new one.
func (t *Trainer) join(ctx context.Context, id bot.PersonID, inv people.Invitation) error {
	if inv.Member == "" && inv.Course == "" && inv.Role != bot.Staff {
		return nil // who only gives training
	}
	return t.Store.Change(ctx, func(p *Programme) error {
		m, before := p.Members[inv.Member], p.joined(id)
		if m == nil || m.Person != "" && m.Person != id { // a second invitation does not take it from who has it
			m = before
		} else if before != nil && before != m { // nobody is two
			before.Person, before.ByNumber = "", false
			if before.Sheet == nil {
				m.enrol(before.Courses...)
				delete(p.Members, before.ID)
			}
		}
		if m == nil {
			m = &Member{ID: "i" + strings.ToLower(rand.Text()[:8])}
			p.Members[m.ID] = m
		}
		m.Person, m.ByNumber, m.Left = id, m.ByNumber && m.Person == id, false
		if inv.Facility != "" && (inv.Facility != m.Facility || m.Delegation == "") {
			t.station(m, inv.Facility)
		}
		if p.Courses[inv.Course] != nil {
			m.enrol(inv.Course)
		}
		return nil
	})
}

// station puts a member at a facility, with its delegation and clock. It reports whether those are known.
func (t *Trainer) station(m *Member, facility string) bool {
	m.Facility = facility
	_, state := t.Facility(facility)
	if state == "" {
		return false
	}
	m.Delegation, m.Zone = flows.Delegation(state), ""
	return true
}

// joined is the member someone is, in a programme that is being changed.
func (p *Programme) joined(id bot.PersonID) *Member {
	for _, m := range p.Members {
		if m.Person == id {
			return m
		}
	}
	return nil
}

// answered fills in what a person answered.
func (t *Trainer) answered(ctx context.Context, id bot.PersonID, p *Programme, sessions []bot.Session) error {
	pipe := t.Redis.Pipeline()
	var kept []*redis.SliceCmd
	var fields []string
	for _, each := range t.Vault.All(id) {
		fields = append(fields, answerField+string(each))
	}
	for _, s := range sessions {
		kept = append(kept, pipe.HMGet(ctx, keys.Reactions(s.ID), fields...))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("read someone's answers: %w", err)
	}
	for i := range sessions {
		answer := ""
		for _, one := range kept[i].Val() {
			one, _ := one.(string)
			answer = newest(answer, one)
		}
		_, answer, _ = strings.Cut(answer, " ") // the stamp
		sessions[i].Answer = p.Sessions[sessions[i].ID].answer(answer)
	}
	return nil
}

// sizes counts the audiences of all sessions at once.
func (p *Programme) sizes() func(*Session) int {
	count := map[string]map[string]int{} // by course and delegation
	for _, m := range p.Members {
		for _, c := range m.Courses {
			if count[c] == nil {
				count[c] = map[string]int{}
			}
			count[c][m.Delegation]++
		}
	}
	return func(s *Session) (n int) {
		for delegation, some := range count[s.Course] {
			if len(s.Audience) == 0 || slices.Contains(s.Audience, delegation) {
				n += some
			}
		}
		return n
	}
}

func courses(p *Programme) []bot.Course {
	var all []bot.Course
	for _, id := range slices.Sorted(maps.Keys(p.Courses)) {
		c := bot.Course{ID: id, Title: p.Courses[id].Title}
		for _, m := range p.Members {
			if slices.Contains(m.Courses, id) {
				c.People++
			}
		}
		all = append(all, c)
	}
	return all
}
