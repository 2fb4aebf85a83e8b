package training

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"faro/internal/keys"
)

// A Removal is what goes with a course.
type Removal struct {
	Sessions []*Session // soonest first
	Members  []*Member  // those who are in no other course, in the order of their ids
}

// Without is a copy of the programme without a course, its sessions and the members who are in no other.
func (p *Programme) Without(course string) (*Programme, Removal, error) {
	var gone Removal
	if p.Courses[course] == nil {
		return nil, gone, p.unknown(course)
	}
	next, err := p.clone()
	if err != nil {
		return nil, gone, err
	}
	delete(next.Courses, course)
	for _, s := range next.Sorted() {
		if s.Course == course {
			gone.Sessions = append(gone.Sessions, s)
			next.Removed[s.ID] = s.Version
			delete(next.Sessions, s.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(next.Members)) {
		m := next.Members[id]
		if !slices.Contains(m.Courses, course) {
			continue
		}
		is := func(c string) bool { return c == course }
		m.Courses = slices.DeleteFunc(m.Courses, is)
		if m.Sheet != nil {
			m.Sheet.Courses = slices.DeleteFunc(m.Sheet.Courses, is)
		}
		if len(m.Courses) == 0 && !m.Left { // or their sheet would bring back who has left
			gone.Members = append(gone.Members, m)
			delete(next.Members, id)
		}
	}
	return next, gone, nil
}

// Remove takes a course away. Reminders that are planned find no session and do nothing; nobody is told.
func (s *Store) Remove(ctx context.Context, course string) (gone Removal, err error) {
	err = s.Change(ctx, func(p *Programme) error {
		next, all, err := p.Without(course)
		if err != nil {
			return err
		}
		*p, gone = *next, all
		return nil
	})
	return gone, err
}

// Clear deletes what people answered to sessions that were removed, and that they were told of them.
func (s *Store) Clear(ctx context.Context, sessions []*Session) error {
	if len(sessions) == 0 {
		return nil
	}
	pipe := s.Redis.Pipeline()
	for _, x := range sessions {
		pipe.Del(ctx, keys.Reactions(x.ID))
		for p := range keys.Partition(keys.Partitions) {
			pipe.Del(ctx, keys.Told(p, x.ID))
			for _, about := range x.abouts() {
				pipe.Del(ctx, keys.Tally(p, about))
				pipe.Del(ctx, keys.Counts(p, about))
			}
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("delete what people answered: %w", err)
	}
	return nil
}
