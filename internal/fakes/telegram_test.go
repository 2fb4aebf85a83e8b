package fakes_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"go.uber.org/goleak"

	"faro/internal/fakes"
)

const (
	token  = "123456:secret-token"
	person = int64(5_000_001)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// start makes a stand-in with a client of the real library. Unless wrong is set, the test fails if
// it leaves a violation.
func start(t testing.TB, wrong bool, options ...fakes.Option) (*fakes.Telegram, *tgbotapi.BotAPI) {
	t.Helper()
	tg := fakes.NewTelegram(token, options...)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	bot, err := tgbotapi.NewBotAPIWithClient(token, tg.URL()+"/bot%s/%s", &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tg.Close()
		transport.CloseIdleConnections()
		if v := tg.Violations(); !wrong && len(v) > 0 {
			t.Errorf("violations: %q", v)
		}
	})
	return tg, bot
}

func call(t testing.TB, bot *tgbotapi.BotAPI, method string, params tgbotapi.Params) string {
	t.Helper()
	_, err := bot.MakeRequest(method, params)
	if err == nil {
		return ""
	}
	var e *tgbotapi.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v", method, err)
	}
	return e.Message
}

func chatID(id int64) string { return strconv.FormatInt(id, 10) }

func TestConversation(t *testing.T) {
	tg, bot := start(t, false, fakes.Name("Canary", "Last", "canary"))
	if bot.Self.ID != 123456 || !bot.Self.IsBot {
		t.Errorf("the bot is %+v", bot.Self)
	}
	u := tg.Say(person, "es", "/start help")
	tg.Push(u)
	updates, err := bot.GetUpdates(tgbotapi.UpdateConfig{Timeout: 10})
	if err != nil || len(updates) != 1 {
		t.Fatalf("updates %v, %v", updates, err)
	}
	m := updates[0].Message
	if m.Text != "/start help" || m.Command() != "start" || m.From.FirstName != "Canary" || m.From.LanguageCode != "es" ||
		m.Chat.Type != "private" || m.Chat.ID != person || updates[0].UpdateID != u.ID() || m.MessageID != u.Message() {
		t.Errorf("the update is read as %+v", m)
	}
	out := tgbotapi.NewMessage(person, "Bienvenida 🧭 ok")
	out.Entities = []tgbotapi.MessageEntity{{Type: "bold", Offset: 11, Length: 2}}
	out.ReplyMarkup = tgbotapi.NewInlineKeyboardMarkup(tgbotapi.NewInlineKeyboardRow(
		tgbotapi.NewInlineKeyboardButtonData("Menú", "menu"), tgbotapi.NewInlineKeyboardButtonURL("Sitio", "https://example.org/a")))
	sent, err := bot.Send(out)
	if err != nil {
		t.Fatal(err)
	}
	if sent.MessageID <= m.MessageID || sent.Text != out.Text || len(sent.Entities) != 1 || sent.ReplyMarkup == nil {
		t.Errorf("the answer is %+v", sent)
	}
	shown := tg.Chat(person)
	if len(shown) != 2 || shown[0].Bot || !shown[1].Bot || !slices.Equal(shown[1].Data(), []string{"menu"}) {
		t.Fatalf("the chat shows %+v", shown)
	}

	tap := tg.Tap(person, "es", sent.MessageID, "menu")
	var back tgbotapi.Update
	if err := json.Unmarshal(tap, &back); err != nil {
		t.Fatal(err)
	}
	if q := back.CallbackQuery; q.ID != tap.Query() || q.Data != "menu" || q.Message.MessageID != sent.MessageID || q.Message.ReplyMarkup == nil {
		t.Errorf("the tap is read as %+v", back.CallbackQuery)
	}
	if _, err := bot.Request(tgbotapi.NewCallback(tap.Query(), "")); err != nil {
		t.Error(err)
	}
	if _, err := bot.Send(tgbotapi.NewEditMessageText(person, sent.MessageID, "Menú")); err != nil {
		t.Error(err)
	}
	if got := call(t, bot, "editMessageText", tgbotapi.Params{"chat_id": chatID(person), "message_id": strconv.Itoa(sent.MessageID), "text": "Menú"}); !strings.HasPrefix(got, "Bad Request: message is not modified") {
		t.Errorf("the same edit again: %q", got)
	}
	shown = tg.Chat(person)
	if last := shown[1]; last.Text != "Menú" || last.Rows != nil || last.Edits != 1 || tg.Unmodified() != 1 {
		t.Errorf("edited, the message is %+v", last)
	}
	if got := call(t, bot, "deleteMessages", tgbotapi.Params{"chat_id": chatID(person), "message_ids": "[" + strconv.Itoa(m.MessageID) + "," + strconv.Itoa(sent.MessageID) + ",999999]"}); got != "" {
		t.Errorf("deleting: %q", got)
	}
	if shown = tg.Chat(person); len(shown) != 0 {
		t.Errorf("after deleting the chat shows %+v", shown)
	}
	if tg.Sent() != 2 || tg.Answers() != 1 || tg.Calls("sendMessage") != 1 {
		t.Errorf("sent %d, answers %d, calls %d", tg.Sent(), tg.Answers(), tg.Calls("sendMessage"))
	}
}

