package redisx

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// paper is a log that several write.
type paper struct {
	mu sync.Mutex
	b  strings.Builder
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// openIn starts our own server in a folder, with a log.
func openIn(t *testing.T, dir string) (*Redis, *paper) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	log := &paper{}
	rdb, err := Open(t.Context(), Config{DataDir: dir, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb, log
}

// TestServerKeepsNoCommands: our own server keeps no slow commands, and is full at a bound.
func TestServerKeepsNoCommands(t *testing.T) {
	rdb, _ := openIn(t, t.TempDir())
	if err := rdb.Eval(t.Context(), `for i = 1, 5000000 do end return ARGV[1]`, nil, "canary").Err(); err != nil {
		t.Fatal(err)
	}
	if slow, err := rdb.SlowLogGet(t.Context(), -1).Result(); err != nil || len(slow) != 0 {
		t.Errorf("slow commands: %v, %v", slow, err)
	}
	for name, want := range map[string]string{"maxmemory": strconv.Itoa(1 << 30), "maxmemory-policy": "noeviction"} {
		if got := rdb.ConfigGet(t.Context(), name).Val()[name]; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestCrashTellsNothing: what a server that crashes prints of the command under way is not logged.
func TestCrashTellsNothing(t *testing.T) {
	dir := t.TempDir()
	rdb, log := openIn(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := rdb.ConfigSet(ctx, "crash-log-enabled", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(rdb.Info(ctx, "server").Val(), "process_id:")
	id, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil || id <= 1 {
		t.Fatalf("process %d, %v", id, err)
	}
	child := child{socket: filepath.Join(dir, "redis.sock")}
	var running sync.WaitGroup
	running.Go(func() { rdb.Eval(ctx, `while true do end`, nil, "canary") })
	waitFor(ctx, t, func() bool { return !child.answers() })
	if err := syscall.Kill(id, syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	waitFor(ctx, t, func() bool { return strings.Contains(log.String(), "ended, starting it again") })
	if strings.Contains(log.String(), "canary") || strings.Contains(log.String(), "STACK") {
		t.Error("the log has what the server printed when it crashed")
	}
	cancel()
	running.Wait()
}

// TestCannotStart: why a server does not begin to serve is logged.
func TestCannotStart(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	dir := t.TempDir()
	files := filepath.Join(dir, "redis", "appendonlydir")
	if err := os.MkdirAll(files, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files, "appendonly.aof.manifest"), []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	log := &paper{}
	tried := make(chan error, 1)
	go func() {
		r, err := Open(ctx, Config{DataDir: dir, Log: slog.New(slog.NewTextHandler(log, nil))})
		if err == nil {
			_ = r.Close()
		}
		tried <- err
	}()
	waitFor(ctx, t, func() bool { return strings.Contains(log.String(), "manifest") })
	cancel()
	if err := <-tried; err == nil {
		t.Error("it serves")
	}
}

// TestComposeHasTheSame: the Redis of the containers is set as our own.
func TestComposeHasTheSame(t *testing.T) {
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(serverSettings); i += 2 {
		value := serverSettings[i+1]
		if value == "" {
			value = `""`
		}
		if !strings.Contains(string(text), serverSettings[i]+" "+value) {
			t.Errorf("compose.yaml lacks %s %s", serverSettings[i], value)
		}
	}
}
