package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"faro/internal/content/sample"
)

// TestReload: SIGHUP puts new content in place, and content with an error not.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	if err := sample.Copy(dir); err != nil {
		t.Fatal(err)
	}
	w := start(t, nil)
	hangups := make(chan os.Signal)
	ctx, cancel := context.WithTimeout(t.Context(), relearning)
	var printed output
	done := make(chan struct{})
	go func() { defer close(done); reloads(ctx, hangups, w.server, source(dir), streams{err: &printed}) }()
	t.Cleanup(func() { cancel(); <-done })
	change := func(file, from, to string) {
		t.Helper()
		path := filepath.Join(dir, file)
		src, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(src), from) {
			t.Fatalf("%s lacks %q: %v", file, from, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(src), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hangUp := func(want string) {
		t.Helper()
		n := strings.Count(w.log.String(), want)
		hangups <- syscall.SIGHUP
		if err := await(ctx, func() bool { return strings.Count(w.log.String(), want) > n }); err != nil {
			t.Fatalf("the log lacks %q: %s", want, w.log.String())
		}
	}
	said := func(want string) {
		t.Helper()
		if shown := w.say(ana, "/start t-asylum"); !strings.Contains(shown.Text, want) {
			t.Errorf("said %q, want %q", shown.Text, want)
		}
	}
	w.say(ana, "/start")
	w.tap(ana, "lang/es")
	w.tap(ana, "next")
	const old, replaced, broken = "No puedo volver: refugio", "Refugio en otras palabras", "Refugio a medias"
	said(old)
	change("locales/es/topics/asylum.toml", old, replaced)
	hangUp("the content was replaced")
	said(replaced)
	change("locales/es/topics/asylum.toml", replaced, broken)
	change("flows/topics/work.yaml", "ask: ifdp", "ask: nobody")
	hangUp("the content was not replaced")
	said(replaced)
	if !strings.Contains(printed.String(), "flows/topics/work.yaml:") {
		t.Errorf("the finding is not told: %s", printed.String())
	}
}

// relearning is how long a reload may take: learning is slow with the race detector.
const relearning = 3 * time.Minute

// TestKeepQuestions: only if it is switched on, and never who asked.
func TestKeepQuestions(t *testing.T) {
	const words = "xilofono azul de Canaria 5512345678"
	for _, keep := range []bool{false, true} {
		w := start(t, func(c *serveCmd) { c.Keep = keep })
		w.say(ana, "/start")
		w.tap(ana, "lang/es")
		w.tap(ana, "next")
		w.say(ana, words)
		var out bytes.Buffer
		read := func() string {
			out.Reset()
			if err := (questionsCmd{Data: w.cfg.Data}).Run(streams{out: &out}); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		if !keep {
			if got := read(); strings.Contains(got, "xilofono") {
				t.Errorf("kept without being asked to: %s", got)
			}
			continue
		}
		if err := await(w.context(), func() bool { return strings.Contains(read(), "xilofono azul de …") }); err != nil {
			t.Fatalf("kept only %s", read())
		}
		if got := read() + w.dump(); strings.Contains(got, "Canaria") || strings.Contains(got, "55123") {
			t.Errorf("a name or a number was kept: %s", got)
		}
	}
}