func TestWrongCalls(t *testing.T) {
	keyboard := func(rows string) tgbotapi.Params { return tgbotapi.Params{"text": "x", "reply_markup": rows} }
	for _, test := range []struct {
		name, method string
		params       tgbotapi.Params
		want         string // part of the error; "" where the real service says nothing
	}{
		{"no text", "sendMessage", tgbotapi.Params{}, "message text is empty"},
		{"blank text", "sendMessage", tgbotapi.Params{"text": " \n"}, "text must be non-empty"},
		{"long text", "sendMessage", tgbotapi.Params{"text": strings.Repeat("x", 4097)}, "message is too long"},
		{"long in UTF-16", "sendMessage", tgbotapi.Params{"text": strings.Repeat("🧭", 2049)}, "message is too long"},
		{"not UTF-8", "sendMessage", tgbotapi.Params{"text": "\xff"}, "strings must be encoded in UTF-8"},
		{"no chat", "sendMessage", tgbotapi.Params{"text": "x", "chat_id": ""}, "chat_id is empty"},
		{"unknown chat", "sendMessage", tgbotapi.Params{"text": "x", "chat_id": "77"}, "chat not found"},
		{"a name for a chat", "sendMessage", tgbotapi.Params{"text": "x", "chat_id": "@faro"}, "chat not found"},
		{"parse mode", "sendMessage", tgbotapi.Params{"text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"},
		{"parse mode and entities", "sendMessage", tgbotapi.Params{"text": "x", "parse_mode": "HTML", "entities": `[{"type":"bold","offset":0,"length":1}]`}, ""},
		{"unescaped", "sendMessage", tgbotapi.Params{"text": "a.b", "parse_mode": "MarkdownV2"}, "Character '.' is reserved"},
		{"gone field", "sendMessage", tgbotapi.Params{"text": "x", "disable_web_page_preview": "true"}, ""},
		{"boolean", "sendMessage", tgbotapi.Params{"text": "x", "protect_content": "yes"}, ""},
		{"preview", "sendMessage", tgbotapi.Params{"text": "x", "link_preview_options": `{"is_disabled":"yes"}`}, `field "is_disabled" must be of type Boolean`},
		{"entity offset", "sendMessage", tgbotapi.Params{"text": "hello", "entities": `[{"type":"bold","offset":100,"length":1}]`}, "entity begins after the end of the text at UTF-16 offset 100"},
		{"entity length", "sendMessage", tgbotapi.Params{"text": "hello", "entities": `[{"type":"bold","offset":0,"length":6}]`}, "ends after the end of the text at UTF-16 offset 6"},
		{"entity in a pair", "sendMessage", tgbotapi.Params{"text": "🧭a", "entities": `[{"type":"bold","offset":0,"length":1}]`}, "ends in a middle of a UTF-16 symbol at byte offset 4"},
		{"entity type", "sendMessage", tgbotapi.Params{"text": "x", "entities": `[{"type":"loud","offset":0,"length":1}]`}, "Unsupported type specified"},
		{"entity link", "sendMessage", tgbotapi.Params{"text": "x", "entities": `[{"type":"text_link","offset":0,"length":1}]`}, `Can't find field "url"`},
		{"entities overlap", "sendMessage", tgbotapi.Params{"text": "hello", "entities": `[{"type":"bold","offset":0,"length":3},{"type":"italic","offset":2,"length":3}]`}, ""},
		{"keyboard null", "sendMessage", keyboard(`{"inline_keyboard":null}`), `field "inline_keyboard" must be of type Array`},
		{"keyboard no object", "sendMessage", keyboard(`null`), "object expected as reply markup"},
		{"button without text", "sendMessage", keyboard(`{"inline_keyboard":[[{"callback_data":"x"}]]}`), `Can't find field "text"`},
		{"button with empty text", "sendMessage", keyboard(`{"inline_keyboard":[[{"text":"","callback_data":"x"}]]}`), "text must be non-empty"},
		{"button without action", "sendMessage", keyboard(`{"inline_keyboard":[[{"text":"x"}]]}`), "Text buttons are unallowed in the inline keyboard"},
		{"button with two", "sendMessage", keyboard(`{"inline_keyboard":[[{"text":"x","callback_data":"x","url":"https://example.org"}]]}`), ""},
		{"long data", "sendMessage", keyboard(`{"inline_keyboard":[[{"text":"x","callback_data":"` + strings.Repeat("é", 33) + `"}]]}`), "BUTTON_DATA_INVALID"},
		{"button link", "sendMessage", keyboard(`{"inline_keyboard":[[{"text":"x","url":"nowhere"}]]}`), "inline keyboard button URL 'nowhere' is invalid"},
		{"wide row", "sendMessage", keyboard(`{"inline_keyboard":[[` + strings.Repeat(`{"text":"x","callback_data":"x"},`, 8) + `{"text":"x","callback_data":"x"}]]}`), "REPLY_MARKUP_TOO_LONG"},
		{"unknown field in a button", "sendMessage", keyboard(`{"inline_keyboard":[[{"text":"x","callback_data":"x","colour":"red"}]]}`), ""},
		{"edit of nothing", "editMessageText", tgbotapi.Params{"text": "x", "message_id": "9"}, "message to edit not found"},
		{"edit without id", "editMessageText", tgbotapi.Params{"text": "x"}, "message identifier is not specified"},
		{"edit of theirs", "editMessageText", tgbotapi.Params{"text": "x", "message_id": "90817263"}, "message can't be edited"},
		{"unknown query", "answerCallbackQuery", tgbotapi.Params{"callback_query_id": "1", "chat_id": ""}, "query is too old"},
		{"delete nothing", "deleteMessage", tgbotapi.Params{"message_id": "9"}, "message to delete not found"},
		{"delete none", "deleteMessages", tgbotapi.Params{"message_ids": "[]"}, "message identifiers are not specified"},
		{"delete 101", "deleteMessages", tgbotapi.Params{"message_ids": "[1" + strings.Repeat(",1", 100) + "]"}, "too many message identifiers specified"},
		{"action", "sendChatAction", tgbotapi.Params{"action": "dance"}, "wrong parameter action in request"},
		{"command", "setMyCommands", tgbotapi.Params{"commands": `[{"command":"Help","description":"x"}]`}, "BOT_COMMAND_INVALID"},
		{"command text", "setMyCommands", tgbotapi.Params{"commands": `[{"command":"help","description":""}]`}, "BOT_COMMAND_DESCRIPTION_INVALID"},
		{"command language", "setMyCommands", tgbotapi.Params{"commands": `[]`, "language_code": "pt-br"}, "invalid language code specified"},
		{"description", "setMyDescription", tgbotapi.Params{"description": strings.Repeat("x", 513)}, "too long"},
		{"short description", "setMyShortDescription", tgbotapi.Params{"short_description": strings.Repeat("x", 121)}, "too long"},
		{"webhook over http", "setWebhook", tgbotapi.Params{"url": "http://example.org/x"}, "An HTTPS URL must be provided"},
		{"webhook port", "setWebhook", tgbotapi.Params{"url": "https://example.org:9000/x"}, "only on ports"},
		{"webhook secret", "setWebhook", tgbotapi.Params{"url": "https://example.org/x", "secret_token": "a b"}, "secret token contains unallowed characters"},
		{"webhook kinds", "setWebhook", tgbotapi.Params{"url": "https://example.org/x", "allowed_updates": `["messages"]`}, ""},
		{"connections", "setWebhook", tgbotapi.Params{"url": "https://example.org/x", "max_connections": "101"}, ""},
		{"no such method", "sendPigeon", tgbotapi.Params{}, "Not Found: method not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tg, bot := start(t, true)
			tg.Say(person, "", "hola")
			params := tgbotapi.Params{}
			if m := test.method; strings.HasPrefix(m, "send") || strings.HasPrefix(m, "edit") || strings.HasPrefix(m, "delete") {
				params["chat_id"] = chatID(person)
			}
			for name, value := range test.params {
				if params[name] = value; value == "" && test.method == "answerCallbackQuery" {
					delete(params, name)
				}
			}
			got := call(t, bot, test.method, params)
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("answered %q, want %q", got, test.want)
			}
			if v := tg.Violations(); len(v) == 0 {
				t.Error("no violation is noted")
			}
		})
	}
}

