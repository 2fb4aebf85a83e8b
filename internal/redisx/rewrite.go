package redisx

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/internal/keys"
)

const (
	// rewriteEvery is how long what was deleted may stay in an append-only file, which is a log of all that was ever
	// written until it is written anew.
	rewriteEvery = 24 * time.Hour
	// rewriteLook is how often it is looked whether that is due: processes may be restarted more often than it is.
	rewriteLook = time.Hour
)

// rewriting has the append-only files of the servers written anew daily until the connection is closed.
func (r *Redis) rewriting(ctx context.Context, log *slog.Logger) *Redis {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	tick := time.NewTicker(rewriteLook)
	var running sync.WaitGroup
	running.Go(func() { r.rewrite(ctx, tick.C, log) })
	r.rest = func() {
		tick.Stop()
		cancel()
		running.Wait()
	}
	return r
}

// rewrite looks at each tick whether the files are to be written anew, until ctx ends.
func (r *Redis) rewrite(ctx context.Context, ticks <-chan time.Time, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		if err := r.rewriteIfDue(ctx); err != nil && ctx.Err() == nil {
			log.Warn("redis: the append-only file was not written anew; tried again in an hour", "error", err)
		}
	}
}

// rewriteIfDue has all files written anew unless a process did so, in good time before the next is due. The mark comes
// last, so that what fails half-way is due still; of two processes at once one hears that it is being done.
func (r *Redis) rewriteIfDue(ctx context.Context) error {
	done, err := r.Exists(ctx, keys.Rewritten).Result()
	if err != nil {
		return fmt.Errorf("see whether it is due: %w", err)
	}
	if done > 0 {
		return nil
	}
	if err := r.rewriteAll(ctx); err != nil {
		return err
	}
	if err := r.Set(ctx, keys.Rewritten, "1", rewriteEvery-rewriteLook).Err(); err != nil {
		return fmt.Errorf("note that it is done: %w", err)
	}
	return nil
}

func (r *Redis) rewriteAll(ctx context.Context) error {
	if cluster, ok := r.UniversalClient.(*redis.ClusterClient); ok {
		return cluster.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error { return rewriteOf(ctx, node) })
	}
	return rewriteOf(ctx, r.UniversalClient)
}

// rewriteOf has one server write its file anew, if it keeps one.
func rewriteOf(ctx context.Context, server redis.Cmdable) error {
	info, err := server.Info(ctx, "persistence").Result()
	if err != nil {
		return fmt.Errorf("ask for an append-only file: %w", err)
	}
	if !strings.Contains(info, "aof_enabled:1") {
		return nil
	}
	if err := server.BgRewriteAOF(ctx).Err(); err != nil {
		return fmt.Errorf("write the append-only file anew: %w", err)
	}
	return nil
}
