package answers

import (
	"encoding/binary"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"unicode"
)

// An example is what a text is about. It may have something else said before it, which is about
// nothing; both are numbers of texts, before is none if it is negative.
type example struct {
	text, before int
	class        string
}

// alone is a text without anything before it.
const alone = -1

// learning is how a model learns.
type learning struct {
	rounds int     // times every example is seen
	rate   float32 // how far one example moves the model in the first round
	decay  float32 // how fast what is not confirmed fades
	rare   int     // features of fewer texts are left out: they are noise, and memory

	dropout  float32 // share of a text's features left out each time, so that the model does not rely on one alone
	averaged int     // so many of the last rounds are averaged: what the last examples taught weighs no more than the rest
	sharper  float32 // what is learned is multiplied by this: with features left out it is learned too cautiously, see Report
}

var (
	topicLearning  = learning{rounds: 6, rate: 4, decay: 0.001, rare: 2, dropout: 0.5, averaged: 4, sharper: 1.25}
	tongueLearning = learning{rounds: 3, rate: 3, decay: 0.0001, rare: 2, averaged: 1, sharper: 1}
)

// A model is a multinomial logistic regression over weighted features (tf-idf), the kind of linear
// model that did best among those compared in docs/answers.md.
type model struct {
	classes  []string
	features []feature // sorted; where one stands is the row of its weights
	starts   []int32   // where the features begin that begin with the same bits
	rarity   []float32 // of each feature: inverse document frequency
	bias     []float32
	weights  io.ReaderAt // a row for each feature, a column for each class, see short; read where they lie, because they are most of it
}

// A learner is a model while it learns.
type learner struct {
	model
	rows []float32 // its weights
}

// term is a feature of a text: the row of its weights and its value.
type term struct {
	row   int32
	value float32
}

// A fault is how far a class is from what it should be.
type fault struct {
	class int
	step  float32
}

// learn makes a model from examples, and takes the texts away. It is deterministic: the same examples in the same order make
// the same model.
func learn(texts []features, examples []example, how learning) *learner {
	m := newLearner(texts, examples, how.rare)
	read := make([][]term, len(texts))
	for i, t := range texts {
		read[i] = slices.Clone(m.terms(t))
		texts[i] = nil // it takes more memory than all else
	}
	classes := make([]int, len(examples))
	weight := make([]float32, len(m.classes)) // all classes weigh the same, however many examples they have
	for i, e := range examples {
		classes[i] = slices.Index(m.classes, e.class)
		weight[classes[i]]++
	}
	for c := range weight {
		weight[c] = float32(len(examples)) / float32(len(weight)) / weight[c]
		if m.classes[c] == "" {
			weight[c] *= none
		}
	}
	rest := make([]int, len(examples)) // rounds an example may be left out, because it is known well
	p := make([]float32, len(m.classes))
	var text []term
	var wrong []fault
	chance := rand.New(rand.NewPCG(1, 1))
	sum, bias := make([]float32, len(m.rows)), make([]float32, len(m.bias))
	for round := range how.rounds {
		rate := how.rate / (1 + float32(round))
		for i := range examples {
			at := (i*stride + round*31) % len(examples)
			if rest[at] > 0 {
				rest[at]--
				continue
			}
			var before []term
			if b := examples[at].before; b != alone {
				before = read[b]
			}
			text = joined(text[:0], before, read[examples[at].text])
			text = slices.DeleteFunc(text, func(term) bool { return chance.Float32() < how.dropout })
			if len(text) == 0 {
				continue
			}
			scale(text)
			m.score(text, p)
			if 1-p[classes[at]] < easy {
				rest[at] = rounds
			}
			wrong = wrong[:0]
			for c, off := range p {
				if c == classes[at] {
					off--
				}
				if off > -small && off < small {
					continue
				}
				step := rate * off * weight[classes[at]]
				m.bias[c] -= 0.1 * step
				wrong = append(wrong, fault{c, step})
			}
			m.mend(text, wrong, 1-rate*how.decay)
		}
		if left := how.rounds - round; left <= how.averaged {
			share := how.sharper / float32(how.averaged)
			add(sum, m.rows, share)
			add(bias, m.bias, share)
		}
	}
	m.rows, m.bias = sum, bias
	return m
}

const (
	stride = 7919  // a prime, so that neighbours in the content are not seen one after the other
	none   = 3     // the class of what belongs to no topic is wider than a topic
	small  = 0.002 // an error not worth learning from
	easy   = 0.03  // an example missed by less is known well,
	rounds = 2     // and is left out for so many rounds
)

// newLearner knows the features of the texts and the classes of the examples, and nothing yet of how
// they go together.
func newLearner(texts []features, examples []example, rare int) *learner {
	m := &learner{}
	for _, e := range examples {
		if !slices.Contains(m.classes, e.class) {
			m.classes = append(m.classes, e.class)
		}
	}
	slices.Sort(m.classes)
	count := map[feature]int{}
	for _, e := range examples {
		for name := range texts[e.text].each() {
			count[name]++
		}
		if e.before == alone {
			continue
		}
		for name := range texts[e.before].each() {
			if !texts[e.text].has(name) {
				count[name]++
			}
		}
	}
	maps.DeleteFunc(count, func(_ feature, n int) bool { return n < rare })
	m.features = slices.Sorted(maps.Keys(count))
	for _, f := range m.features {
		m.rarity = append(m.rarity, float32(math.Log(1+float64(len(examples))/(float64(count[f])+0.5))))
	}
	m.index()
	m.rows = make([]float32, len(m.features)*len(m.classes))
	m.bias = make([]float32, len(m.classes))
	return m
}