func TestToken(t *testing.T) {
	tg, _ := start(t, true)
	_, err := tgbotapi.NewBotAPIWithAPIEndpoint("1:other", tg.URL()+"/bot%s/%s")
	http.DefaultClient.CloseIdleConnections()
	if err == nil || err.Error() != "Unauthorized" || len(tg.Violations()) != 1 {
		t.Errorf("%v, violations %q", err, tg.Violations())
	}
}

// What is nobody's mistake is answered and not noted.
func TestNotViolations(t *testing.T) {
	tg, bot := start(t, false)
	tg.Say(person, "es", "hola")
	sent, err := bot.Send(tgbotapi.NewMessage(person, "hola"))
	if err != nil {
		t.Fatal(err)
	}
	number := tgbotapi.Params{"chat_id": chatID(person), "message_id": strconv.Itoa(sent.MessageID), "text": "y"}
	tg.Remove(person, sent.MessageID)
	if got := call(t, bot, "editMessageText", number); got != "Bad Request: message to edit not found" {
		t.Errorf("editing what is gone: %q", got)
	}
	delete(number, "text")
	if got := call(t, bot, "deleteMessage", number); got != "Bad Request: message to delete not found" {
		t.Errorf("deleting what is gone: %q", got)
	}
	tap := tg.Tap(person, "es", sent.MessageID, "x")
	tg.ExpireQueries()
	if got := call(t, bot, "answerCallbackQuery", tgbotapi.Params{"callback_query_id": tap.Query()}); !strings.Contains(got, "query is too old") {
		t.Errorf("answering late: %q", got)
	}
	tg.MyChatMember(person, "es", "kicked")
	if got := call(t, bot, "sendMessage", tgbotapi.Params{"chat_id": chatID(person), "text": "x"}); got != "Forbidden: bot was blocked by the user" {
		t.Errorf("blocked: %q", got)
	}
	tg.MyChatMember(person, "es", "member")
	if got := call(t, bot, "sendMessage", tgbotapi.Params{"chat_id": chatID(person), "text": "x"}); got != "" {
		t.Errorf("back again: %q", got)
	}
}

