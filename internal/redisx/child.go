package redisx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTime  = 30 * time.Second // reading back a large append-only file takes a while
	stopTime   = 10 * time.Second
	againTime  = 500 * time.Millisecond // before a server that died is started again
	maxSocket  = 100                    // bytes of a unix socket's path; systems allow 104 to 108
	lastOutput = 4 << 10
)

// serverSettings are what a redis-server that serves Faro needs; compose.yaml and docs/operations.md have the same.
var serverSettings = []string{
	"--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
	// A stream keeps the bytes of a deleted entry while another one lives in its node.
	"--stream-node-max-entries", "1",
	// A full server refuses and forgets nobody. It holds a million people; deploy/faro.service lets it and Faro have more
	// than twice as much, because what changes while the file is written anew is there twice.
	"--maxmemory", "1gb", "--maxmemory-policy", "noeviction",
	// Both would keep keys and commands of people who are erased meanwhile.
	"--slowlog-log-slower-than", "-1", "--crash-log-enabled", "no",
}

// A child is a redis-server of our own.
type child struct {
	path, dir, socket string
	log               *slog.Logger
	lock              *os.File
	temp              string // folder of the socket, if the data folder lies too deep for one

	mu       sync.Mutex
	process  *os.Process
	stopping bool
	ended    chan struct{} // closed when the server is down for good
}

// socketIn is where our own server listens, if the data folder does not lie too deep.
func socketIn(data string) (string, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return "", fmt.Errorf("find the data folder: %w", err)
	}
	return filepath.Join(data, "redis.sock"), nil
}

func startChild(ctx context.Context, path, data string, log *slog.Logger) (*child, error) {
	socket, err := socketIn(data)
	if err != nil {
		return nil, err
	}
	data = filepath.Dir(socket)
	c := &child{path: path, dir: filepath.Join(data, "redis"), socket: socket, log: log, ended: make(chan struct{})}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if c.lock, err = os.OpenFile(filepath.Join(data, "redis.lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(c.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = c.lock.Close()
		return nil, fmt.Errorf("another faro uses the data folder %s: stop it, or give this one another FARO_DATA", data)
	}
	if err := fromDump(c.dir, log); err != nil {
		_ = c.lock.Close()
		return nil, err
	}
	if len(c.socket) > maxSocket {
		if c.temp, err = os.MkdirTemp("", "faro"); err != nil {
			_ = c.lock.Close()
			return nil, fmt.Errorf("make a folder for the socket: %w", err)
		}
		c.socket = filepath.Join(c.temp, "redis.sock")
	}
	up := make(chan error, 1)
	go c.keep(up)
	if err := <-up; err != nil {
		c.cleanUp()
		return nil, err
	}
	starting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := c.await(starting); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// fromDump makes a dump that lies alone in our server's folder the beginning of its append-only file: a server
// that has such files reads no other, and one that has none would begin empty.
func fromDump(dir string, log *slog.Logger) error {
	dump, files := filepath.Join(dir, "dump.rdb"), filepath.Join(dir, "appendonlydir")
	if _, err := os.Stat(dump); err != nil {
		return nil //nolint // there is none
	}
	if _, err := os.Stat(files); err == nil {
		return nil
	}
	const base = "appendonly.aof.1.base.rdb"
	half := files + ".new" // so that a crash leaves the folder as it was
	err := errors.Join(os.RemoveAll(half), os.Mkdir(half, 0o700))
	if err == nil {
		err = os.Link(dump, filepath.Join(half, base))
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(half, "appendonly.aof.manifest"), []byte("file "+base+" seq 1 type b\n"), 0o600)
	}
	if err == nil {
		err = os.Rename(half, files)
	}
	if err == nil {
		err = os.Remove(dump)
	}
	if err != nil {
		return fmt.Errorf("begin with the dump %s: %w", dump, err)
	}
	log.Info("redis: begins with the dump that lay in its folder")
	return nil
}

// tail keeps the end of what the server prints before it serves, for the error if it cannot. What it prints
// later may hold keys and commands, and so people.
type tail struct {
	mu     sync.Mutex
	b      []byte
	serves bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.serves {
		t.b = append(t.b, p...)
		t.b = t.b[max(0, len(t.b)-lastOutput):]
	}
	return len(p), nil
}

// serve drops what was kept: the server serves.
func (t *tail) serve() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b, t.serves = nil, true
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}

// keep runs the server and starts it again if it dies. The system ends the server when the thread
// that started it ends, so that none is left behind a killed faro; hence the thread is kept.
func (c *child) keep(up chan<- error) {
	defer close(c.ended)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		_ = os.Remove(c.socket)
		var out tail
		cmd := exec.Command(c.path, append([]string{"--port", "0", "--unixsocket", c.socket, "--unixsocketperm", "700", "--dir", c.dir,
			"--daemonize", "no", "--loglevel", "warning"}, serverSettings...)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.SysProcAttr = apart()
		c.mu.Lock() // stop signals the last process: none may start once it has begun
		if c.stopping {
			c.mu.Unlock()
			return
		}
		err := cmd.Start()
		if err == nil {
			c.process = cmd.Process
		}
		c.mu.Unlock()
		if up != nil {
			up <- err
			if up = nil; err != nil {
				return
			}
		}
		if err == nil {
			err = c.wait(cmd, &out)
		}
		c.mu.Lock()
		stopping := c.stopping
		c.mu.Unlock()
		if stopping {
			return
		}
		c.log.Error("redis: the embedded redis-server ended, starting it again", "error", err, "output", out.String())
		time.Sleep(againTime)
	}
}

// wait waits until the server has ended.
func (c *child) wait(cmd *exec.Cmd, out *tail) error {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		if c.await(ctx) == nil {
			out.serve()
		}
	})
	err := cmd.Wait()
	cancel()
	watching.Wait()
	return err
}

// await waits until the server has read its file and answers. go-redis would wait 100 ms after the
// first refusal, so it is not given the socket before.
func (c *child) await(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !c.answers() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer; its files are in %s: %w", c.dir, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

func (c *child) answers() bool {
	conn, err := net.Dial("unix", c.socket)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer := make([]byte, 5)
	n, err := conn.Read(answer)
	return err == nil && string(answer[:n]) == "+PONG"
}

// stop ends the server by its process id and waits for it.
func (c *child) stop() error {
	c.mu.Lock()
	c.stopping = true
	process := c.process
	c.mu.Unlock()
	defer c.cleanUp()
	_ = process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-c.ended:
		return nil
	case <-time.After(stopTime):
	}
	_ = process.Kill()
	<-c.ended
	return fmt.Errorf("redis-server did not stop in %v and was killed", stopTime)
}

func (c *child) cleanUp() {
	_ = os.Remove(c.socket)
	if c.temp != "" {
		_ = os.RemoveAll(c.temp)
	}
	_ = c.lock.Close()
}
