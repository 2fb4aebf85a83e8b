package training

import (
	"io"
	"time"

	"faro/bot"
	"faro/internal/table"
)

// A Reaction is what someone said to a session, and whether they were there.
type Reaction struct {
	Answer  bot.Answer
	Present bool
}

// WriteAnswers writes who answered what and who was there as CSV, a line for each session and member.
func (p *Programme) WriteAnswers(w io.Writer, reactions map[string]map[bot.PersonID]Reaction) error {
	out := table.New(w, "session", "module", "title", "start", "member", "delegation", "facility", "answer", "present", "joined")
	yes := map[bool]string{true: "yes"}
	for _, s := range p.Sorted() {
		for _, m := range p.Audience(s) {
			r := reactions[s.ID][m.Person]
			out.Row(s.ID, s.Module, s.Title, s.Start.Format(time.RFC3339), m.ID, m.Delegation, m.Facility, string(r.Answer), yes[r.Present], yes[m.Person != ""])
		}
	}
	return out.Close()
}
