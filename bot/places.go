package bot

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"faro/flows"
	"faro/locales"
)

// A Position is where someone says they are, in degrees. It is used once and never kept or printed.
type Position struct {
	North, East float64
}

// String hides the position.
func (Position) String() string { return redacted }

// GoString hides the position.
func (Position) GoString() string { return redacted }

// MarshalJSON hides the position.
func (Position) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// shownPlaces is how many facilities fit on the first page of a text message.
const shownPlaces = 3

// findTopic is the topic that asks for a place.
const findTopic = "find-facility"

// nearest are the facilities nearest to a position, nearest first.
func (t *Talk) nearest(from Position) []string {
	all := t.places()
	slices.SortStableFunc(all, func(a, b *flows.Facility) int {
		return cmp.Compare(distance(from, Position(a.At)), distance(from, Position(b.At)))
	})
	return ids(all)
}

// places lists all facilities, sorted by id.
func (t *Talk) places() []*flows.Facility {
	var all []*flows.Facility
	for _, f := range t.content.Facilities {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *flows.Facility) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func ids(all []*flows.Facility) []string {
	var out []string
	for _, f := range all[:min(len(all), shownPlaces)] {
		out = append(out, f.ID)
	}
	return out
}

// distance between two positions in kilometres, along the earth (haversine).
func distance(a, b Position) float64 {
	const earth, degree = 6371, math.Pi / 180
	north, east := (b.North-a.North)*degree/2, (b.East-a.East)*degree/2
	h := math.Pow(math.Sin(north), 2) + math.Cos(a.North*degree)*math.Cos(b.North*degree)*math.Pow(math.Sin(east), 2)
	return 2 * earth * math.Asin(math.Sqrt(h))
}

// named are the facilities whose city, state or name a text has, forgiving typos; those in a city
// that is named come first.
func (t *Talk) named(text string) []string {
	words := strings.Fields(locales.Fold(text))
	type found struct {
		*flows.Facility
		rank int
	}
	var all []found
	for _, f := range t.places() {
		switch {
		case says(words, f.City), says(words, f.Name):
			all = append(all, found{f, 0})
		case says(words, f.State):
			all = append(all, found{f, 1})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.rank - b.rank })
	var places []*flows.Facility
	for _, f := range all {
		places = append(places, f.Facility)
	}
	return ids(places)
}

// delegation is the delegation a text names, by itself or by a city with a facility, forgiving typos; "" if it names none.
func (t *Talk) delegation(text string) string {
	if exact := flows.Delegation(text); exact != "" {
		return exact
	}
	words, found := strings.Fields(locales.Fold(text)), ""
	for _, name := range flows.Delegations {
		if says(words, name) && len(name) > len(found) { // Baja California Sur, not Baja California
			found = name
		}
	}
	if places := t.named(text); found == "" && len(places) > 0 {
		found = flows.Delegation(t.content.Facilities[places[0]].State)
	}
	return found
}

// says reports whether words have a name, each of its words at most a typo or two away.
func says(words []string, name string) bool {
	want := strings.Fields(locales.Fold(name))
	for i := 0; i+len(want) <= len(words); i++ {
		if slices.EqualFunc(want, words[i:i+len(want)], alike) {
			return true
		}
	}
	return false
}

// alike reports whether a word is another, or is it with few typos for its length.
func alike(want, got string) bool {
	allowed := 0
	switch n := len([]rune(want)); {
	case n >= 8:
		allowed = 2
	case n >= 5:
		allowed = 1
	}
	return want == got || allowed > 0 && apart([]rune(want), []rune(got)) <= allowed
}

// apart is the number of letters to change, add or leave out to make one word of another
// (Levenshtein).
func apart(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		before := row[0]
		row[0] = i + 1
		for j, y := range b {
			step := before
			if x != y {
				step++
			}
			before = row[j+1]
			row[j+1] = min(step, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// sayPlaces says what is known of facilities, each with its date.
func (s *step) sayPlaces(r *Reply, arg string) {
	line, between := "place.line", "\n\n"
	if s.in.Channel == SMS {
		line, between = "place.line_sms", "\n"
	}
	var lines []string
	for _, id := range strings.Split(arg, "+") {
		f := s.content.Facilities[id]
		if f == nil {
			continue
		}
		lines = append(lines, s.text(r.Lang, line, locales.Args{
			"facility": facility(f), "kind": s.text(r.Lang, "place."+f.Kind, nil),
			"status": s.text(r.Lang, "status."+f.Status, nil), "date": strconv.Itoa(f.AsOf.Year()), // the sources seldom tell the day
		}))
	}
	r.Text = strings.Join(append(lines, r.Text), between)
}

// facility is how a facility is called.
func facility(f *flows.Facility) string {
	if f.Name == f.City {
		return f.City + ", " + f.State
	}
	return f.Name + ", " + f.City + ", " + f.State
}
