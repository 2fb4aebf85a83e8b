package answers

import (
	"math"
	"slices"
	"unicode"
)

// An example is a text, taken apart, and what it is.
type example struct {
	features features
	class    string
}

// learning is how a model learns.
type learning struct {
	rounds int     // times every example is seen
	rate   float32 // how far one example moves the model in the first round
	decay  float32 // how fast what is not confirmed fades
	rare   int     // features of fewer examples are left out: they are noise, and memory
}

var (
	topicLearning  = learning{rounds: 8, rate: 3, decay: 0.001, rare: 2}
	tongueLearning = learning{rounds: 3, rate: 3, decay: 0.0001, rare: 2}
)

// A model is a multinomial logistic regression over weighted features (tf-idf, unit length), the
// kind of linear model that did best among those compared in docs/answers.md.
type model struct {
	read    func(string) features
	classes []string
	known   map[string]known
	weights []float32 // a row for each known feature, a column for each class
	bias    []float32
}

type known struct {
	row    int32
	rarity float32 // inverse document frequency
}

// term is a feature of one text: the row of its weights and its value.
type term struct {
	row   int32
	value float32
}

// learn makes a model from examples. It is deterministic: the same examples in the same order make
// the same model.
func learn(examples []example, how learning) *model {
	m := &model{known: map[string]known{}}
	count := map[string]int{}
	for _, e := range examples {
		for f := range e.features {
			count[f]++
		}
		if !slices.Contains(m.classes, e.class) {
			m.classes = append(m.classes, e.class)
		}
	}
	slices.Sort(m.classes)
	names := make([]string, 0, len(count))
	for f, n := range count {
		if n >= how.rare {
			names = append(names, f)
		}
	}
	slices.Sort(names)
	for i, f := range names {
		m.known[f] = known{int32(i), float32(math.Log(1 + float64(len(examples))/(float64(count[f])+0.5)))}
	}
	m.weights = make([]float32, len(names)*len(m.classes))
	m.bias = make([]float32, len(m.classes))
	texts := make([][]term, len(examples))
	classes := make([]int, len(examples))
	for i, e := range examples {
		texts[i], classes[i] = m.terms(e.features), slices.Index(m.classes, e.class)
	}
	p := make([]float32, len(m.classes))
	for round := range how.rounds {
		rate := how.rate / (1 + 0.3*float32(round))
		for i := range texts {
			at := (i*stride + round*31) % len(texts)
			m.score(texts[at], p)
			for c, probability := range p {
				if c == classes[at] {
					probability--
				}
				if probability < small && probability > -small {
					continue
				}
				m.bias[c] -= rate * 0.1 * probability
				for _, t := range texts[at] {
					w := &m.weights[int(t.row)*len(m.classes)+c]
					*w -= rate * (probability*t.value + how.decay**w)
				}
			}
		}
	}
	return m
}

const (
	stride = 7919  // a prime, so that neighbours in the content are not seen one after the other
	small  = 0.002 // an error not worth learning from
)

// terms weighs the features the model knows.
func (m *model) terms(f features) []term {
	terms := make([]term, 0, len(f))
	for name, value := range f {
		if k, ok := m.known[name]; ok {
			terms = append(terms, term{k.row, value * k.rarity})
		}
	}
	slices.SortFunc(terms, func(a, b term) int { return int(a.row - b.row) }) // sums must not depend on a map's order
	length := 0.0
	for _, t := range terms {
		length += float64(t.value) * float64(t.value)
	}
	for i := range terms {
		terms[i].value /= float32(math.Sqrt(length))
	}
	return terms
}

// score sets p to the probabilities of the classes.
func (m *model) score(text []term, p []float32) {
	copy(p, m.bias)
	for _, t := range text {
		row := m.weights[int(t.row)*len(p) : (int(t.row)+1)*len(p)]
		for c, w := range row {
			p[c] += w * t.value
		}
	}
	most, sum := slices.Max(p), float32(0)
	for c := range p {
		p[c] = float32(math.Exp(float64(p[c] - most)))
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}

// probabilities of each class for a text.
func (m *model) probabilities(text string) map[string]float64 {
	p := make([]float32, len(m.classes))
	m.score(m.terms(m.read(text)), p)
	all := make(map[string]float64, len(p))
	for c, class := range m.classes {
		all[class] = float64(p[c])
	}
	return all
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) }
