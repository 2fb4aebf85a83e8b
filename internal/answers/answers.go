// Package answers finds the topics a question is about. It is the one place where that is decided.
//
// It chooses among vetted answers and never writes one; unsure, it offers a choice, and where nothing
// fits it says so. It learns from the examples in the content alone (the questions of each topic in
// each language, and the words of locales/words.toml), runs in process without a network, keeps
// nothing of what it reads, and decides the same for the same words. An Index may be used from
// several goroutines.
package answers

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"faro/bot"
	"faro/flows"
	"faro/locales"
)

// When the index is sure. The scores are probabilities; the limits were chosen on the question set
// in testdata, see docs/answers.md.
const (
	sure     = 0.60 // below, a choice is offered
	offer    = 0.10 // a topic less likely than this is not offered
	nothing  = 0.60 // the message is about none of the topics, if so likely
	danger   = 0.55 // a clause so likely about danger is answered first, whatever else is said
	other    = 0.90 // a message so likely in another language than the chosen one is
	maxTopic = 5    // more choices than this help nobody
	maxRead  = 2000 // runes of a message that are read; people in need write less
)

// An Index knows how people ask for the topics.
type Index struct {
	content *flows.Content
	book    *locales.Book

	learn  sync.Once
	topics *model // which topic, "" for none of them; for all languages at once, because people mix them
	tongue *model // which language
}

// New makes an index. It learns when it is first asked; see Warm.
func New(content *flows.Content, book *locales.Book) *Index {
	return &Index{content: content, book: book}
}

// Warm learns now, so that the first question need not wait. It takes about half a second.
func (x *Index) Warm() { x.learn.Do(x.train) }

func (x *Index) train() {
	reader := newReader(x.book)
	var about, in []example
	for _, l := range x.book.Languages() {
		add := func(topic, text string) {
			about = append(about, example{reader.features(text), topic})
			in = append(in, example{spelling(text), string(l.Tag)})
		}
		for _, id := range x.ids() {
			title, _ := x.book.Raw(l.Tag, "topic."+id+".title")
			add(id, title)
			for _, q := range x.book.Topic(l.Tag, id).Questions {
				add(id, q.Text)
			}
			for _, field := range []string{"sms", "telegram"} { // how the language is written
				text, _ := x.book.Raw(l.Tag, "topic."+id+"."+field)
				for _, s := range sentences(text) {
					in = append(in, example{spelling(s), string(l.Tag)})
				}
			}
		}
		for _, q := range x.book.Unrelated(l.Tag) {
			add("", q.Text)
		}
	}
	x.topics = learn(about, topicLearning)
	x.tongue = learn(in, tongueLearning)
	x.topics.read, x.tongue.read = reader.features, spelling
}

func (x *Index) ids() []string {
	var ids []string
	for id := range x.content.Topics {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Find ranks the topics for a question. The language is the one the person has chosen, "" if none;
// the Match has the language the question is written in, if that can be told.
func (x *Index) Find(lang locales.Lang, words bot.Words) bot.Match {
	x.Warm()
	text := string(words)
	if r := []rune(text); len(r) > maxRead {
		text = string(r[:maxRead])
	}
	m := bot.Match{Lang: x.language(lang, text), Decision: bot.None}
	whole := x.topics.probabilities(text)
	m.Topics = ranked(whole)
	if s := x.worst(text, whole); s.Topic != "" {
		m.Topics = slices.DeleteFunc(m.Topics, func(t bot.Scored) bool { return t.Topic == s.Topic })
		m.Topics = slices.Insert(m.Topics, 0, s)
		m.Urgent = true
	}
	m.Topics = m.Topics[:min(len(m.Topics), maxTopic)]
	if len(m.Topics) == 0 {
		return m
	}
	switch best := m.Topics[0].Score; {
	case m.Urgent || best >= sure:
		m.Decision = bot.Sure
	case whole[""] < nothing && best >= offer:
		m.Decision = bot.Offered
	}
	return m
}

// worst is the topic of danger that the message is about, the zero Scored if none: each clause is
// looked at by itself, because danger is often told in passing.
func (x *Index) worst(text string, whole map[string]float64) bot.Scored {
	var worst bot.Scored
	var most float64
	look := func(p map[string]float64) {
		var sum float64
		var top bot.Scored
		for topic, score := range p {
			if topic == "" || !x.content.Topics[topic].Urgent {
				continue
			}
			sum += score
			if score > top.Score || score == top.Score && topic < top.Topic {
				top = bot.Scored{Topic: topic, Score: score}
			}
		}
		if sum >= danger && sum > most {
			most, worst = sum, bot.Scored{Topic: top.Topic, Score: sum}
		}
	}
	look(whole)
	for _, c := range clauses(text) {
		look(x.topics.probabilities(c))
	}
	return worst
}

// language is the language a text is written in: the chosen one unless another is much likelier.
func (x *Index) language(chosen locales.Lang, text string) locales.Lang {
	p := x.tongue.probabilities(text)
	best := chosen
	for _, l := range x.book.Languages() {
		if best == "" || p[string(l.Tag)] > p[string(best)] {
			best = l.Tag
		}
	}
	if chosen != "" && p[string(best)] < other {
		return chosen
	}
	return best
}

// ranked lists the topics that are likely at all, likeliest first.
func ranked(p map[string]float64) []bot.Scored {
	var all []bot.Scored
	for topic, score := range p {
		if topic != "" {
			all = append(all, bot.Scored{Topic: topic, Score: score})
		}
	}
	slices.SortFunc(all, func(a, b bot.Scored) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Topic, b.Topic))
	})
	return all
}

// sentences parts a text where a sentence ends.
func sentences(text string) []string { return parted(text, ".!?;\n…") }

// clauses are the sentences of a text, and what stands between their commas. None if it is a single
// clause.
func clauses(text string) []string {
	all := append(sentences(text), parted(text, ".!?;:\n…,")...)
	slices.Sort(all)
	if all = slices.Compact(all); len(all) < 2 {
		return nil
	}
	return all
}

// shortest is how many words a part of a text needs to tell anything.
const shortest = 3

func parted(text, at string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(at, r) }),
		func(s string) bool { return len(strings.Fields(s)) < shortest })
}
