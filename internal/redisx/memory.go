package redisx

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// memory is a Redis in this process, for a machine without redis-server.
func memory(log *slog.Logger) (*Redis, error) {
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		return nil, fmt.Errorf("start the in-memory store: %w", err)
	}
	log.Warn("no redis-server on the PATH: everything is kept in memory and lost at the end; install redis-server or set FARO_REDIS_URL")
	stop := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() { // its keys expire only when they are told that time passes
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				m.FastForward(time.Second)
			}
		}
	})
	client := redis.NewClient(tuned(&redis.Options{Addr: m.Addr()}))
	return &Redis{UniversalClient: client, kind: Memory, end: func() error {
		close(stop)
		ticking.Wait()
		m.Close()
		return nil
	}}, nil
}
