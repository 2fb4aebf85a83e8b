package notices

import (
	"testing"
	"time"

	"faro/internal/vault"
)

// FuzzRecord holds that a damaged record of a notice is refused, and one that is read can be looked at.
func FuzzRecord(f *testing.F) {
	v, err := vault.New()
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{`{"ID":"n1","by":"x.y","state":"planned","made":"2026-12-01T12:00:00Z","people":3}`, `{"Facilities":["a","a",""],"Texts":{"es":"x"},"ended":"x"}`,
		`{"Facilities":null,"Texts":null}`, "null", "", "[]", `{"people":1e99}`, `{"made":"9999-12-31T23:59:59+23:59"}`} {
		f.Add(text)
	}
	s := New(Config{Vault: v, Now: time.Now})
	f.Fuzz(func(t *testing.T, text string) {
		r, err := s.decode(text)
		if err != nil {
			return
		}
		s.due(r)
		facilities(&r.Notice)
		hand(&r.Notice)
		lacks(&r.Notice, "es")
		s.halt([]*Record{r})
	})
}
