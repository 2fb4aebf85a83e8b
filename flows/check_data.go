package flows

import (
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known wherever the program runs

	"faro/locales"
)

func (k *checker) checkTopic(t *Topic) {
	c, f := k.content, k.topics[t.ID]
	if !ident.MatchString(t.ID) {
		k.add(f.errorf(nil, "topic %q: a name has lower-case letters, digits and hyphens, at most 40", t.ID))
	}
	if !slices.Contains(c.Groups, t.Group) {
		k.add(f.errorf([]string{"group"}, "group %q is not known; known are %s", t.Group, strings.Join(c.Groups, ", ")))
	}
	for _, r := range t.Related {
		if c.Topics[r] == nil {
			k.add(f.errorf([]string{"related"}, "related topic %s does not exist", r))
		}
		if r == t.ID {
			k.add(f.errorf([]string{"related"}, "a topic is not related to itself"))
		}
	}
	if c.Contacts[t.Ask] == nil {
		k.add(f.errorf([]string{"ask"}, "contact %q is not in flows/contacts.yaml; an old answer must say whom to ask", t.Ask))
	}
	if len(t.Sources) == 0 {
		k.add(f.errorf([]string{"sources"}, "no source: an answer without one is not sent"))
	}
	for _, s := range t.Sources {
		if s.Title == "" || len(s.Seen) == 0 {
			k.add(f.errorf([]string{"sources"}, "a source needs title and seen"))
		}
	}
	switch {
	case t.AsOf.IsZero():
		k.add(f.errorf([]string{"as_of"}, "as_of is missing; write the day the facts were checked, like 2026-11-23"))
	case t.ReviewBy.IsZero():
		k.add(f.errorf([]string{"review_by"}, "review_by is missing; write the day after which the answer is called old, like 2027-05-23"))
	case !t.ReviewBy.After(t.AsOf.Time):
		k.add(f.errorf([]string{"review_by"}, "review_by is not after as_of"))
	}
	if t.Reviewer == "" {
		k.add(f.errorf([]string{"reviewer"}, "reviewer is missing; name the role that must review it"))
	}
	for _, field := range locales.TopicTexts {
		k.need(f, nil, "topic."+t.ID+"."+field)
	}
}

// phone allows digits parted by spaces with a leading +, and short numbers.
var phone = regexp.MustCompile(`^\+?[0-9]+([ -][0-9]+)*$`)

func (k *checker) checkContacts() {
	for _, id := range sorted(k.content.Contacts) {
		x, at := k.content.Contacts[id], []string{id}
		if x.Who == "" || !phone.MatchString(x.Phone) {
			k.add(k.contacts.errorf(at, "contact %s needs who and a phone of digits and spaces", id))
		}
		if x.AsOf.IsZero() || x.Source == "" {
			k.add(k.contacts.errorf(at, "contact %s needs as_of and source", id))
		}
		if x.Confidence != "verified" && x.Confidence != "likely" {
			k.add(k.contacts.errorf(at, "contact %s: only a verified or likely number is given to people, not %q", id, x.Confidence))
		}
	}
}

// What a facility can be and how it can stand.
var (
	Kinds    = []string{"station", "provisional", "provisional-a", "provisional-b", "unknown"}
	Statuses = []string{"operating", "suspended", "closed", "unknown"}
)

func (k *checker) checkFacilities() {
	for _, id := range sorted(k.content.Facilities) {
		x, at := k.content.Facilities[id], []string{id}
		switch {
		case !ident.MatchString(id):
			k.add(k.facilities.errorf(at, "facility %q: a name has lower-case letters, digits and hyphens, at most 40", id))
		case x.Name == "" || x.City == "" || x.State == "":
			k.add(k.facilities.errorf(at, "facility %s needs name, city and state", id))
		case x.At.North < 14 || x.At.North > 33 || x.At.East < -119 || x.At.East > -86:
			k.add(k.facilities.errorf(at, "facility %s: at is [degrees north, degrees east] of its city, like [14.91, -92.26], inside Mexico", id))
		case !zone(x.Zone):
			k.add(k.facilities.errorf(at, "facility %s: zone %q is no IANA time zone like America/Tijuana", id, x.Zone))
		case !slices.Contains(Kinds, x.Kind):
			k.add(k.facilities.errorf(at, "facility %s: kind %q is not known; known are %s", id, x.Kind, strings.Join(Kinds, ", ")))
		case !slices.Contains(Statuses, x.Status):
			k.add(k.facilities.errorf(at, "facility %s: status %q is not known; known are %s", id, x.Status, strings.Join(Statuses, ", ")))
		case x.AsOf.IsZero() || x.Source == "":
			k.add(k.facilities.errorf(at, "facility %s needs as_of and source", id))
		}
	}
}

func zone(name string) bool {
	_, err := time.LoadLocation(name)
	return name != "" && name != "Local" && err == nil
}

