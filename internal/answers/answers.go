// Package answers finds the topics a question is about. It is the one place where that is decided.
//
// It chooses among vetted answers and never writes one; unsure, it offers a choice. It runs in
// process, needs no network, keeps nothing of what it reads, and gives the same answer for the same
// words. An Index does not change after New and may be used from several goroutines.
package answers

import (
	"cmp"
	"slices"
	"strings"

	"faro/bot"
	"faro/flows"
	"faro/locales"
)

// Limits of what is returned and of when it is sure. The scores are the share of the best phrase's
// words that the question has, so a whole phrase scores 1.
const (
	maxTopics = 5    // more choices than this help nobody
	sure      = 0.99 // a whole phrase of the topic stands in the question
	maybe     = 0.5  // half of a phrase does
	lead      = 0.2  // by which the best must lead the next to be sure
)

// An Index knows the names and keywords of all topics in all languages.
type Index struct {
	content *flows.Content
	phrases map[locales.Lang][]phrase
}

type phrase struct {
	topic string
	words []string
}

// New reads the titles and keywords of the topics.
func New(content *flows.Content, book *locales.Book) *Index {
	x := &Index{content: content, phrases: map[locales.Lang][]phrase{}}
	for _, l := range book.Languages() {
		for id := range content.Topics {
			title, _ := book.Raw(l.Tag, "topic."+id+".title")
			for _, q := range append(book.Topic(l.Tag, id).Questions, locales.Question{Text: title}) {
				if words := strings.Fields(locales.Fold(q.Text)); len(words) > 0 {
					x.phrases[l.Tag] = append(x.phrases[l.Tag], phrase{id, words})
				}
			}
		}
	}
	return x
}

// Find ranks the topics for a question in a language. With the language "" it reads the question in
// every language and says in which it fits best.
func (x *Index) Find(lang locales.Lang, words bot.Words) bot.Match {
	said := strings.Fields(locales.Fold(string(words)))
	if lang != "" {
		return x.match(lang, said)
	}
	best := bot.Match{Decision: bot.None}
	for _, l := range sortedLangs(x.phrases) {
		m := x.match(l, said)
		if len(m.Topics) > 0 && (len(best.Topics) == 0 || m.Topics[0].Score > best.Topics[0].Score) {
			best = m
		}
	}
	return best
}

func sortedLangs(m map[locales.Lang][]phrase) []locales.Lang {
	var all []locales.Lang
	for l := range m {
		all = append(all, l)
	}
	slices.Sort(all)
	return all
}

func (x *Index) match(lang locales.Lang, said []string) bot.Match {
	best := map[string]bot.Scored{}
	length := map[string]int{} // words of the best phrase: of two whole phrases the longer says more
	for _, p := range x.phrases[lang] {
		score := overlap(p.words, said)
		if score < maybe {
			continue
		}
		if was := best[p.topic]; score > was.Score || score == was.Score && len(p.words) > length[p.topic] {
			best[p.topic] = bot.Scored{Topic: p.topic, Score: score}
			length[p.topic] = len(p.words)
		}
	}
	m := bot.Match{Lang: lang, Decision: bot.None}
	for _, s := range best {
		m.Topics = append(m.Topics, s)
	}
	slices.SortFunc(m.Topics, func(a, b bot.Scored) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(length[b.Topic], length[a.Topic]), cmp.Compare(a.Topic, b.Topic))
	})
	m.Topics = m.Topics[:min(len(m.Topics), maxTopics)]
	if len(m.Topics) == 0 {
		return m
	}
	top := m.Topics[0]
	m.Urgent = x.content.Topics[top.Topic].Urgent
	m.Decision = bot.Offered
	alone := len(m.Topics) == 1 || top.Score-m.Topics[1].Score >= lead || length[top.Topic] > length[m.Topics[1].Topic]
	if top.Score >= sure && alone {
		m.Decision = bot.Sure
	}
	return m
}

// overlap is the share of a phrase's words found in what was said.
func overlap(phrase, said []string) float64 {
	found := 0
	for _, w := range phrase {
		if slices.Contains(said, w) {
			found++
		}
	}
	return float64(found) / float64(len(phrase))
}
