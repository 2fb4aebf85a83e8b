package training

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"faro/bot"
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
	d.Role = role
	member := programme.Member(id)
	d.Zone = t.zone(programme, member)
	for _, s := range programme.Sorted() {
		if s.End.After(t.Now()) && (role.Trains() || member != nil && member.Attends(s)) {
			d.Sessions = append(d.Sessions, s.shown())
		}
	}
	if role.Trains() {
		d.Courses, d.Fresh = courses(programme), people.NewCode()
	}
	if member == nil {
		return nil
	}
	if t.Public != "" && in.Channel == bot.Telegram { // a carrier would block a link
		d.Feed = t.Public + "/calendar/" + t.Vault.SealName(feedUse, string(id)) + ".ics"
	}
	d.Asked, err = t.Redis.HGet(ctx, keys.Asked(keys.Of(id)), string(id)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("read what someone was asked: %w", err)
	}
	return t.answered(ctx, id, programme, d.Sessions)
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
		m := p.Members[inv.Member]
		if m == nil {
			m = p.joined(id)
		}
		if m == nil {
			m = &Member{ID: "i" + strings.ToLower(rand.Text()[:8])}
			p.Members[m.ID] = m
		}
		m.Person = id
		if inv.Facility != "" {
			m.Facility = inv.Facility
		}
		if inv.Course != "" && p.Courses[inv.Course] != nil && !slices.Contains(m.Courses, inv.Course) {
			m.Courses = append(m.Courses, inv.Course)
		}
		return nil
	})
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
