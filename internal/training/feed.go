package training

import (
	"net/http"
	"strings"

	"faro/bot"
	"faro/internal/calendar"
)

// Feed serves GET /calendar/{name}: the sessions of whoever the secret name in the link belongs to, for
// calendar programs that look again by themselves. The link ends to work when they are no member any
// more. A wrong name is not told from one that is over.
func (t *Trainer) Feed(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(r.PathValue("name"), ".ics")
	id, err := t.Vault.OpenName(feedUse, name)
	if !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	p, err := t.Store.Load(r.Context())
	if err != nil {
		t.Log.Warn("training: a calendar was not served", "error", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	m := p.Member(t.Vault.Current(bot.PersonID(id)))
	if m == nil {
		http.NotFound(w, r)
		return
	}
	var sessions []bot.Session
	for _, s := range p.Of(m) {
		sessions = append(sessions, s.shown())
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// If the reader is gone, nobody is left to tell.
	_, _ = w.Write(calendar.Write("Faro", sessions, t.Now()))
}
