package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/outbox"
)

// How another way of sending, run as a process of its own, is told what to do.
const (
	senderWay   = "FARO_BENCH_SENDER_WAY"
	senderCrowd = "FARO_BENCH_SENDER_CROWD"
	senderAPI   = "FARO_BENCH_SENDER_API"
	senderRedis = "FARO_BENCH_SENDER_REDIS" // unix socket
)

// The ways there are.
const (
	straightly = "straight"
	byTasks    = "asynq"
)

// sendOnce sends the notice's text to a crowd, with nothing of Faro's promises around it, and returns when everyone has it.
func sendOnce() error {
	crowd, err := strconv.Atoi(os.Getenv(senderCrowd))
	if err != nil {
		return err
	}
	body, err := telegram.Shape(bot.Reply{Lang: "es", Text: text}, bot.Input{})
	if err != nil {
		return err
	}
	api := telegram.NewAPI(os.Getenv(senderAPI), token)
	send := func(address string) error {
		_, err := api.Send(context.Background(), outbox.Message{Address: address, Body: body})
		return err
	}
	switch way := os.Getenv(senderWay); way {
	case straightly:
		return inLoop(crowd, send)
	case byTasks:
		return inTasks(crowd, send)
	default:
		return fmt.Errorf("no way of sending is called %q", way)
	}
}

// atOnce is how many messages are in the provider's hands at once, as many as Faro lets be.
const atOnce = 48

func address(reader int) string { return strconv.Itoa(1_000_000 + reader) }

func inLoop(crowd int, send func(string) error) error {
	var next atomic.Int64
	var sending sync.WaitGroup
	failed := make([]error, atOnce)
	for worker := range failed {
		sending.Go(func() {
			for i := int(next.Add(1)) - 1; i < crowd && failed[worker] == nil; i = int(next.Add(1)) - 1 {
				failed[worker] = send(address(i))
			}
		})
	}
	sending.Wait()
	return errors.Join(failed...)
}

func inTasks(crowd int, send func(string) error) error {
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Getenv(senderRedis), DB: 1, PoolSize: 64})
	defer rdb.Close()
	var sending sync.WaitGroup
	sending.Add(crowd)
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{Concurrency: atOnce, LogLevel: asynq.FatalLevel})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		err := send(string(t.Payload()))
		if err == nil {
			sending.Done()
		}
		return err
	}))
	if err != nil {
		return err
	}
	defer server.Shutdown()
	client := asynq.NewClientFromRedisClient(rdb)
	for i := range crowd {
		if _, err := client.Enqueue(asynq.NewTask("notice", []byte(address(i))), asynq.TaskID("n1:"+address(i))); err != nil {
			return err
		}
	}
	sending.Wait()
	return nil
}
