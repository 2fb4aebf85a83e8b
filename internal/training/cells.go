package training

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	yearFirst = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	dayFirst  = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})/(\d{4})$`)
	asClock   = regexp.MustCompile(`^(\d{1,2}):(\d{2})(?::00)?$`)
	asLead    = regexp.MustCompile(`^(\d{1,3})([dhm])$`)
)

// readDay reads "2026-12-01" or "1/12/2026", day first.
func readDay(text string) (time.Time, error) {
	var year, month, day int
	if m := yearFirst.FindStringSubmatch(text); m != nil {
		year, month, day = number(m[1]), number(m[2]), number(m[3])
	} else if m := dayFirst.FindStringSubmatch(text); m != nil {
		day, month, year = number(m[1]), number(m[2]), number(m[3])
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day || int(t.Month()) != month || year < 2000 {
		return t, fmt.Errorf("%q is not a day like 2026-12-01 or 1/12/2026", text)
	}
	return t, nil
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// readClock reads "9:00" as the time since midnight.
func readClock(text string) (time.Duration, error) {
	m := asClock.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || number(m[1]) > 23 || number(m[2]) > 59 {
		return 0, fmt.Errorf("%q is not a time like 9:00", text)
	}
	return time.Duration(number(m[1]))*time.Hour + time.Duration(number(m[2]))*time.Minute, nil
}

// ParseLeads reads "7d 1d 1h 30m", longest first, or "none".
func ParseLeads(text string) ([]Lead, error) {
	leads := []Lead{}
	if text = strings.TrimSpace(strings.ToLower(text)); text == "none" {
		return leads, nil
	}
	for _, word := range strings.Fields(text) {
		m := asLead.FindStringSubmatch(word)
		if m == nil || number(m[1]) == 0 {
			return nil, fmt.Errorf("%q is not a time before a session like 7d, 1h or 30m", word)
		}
		switch n := number(m[1]); m[2] {
		case "d":
			leads = append(leads, Lead{Days: n})
		case "h":
			leads = append(leads, Lead{Before: time.Duration(n) * time.Hour})
		case "m":
			leads = append(leads, Lead{Before: time.Duration(n) * time.Minute})
		}
	}
	return leads, nil
}

// String is what ParseLeads reads.
func (l Lead) String() string {
	switch {
	case l.Days > 0:
		return strconv.Itoa(l.Days) + "d"
	case l.Before%time.Hour == 0:
		return strconv.Itoa(int(l.Before.Hours())) + "h"
	}
	return strconv.Itoa(int(l.Before.Minutes())) + "m"
}

func split(list string) []string {
	var all []string
	for part := range strings.SplitSeq(list, ";") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}
