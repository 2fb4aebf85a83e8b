package bot

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"faro/flows"
)

// How many turns one person may take. A frightened person sends a line at a time, twenty in a minute
// at most; whoever sends more is not reading the answers, and each answer by SMS costs money.
const (
	burst  = 20                 // turns at once
	refill = 3 * time.Second    // until there is one more
	calm   = 5                  // turns there must be again before someone who sent too much is answered
	brim   = burst * refill     // from empty to full
	quiet  = brim - calm*refill // what may still be lacking then

	// What must be answered even then: danger, and STOP, ERASE and EXIT, which are always carried out.
	vitalBurst  = 3
	vitalRefill = 30 * time.Second
	vitalBrim   = vitalBurst * vitalRefill
)

// A Pace is how fast someone writes: two buckets of turns, one for what is vital, each kept as the
// second (Unix time) at which it will be full again. The zero Pace is that of someone who was silent.
type Pace struct {
	full, vital int64
	told        bool // has been told to wait
}

// Rested is when both buckets are full again, and nothing need be remembered.
func (p Pace) Rested() time.Time { return time.Unix(max(p.full, p.vital), 0) }

// turn takes a turn, and reports false if there is none: then whoever goes on sending stays at empty.
func (p *Pace) turn(now time.Time) bool {
	lacks := lacking(p.full, now)
	if p.told && lacks <= quiet {
		p.told = false
	}
	if p.told || lacks+refill > brim {
		p.full = now.Add(min(lacks+refill, brim)).Unix()
		return false
	}
	p.full = now.Add(lacks + refill).Unix()
	return true
}

// vitalTurn takes one of the turns kept for what is vital.
func (p *Pace) vitalTurn(now time.Time) bool {
	lacks := lacking(p.vital, now)
	if lacks+vitalRefill > vitalBrim {
		return false
	}
	p.vital = now.Add(lacks + vitalRefill).Unix()
	return true
}

// lacking is how long a bucket needs to be full. A clock set back must not keep anyone waiting.
func lacking(full int64, now time.Time) time.Duration {
	d := time.Unix(full, 0).Sub(now.Truncate(time.Second))
	if d < 0 || d > max(brim, vitalBrim) {
		return 0
	}
	return d
}

// record writes a pace: "" for the zero Pace.
func (p Pace) record() string {
	if p == (Pace{}) {
		return ""
	}
	r := strconv.FormatInt(p.full, 36)
	if p.vital != 0 {
		r += "." + strconv.FormatInt(p.vital, 36)
	}
	if p.told {
		r += "!"
	}
	return r
}

// pace reads what record wrote; anything else is the zero Pace.
func pace(r string) (p Pace) {
	r, told := strings.CutSuffix(r, "!")
	full, vital, both := strings.Cut(r, ".")
	var err, err2 error
	p.told = told
	p.full, err = strconv.ParseInt(full, 36, 64)
	if both {
		p.vital, err2 = strconv.ParseInt(vital, 36, 64)
	}
	if err != nil || err2 != nil || p.full < 0 || p.vital < 0 {
		return Pace{}
	}
	return p
}

// Hears reports whether an input will be heard, as far as can be told before it is read: it is no duplicate, and
// not one of too many.
func (d Dialogue) Hears(in Input, now time.Time) bool {
	return !d.knows(in, now) && d.Pace.turn(now) // of a copy
}

// hold takes back the turn of someone who writes faster than they are answered. They are told once to
// wait; then what they send is not heard until they are calm. What is vital is answered from a bucket
// of its own.
func (s *step) hold(d Dialogue, p Person) {
	now := &s.Dialogue.Pace
	*now = d.Pace
	if s.Silent || len(s.Replies) == 0 || now.turn(s.now) {
		return
	}
	if s.vital(p) {
		if now.vitalTurn(s.now) {
			return
		}
		if s.Forget || s.Person.Stopped && !p.Stopped {
			s.Replies = nil // carried out, and confirmed often enough
			return
		}
	}
	pace, seen := *now, s.Dialogue.Seen
	s.Turn = Turn{Dialogue: d, Person: p, Heard: HeardFlood}
	s.Dialogue.Pace = pace
	if pace.told {
		s.Silent = pace == d.Pace // not even the second is another one: nothing to store
		return
	}
	s.Dialogue.Pace.told, s.Dialogue.Seen = true, seen
	if r, ok := s.render(Screen{Step: flows.Wait}, cmp.Or(p.Lang, s.guess())); ok {
		s.Replies = []Reply{r}
	}
}

// vital reports whether a turn is about danger, or takes someone out: STOP, ERASE, EXIT.
func (s *step) vital(p Person) bool {
	at, next := s.Dialogue.At, s.Dialogue.Next
	return s.Heard == HeardDanger || s.urgent(at.Step, at.Arg) || s.urgent(next.Step, next.Arg) ||
		s.Person.Stopped && !p.Stopped || s.Replies[0].Wipe
}
