package training

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Enrol puts members into a course, unless one of them would have to be at two sessions at once. After an error some may
// be in it.
func (p *Programme) Enrol(course string, members ...string) error {
	if p.Courses[course] == nil {
		return p.unknown(course)
	}
	all := p.Sorted()
	for _, id := range members {
		m := p.Members[id]
		if m == nil {
			return fmt.Errorf("there is no person %q; faro training people lists them", id)
		}
		m.enrol(course)
		var err error
		m.clashes(all, func(first, second *Session) {
			err = fmt.Errorf("sessions %s and %s are at the same time, and person %s would be in both", first.ID, second.ID, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unknown says that there is no course of an id.
func (p *Programme) unknown(course string) error {
	return fmt.Errorf("there is no course %q; there are: %s", course, strings.Join(slices.Sorted(maps.Keys(p.Courses)), ", "))
}

func (m *Member) enrol(courses ...string) {
	for _, c := range courses {
		if !slices.Contains(m.Courses, c) {
			m.Courses = append(m.Courses, c)
		}
	}
}

// clashes calls f for each two sessions, of all soonest first, that a member would have to attend at once.
func (m *Member) clashes(all []*Session, f func(first, second *Session)) {
	var last *Session
	for _, s := range all {
		if s.Cancelled || !m.Attends(s) {
			continue
		}
		if last != nil && s.Start.Before(last.End) {
			f(last, s)
		}
		if last == nil || s.End.After(last.End) {
			last = s
		}
	}
}
