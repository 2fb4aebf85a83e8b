// Package answers finds the topics a question is about. It is the one place where that is decided.
//
// It chooses among vetted answers and never writes one; unsure, it offers a choice, and where nothing
// fits it says so. It learns from the examples in the content alone (the questions of each topic in
// each language, and the words of locales/words.toml), runs in process without a network, keeps
// nothing of what it reads, and decides the same for the same words. An Index may be used from
// several goroutines.
package answers

import (
	"bytes"
	"cmp"
	"io"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"faro/bot"
	"faro/flows"
	"faro/locales"
)

// When the index is sure. A score is how likely the topic fits, which Report.Calibration measures; the limits were chosen on
// the question sets in testdata, see docs/answers.md.
const (
	sure     = 0.96 // below, a choice is offered
	offer    = 0.15 // a topic less likely than this is not offered
	nothing  = 0.40 // the message is about none of the topics, if so likely
	which    = 0.75 // below, it is about danger, but perhaps about another one than it looks
	danger   = 0.50 // a message so likely about danger is answered so first, whatever else it says
	passing  = 3    // one passage weighs so many times as much as the whole message,
	enough   = 8.5  // and if their log odds of danger come to this together, that is answered as danger too
	calmest  = 0.01 // less likely about danger than this the whole never counts, however long and calm it is
	other    = 0.90 // a message so likely in another language than the chosen one is
	maxTopic = 5    // more choices than this help nobody
	maxRead  = 2000 // runes of a message that are read; people in need write less
)

// An Index knows how people ask for the topics.
type Index struct {
	content *flows.Content
	book    *locales.Book
	made    io.ReaderAt // what was learned when the program was built

	ready  sync.Once
	reader reader
	urgent []string // topics of danger
	said   []saying // what is word for word an example of a topic
	topics *model   // which topic, "" for none of them; for all languages at once, because people mix them
	tongue *model   // which language
}

// New makes an index. It is made ready when it is first asked; see Warm.
func New(content *flows.Content, book *locales.Book) *Index {
	return &Index{content: content, book: book, made: built()}
}

// Warm makes the index ready now, so that the first question need not wait: at once if what was learned when the
// program was built is of this content, else it learns, for seconds on a small machine.
func (x *Index) Warm() { x.ready.Do(x.prepare) }

func (x *Index) prepare() {
	given := lessonsOf(x.content, x.book)
	x.reader = newReader(given)
	x.urgent = slices.DeleteFunc(x.ids(), func(id string) bool { return !x.content.Topics[id].Urgent })
	all, fits := read(x.made, given)
	if !fits {
		all, _ = read(bytes.NewReader(thriftily(given.learned)), given)
	}
	x.said, x.topics, x.tongue = all.said, all.topics, all.tongue
}

// thrifty is by how many per cent the heap may grow before it is collected.
const thrifty = 20

var thrift sync.Mutex

// thriftily has something learned with little more memory than it needs, which is more than all else does. One index
// learns after the other: how often garbage is collected is set for the whole program.
func thriftily(learn func() []byte) []byte {
	thrift.Lock()
	defer thrift.Unlock()
	defer debug.SetGCPercent(debug.SetGCPercent(thrifty))
	return learn()
}

func (x *Index) ids() []string { return topicIDs(x.content) }

// Find ranks the topics for a question. The language is the one the person has chosen, "" if none;
// the Match has the language the question is written in; if that cannot be told, the one chosen.
func (x *Index) Find(lang locales.Lang, words bot.Words) bot.Match {
	x.Warm()
	text := string(words)
	if r := []rune(text); len(r) > maxRead {
		text = string(r[:maxRead])
	}
	written, m := lang, bot.Match{Lang: lang, Decision: bot.None}
	if letters := spelling(text); x.tongue.knows(letters) { // else it is in no language of ours
		tongues := x.tongue.probabilities(letters)
		written, m.Lang = x.language("", tongues), x.language(lang, tongues)
	}
	look := func(text string) []float32 {
		return x.topics.probabilities(x.reader.features(text, written, m.Lang))
	}
	whole := look(text)
	m.Topics = x.ranked(whole)
	first := func(s bot.Scored) {
		m.Topics = slices.DeleteFunc(m.Topics, func(t bot.Scored) bool { return t.Topic == s.Topic })
		m.Topics = slices.Insert(m.Topics, 0, s)[:min(len(m.Topics)+1, maxTopic)]
		m.Urgent = x.content.Topics[s.Topic].Urgent
	}
	if i, found := slices.BinarySearchFunc(x.said, said(m.Lang, text), saying.compare); found {
		first(bot.Scored{Topic: x.ids()[x.said[i].Topic], Score: 1})
		m.Decision = bot.Sure
		return m
	}
	s, only := x.worst(whole, text, look)
	if s.Topic != "" {
		first(s)
	}
	m.Topics = m.Topics[:min(len(m.Topics), maxTopic)]
	if len(m.Topics) == 0 {
		return m
	}
	switch best := m.Topics[0].Score; {
	case best >= sure && (!m.Urgent || only):
		m.Decision = bot.Sure
	case m.Urgent || x.topics.of(whole, "") < nothing && best >= offer:
		m.Decision = bot.Offered
	}
	return m
}

// worst is the topic of danger that a message is about, the zero Scored if none, and whether nothing else seems
// to be meant. Each passage is looked at by itself too, because danger is often told in passing: a few words of it
// are hardly seen in a long message.
func (x *Index) worst(whole []float32, text string, look func(string) []float32) (s bot.Scored, only bool) {
	p := whole
	if x.risk(whole) < danger {
		for _, passage := range passages(text) {
			if q := look(passage); x.risk(q) > x.risk(p) {
				p = q
			}
		}
		if logOdds(max(x.risk(whole), calmest))+passing*logOdds(x.risk(p)) < enough {
			return bot.Scored{}, false
		}
	}
	likely := func(id string) float64 { return x.topics.of(p, id) }
	s.Topic = slices.MaxFunc(x.urgent, func(a, b string) int { return cmp.Compare(likely(a), likely(b)) })
	s.Score = x.risk(p)
	return s, x.risk(whole) >= danger && likely(s.Topic) >= which*s.Score
}

// logOdds of a probability are what adds up when two things speak for the same.
func logOdds(p float64) float64 { return math.Log(p / (1 - p)) }

// passage is about how many words a sentence of danger has.
const passage = 8

// passages are the sentences of a text if there are several, and so many words in a row of each long one: on a phone
// many write without a full stop.
func passages(text string) (all []string) {
	sentences := cut(text, ends)
	if len(sentences) > 1 {
		all = append(all, sentences...)
	}
	for _, s := range sentences {
		words := strings.Fields(s)
		for i := 0; len(words) > passage && i+passage/2 < len(words); i += passage / 2 {
			all = append(all, strings.Join(words[i:min(i+passage, len(words))], " "))
		}
	}
	return all
}

// risk is how likely a text is about danger.
func (x *Index) risk(p []float32) (sum float64) {
	for _, id := range x.urgent {
		sum += x.topics.of(p, id)
	}
	return min(sum, 1) // rounding may make it more
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