// Texts the engine needs whatever the steps say, by package bot.
var engineTexts = []string{
	"who.operator", "who.nobody", "words.gone", "words.kept", "period.hours", "period.days", "period.months", "switch.text", "changed.text", "place.line", "place.line_sms", "place.station", "place.provisional", "place.provisional-a",
	"place.provisional-b", "place.unknown", "status.operating", "status.suspended", "status.closed", "status.unknown", "label.back", "label.menu", "label.emergency", "footer.more", "footer.nav",
	"answer.source", "answer.asof", "answer.stale", "answer.asof_sms", "answer.stale_sms",
	"date.format", "date.m1", "date.m2", "date.m3", "date.m4", "date.m5", "date.m6", "date.m7", "date.m8", "date.m9",
	"date.m10", "date.m11", "date.m12",
	"date.when", "date.mine", "date.mine-day", "date.d0", "date.d1", "date.d2", "date.d3", "date.d4", "date.d5", "date.d6",
	"soon.now", "soon.minutes", "soon.hours", "session.cancelled", "session.yes", "session.no", "session.maybe",
	"post-day.past", "post-time.skipped", "post-time.twice", "role.staff", "role.trainer", "role.coordinator", "role.admin", "training.none", "training.groups", "post-course.none", "label.later",
	"delegation.nowhere", "report.text", "report.refused", "report.silent", "report.missed", "report.late", "report.unreminded", "report.code", "calendar.feed", "invite.course", "invite.link",
	"date.day", "follow.nowhere", "blank.day", "blank.time", "blank.until", "blank.place", "notice-read.routine", "notice-read.important",
	"notice-read.emergency", "notice-read.until", "notice-read.other", "notice-read.corrects", "notice-read.test", "notice-read.stop",
	"preflight.title", "preflight.people", "preflight.left", "preflight.lacking", "preflight.sms", "preflight.cost", "preflight.unpriced",
	"preflight.ends", "preflight.late", "preflight.approval", "preflight.send", "label.notice-send", "notice-problem.nobody", "notice-problem.past", "notice-problem.too-long", "notice-problem.blank",
	"notice-problem.started", "notice-problem.too-far", "notice-problem.too-long-chat", "notice-problem.blank-long", "notice-problem.day-past",
	"notice-problem.no-text", "notice-problem.gone", "notice-state.waiting", "notice-state.planned", "notice-state.sending", "notice-state.paused",
	"notice-state.stopped", "notice-state.done", "notice-state.refused", "notice-state.expired", "notice-state.of", "notice-state.rate",
	"notice-state.time", "notice-state.acts",
	"notice-sign.waiting", "notice-sign.planned", "notice-sign.sending", "notice-sign.paused", "notice-sign.stopped", "notice-sign.done",
	"notice-sign.refused", "notice-sign.expired", "notice-count.queued", "notice-count.delivered", "notice-count.arrived", "notice-count.undelivered",
	"notice-count.held", "notice-count.expired", "notice-count.opted-out", "notice-count.unreachable", "notice-count.stopped", "notice-count.blocked",
	"notice-count.invalid", "notice-count.off", "notice-count.quiet", "notice-count.failed", "notice-summary.text", "notice-summary.now", "who-gets.all",
	"who-gets.migrants", "who-gets.staff", "urgency.routine", "urgency.important", "urgency.emergency", "channel.telegram", "channel.sms",
	"label.follow-place", "label.act-approve", "label.act-refuse", "label.act-pause", "label.act-resume", "label.act-stop",
	"label.act-retry", "label.act-take-back", "label.act-correct",
	"away.text", "away.stop", "poster.ask", "poster.scan", "poster.sms", "poster.danger",
	"telegram.description", "telegram.about", "command.menu", "command.sos", "command.language", "command.help",
	"command.exit", "command.erase", "command.stop",
}

// values are what may be filled into texts besides phone numbers.
var values = []string{"who", "words", "dialogue", "person", "n", "operator", "facility", "sources", "language", "kind", "status", "date", "ask", "day", "month", "year",
	"session", "soon", "feed", "link", "count", "role", "code", "weekday", "from", "until", "city", "yes", "no", "maybe", "none", "reached", "people", "list", "course",
	"what", "most", "over", "notice", "summary", "zone", "have", "lack", "act", "other", "encoding", "segments", "cost", "minutes", "end", "done", "all", "rate",
	"where", "readers", "delegation", "urgency", "keyword", "number"}

var filled = regexp.MustCompile(`\{\{\.([a-z]+)(?:\.([a-z]+))?\}\}`)

// checkTexts reports texts nobody uses and places nothing fills.
func (k *checker) checkTexts() {
	for _, key := range engineTexts {
		k.need(k.conversation, nil, key)
	}
	first := k.book.Languages()[0].Tag
	for _, key := range k.book.Keys() {
		for _, l := range k.book.Languages() {
			text, ok := k.book.Raw(l.Tag, key)
			if !ok {
				continue
			}
			for _, m := range filled.FindAllStringSubmatch(text, -1) {
				if strings.HasPrefix(key, readyPrefix) && m[2] == "" {
					continue // held against the notice by checkReadyTexts
				}
				if m[1] == "phone" && k.content.Contacts[m[2]] != nil || m[2] == "" && slices.Contains(values, m[1]) {
					continue
				}
				k.addAt(l.Tag, key, "nothing fills %s; phones are {{.phone.KEY}} with a key of flows/contacts.yaml", m[0])
			}
		}
		if !k.used[key] {
			k.addAt(first, key, "nothing uses the text %s; remove it in every language", key)
		}
	}
}
