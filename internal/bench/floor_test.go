package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/answers"
	"faro/internal/content"
)

// floorSettings are how the floor, run as a process of its own, is told what to do.
const (
	floorRedis = "FARO_BENCH_FLOOR_REDIS" // unix socket
	floorAPI   = "FARO_BENCH_FLOOR_API"
)

// floor is the least a bot with a session in Redis does: GET, SET and sendMessage, with none of the
// promises. It serves until it is killed.
func floor() error {
	replies, err := floorReplies()
	if err != nil {
		return err
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Getenv(floorRedis), PoolSize: 64})
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	api := &tgbotapi.BotAPI{Token: token, Client: &http.Client{Transport: transport, Timeout: 20 * time.Second}}
	api.SetAPIEndpoint(os.Getenv(floorAPI) + "/bot%s/%s")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var u tgbotapi.Update
		if err := json.NewDecoder(r.Body).Decode(&u); err != nil || u.Message == nil {
			http.Error(w, "no update", http.StatusBadRequest)
			return
		}
		chat := strconv.FormatInt(u.Message.Chat.ID, 10)
		ctx := context.WithoutCancel(r.Context())
		session, err := rdb.Get(ctx, "session:"+chat).Result()
		if err != nil && err != redis.Nil {
			http.Error(w, "no session", http.StatusInternalServerError)
			return
		}
		n, _ := strconv.Atoi(session)
		if err := rdb.Set(ctx, "session:"+chat, strconv.Itoa(n+1), 72*time.Hour).Err(); err != nil {
			http.Error(w, "session not stored", http.StatusInternalServerError)
			return
		}
		params := maps.Clone(replies[u.Message.Text])
		params["chat_id"] = chat
		if _, err := api.MakeRequest("sendMessage", params); err != nil {
			http.Error(w, "not sent", http.StatusInternalServerError)
		}
	}))
}

// floorReplies are what the floor sends: to each question exactly what Faro answers, made beforehand.
func floorReplies() (map[string]tgbotapi.Params, error) {
	c, found := content.Load("")
	if c == nil {
		return nil, fmt.Errorf("the content has errors: %v", found)
	}
	talk := bot.New(c.Flows, c.Book, answers.New(c.Flows, c.Book).Find, bot.Host{Operator: "Bench"})
	replies := map[string]tgbotapi.Params{}
	var d bot.Dialogue
	var p bot.Person
	for i, words := range slices.Concat(greeting, questions) {
		in := bot.Input{ID: strconv.Itoa(i), Channel: bot.Telegram, Kind: bot.Text, Words: bot.Words(words), Hint: "es", Message: i + 1}
		if words == "/start" {
			in.Kind = bot.Start
		}
		turn := talk.Step(d, p, in, time.Now())
		d, p = turn.Dialogue, turn.Person
		if len(turn.Replies) != 1 {
			return nil, fmt.Errorf("%q gets %d replies", words, len(turn.Replies))
		}
		queued, err := telegram.Shape(turn.Replies[0], in)
		if err != nil {
			return nil, err
		}
		params, err := telegram.Content("", queued)
		if err != nil {
			return nil, err
		}
		replies[words] = params
	}
	return replies, nil
}
