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
	sure     = 0.72 // below, a choice is offered
	offer    = 0.10 // a topic less likely than this is not offered
	nothing  = 0.40 // the message is about none of the topics, if so likely
	which    = 0.75 // below, it is about danger, but perhaps about another one than it looks
	danger   = 0.38 // a message so likely about danger is answered so first, whatever else it says
	other    = 0.90 // a message so likely in another language than the chosen one is
	maxTopic = 5    // more choices than this help nobody
	maxRead  = 2000 // runes of a message that are read; people in need write less
)

// An Index knows how people ask for the topics.
type Index struct {
	content *flows.Content
	book    *locales.Book

	learn  sync.Once
	reader reader
	urgent []string // topics of danger
	topics *model   // which topic, "" for none of them; for all languages at once, because people mix them
	tongue *model   // which language
}

// New makes an index. It learns when it is first asked; see Warm.
func New(content *flows.Content, book *locales.Book) *Index {
	return &Index{content: content, book: book}
}

// Warm learns now, so that the first question need not wait. It takes about a second on a small machine.
func (x *Index) Warm() { x.learn.Do(x.train) }

func (x *Index) train() {
	x.reader = newReader(x.book)
	x.urgent = slices.DeleteFunc(x.ids(), func(id string) bool { return !x.content.Topics[id].Urgent })
	var learning sync.WaitGroup
	learning.Go(func() { x.tongue = learn(x.tongueExamples()) })
	learning.Go(func() { x.topics = learn(x.topicExamples()) })
	learning.Wait()
}

// topicExamples are those of all languages; each is read in a goroutine of its own.
func (x *Index) topicExamples() (texts []features, examples []example, how learning) {
	langs := x.book.Languages()
	read := make([][]features, len(langs))
	found := make([][]example, len(langs))
	var reading sync.WaitGroup
	for i, l := range langs {
		reading.Go(func() { read[i], found[i] = x.examplesIn(l.Tag) })
	}
	reading.Wait()
	for i := range langs {
		for _, e := range found[i] {
			e.text += len(texts)
			if e.before != alone {
				e.before += len(texts)
			}
			examples = append(examples, e)
		}
		texts = append(texts, read[i]...)
	}
	return texts, examples, topicLearning
}

// examplesIn are the questions of each topic in a language, those that belong to none, and some once
// more with something else told before, as people do.
func (x *Index) examplesIn(l locales.Lang) (texts []features, examples []example) {
	add := func(topic, text string) {
		examples = append(examples, example{len(texts), alone, topic})
		texts = append(texts, x.reader.features(text, l))
	}
	for _, id := range x.ids() {
		title, _ := x.book.Raw(l, "topic."+id+".title")
		add(id, title)
		for _, q := range x.book.Topic(l, id).Questions {
			add(id, q.Text)
		}
	}
	asked := examples
	for _, q := range x.book.Unrelated(l) {
		add("", q.Text)
	}
	asides := len(texts)
	for _, q := range x.book.Asides(l) {
		texts = append(texts, x.reader.features(q.Text, l))
	}
	return texts, append(examples, x.told(asked, asides, len(texts))...)
}

// told are every second question with an aside before it, and those about danger with another
// question before them: danger is often told in passing, and comes first.
func (x *Index) told(asked []example, asides, end int) (told []example) {
	var calm []example
	for _, e := range asked {
		if !x.content.Topics[e.class].Urgent {
			calm = append(calm, e)
		}
	}
	for i, e := range asked {
		if asides < end && i%2 == 0 {
			told = append(told, example{e.text, asides + i*stride%(end-asides), e.class})
		}
		if x.content.Topics[e.class].Urgent && len(calm) > 0 {
			told = append(told, example{e.text, calm[i*stride%len(calm)].text, e.class})
		}
	}
	return told
}

