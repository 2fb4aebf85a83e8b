package bot

import (
	"errors"
	"strconv"
	"strings"

	"faro/locales"
)

// recordVersion is the first field of a stored dialogue. A record of another version is not read:
// its person starts at the menu again.
const recordVersion = "1"

var errRecord = errors.New("not a dialogue record")

// MarshalText writes a dialogue as version|at|next|trail|seen|pace. It is compact because there is one
// for each person.
func (d Dialogue) MarshalText() ([]byte, error) {
	var b strings.Builder
	b.WriteString(recordVersion)
	b.WriteByte('|')
	b.WriteString(d.At.record())
	b.WriteByte('|')
	b.WriteString(d.Next.record())
	b.WriteByte('|')
	for i, s := range d.Trail {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(s.record())
	}
	b.WriteByte('|')
	for _, s := range d.Seen {
		b.WriteString(s)
	}
	if pace := d.Pace.record(); pace != "" {
		b.WriteString("|" + pace)
	}
	return []byte(b.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Dialogue) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), "|")
	if len(parts) < 5 || len(parts) > 6 || parts[0] != recordVersion || len(parts[4])%seenLen != 0 {
		return errRecord
	}
	*d = Dialogue{At: screen(parts[1]), Next: screen(parts[2])}
	if parts[3] != "" {
		for _, s := range strings.Split(parts[3], ",") {
			d.Trail = append(d.Trail, screen(s))
		}
	}
	for seen := parts[4]; seen != ""; seen = seen[seenLen:] {
		d.Seen = append(d.Seen, seen[:seenLen])
	}
	if len(parts) == 6 {
		d.Pace = pace(parts[5])
	}
	return nil
}

func (s Screen) record() string {
	r := s.Step
	if s.Arg != "" {
		r += "/" + s.Arg
	}
	if s.Lang != "" {
		r += "@" + string(s.Lang)
	}
	if s.Page > 0 {
		r += ":" + strconv.Itoa(s.Page)
	}
	if s.Had != "" {
		r += "~" + s.Had
	}
	return r
}

func screen(r string) Screen {
	r, had, _ := strings.Cut(r, "~")
	r, page, _ := strings.Cut(r, ":")
	r, lang, _ := strings.Cut(r, "@")
	s := Screen{Lang: locales.Lang(lang), Had: had}
	s.Step, s.Arg, _ = strings.Cut(r, "/")
	s.Page, _ = strconv.Atoi(page)
	return s
}
