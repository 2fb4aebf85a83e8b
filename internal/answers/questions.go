package answers

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"faro/locales"
)

// The question set: written without looking at the examples in the content, and never learned from.
//
//go:embed testdata/*.jsonl
var questionSet embed.FS

// QuestionSet is the built-in question set.
func QuestionSet() ([]Case, error) {
	files, err := questionSet.ReadDir("testdata")
	if err != nil {
		return nil, fmt.Errorf("read the question set: %w", err)
	}
	var all []Case
	for _, f := range files {
		src, err := questionSet.ReadFile("testdata/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read the question set: %w", err)
		}
		cases, err := ReadCases(bytes.NewReader(src), locales.Lang(strings.TrimSuffix(f.Name(), ".jsonl")))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		all = append(all, cases...)
	}
	return all, nil
}

// ReadCases reads cases, one JSON object a line. Those that name no language are in lang. An error
// names the line.
func ReadCases(from io.Reader, lang locales.Lang) ([]Case, error) {
	var all []Case
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		c := Case{Lang: lang}
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&c); err != nil {
			return nil, fmt.Errorf("line %d: not a case like {\"lang\":\"es\",\"text\":\"…\",\"topic\":\"asylum\",\"kind\":\"plain\"}: %w", n, err)
		}
		if c.Text == "" || c.Lang == "" {
			return nil, fmt.Errorf("line %d: a case needs text and lang", n)
		}
		all = append(all, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	return all, nil
}
