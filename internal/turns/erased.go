package turns

import (
	"sync"
	"time"

	"faro/bot"
)

// erased holds how fast those wrote who erased themselves; a minute and a half later it does not matter
// any more. Redis forgets them at once; without this, a message and ERASE by turns would be answered
// without end, and each answer by SMS costs money. It is bounded and dies with the process.
type erased struct {
	mu sync.Mutex
	by map[bot.PersonID]bot.Pace
}

// maxErased is far more than there are people who erase themselves in a minute.
const maxErased = 10_000

func (e *erased) add(id bot.PersonID, p bot.Pace, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by == nil {
		e.by = map[bot.PersonID]bot.Pace{}
	}
	for old, p := range e.by {
		if now.After(p.Rested()) {
			delete(e.by, old)
		}
	}
	if len(e.by) < maxErased {
		e.by[id] = p
	}
}

func (e *erased) pace(id bot.PersonID) bot.Pace {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.by[id]
}
