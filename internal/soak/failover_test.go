package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/fakes"
	"faro/internal/keys"
)

// servers are several redis-servers on loopback, each in a folder of its own.
func servers(t *testing.T, dir string, n int, args ...string) (all []*machine, addrs []string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server not on the PATH")
	}
	for i := range n {
		port := freePort(t)
		at := filepath.Join(dir, fmt.Sprint("n", i))
		if err := os.Mkdir(at, 0o700); err != nil {
			t.Fatal(err)
		}
		m := &machine{t: t, up: regexp.MustCompile(`(ready|Ready) to accept`), make: func() *exec.Cmd {
			return exec.Command(path, append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", at, "--save", "", "--appendonly", "yes"}, args...)...)
		}}
		m.start()
		t.Cleanup(func() { m.end(syscall.SIGKILL) })
		all, addrs = append(all, m), append(addrs, "127.0.0.1:"+port)
	}
	return all, addrs
}

// freePort is a port nobody listens on, and low enough that a cluster's second port, 10,000 higher, exists too.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(12_000)
		free := true
		for _, p := range []int{port, port + 10_000} {
			l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", p))
			if err != nil {
				free = false
				continue
			}
			_ = l.Close()
		}
		if free {
			return fmt.Sprint(port)
		}
	}
	t.Fatal("no port is free")
	return ""
}

// newRigOn starts processes on a Redis that is there already, with some settings of their own.
func newRigOn(t *testing.T, dir string, client redis.UniversalClient, processes int, address string, env ...string) *rig {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	r := &rig{t: t, dir: dir, redis: client, crowd: &crowd{tg: fakes.NewTelegram(token), tw: fakes.NewTwilio(account, auth)}}
	t.Cleanup(r.tg.Close)
	t.Cleanup(r.tw.Close)
	for range processes {
		r.faros = append(r.faros, r.faro(bin, address, env...))
	}
	return r
}

// tempDir is a folder whose path is short enough for a socket's.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// while has people write, and something happen meanwhile, and checks what they were told.
func (r *rig) while(turns int, happens func(context.Context)) (f figures) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Minute)
	defer cancel()
	rnd := rand.New(rand.NewPCG(uint64(turns), 7))
	r.guests = newGuests(rnd, turns)
	for _, g := range r.guests {
		if err := g.prepare(r.tg, r.tw); err != nil {
			r.t.Fatal(err)
		}
		f.turns += len(g.wrote)
	}
	f.guests = len(r.guests)
	var doing sync.WaitGroup
	doing.Go(func() { happens(ctx) })
	r.everyone(ctx, r.guests, rnd.Uint64())
	doing.Wait()
	r.settle(ctx, &f, 0)
	f.refused, f.repeated = int(r.refused.Load()), int(r.twice.Load())
	return f
}

// newCluster is a Redis Cluster of six with two processes, and what kills one of its primaries.
func newCluster(t *testing.T, env ...string) (r *rig, kill func()) {
	t.Helper()
	dir := tempDir(t)
	nodes, addrs := servers(t, dir, 6, "--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-replica-validity-factor", "0")
	create := append([]string{"--cluster", "create"}, addrs...)
	if out, err := exec.Command("redis-cli", append(create, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput(); err != nil {
		t.Fatalf("make the cluster: %v\n%s", err, out)
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ClusterStateReloadInterval: time.Second})
	t.Cleanup(func() { _ = client.Close() })
	ready := func() bool {
		info, err := client.ClusterInfo(t.Context()).Result()
		if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:6") {
			return false
		}
		following := 0 // a replica that has nothing yet would take over with nothing
		for _, a := range addrs {
			one := redis.NewClient(&redis.Options{Addr: a})
			if strings.Contains(one.Info(t.Context(), "replication").Val(), "master_link_status:up") {
				following++
			}
			_ = one.Close()
		}
		return following == 3
	}
	if !within(t.Context(), 30*time.Second, ready) {
		t.Fatal("the cluster does not come up")
	}
	return newRigOn(t, dir, client, 2, "redis://"+strings.Join(addrs, ",redis://"), env...), func() {
		p := primary(t, client, addrs)
		copied(t, addrs[p])
		nodes[p].end(syscall.SIGKILL)
		t.Log("a primary is killed")
	}
}

// TestCluster: on a Redis Cluster of six, one primary is killed while people write to two processes. Its replica
// takes over, and everyone gets every answer, once.
func TestCluster(t *testing.T) {
	r, kill := newCluster(t)
	f := r.while(900, func(ctx context.Context) {
		_ = sleep(ctx, time.Second)
		kill()
	})
	t.Logf("%v", f)
	if f.twice > 2*inHands {
		t.Errorf("%d were told twice", f.twice)
	}
}

// TestNoticeOnCluster: everyone at a facility is told, their ids spread over a Redis Cluster of six, while one of its
// primaries is killed. Nobody is left out.
func TestNoticeOnCluster(t *testing.T) {
	const people, notice = 400, "Mañana no hay agua."
	r, kill := newCluster(t, "FARO_TELEGRAM_RATE=150") // so that it takes a while
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for i := range people {
		g := &guest{channel: bot.Telegram, address: strconv.Itoa(7_000_000 + i), words: []string{"/start f-tapachula", "1", "1"}}
		if err := g.prepare(r.tg, r.tw); err != nil {
			t.Fatal(err)
		}
		r.guests = append(r.guests, g)
	}
	r.everyone(ctx, r.guests, 1)
	send := r.faros[0].make()
	send.Args = append(send.Args[:1], "notice", "send", "--facility", "tapachula", "--text", "es="+notice, "--until", "6h", "--urgency", "emergency", "--apply")
	told := func() (least, all int) {
		for _, g := range r.guests {
			seen, _ := g.seen(r.tg, r.tw)
			got := len(saying(seen, notice))
			all += got
			least += min(got, 1)
		}
		return least, all
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		if out, err := send.CombinedOutput(); err != nil || !strings.Contains(string(out), strconv.Itoa(people)) {
			t.Errorf("%v\n%s", err, out)
		}
	})
	within(ctx, 30*time.Second, func() bool { least, _ := told(); return least > 0 })
	before, _ := told()
	kill()
	sending.Wait()
	t.Logf("%d were told before", before)
	within(ctx, time.Minute, func() bool { least, _ := told(); return least == people && r.waiting(ctx, keys.Bulk) == 0 })
	if least, all := told(); least != people || all > people+2*inHands {
		t.Errorf("%d of %d people are told, %d times", least, people, all)
		for i, m := range r.faros {
			t.Logf("process %d said:\n%s", i, m.output())
		}
	}
}

