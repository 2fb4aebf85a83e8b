package soak

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"faro/bot"
	"faro/internal/quiet"
	"faro/internal/training"
	"faro/internal/vault"
)

// Members are trained, and only read.
const (
	members = 60
	course  = "curso"
	ahead   = 6 * time.Hour // that a session is; people are told of it at once
)

// A class is who is told of a run's sessions. Before each fault one is posted, and the one before it moved elsewhere.
type class struct {
	rig     *rig
	store   *training.Store
	members []*guest
	posted  int
	posting sync.WaitGroup
}

// newClass has the members join, before anything breaks.
func newClass(ctx context.Context, r *rig) *class {
	r.t.Helper()
	seals, err := vault.Open(filepath.Join(r.dir, "keys.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	c := &class{rig: r, store: &training.Store{Redis: r.redis, Vault: seals}}
	err = c.store.Change(ctx, func(p *training.Programme) error {
		p.Settings.Quiet = quiet.Hours{} // the test runs at any hour
		p.Courses[course] = &training.Course{ID: course, Title: "Grupo 1"}
		for i := range members {
			g := &guest{channel: bot.Telegram, address: strconv.Itoa(5_000_000_000 + i)}
			if i%2 == 1 {
				g.channel, g.address = bot.SMS, fmt.Sprintf("+5281%08d", 10_000_000+i)
			} else {
				r.tg.Know(5_000_000_000 + int64(i))
			}
			c.members = append(c.members, g)
			id := fmt.Sprint("m", i)
			p.Members[id] = &training.Member{ID: id, Courses: []string{course}, Person: seals.Seal(g.channel, g.address)}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.posting.Wait)
	return c
}

// place is where a session is, and where it is once it has been moved.
func place(i int, moved bool) string {
	return fmt.Sprintf("Salon %d%s.", i, map[bool]string{false: "A", true: "B"}[moved])
}

// post posts a session and moves the one before it, whatever breaks meanwhile: it is tried until it is stored.
func (c *class) post(ctx context.Context) {
	c.posted++
	n := c.posted
	c.posting.Go(func() {
		for c.store.Change(ctx, func(p *training.Programme) error { timetable(p, n); return nil }) != nil {
			if sleep(ctx, 50*time.Millisecond) != nil {
				c.rig.t.Error("a session was never stored")
				return
			}
		}
	})
}

// timetable makes n sessions and moves all but the last, whatever is done of that.
func timetable(p *training.Programme, n int) {
	for i := range n {
		id, start := strconv.Itoa(i), time.Now().Add(ahead)
		if p.Sessions[id] == nil {
			p.Sessions[id] = &training.Session{ID: id, Course: course, Title: "Derechos humanos", Place: place(i, false), Zone: "America/Tijuana",
				Start: start, End: start.Add(time.Hour), Version: 1, Code: "ABC234"}
		}
		if s := p.Sessions[id]; i < n-1 && s.Place == place(i, false) {
			s.Place, s.Version = place(i, true), s.Version+1
		}
	}
}

// settle waits until everyone knows where each session is, and counts what was not as promised. Who had not yet been told
// where one was to be when it was moved is told only the new place.
func (c *class) settle(ctx context.Context, f *figures) {
	c.posting.Wait()
	var now, before []string
	for i := range c.posted {
		last := i == c.posted-1
		now = append(now, place(i, !last))
		if !last {
			before = append(before, place(i, false))
		}
	}
	f.sessions = c.rig.reach(ctx, f, c.members, now)
	f.sessions.made = c.posted
	f.sessions.twice += c.rig.repeated(f, c.members, before)
}
