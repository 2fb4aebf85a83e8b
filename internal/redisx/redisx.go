// Package redisx connects to Redis: the one configured, or one of our own.
//
// Without an address it starts a redis-server of its own under the data folder, or, if there is none
// on the PATH, keeps everything in memory and says that nothing survives a restart. It never prints an
// address with its password. A Redis may be used from several goroutines.
package redisx

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Config says which Redis to use.
type Config struct {
	URL     string // redis://, rediss://, unix://, or several parted by commas for a cluster; "" for our own
	DataDir string // where our own keeps its files
	Log     *slog.Logger
}

// A Redis is a connection, with the server behind it if that is our own.
type Redis struct {
	redis.UniversalClient
	kind    string
	cluster bool
	rest    func()       // ends what is done to the server meanwhile, nil if nothing is
	end     func() error // ends our own server, nil if there is none
}

// The kinds of Redis.
const (
	Remote   = "redis"
	Embedded = "embedded redis-server"
	Memory   = "in memory"
)

// Open connects. A configured Redis that is away is no error: commands fail until it is back.
func Open(ctx context.Context, c Config) (*Redis, error) {
	redis.SetLogger(quiet{c.Log})
	if c.URL != "" {
		r, err := dial(c.URL)
		if err != nil {
			return nil, err
		}
		return r.rewriting(ctx, c.Log), nil
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return memory(c.Log)
	}
	child, err := startChild(ctx, path, c.DataDir, c.Log)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(tuned(&redis.Options{Network: "unix", Addr: child.socket}))
	return (&Redis{UniversalClient: client, kind: Embedded, end: child.stop}).rewriting(ctx, c.Log), nil
}

// Join connects to the Redis a running faro with the same settings uses, and starts none.
func Join(c Config) (*Redis, error) {
	redis.SetLogger(quiet{c.Log})
	if c.URL != "" {
		return dial(c.URL)
	}
	socket, err := socketIn(c.DataDir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(socket); err != nil {
		return nil, errors.New("no faro is running on this data folder: start it, or set FARO_REDIS_URL or FARO_DATA as it has them")
	}
	return &Redis{UniversalClient: redis.NewClient(tuned(&redis.Options{Network: "unix", Addr: socket})), kind: Embedded}, nil
}

// Kind says what is behind the connection.
func (r *Redis) Kind() string { return r.kind }

// Client is the connection itself.
func (r *Redis) Client() redis.UniversalClient { return r.UniversalClient }

// Cluster reports whether keys of different hash tags may lie on different servers.
func (r *Redis) Cluster() bool { return r.cluster }

// Close closes the connection, and ends our own server after it has written everything to its file.
func (r *Redis) Close() error {
	if r.rest != nil {
		r.rest()
	}
	err := r.UniversalClient.Close()
	if r.end != nil {
		err = errors.Join(err, r.end())
	}
	return err
}

const (
	dialTime  = 2 * time.Second
	callTime  = 3 * time.Second
	poolSize  = 64              // connections: as many turns at once as a small machine can compute
	lookAgain = 2 * time.Second // at where a cluster keeps what: nobody tells the client that a dead primary was replaced
	tries     = 2               // a commit that was done although its answer was lost is recognised by its own input
)

func tuned(o *redis.Options) *redis.Options {
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTime, callTime, callTime
	o.PoolSize, o.MaxRetries = poolSize, tries
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true // saves a round trip a connection
	o.Protocol = 2           // RESP3 would look for pushed messages, which we do not use, before each answer
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o
}

var errURL = errors.New("FARO_REDIS_URL is not an address like redis://localhost:6379, rediss://user:password@host:6380/0, unix:///run/redis.sock, or several redis:// parted by commas")

// dial makes a client for what FARO_REDIS_URL says. Its errors do not quote the address, which may
// hold a password.
func dial(address string) (*Redis, error) {
	if several := strings.Split(address, ","); len(several) > 1 {
		return dialCluster(several)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errURL
	}
	if u.Query().Get("master_name") != "" {
		o, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, errURL
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolSize, o.MaxRetries = dialTime, callTime, callTime, poolSize, tries
		o.ContextTimeoutEnabled, o.DisableIdentity = true, true
		return &Redis{UniversalClient: redis.NewFailoverClient(o), kind: Remote}, nil
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, errURL
	}
	return &Redis{UniversalClient: redis.NewClient(tuned(o)), kind: Remote}, nil
}

func dialCluster(several []string) (*Redis, error) {
	o := &redis.ClusterOptions{DialTimeout: dialTime, ReadTimeout: callTime, WriteTimeout: callTime, PoolSize: poolSize,
		ContextTimeoutEnabled: true, DisableIdentity: true, ClusterStateReloadInterval: lookAgain,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}}
	for _, one := range several {
		one = strings.TrimSpace(one)
		if !strings.Contains(one, "://") {
			one = "redis://" + one
		}
		each, err := redis.ParseURL(one)
		if err != nil {
			return nil, errURL
		}
		o.Addrs = append(o.Addrs, each.Addr)
		if each.Password != "" {
			o.Username, o.Password = each.Username, each.Password
		}
		if each.TLSConfig != nil {
			o.TLSConfig = each.TLSConfig
		}
	}
	return &Redis{UniversalClient: redis.NewClusterClient(o), kind: Remote, cluster: true}, nil
}

// quiet takes what go-redis wants to say. Its messages name addresses, so only that there was one is
// told; the commands that fail tell the rest.
type quiet struct{ log *slog.Logger }

// Printf tells that go-redis reported something.
func (q quiet) Printf(context.Context, string, ...any) {
	q.log.Debug("redis: the client library reports a problem with a connection")
}
