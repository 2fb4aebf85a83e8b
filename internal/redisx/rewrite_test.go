package redisx

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheFileForgets: what is deleted leaves the append-only file when it is written anew.
func TestTheFileForgets(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	dir := t.TempDir()
	rdb, err := Open(t.Context(), Config{DataDir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rdb.Set(ctx, "k", "canary", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Del(ctx, "k").Err(); err != nil {
		t.Fatal(err)
	}
	holds := func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "redis", "appendonlydir", "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("files: %q, %v", files, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err == nil && strings.Contains(string(b), "canary") { // an old file may go while we look
				return true
			}
		}
		return false
	}
	waitFor(ctx, t, holds)
	ticks := make(chan time.Time)
	stopped := make(chan struct{})
	running, stop := context.WithCancel(ctx)
	go func() { defer close(stopped); rewrite(running, rdb, ticks, slog.New(slog.DiscardHandler)) }()
	ticks <- time.Now()
	waitFor(ctx, t, func() bool { return !holds() })
	stop()
	<-stopped
}

func waitFor(ctx context.Context, t *testing.T, reached func() bool) {
	t.Helper()
	for !reached() {
		select {
		case <-ctx.Done():
			t.Fatal("it does not happen")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
