package calendar_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"

	"faro/bot"
	"faro/internal/calendar"
)

func TestWrite(t *testing.T) {
	tijuana, err := time.LoadLocation("America/Tijuana")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	before := time.Date(2027, 3, 12, 9, 0, 0, 0, tijuana) // the clocks change on the 14th
	after := time.Date(2027, 3, 15, 9, 0, 0, 0, tijuana)
	long := strings.Repeat("Protección a la niñez; género, ", 5)
	file := calendar.Write("Faro", []bot.Session{
		{ID: "s1", Title: long, Module: "Módulo", Speakers: "INM, CNDH", Place: "Aula 1, \\ patio\nBEGIN:VALARM", Start: before, End: before.Add(4 * time.Hour), Version: 1},
		{ID: "s2", Title: "Género", Link: "https://example.org/a?b=c", Start: after, End: after.Add(4 * time.Hour), Version: 3, Cancelled: true},
	}, now)
	for _, line := range strings.Split(string(file), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || strings.ContainsRune(line, '\uFFFD') {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	read, err := ics.ParseCalendar(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	events := read.Events()
	if len(events) != 2 {
		t.Fatalf("%d events:\n%s", len(events), file)
	}
	for i, want := range []struct {
		uid, start, title, status, sequence string
	}{
		{"s1@faro", "20270312T170000Z", long, "CONFIRMED", "1"},
		{"s2@faro", "20270315T160000Z", "Género", "CANCELLED", "3"},
	} {
		get := func(p ics.ComponentProperty) string {
			if v := events[i].GetProperty(p); v != nil {
				return v.Value
			}
			return ""
		}
		for what, pair := range map[string][2]string{
			"uid": {get(ics.ComponentPropertyUniqueId), want.uid}, "start": {get(ics.ComponentPropertyDtStart), want.start},
			"title": {ics.FromText(get(ics.ComponentPropertySummary)), want.title}, "status": {get(ics.ComponentPropertyStatus), want.status},
			"sequence": {get(ics.ComponentPropertySequence), want.sequence},
		} {
			if pair[0] != pair[1] {
				t.Errorf("event %d: %s is %q, want %q", i, what, pair[0], pair[1])
			}
		}
	}
	if place := ics.FromText(events[0].GetProperty(ics.ComponentPropertyLocation).Value); place != "Aula 1, \\ patio\nBEGIN:VALARM" {
		t.Errorf("the place is %q", place)
	}
}

// TestNoLineIsSmuggledIn: whatever a text holds, it stays within its property.
func TestNoLineIsSmuggledIn(t *testing.T) {
	start := time.Date(2027, 3, 15, 9, 0, 0, 0, time.UTC)
	for _, evil := range []string{"\r\nATTACH:https://evil.example", "\nATTACH:https://evil.example", "\rATTACH:https://evil.example",
		"\r\n\r\nEND:VEVENT\r\nBEGIN:VALARM", "a;b,c:\\n", "\\\r\nATTACH:x", "x\u2028ATTACH:x"} {
		file := calendar.Write("Faro", []bot.Session{{ID: "s1", Title: "T" + evil, Module: "M" + evil, Speakers: "S" + evil, Place: "P" + evil,
			Link: "https://example.org/" + evil, Start: start, End: start.Add(time.Hour), Version: 1}}, start)
		for _, line := range strings.FieldsFunc(string(file), func(r rune) bool { return r == '\r' || r == '\n' }) {
			if strings.HasPrefix(line, "ATTACH") || strings.HasPrefix(line, "BEGIN:VALARM") {
				t.Errorf("%q made a line of its own:\n%s", evil, file)
			}
		}
		if n := strings.Count(strings.ReplaceAll(string(file), "\r\n", ""), "\r"); n > 0 {
			t.Errorf("%q left %d carriage returns", evil, n)
		}
		read, err := ics.ParseCalendar(bytes.NewReader(file))
		if err != nil || len(read.Events()) != 1 {
			t.Errorf("%q: %v", evil, err)
		}
	}
}