// tongueExamples are the questions and answers in each language.
func (x *Index) tongueExamples() (texts []features, examples []example, how learning) {
	for _, l := range x.book.Languages() {
		add := func(text string) {
			examples = append(examples, example{len(texts), alone, string(l.Tag)})
			texts = append(texts, spelling(text))
		}
		for _, id := range x.ids() {
			for _, q := range x.book.Topic(l.Tag, id).Questions {
				add(q.Text)
			}
			for _, field := range []string{"title", "sms", "telegram"} {
				text, _ := x.book.Raw(l.Tag, "topic."+id+"."+field)
				for _, s := range sentences(text) {
					add(s)
				}
			}
		}
		for _, q := range slices.Concat(x.book.Asides(l.Tag), x.book.Unrelated(l.Tag)) {
			add(q.Text)
		}
	}
	return texts, examples, tongueLearning
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
// the Match has the language the question is written in; if that cannot be told, the one chosen.
func (x *Index) Find(lang locales.Lang, words bot.Words) bot.Match {
	x.Warm()
	text := string(words)
	if r := []rune(text); len(r) > maxRead {
		text = string(r[:maxRead])
	}
	written, m := lang, bot.Match{Lang: lang, Decision: bot.None}
	if letters := spelling(text); len(letters) > 0 { // else it is in no language
		tongues := x.tongue.probabilities(letters)
		written, m.Lang = x.language("", tongues), x.language(lang, tongues)
	}
	look := func(text string) []float32 {
		return x.topics.probabilities(x.reader.features(text, written, m.Lang))
	}
	whole := look(text)
	m.Topics = x.ranked(whole)
	s, own := x.worst(whole, parts(text), look)
	if s.Topic != "" {
		m.Topics = slices.DeleteFunc(m.Topics, func(t bot.Scored) bool { return t.Topic == s.Topic })
		m.Topics = slices.Insert(m.Topics, 0, s)
		m.Urgent = true
	}
	m.Topics = m.Topics[:min(len(m.Topics), maxTopic)]
	if len(m.Topics) == 0 {
		return m
	}
	switch best := m.Topics[0].Score; {
	case best >= sure && (!m.Urgent || own >= which):
		m.Decision = bot.Sure
	case m.Urgent || x.topics.of(whole, "") < nothing && best >= offer:
		m.Decision = bot.Offered
	}
	return m
}

// worst is the topic of danger that a message is about, the zero Scored if none, and how likely it is
// that one of them and no other. Each part of the
// message is looked at by itself too, because danger is often told in passing; what the whole says
// counts as much as what its worst part says.
func (x *Index) worst(whole []float32, parts []string, look func(string) []float32) (s bot.Scored, own float64) {
	part, most := whole, x.risk(whole)
	for _, text := range parts {
		if p := look(text); x.risk(p) > most {
			part, most = p, x.risk(p)
		}
	}
	score := (x.risk(whole) + most) / 2
	if score < danger {
		return bot.Scored{}, 0
	}
	both := func(id string) float64 { return x.topics.of(whole, id) + x.topics.of(part, id) }
	likelier := func(a, b string) int { return cmp.Compare(both(a), both(b)) }
	topic := slices.MaxFunc(x.urgent, likelier)
	return bot.Scored{Topic: topic, Score: score}, both(topic) / (2 * score)
}

// risk is how likely a text is about danger.
func (x *Index) risk(p []float32) (sum float64) {
	for _, id := range x.urgent {
		sum += x.topics.of(p, id)
	}
	return sum
}

// language is the likeliest: the chosen one unless another is much likelier.
func (x *Index) language(chosen locales.Lang, p []float32) locales.Lang {
	likely := func(l locales.Lang) float64 { return x.tongue.of(p, string(l)) }
	best := chosen
	for _, l := range x.book.Languages() {
		if best == "" || likely(l.Tag) > likely(best) {
			best = l.Tag
		}
	}
	if chosen != "" && likely(best) < other {
		return chosen
	}
	return best
}

// ranked lists the topics that are likely at all, likeliest first.
func (x *Index) ranked(p []float32) []bot.Scored {
	var all []bot.Scored
	for c, topic := range x.topics.classes {
		if topic != "" {
			all = append(all, bot.Scored{Topic: topic, Score: float64(p[c])})
		}
	}
	slices.SortFunc(all, func(a, b bot.Scored) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Topic, b.Topic))
	})
	return all
}

// sentences parts a text where a sentence ends.
func sentences(text string) []string { return parted(text, ".!?;\n…") }

// parts are the sentences of a text, and what stands between their commas. None if it is a single
// clause.
func parts(text string) []string {
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
