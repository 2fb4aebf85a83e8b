package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"github.com/redis/go-redis/v9"
)

// floorSettings are how the floor, run as a process of its own, is told what to do.
const (
	floorRedis = "FARO_BENCH_FLOOR_REDIS" // unix socket
	floorAPI   = "FARO_BENCH_FLOOR_API"
)

// floor is the least a bot with a session in Redis does: GET, SET and sendMessage, with none of the
// promises. It serves until it is killed.
func floor() error {
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
		if _, err := api.MakeRequest("sendMessage", tgbotapi.Params{"chat_id": chat, "text": floorText, "reply_markup": floorButtons}); err != nil {
			http.Error(w, "not sent", http.StatusInternalServerError)
		}
	}))
}

// What the floor sends is as large as what Faro sends for the same input.
var (
	floorText    = "Elige un tema o escribe tu pregunta con pocas palabras. Estamos para ayudarte."
	floorButtons = `{"inline_keyboard":[[{"text":"Mis derechos","callback_data":"group/rights"}],[{"text":"Lo que este lugar debe darme","callback_data":"group/services"}],[{"text":"Ayuda legal y papeles","callback_data":"group/legal"}],[{"text":"En peligro","callback_data":"group/safety"},{"text":"Este servicio","callback_data":"group/about"}],[{"text":"Peligro","callback_data":"answer/emergency"}]]}`
)
