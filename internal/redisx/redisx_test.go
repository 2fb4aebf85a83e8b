package redisx_test

import (
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"faro/internal/redisx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *redisx.Redis {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	r, err := redisx.Open(t.Context(), redisx.Config{DataDir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func shut(t *testing.T, r *redisx.Redis) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// patience is how long a test waits for a server before it fails.
const patience = 20 * time.Second

func eventually(t *testing.T, what string, is func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

// pid is the process id of the server, 0 if it does not answer.
func pid(ctx context.Context, r *redisx.Redis) int {
	for line := range strings.Lines(r.Info(ctx, "server").Val()) {
		if rest, ok := strings.CutPrefix(line, "process_id:"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(rest))
			return n
		}
	}
	return 0
}

// kill ends the server at once. A process id of 0 or 1 would hit others.
func kill(t *testing.T, r *redisx.Redis) int {
	t.Helper()
	n := pid(t.Context(), r)
	if n <= 1 {
		t.Fatal("the server does not tell its process id")
	}
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return n
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestEmbeddedLeavesNoProcess(t *testing.T) {
	r := open(t, t.TempDir())
	if r.Kind() != redisx.Embedded || r.Cluster() {
		t.Errorf("it is %s, cluster %t", r.Kind(), r.Cluster())
	}
	n := pid(t.Context(), r)
	shut(t, r)
	if n <= 1 || !gone(n) {
		t.Error("the server is still there after Close")
	}
}

// Between a death and the next start there is no server to stop: Close must not wait for one.
func TestEmbeddedClosesWhileTheServerIsDown(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	n := kill(t, r)
	eventually(t, "the killed server ends", func(context.Context) bool { return gone(n) })
	closed := make(chan error, 1)
	go func() { closed <- r.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Close waits for a server that is down")
	}
	shut(t, open(t, dir)) // the folder is free again
}

func TestEmbeddedKeepsWhatWasStored(t *testing.T) {
	dir := t.TempDir() + "/" + strings.Repeat("deep/", 20) // too long a path for a socket
	r := open(t, dir)
	if err := r.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := redisx.Open(t.Context(), redisx.Config{DataDir: dir, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "another faro") {
		t.Errorf("a second one on the same folder: %v", err)
	}
	shut(t, r)
	r = open(t, dir)
	defer shut(t, r)
	if v := r.Get(t.Context(), "k").Val(); v != "v" {
		t.Errorf("after a restart: %q", v)
	}
}

func TestEmbeddedComesBackAfterAKill(t *testing.T) {
	r := open(t, t.TempDir())
	defer shut(t, r)
	if err := r.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	// The file is written every second; this waits for it.
	if err := r.Do(t.Context(), "WAITAOF", 1, 0, 5000).Err(); err != nil {
		if err := r.Do(t.Context(), "BGREWRITEAOF").Err(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the file is written", func(ctx context.Context) bool {
			return strings.Contains(r.Info(ctx, "persistence").Val(), "aof_rewrite_in_progress:0")
		})
	}
	killed := kill(t, r)
	eventually(t, "it comes back with its data", func(ctx context.Context) bool {
		now := pid(ctx, r)
		return now != 0 && now != killed && r.Get(ctx, "k").Val() == "v"
	})
}

func TestInMemory(t *testing.T) {
	t.Setenv("PATH", "")
	var said strings.Builder
	r, err := redisx.Open(t.Context(), redisx.Config{DataDir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, r)
	if !strings.Contains(said.String(), "lost at the end") || r.Kind() != redisx.Memory {
		t.Errorf("it does not say that nothing survives: %q", said.String())
	}
	if err := r.Set(t.Context(), "k", "v", time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	if v := r.Get(t.Context(), "k").Val(); v != "v" {
		t.Errorf("stored: %q", v)
	}
	eventually(t, "the key expires", func(ctx context.Context) bool {
		n, err := r.Exists(ctx, "k").Result()
		return err == nil && n == 0
	})
}

func TestWrongAddress(t *testing.T) {
	for _, url := range []string{"http://x", "redis://:geheim@host:port", "nonsense", "redis://:geheim@host/x", "redis://:geheim@host:6379?master_name=m&db=x", "redis://a:6379,http://:geheim@b"} {
		_, err := redisx.Open(t.Context(), redisx.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
		if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "FARO_REDIS_URL") {
			t.Errorf("%d: %v", len(url), err)
		}
	}
}