// indexed is how many of a feature's first bits say where to look for it. Features are hashes, so as many
// of them begin with any bits: about three of a hundred and fifty thousand.
const indexed = 16

func (m *model) index() {
	m.starts = make([]int32, 1<<indexed+1)
	for _, f := range m.features {
		m.starts[f>>(64-indexed)+1]++
	}
	for i := range 1 << indexed {
		m.starts[i+1] += m.starts[i]
	}
}

// row is where the weights of a feature are, if the model knows it.
func (m *model) row(f feature) (int32, bool) {
	bits := f >> (64 - indexed)
	from := m.starts[bits]
	i, known := slices.BinarySearch(m.features[from:m.starts[bits+1]], f)
	return from + int32(i), known
}

// knows reports whether the model knows any of some features.
func (m *model) knows(f features) bool {
	return slices.ContainsFunc(f, func(name feature) bool { _, known := m.row(name); return known })
}

func add(sum, values []float32, share float32) {
	for i, v := range values {
		sum[i] += v * share
	}
}

// mend moves the weights of a text's features against what was wrong.
func (m *learner) mend(text []term, wrong []fault, fade float32) {
	for _, t := range text {
		row := m.rows[int(t.row)*len(m.bias):][:len(m.bias)]
		for _, f := range wrong {
			row[f.class] = float32(row[f.class]*fade) - float32(f.step*t.value)
		}
	}
}

// terms are the features the model knows, by row: rows are in the order of the features.
func (m *model) terms(f features) []term {
	terms := make([]term, 0, len(f))
	var row int32
	known := false
	for i, name := range f {
		if i == 0 || f[i-1] != name {
			if row, known = m.row(name); known {
				terms = append(terms, term{row: row})
			}
		}
		if known {
			terms[len(terms)-1].value += weights[name%kinds] * m.rarity[row]
		}
	}
	return terms
}

// joined appends the terms of two texts said one after the other.
func joined(all, a, b []term) []term {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].row < b[0].row:
			all, a = append(all, a[0]), a[1:]
		case a[0].row > b[0].row:
			all, b = append(all, b[0]), b[1:]
		default:
			all = append(all, term{a[0].row, a[0].value + b[0].value})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// A long text tells more than a short one, but less than its length.
const (
	byLength = 0.6 // 1 would make all texts tell as much, 0 each word
	typical  = 25  // the length of a text of some words
)

// scale sets how much a text tells.
func scale(text []term) {
	squares := 0.0
	for _, t := range text {
		squares += float64(t.value) * float64(t.value)
	}
	by := float32(1 / (math.Pow(squares, byLength/2) * math.Pow(typical, 1-byLength)))
	for i := range text {
		text[i].value *= by
	}
}

// score sets p to the probabilities of the classes.
func (m *learner) score(text []term, p []float32) {
	copy(p, m.bias)
	row := func(t term) []float32 { return m.rows[int(t.row)*len(p):][:len(p)] }
	for ; len(text) >= 4; text = text[4:] { // four rows at once are fetched while the processor would wait for one
		q, r, s, t := text[0], text[1], text[2], text[3]
		rq, rr, rs, rt := row(q), row(r), row(s), row(t)
		for c := range p {
			p[c] = p[c] + float32(rq[c]*q.value) + float32(rr[c]*r.value) + float32(rs[c]*s.value) + float32(rt[c]*t.value)
		}
	}
	for _, t := range text {
		for c, w := range row(t) {
			p[c] += float32(w * t.value)
		}
	}
	softmax(p)
}

// softmax makes probabilities of scores.
func softmax(p []float32) {
	most, sum := slices.Max(p), float32(0)
	for c := range p {
		p[c] = float32(math.Exp(float64(p[c] - most)))
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}

// probabilities of the classes for a text, in the order of the classes.
func (m *model) probabilities(f features) []float32 {
	p := slices.Clone(m.bias)
	text := m.terms(f)
	scale(text)
	row := make([]byte, len(p)*shortSize)
	for _, t := range text {
		_, _ = m.weights.ReadAt(row, int64(t.row)*int64(len(row))) // from memory, which was read once when it was checked
		for c := range p {
			p[c] += float32(long(binary.LittleEndian.Uint16(row[shortSize*c:])) * t.value)
		}
	}
	softmax(p)
	return p
}

// shortSize is the bytes of a weight as it is kept.
const shortSize = 2

// short is a weight as it is kept, rounded to eight bits and its power of two (bfloat16): half the memory, and no score
// differs by more than a hundredth.
func short(w float32) uint16 {
	b := math.Float32bits(w)
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func long(w uint16) float32 { return math.Float32frombits(uint32(w) << 16) }

// of is the probability of a class, 0 if nothing was learned of it.
func (m *model) of(p []float32, class string) float64 {
	if c, known := slices.BinarySearch(m.classes, class); known {
		return float64(p[c])
	}
	return 0
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) }