// copied lets a server write nothing more, for a while, and waits until its replicas have all it has: what they do not
// have is lost with it (docs/operations.md), and on a busy machine they may be a second behind.
func copied(t *testing.T, addr string) {
	t.Helper()
	one := redis.NewClient(&redis.Options{Addr: addr})
	defer one.Close()
	if err := one.Do(t.Context(), "CLIENT", "PAUSE", 30_000, "WRITE").Err(); err != nil {
		t.Fatal(err)
	}
	if !within(t.Context(), 20*time.Second, func() bool {
		info := one.Info(t.Context(), "replication").Val()
		all := regexp.MustCompile(`master_repl_offset:(\d+)`).FindStringSubmatch(info)
		replicas := regexp.MustCompile(`slave\d+:.*,offset=(\d+)`).FindAllStringSubmatch(info, -1)
		return all != nil && len(replicas) > 0 && !slices.ContainsFunc(replicas, func(r []string) bool { return r[1] != all[1] })
	}) {
		t.Fatal("a replica does not catch up")
	}
}

// primary is the number of a node that holds slots.
func primary(t *testing.T, client *redis.ClusterClient, addrs []string) int {
	t.Helper()
	shards, err := client.ClusterShards(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		for _, n := range s.Nodes {
			for i, a := range addrs {
				if n.Role == "master" && len(s.Slots) > 0 && strings.HasSuffix(a, fmt.Sprint(":", n.Port)) {
					return i
				}
			}
		}
	}
	t.Fatal("a primary that is none of ours")
	return 0
}

// TestSentinel: three sentinels watch a primary with two replicas. It is killed while people write; one of the
// replicas takes its place, and everyone gets every answer, once.
func TestSentinel(t *testing.T) {
	dir := tempDir(t)
	nodes, addrs := servers(t, dir, 3)
	for _, a := range addrs[1:] {
		one := redis.NewClient(&redis.Options{Addr: a})
		host, port, _ := net.SplitHostPort(addrs[0])
		if err := one.ReplicaOf(t.Context(), host, port).Err(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = one.Close() })
		if !within(t.Context(), 20*time.Second, func() bool {
			return strings.Contains(one.Info(t.Context(), "replication").Val(), "master_link_status:up")
		}) {
			t.Fatal("a replica does not follow")
		}
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server not on the PATH")
	}
	var watchers []string
	for i := range 3 {
		port := freePort(t)
		host, primary, _ := net.SplitHostPort(addrs[0])
		conf := filepath.Join(dir, fmt.Sprint("sentinel", i))
		text := fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\nsentinel monitor faro %s %s 2\nsentinel down-after-milliseconds faro 1000\n"+
			"sentinel failover-timeout faro 5000\n", port, dir, host, primary)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m := &machine{t: t, up: regexp.MustCompile(`Sentinel ID is`), make: func() *exec.Cmd { return exec.Command(path, conf, "--sentinel") }}
		m.start()
		t.Cleanup(func() { m.end(syscall.SIGKILL) })
		watchers = append(watchers, "127.0.0.1:"+port)
	}
	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "faro", SentinelAddrs: watchers})
	t.Cleanup(func() { _ = client.Close() })
	watched := func() bool { // each knows the others and the replicas
		for _, w := range watchers {
			one := redis.NewSentinelClient(&redis.Options{Addr: w})
			info, err := one.Master(t.Context(), "faro").Result()
			_ = one.Close()
			if err != nil || info["num-slaves"] != "2" || info["num-other-sentinels"] != "2" {
				return false
			}
		}
		return true
	}
	if !within(t.Context(), 30*time.Second, watched) {
		t.Fatal("the sentinels do not find one another")
	}
	r := newRigOn(t, dir, client, 2, "redis://"+watchers[0]+"/0?master_name=faro&addr="+watchers[1]+"&addr="+watchers[2])
	f := r.while(900, func(ctx context.Context) {
		_ = sleep(ctx, time.Second)
		copied(t, addrs[0])
		nodes[0].end(syscall.SIGKILL)
		t.Log("the primary is killed")
	})
	t.Logf("%v", f)
	if f.twice > 2*inHands {
		t.Errorf("%d were told twice", f.twice)
	}
}

// TestFourProcesses: four processes share the work of one Redis, three of them are killed one after the other,
// and everyone gets every answer.
func TestFourProcesses(t *testing.T) {
	s := newStore(t, "everysec")
	r := newRigOn(t, s.dir, s.client, 4, "unix://"+s.socket)
	f := r.while(900, func(ctx context.Context) {
		for _, m := range r.faros[1:] {
			_ = sleep(ctx, 400*time.Millisecond)
			m.end(syscall.SIGKILL)
		}
	})
	t.Logf("%v", f)
	if f.twice > 3*inHands {
		t.Errorf("%d were told twice", f.twice)
	}
}
