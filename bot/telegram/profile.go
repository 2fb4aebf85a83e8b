package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"faro/locales"
)

// Commands are the commands in the bot's menu, in order. Their descriptions are the texts "command.…".
var Commands = []string{"menu", "sos", "language", "help", "exit", "erase", "stop"}

// Limits of what Telegram shows about a bot (Bot API: BotCommand, setMyDescription,
// setMyShortDescription).
const (
	MaxCommand     = 256
	MaxDescription = 512
	MaxAbout       = 120
)

// Introduce tells Telegram the bot's commands and descriptions, in each language; the default, for
// people whose app speaks none of them, names the languages there are.
func Introduce(ctx context.Context, api *API, book *locales.Book) error {
	var names []string
	for _, l := range book.Languages() {
		names = append(names, l.Name)
		if err := introduce(ctx, api, string(l.Tag), func(key string) string {
			text, _ := book.Raw(l.Tag, key)
			return text
		}); err != nil {
			return err
		}
	}
	return introduce(ctx, api, "", func(key string) string {
		if !strings.HasPrefix(key, "command.") {
			return strings.Join(names, " · ")
		}
		var all []string
		for _, l := range book.Languages() {
			text, _ := book.Raw(l.Tag, key)
			all = append(all, text)
		}
		return strings.Join(all, " · ")
	})
}

func introduce(ctx context.Context, api *API, lang string, text func(key string) string) error {
	type command struct {
		Command     string `json:"command"`
		Description string `json:"description"`
	}
	var commands []command
	for _, c := range Commands {
		commands = append(commands, command{c, clip(text("command."+c), MaxCommand)})
	}
	list, err := json.Marshal(commands)
	if err != nil {
		return err
	}
	for _, call := range []struct{ method, field, value string }{
		{"setMyCommands", "commands", string(list)},
		{"setMyDescription", "description", clip(text("telegram.description"), MaxDescription)},
		{"setMyShortDescription", "short_description", clip(text("telegram.about"), MaxAbout)},
	} {
		params := tgbotapi.Params{call.field: call.value}
		if lang != "" {
			params["language_code"] = lang
		}
		if _, err := api.Call(ctx, call.method, params); err != nil {
			return err
		}
	}
	return nil
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// Name asks Telegram what the bot is called, as its links have it.
func Name(ctx context.Context, api *API) (string, error) {
	answer, err := api.Call(ctx, "getMe", nil)
	if err != nil {
		return "", err
	}
	var me tgbotapi.User
	if err := json.Unmarshal(answer.Result, &me); err != nil {
		return "", errors.New("read what the bot is called: not a user")
	}
	return me.UserName, nil
}

// Link is a link that opens a bot with what an invitation gives.
func Link(name, code string) string { return "https://t.me/" + name + "?start=i-" + code }

// SetWebhook tells Telegram where to deliver updates, and the secret to prove itself with.
func SetWebhook(ctx context.Context, api *API, address, secret string) error {
	allowed, err := json.Marshal(Allowed)
	if err != nil {
		return err
	}
	_, err = api.Call(ctx, "setWebhook", tgbotapi.Params{"url": address, "secret_token": secret, "allowed_updates": string(allowed)})
	return err
}