func TestProfile(t *testing.T) {
	tg, bot := start(t, false)
	if _, err := bot.Request(tgbotapi.NewSetMyCommands(tgbotapi.BotCommand{Command: "menu", Description: "Menú"})); err != nil {
		t.Error(err)
	}
	call(t, bot, "setMyDescription", tgbotapi.Params{"description": "hola", "language_code": "es"})
	call(t, bot, "setMyShortDescription", tgbotapi.Params{"short_description": "corto"})
	if c := tg.Commands(""); len(c) != 1 || c[0].Command != "menu" || tg.Description("es") != "hola" || tg.ShortDescription("") != "corto" {
		t.Errorf("%v, %q, %q", c, tg.Description("es"), tg.ShortDescription(""))
	}
}

// Every builder makes an update the client library reads, with the next id.
func TestBuilders(t *testing.T) {
	tg, _ := start(t, false)
	last := 0
	for _, test := range []struct {
		name, kind string
		update     fakes.Update
		good       func(tgbotapi.Update) bool
	}{
		{"text", "message", tg.Say(person, "es", "hola"), func(u tgbotapi.Update) bool { return u.Message.Text == "hola" }},
		{"location", "message", tg.Location(person, "es", 38.9, -77.03), func(u tgbotapi.Update) bool { return u.Message.Location.Latitude == 38.9 }},
		{"voice", "message", tg.Voice(person, ""), func(u tgbotapi.Update) bool { return u.Message.Voice.Duration == 4 }},
		{"sticker", "message", tg.Sticker(person, ""), func(u tgbotapi.Update) bool { return u.Message.Sticker.Emoji == "👍" }},
		{"photo", "message", tg.Photo(person, "", "dos"), func(u tgbotapi.Update) bool { return len(u.Message.Photo) == 2 && u.Message.Caption == "dos" }},
		{"contact", "message", tg.Contact(person, "", "+12025550123"), func(u tgbotapi.Update) bool { return u.Message.Contact.UserID == person }},
		{"edited", "edited_message", tg.Edited(person, "", 90_817_263, "adiós"), func(u tgbotapi.Update) bool { return u.EditedMessage.EditDate > 0 }},
		{"tap on nothing", "callback_query", tg.Tap(person, "", 5, "x"), func(u tgbotapi.Update) bool { return u.CallbackQuery.Message.Date == 0 }},
		{"group", "message", tg.Group(-100, person, "", "hola"), func(u tgbotapi.Update) bool { return u.Message.Chat.IsSuperGroup() }},
		{"channel", "channel_post", tg.ChannelPost(-200, "hola"), func(u tgbotapi.Update) bool { return u.ChannelPost.Chat.IsChannel() && u.ChannelPost.From == nil }},
		{"member", "my_chat_member", tg.MyChatMember(person, "", "kicked"), func(u tgbotapi.Update) bool { return u.MyChatMember.NewChatMember.WasKicked() }},
	} {
		var u tgbotapi.Update
		if err := json.Unmarshal(test.update, &u); err != nil {
			t.Errorf("%s: %v in %s", test.name, err, test.update)
			continue
		}
		if !test.good(u) || test.update.Kind() != test.kind || u.UpdateID <= last {
			t.Errorf("%s: kind %q, %s", test.name, test.update.Kind(), test.update)
		}
		last = u.UpdateID
	}
	if shown := tg.Chat(person); shown[0].Text != "adiós" || shown[0].Edits != 1 {
		t.Errorf("after the edit the chat shows %+v", shown[0])
	}
}

func TestPost(t *testing.T) {
	tg, _ := start(t, true)
	answer := `{"method":"sendMessage","chat_id":5000001,"text":"hola","protect_content":true}`
	var secret string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secret = r.Header.Get("X-Telegram-Bot-Api-Secret-Token")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answer))
	}))
	defer hook.Close()
	u := tg.Say(person, "es", "hola")
	status, err := tg.Post(deadline(t), hook.URL, "s3cret", u)
	if err != nil || status != 200 || secret != "s3cret" || tg.Sent() != 1 || !tg.Chat(person)[1].Locked || len(tg.Violations()) != 0 {
		t.Errorf("%d, %v, secret %q, violations %q, chat %+v", status, err, secret, tg.Violations(), tg.Chat(person))
	}
	answer = `{"method":"sendMessage","chat_id":5000001}`
	if _, err := tg.Post(deadline(t), hook.URL, "", u); err != nil || len(tg.Violations()) != 1 || secret != "" {
		t.Errorf("%v, violations %q", err, tg.Violations())
	}
}
