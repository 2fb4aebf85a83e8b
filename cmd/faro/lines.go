package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"faro/bot"
	"faro/bot/sms"
	"faro/internal/answers"
	"faro/locales"
)

// maxLine bounds a line of input, in bytes; a text message has at most 1,600 characters.
const maxLine = 1 << 20

// eachLine reads JSON lines strictly and writes one JSON line for each. An error names the line.
func eachLine[In, Out any](s streams, answer func(In) (Out, error)) error {
	lines := bufio.NewScanner(s.in)
	lines.Buffer(nil, maxLine)
	out := bufio.NewWriter(s.out)
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var in In
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			_ = out.Flush()
			return fmt.Errorf("line %d: not what is expected: %w", n, err)
		}
		if _, err := d.Token(); err != io.EOF {
			_ = out.Flush()
			return fmt.Errorf("line %d: more than one value", n)
		}
		o, err := answer(in)
		if err != nil {
			_ = out.Flush()
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := encode.Encode(o); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if err := out.Flush(); err != nil { // a program that asks one line at a time waits for it
			return fmt.Errorf("write: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

type segmentsCmd struct{}

// Run measures texts as given.
func (segmentsCmd) Run(s streams) error {
	type in struct {
		Text string `json:"text"`
	}
	return eachLine(s, func(i in) (sms.Size, error) { return sms.Measure(i.Text), nil })
}

type askCmd struct {
	Lang string `help:"Language of lines that name none." default:""`
}

// Run finds the topics of questions.
func (a askCmd) Run(s streams, dir source) error {
	c, err := dir.load(s)
	if err != nil {
		return err
	}
	if a.Lang != "" && !c.Book.Has(locales.Lang(a.Lang)) {
		return unknownLanguage(c.Book, a.Lang)
	}
	type in struct {
		Lang string `json:"lang"`
		Text string `json:"text"`
	}
	type topic struct {
		ID    string  `json:"id"`
		Score float64 `json:"score"`
	}
	type out struct {
		Lang     string       `json:"lang"`
		Decision bot.Decision `json:"decision"`
		Topics   []topic      `json:"topics"`
		Urgent   bool         `json:"urgent"`
	}
	index := answers.New(c.Flows, c.Book)
	return eachLine(s, func(i in) (out, error) {
		if i.Lang == "" {
			i.Lang = a.Lang
		}
		if i.Lang != "" && !c.Book.Has(locales.Lang(i.Lang)) {
			return out{}, unknownLanguage(c.Book, i.Lang)
		}
		m := index.Find(locales.Lang(i.Lang), bot.Words(i.Text))
		o := out{Lang: string(m.Lang), Decision: m.Decision, Topics: []topic{}, Urgent: m.Urgent}
		for _, t := range m.Topics {
			o.Topics = append(o.Topics, topic{t.Topic, t.Score})
		}
		return o, nil
	})
}

func unknownLanguage(book *locales.Book, lang string) error {
	return fmt.Errorf("no language %q; there are %s", lang, tags(book))
}

func tags(book *locales.Book) string {
	var b bytes.Buffer
	for i, l := range book.Languages() {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(l.Tag))
	}
	return b.String()
}
