// Package soak runs real faro processes against a real redis-server and the stand-ins of the providers, breaks
// them by a plan that a seed decides, and holds what was sent in, stored and delivered against the promises.
package soak

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// A machine is a process that can be killed, frozen and started again.
type machine struct {
	t    testing.TB
	make func() *exec.Cmd
	up   *regexp.Regexp // the line that says it serves, with its address if it has one

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
	addr  string
	said  bytes.Buffer
}

func (m *machine) start() {
	m.t.Helper()
	cmd := m.make()
	out, in, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	_ = in.Close()
	ready, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		defer out.Close()
		for lines := bufio.NewScanner(out); lines.Scan(); {
			m.mu.Lock()
			m.said.WriteString(lines.Text() + "\n")
			m.mu.Unlock()
			if found := m.up.FindStringSubmatch(lines.Text()); found != nil {
				select {
				case ready <- found[len(found)-1]:
				default:
				}
			}
		}
		_ = cmd.Wait()
	}()
	select {
	case addr := <-ready:
		m.mu.Lock()
		m.cmd, m.ended, m.addr = cmd, ended, addr
		m.mu.Unlock()
	case <-ended:
		m.t.Fatalf("%s ended before it served:\n%s", filepath.Base(cmd.Path), m.output())
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		m.t.Fatalf("%s does not serve:\n%s", filepath.Base(cmd.Path), m.output())
	}
}

func (m *machine) output() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.said.String()
}

// address is where it listens.
func (m *machine) address() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addr
}

// signal sends a signal, if it runs.
func (m *machine) signal(s syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cmd != nil {
		_ = m.cmd.Process.Signal(s)
	}
}

// end sends a signal and waits until the process is gone.
func (m *machine) end(s syscall.Signal) {
	m.mu.Lock()
	cmd, ended := m.cmd, m.ended
	m.cmd = nil
	m.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGCONT)
	_ = cmd.Process.Signal(s)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
		m.t.Errorf("%s did not end", filepath.Base(cmd.Path))
	}
}

// A store is a redis-server with an append-only file.
type store struct {
	machine
	dir    string
	socket string
	clock  string // the file that says by how much its clock runs ahead, "" if it cannot
	client *redis.Client
}

// newStore starts a redis-server. A file that grows over a limit is an error to it, like a full disk, and not
// the signal that it would be otherwise.
func newStore(t testing.TB, sync string) *store {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server not on the PATH")
	}
	dir := tempDir(t)
	s := &store{dir: dir, socket: filepath.Join(dir, "s")}
	var env []string
	if lib := shim(); lib != "" {
		s.clock = filepath.Join(dir, "clock")
		env = []string{"LD_PRELOAD=" + lib, "CLOCK_FILE=" + s.clock}
	}
	s.machine = machine{t: t, up: regexp.MustCompile(`(ready|Ready) to accept`), make: func() *exec.Cmd {
		_ = os.Remove(s.socket)
		cmd := exec.Command("sh", "-c", `trap "" XFSZ; exec "$0" "$@"`, path, "--port", "0", "--unixsocket", s.socket, "--dir", dir,
			"--save", "", "--appendonly", "yes", "--appendfsync", sync)
		cmd.Env = append(os.Environ(), env...)
		return cmd
	}}
	if s.clock != "" {
		s.ahead(0)
	}
	s.start()
	s.client = redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket, MaxRetries: -1})
	t.Cleanup(func() {
		_ = s.client.Close()
		s.end(syscall.SIGKILL)
	})
	return s
}

// shim is the library that lets a program's clock run ahead, "" if there is no C compiler to make it.
var shim = sync.OnceValue(func() string {
	if bin, err := built(); err == nil {
		lib := filepath.Join(filepath.Dir(bin), "clock.so")
		if exec.Command("gcc", "-shared", "-fPIC", "-O2", "-o", lib, "testdata/clock.c").Run() == nil {
			return lib
		}
	}
	return ""
})

// ahead sets the server's clock. The file is never empty meanwhile: the server reads it where it lies, and would end.
func (s *store) ahead(d time.Duration) {
	f, err := os.OpenFile(s.clock, os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(d/time.Second)), 0)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		s.t.Error(err)
	}
}

// full makes the disk full, or gives it room again.
func (s *store) full(yes bool) {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if yes {
		files, _ := filepath.Glob(filepath.Join(s.dir, "appendonlydir", "*.incr.aof"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				limit.Cur = uint64(info.Size()) + 1000
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		s.t.Errorf("limit the size of files: %v", err)
	}
}

// revive starts the server again if it has ended by itself, as it does when it may not answer before it has
// written and cannot write. Given room it goes on by itself otherwise.
func (s *store) revive() {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	select {
	case <-ended:
		s.start()
	default:
	}
}

// A wire carries one process's connections to Redis, and can cut, slow or block them.
type wire struct {
	to       string
	listener net.Listener
	slow     atomic.Int64 // nanoseconds each piece waits
	blocked  atomic.Bool

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	done  sync.WaitGroup
}

func newWire(t testing.TB, at, to string) *wire {
	t.Helper()
	listener, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{to: to, listener: listener, conns: map[net.Conn]struct{}{}}
	w.done.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			w.done.Go(func() { w.carry(from) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		w.blocked.Store(false)
		w.cut()
		w.done.Wait()
	})
	return w
}

func (w *wire) carry(from net.Conn) {
	to, err := net.Dial("unix", w.to)
	if err != nil {
		_ = from.Close()
		return
	}
	w.mu.Lock()
	w.conns[from], w.conns[to] = struct{}{}, struct{}{}
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { w.copy(to, from) })
	both.Go(func() { w.copy(from, to) })
	both.Wait()
	w.mu.Lock()
	delete(w.conns, from)
	delete(w.conns, to)
	w.mu.Unlock()
}

func (w *wire) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		time.Sleep(time.Duration(w.slow.Load()))
		for w.blocked.Load() {
			time.Sleep(time.Millisecond)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut closes every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

// built is the program.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "faro")
	out, err := exec.Command("go", "build", "-o", bin, "faro/cmd/faro").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	dialling := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial") // sees within a second that its pool is closed
	if err := goleak.Find(dialling); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if bin, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// within waits until something is true.
func within(ctx context.Context, d time.Duration, reached func() bool) bool {
	for deadline := time.Now().Add(d); !reached(); time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return false
		}
	}
	return true
}
