package bot

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"faro/locales"
)

// sayAnswer says the answer of a topic with its sources and dates. Past its review-by date the answer
// says so before anything else, and whom to ask. It reports false if the language lacks the answer.
func (s *step) sayAnswer(r *Reply, id string) bool {
	t := s.content.Topics[id]
	if t == nil {
		return false
	}
	form := ".telegram"
	if s.in.Channel == SMS {
		form = ".sms"
	}
	text := s.text(r.Lang, "topic."+id+form, nil)
	if text == "" {
		return false
	}
	r.Title = s.text(r.Lang, "topic."+id+".title", nil)
	if s.in.Channel != SMS { // a text message begins with it
		text = s.text(r.Lang, "topic."+id+".action", nil) + "\n\n" + text
	}
	old := s.now.After(t.ReviewBy.AddDate(0, 0, 1))
	ask := s.content.Contacts[t.Ask]
	whom := ask.Who + " " + ask.Phone
	if ask.Who == ask.Phone {
		whom = ask.Phone
	}
	args := locales.Args{"date": s.date(r.Lang, t.AsOf.Time), "ask": whom}
	switch {
	case s.in.Channel == SMS && old:
		text = s.text(r.Lang, "answer.stale_sms", args) + "\n" + text
	case s.in.Channel == SMS:
		text += " " + s.text(r.Lang, "answer.asof_sms", args)
	default:
		var titles []string
		for _, source := range t.Sources {
			titles = append(titles, source.Title)
		}
		sources := s.text(r.Lang, "answer.source", locales.Args{"sources": strings.Join(titles, "; ")})
		if old {
			text = s.text(r.Lang, "answer.stale", args) + "\n\n" + text + "\n\n" + sources
		} else {
			text += "\n\n" + sources + "\n" + s.text(r.Lang, "answer.asof", args)
		}
	}
	r.Text = text
	return true
}

// date is a day as the language writes it.
func (s *step) date(lang locales.Lang, day time.Time) string {
	return s.text(lang, "date.format", locales.Args{
		"day":   strconv.Itoa(day.Day()),
		"month": s.text(lang, fmt.Sprintf("date.m%d", day.Month()), nil),
		"year":  strconv.Itoa(day.Year()),
	})
}
