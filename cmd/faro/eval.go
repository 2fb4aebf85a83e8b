package main

import (
	"errors"
	"fmt"
	"os"

	"faro/internal/answers"
	"faro/locales"
)

type evalCmd struct {
	Files []string `arg:"" optional:"" type:"existingfile" help:"JSON lines with lang, text, topic (\"\" if none), also, kind. Without a file: the built-in question set."`
	Lang  string   `help:"Language of lines that name none."`
}

// Run measures how well questions find their topics.
func (e evalCmd) Run(s streams, dir source) error {
	c, err := dir.load(s)
	if err != nil {
		return err
	}
	cases, err := e.cases()
	if err != nil {
		return err
	}
	for i, x := range cases {
		if x.Topic != "" && c.Flows.Topics[x.Topic] == nil || !c.Book.Has(x.Lang) {
			return fmt.Errorf("case %d: no topic %q, or no language %q", i+1, x.Topic, x.Lang)
		}
	}
	return answers.New(c.Flows, c.Book).Measure(cases).Print(s.out)
}

func (e evalCmd) cases() (all []answers.Case, err error) {
	if len(e.Files) == 0 {
		return answers.QuestionSet()
	}
	for _, name := range e.Files {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open the cases: %w", err)
		}
		more, err := answers.ReadCases(f, locales.Lang(e.Lang))
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, more...)
	}
	return all, nil
}
