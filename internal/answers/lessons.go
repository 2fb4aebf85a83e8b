package answers

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"faro/flows"
	"faro/locales"
)

// Lessons are all that is learned from: the same lessons and the same code make the same models.
type lessons struct {
	Concepts  []locales.Concept
	Languages []lessonsIn
}

// The lessons in a language.
type lessonsIn struct {
	Lang      locales.Lang
	Topics    []topicLessons
	Unrelated []string // what belongs to no topic
	Asides    []string // what people tell before they ask
	Past      []string // of danger that is over
}

type topicLessons struct {
	ID        string
	Urgent    bool
	Title     string
	Answers   []string
	Questions []string
}

func lessonsOf(content *flows.Content, book *locales.Book) lessons {
	all := lessons{Concepts: book.Concepts()}
	for _, l := range book.Languages() {
		in := lessonsIn{Lang: l.Tag, Unrelated: texts(book.Unrelated(l.Tag)), Asides: texts(book.Asides(l.Tag)), Past: texts(book.Past(l.Tag))}
		for _, id := range topicIDs(content) {
			raw := func(field string) string {
				text, _ := book.Raw(l.Tag, "topic."+id+"."+field)
				return text
			}
			in.Topics = append(in.Topics, topicLessons{id, content.Topics[id].Urgent, raw("title"), []string{raw("sms"), raw("telegram")},
				texts(book.Topic(l.Tag, id).Questions)})
		}
		all.Languages = append(all.Languages, in)
	}
	return all
}

func topicIDs(content *flows.Content) []string { return slices.Sorted(maps.Keys(content.Topics)) }

func texts(questions []locales.Question) []string {
	all := make([]string, len(questions))
	for i, q := range questions {
		all[i] = q.Text
	}
	return all
}

// A saying is a question or a title, and the place of its topic in the order of their ids.
type saying struct {
	Text  feature
	Topic uint32
}

func (s saying) compare(text feature) int { return cmp.Compare(s.Text, text) }

// sayings are the questions and titles of all topics, sorted.
func (l lessons) sayings() (all []saying) {
	for _, in := range l.Languages {
		for i, t := range in.Topics {
			for _, text := range append([]string{t.Title}, t.Questions...) {
				all = append(all, saying{said(in.Lang, text), uint32(i)})
			}
		}
	}
	slices.SortFunc(all, func(a, b saying) int { return a.compare(b.Text) })
	return all
}

// said names what someone writes word for word, in whichever case and with whichever accents and punctuation.
func said(l locales.Lang, text string) feature { return of(word, string(l), locales.Fold(text)) }

// topicExamples are those of all languages; each is read in a goroutine of its own.
func (l lessons) topicExamples() (texts []features, examples []example) {
	reader := newReader(l)
	read := make([][]features, len(l.Languages))
	found := make([][]example, len(l.Languages))
	var reading sync.WaitGroup
	for i, in := range l.Languages {
		reading.Go(func() { read[i], found[i] = in.examples(reader) })
	}
	reading.Wait()
	for i := range l.Languages {
		for _, e := range found[i] {
			e.text += len(texts)
			if e.before != alone {
				e.before += len(texts)
			}
			examples = append(examples, e)
		}
		texts = append(texts, read[i]...)
	}
	return texts, examples
}

// So many questions of a topic are learned from once more with typos, and as many others spelled by ear. People in danger
// write so more often.
const (
	mistypedEvery       = 4
	mistypedUrgentEvery = 2
)

// examples are the questions of each topic in a language, those that belong to none, and some once
// more with something else told before, as people do.
func (l lessonsIn) examples(reader reader) (texts []features, examples []example) {
	add := func(topic, text string) {
		examples = append(examples, example{len(texts), alone, topic})
		texts = append(texts, reader.features(text, l.Lang))
	}
	urgent := map[string]bool{}
	for _, t := range l.Topics {
		urgent[t.ID] = t.Urgent
		add(t.ID, t.Title)
		for _, q := range t.Questions {
			add(t.ID, q)
		}
	}
	asked := examples
	for _, t := range l.Topics {
		every := mistypedEvery
		if t.Urgent {
			every = mistypedUrgentEvery
		}
		for i := 0; i < len(t.Questions); i += every {
			add(t.ID, mistyped(t.Questions[i], i))
		}
		for i := every / 2; i < len(t.Questions); i += every {
			add(t.ID, byEar(t.Questions[i], l.Lang))
		}
	}
	for _, t := range l.Topics {
		if t.Urgent {
			continue
		}
		for _, q := range t.Questions {
			for _, p := range parts(q) { // what sounds dark by itself may be calm where it stands
				add(t.ID, p)
			}
		}
	}
	for _, text := range l.Unrelated {
		add("", text)
	}
	read := func(told []string) (at []int) {
		for _, text := range told {
			at = append(at, len(texts))
			texts = append(texts, reader.features(text, l.Lang))
		}
		return at
	}
	return texts, append(examples, told(asked, urgent, read(l.Asides), read(l.Past))...)
}

// told are questions with something else before them, as people tell it: an aside, or danger that is over, which
// makes nothing urgent; and before danger another question, because danger is often told in passing and comes first.
func told(asked []example, urgent map[string]bool, asides, past []int) (told []example) {
	var calm []int
	for _, e := range asked {
		if !urgent[e.class] {
			calm = append(calm, e.text)
		}
	}
	for i, e := range asked {
		after := func(texts []int) {
			if len(texts) > 0 {
				told = append(told, example{e.text, texts[i*stride%len(texts)], e.class})
			}
		}
		switch i % 4 {
		case 0:
			after(asides)
		case 2:
			after(past)
		}
		if urgent[e.class] {
			after(calm)
		}
	}
	return told
}

// tongueExamples are the questions and answers in each language.
func (l lessons) tongueExamples() (texts []features, examples []example) {
	for _, in := range l.Languages {
		add := func(all ...string) {
			for _, text := range all {
				examples = append(examples, example{len(texts), alone, string(in.Lang)})
				texts = append(texts, spelling(text))
			}
		}
		for _, t := range in.Topics {
			add(t.Questions...)
			add(sentences(t.Title)...)
			for _, a := range t.Answers {
				add(sentences(a)...)
			}
		}
		add(in.Asides...)
		add(in.Past...)
		add(in.Unrelated...)
	}
	return texts, examples
}

// ends are the signs a sentence ends with.
const ends = ".!?;\n…"

// sentences parts a text where a sentence ends.
func sentences(text string) []string { return parted(text, ends) }

// parts are the sentences of a text, and what stands between their commas. None if it is a single
// clause.
func parts(text string) []string {
	all := append(sentences(text), parted(text, ends+":,")...)
	slices.Sort(all)
	if all = slices.Compact(all); len(all) < 2 {
		return nil
	}
	return all
}

// shortest is how many words a part of a text needs to tell anything.
const shortest = 3

func parted(text, at string) []string {
	return slices.DeleteFunc(cut(text, at), func(s string) bool { return len(strings.Fields(s)) < shortest })
}

// cut takes a text apart at some signs.
func cut(text, at string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(at, r) })
}
