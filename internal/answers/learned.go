package answers

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"sync"

	"faro/flows"
	"faro/locales"
)

// What was learned when the program was built, by `make learned`: models, if it was.
//
//go:embed learned
var folder embed.FS

// built is the file of what was learned when the program was built, nil if nothing was.
func built() io.ReaderAt {
	f, err := folder.Open("learned/models")
	if err != nil {
		return nil
	}
	return f.(io.ReaderAt) // so embed.FS promises
}

// Learn learns from the content and returns what it learned, for the file that New reads. It takes seconds.
func Learn(content *flows.Content, book *locales.Book) []byte {
	return lessonsOf(content, book).learned()
}

// What is in a file: how people say it word for word, and the models.
type knowledge struct {
	said           []saying
	topics, tongue *model
}

// A head begins the file; what is said and the two models follow.
type head struct {
	Digest [sha256.Size]byte // of what was learned from
	Sum    uint32            // of all that follows: finds damage
}

var sums = crc32.MakeTable(crc32.Castagnoli)

func (l lessons) learned() []byte {
	var topics, tongue *learner
	var learning sync.WaitGroup
	learning.Go(func() { topics = l.topicLearner() })
	learning.Go(func() { tongue = l.tongueLearner() })
	learning.Wait()
	h := head{Digest: l.digest()}
	start := binary.Size(h)
	file := appendSayings(make([]byte, start), l.sayings())
	file = topics.append(tongue.append(file)) // the big one last: it takes no more memory than it needs
	h.Sum = crc32.Checksum(file[start:], sums)
	_, _ = binary.Encode(file, binary.LittleEndian, h)
	return file
}

func (l lessons) topicLearner() *learner {
	texts, examples := l.topicExamples()
	return learn(texts, examples, topicLearning)
}

func (l lessons) tongueLearner() *learner {
	texts, examples := l.tongueExamples()
	return learn(texts, examples, tongueLearning)
}

// code is what makes models of lessons.
//
//go:embed lessons.go typos.go features.go learn.go learned.go
var code embed.FS

// folds is of how many texts one tells whether they are folded as before: folding is code of another package,
// and it would take too long for all.
const folds = 32

// digest tells the lessons, and the code that learns, from all others.
func (l lessons) digest() (sum [sha256.Size]byte) {
	h := sha256.New()
	to := json.NewEncoder(h)
	files, _ := code.ReadDir(".")
	for _, f := range files {
		source, _ := code.ReadFile(f.Name())
		_ = to.Encode(source)
	}
	_ = to.Encode(l)
	for _, in := range l.Languages {
		for _, t := range in.Topics {
			for i := 0; i < len(t.Questions); i += folds {
				_ = to.Encode(locales.Fold(t.Questions[i]))
			}
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// read takes what was learned from a file, if it was learned from these lessons by this code and nothing is damaged.
func read(file io.ReaderAt, given lessons) (all knowledge, fits bool) {
	if file == nil {
		return all, false
	}
	from := io.NewSectionReader(file, 0, math.MaxInt64)
	var h head
	if binary.Read(from, binary.LittleEndian, &h) != nil || h.Digest != given.digest() {
		return all, false
	}
	start, _ := from.Seek(0, io.SeekCurrent)
	sum := crc32.New(sums)
	if _, err := io.Copy(sum, from); err != nil || sum.Sum32() != h.Sum {
		return all, false
	}
	_, _ = from.Seek(start, io.SeekStart)
	all = knowledge{said: readSayings(from)}
	all.tongue, all.topics = readModel(from), readModel(from)
	return all, all.said != nil && all.tongue != nil && all.topics != nil
}

func appendSayings(file []byte, all []saying) []byte {
	for _, part := range []any{uint32(len(all)), all} {
		file, _ = binary.Append(file, binary.LittleEndian, part)
	}
	return file
}

func readSayings(from io.Reader) []saying {
	var n uint32
	if binary.Read(from, binary.LittleEndian, &n) != nil {
		return nil
	}
	all := make([]saying, n)
	if binary.Read(from, binary.LittleEndian, all) != nil {
		return nil
	}
	return all
}

// A size begins a model. The names of its classes, the biases, the features, their rarity and the weights follow.
type size struct{ Names, Classes, Features uint32 }

func (m *learner) append(file []byte) []byte {
	names := strings.Join(m.classes, "\n")
	rows := make([]uint16, len(m.rows))
	for i, w := range m.rows {
		rows[i] = short(w)
	}
	for _, part := range []any{size{uint32(len(names)), uint32(len(m.classes)), uint32(len(m.features))}, []byte(names), m.bias, m.features, m.rarity, rows} {
		file, _ = binary.Append(file, binary.LittleEndian, part)
	}
	return file
}

func readModel(from *io.SectionReader) *model {
	var s size
	if binary.Read(from, binary.LittleEndian, &s) != nil {
		return nil
	}
	names := make([]byte, s.Names)
	m := &model{bias: make([]float32, s.Classes), features: make([]feature, s.Features), rarity: make([]float32, s.Features)}
	for _, part := range []any{names, m.bias, m.features, m.rarity} {
		if binary.Read(from, binary.LittleEndian, part) != nil {
			return nil
		}
	}
	m.classes = strings.Split(string(names), "\n")
	m.index()
	at, _ := from.Seek(0, io.SeekCurrent)
	length := int64(s.Classes) * int64(s.Features) * shortSize
	m.weights = io.NewSectionReader(from, at, length)
	_, _ = from.Seek(length, io.SeekCurrent)
	return m
}
