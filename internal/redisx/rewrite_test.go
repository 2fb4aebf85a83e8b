package redisx

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/internal/keys"
)

// look ticks for a Redis, and returns when it has looked whether its files are to be written anew.
func look(ctx context.Context, t *testing.T, rdb *Redis) {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	ticks := make(chan time.Time)
	stopped := make(chan struct{})
	go func() { defer close(stopped); rdb.rewrite(ctx, ticks, slog.New(slog.DiscardHandler)) }()
	for range 2 { // the second is taken when the first has been seen to
		select {
		case ticks <- time.Now():
		case <-ctx.Done():
			t.Fatal("it does not look")
		}
	}
	stop()
	<-stopped
}

// filesIn are the append-only files in a folder, and whether a word stands in them.
func filesIn(t *testing.T, dir, word string) (names []string, holds bool) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("files: %q, %v", names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		holds = holds || err == nil && strings.Contains(string(b), word) // an old file may go while we look
	}
	return names, holds
}

// leave writes a word to the append-only file and deletes it from Redis.
func leave(ctx context.Context, t *testing.T, rdb redis.Cmdable, dir, word string) {
	t.Helper()
	if err := rdb.Set(ctx, "k", word, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Del(ctx, "k").Err(); err != nil {
		t.Fatal(err)
	}
	waitFor(ctx, t, func() bool { _, holds := filesIn(t, dir, word); return holds })
}

// TestTheFileForgets: what is deleted leaves the append-only file when it is written anew: daily, by whatever
// process, and whoever started the server.
func TestTheFileForgets(t *testing.T) {
	data := t.TempDir()
	own, _ := openIn(t, data)
	other, err := Open(t.Context(), Config{URL: "unix://" + filepath.Join(data, "redis.sock"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dir := filepath.Join(data, "redis")
	leave(ctx, t, own, dir, "canary")
	look(ctx, t, other)
	idle := func() bool {
		return strings.Contains(own.Info(ctx, "persistence").Val(), "aof_rewrite_in_progress:0")
	}
	waitFor(ctx, t, func() bool { _, holds := filesIn(t, dir, "canary"); return !holds && idle() })

	if left := own.PTTL(ctx, keys.Rewritten).Val(); left <= 0 || left+rewriteLook > rewriteEvery {
		t.Errorf("it is looked at again, at the latest, %v after it was written anew", left+rewriteLook)
	}
	before, _ := filesIn(t, dir, "")
	look(ctx, t, own)
	waitFor(ctx, t, idle)
	if after, _ := filesIn(t, dir, ""); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the file is written anew twice a day: %q, then %q", before, after)
	}
}

// TestAFailedRewriteIsTriedAgain: what could not be written anew is due still, for whatever process looks next.
func TestAFailedRewriteIsTriedAgain(t *testing.T) {
	data := t.TempDir()
	own, _ := openIn(t, data)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := own.Do(ctx, "ACL", "SETUSER", "barred", "on", ">pw", "~*", "+@all", "-bgrewriteaof").Err(); err != nil {
		t.Fatal(err)
	}
	barred, err := Open(ctx, Config{URL: "unix://barred:pw@" + filepath.Join(data, "redis.sock"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = barred.Close() }()
	dir := filepath.Join(data, "redis")
	leave(ctx, t, own, dir, "canary")
	look(ctx, t, barred)
	if _, holds := filesIn(t, dir, "canary"); !holds {
		t.Fatal("it was not barred")
	}
	look(ctx, t, own)
	waitFor(ctx, t, func() bool { _, holds := filesIn(t, dir, "canary"); return !holds })
}

// TestEveryServerForgets: on a cluster each server writes its file anew.
func TestEveryServerForgets(t *testing.T) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server not on the PATH")
	}
	dir, port := t.TempDir(), freePort(t)
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--cluster-enabled", "yes", "--dir", dir, "--save", "", "--appendonly", "yes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	node := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port})
	defer func() { _ = node.Close() }()
	waitFor(ctx, t, func() bool { return node.Ping(ctx).Err() == nil })
	if err := node.ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	rdb, err := Open(ctx, Config{URL: "redis://127.0.0.1:" + port + ",redis://127.0.0.1:" + port, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rdb.Close() }()
	waitFor(ctx, t, func() bool { return strings.Contains(node.ClusterInfo(ctx).Val(), "cluster_state:ok") })
	leave(ctx, t, rdb, dir, "canary")
	look(ctx, t, rdb)
	waitFor(ctx, t, func() bool { _, holds := filesIn(t, dir, "canary"); return !holds })
}

// freePort is a port nobody listens on, and low enough that a cluster's second port, 10,000 higher, exists too.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port < 55_000 {
			return fmt.Sprint(port)
		}
	}
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
