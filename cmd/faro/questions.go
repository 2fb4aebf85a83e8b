package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"faro/internal/redisx"
	"faro/internal/unanswered"
)

type questionsCmd struct {
	Data     string `env:"FARO_DATA" default:"./data" type:"path" help:"Data folder of the running faro."`
	RedisURL string `env:"FARO_REDIS_URL" help:"Redis of the running faro, if it has not its own."`
}

// readTimeAll bounds how long thirty days may take to read.
const readTimeAll = time.Minute

// Run prints one JSON line for each question, newest first, then one with the judgements.
func (q questionsCmd) Run(s streams) error {
	rdb, err := redisx.Join(redisx.Config{URL: q.RedisURL, DataDir: q.Data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeAll)
	defer cancel()
	report, err := unanswered.Read(ctx, rdb, time.Now())
	if err == nil {
		err = q.print(s, report)
	}
	if shut := rdb.Close(); err == nil {
		err = shut
	}
	return err
}

func (questionsCmd) print(s streams, report unanswered.Report) error {
	out := json.NewEncoder(s.out)
	out.SetEscapeHTML(false)
	for _, one := range report.Questions {
		if err := out.Encode(one); err != nil {
			return fmt.Errorf("write a question: %w", err)
		}
	}
	if err := out.Encode(map[string]any{"judged": report.Judged}); err != nil {
		return fmt.Errorf("write the judgements: %w", err)
	}
	return nil
}
