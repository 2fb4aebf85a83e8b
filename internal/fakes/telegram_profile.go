package fakes

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Limits of what a bot tells about itself, in characters unless it says otherwise.
// https://core.telegram.org/bots/api#setmycommands and the methods after it.
const (
	maxCommands         = 100 // commands of a list
	maxCommandName      = 32
	maxCommandText      = 256
	maxDescription      = 512
	maxShortDescription = 120
	maxSecret           = 256
	maxConnections      = 100
	fewConnections      = 40 // what the service takes when none is given
)

// A Command is one entry of the bot's menu.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

// Commands is the menu set for a language, or for everyone else with "".
func (t *Telegram) Commands(lang string) []Command {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.commands[lang])
}

// Description is what an empty chat shows in a language; "" is the text for everyone else.
func (t *Telegram) Description(lang string) string { return t.told("description", lang) }

// ShortDescription is what the bot's profile shows in a language; "" is the text for everyone else.
func (t *Telegram) ShortDescription(lang string) string { return t.told("short_description", lang) }

func (t *Telegram) told(what, lang string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.about[what+" "+lang]
}

func (c *call) setMyCommands() reply {
	lang, answer, ok := c.language()
	if !ok {
		return answer
	}
	var scope struct {
		Type string `json:"type"`
	}
	if s := c.fields.get("scope"); s != "" && s != "null" {
		if err := json.Unmarshal([]byte(s), &scope); err != nil || scope.Type == "" {
			return c.bad("can't parse BotCommandScope JSON object")
		}
	}
	var list []Command
	if err := json.Unmarshal([]byte(c.fields.get("commands")), &list); err != nil || list == nil {
		return c.bad("can't parse commands JSON object")
	}
	if len(list) > maxCommands {
		return c.bad("BOT_COMMANDS_TOO_MUCH")
	}
	for _, one := range list {
		if !isCommand(one.Command) {
			return c.bad("BOT_COMMAND_INVALID")
		}
		if n := utf8.RuneCountInString(one.Description); n < 1 || n > maxCommandText {
			return c.bad("BOT_COMMAND_DESCRIPTION_INVALID")
		}
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if scope.Type == "" || scope.Type == "default" || scope.Type == "all_private_chats" {
		c.t.commands[lang] = list
	}
	return yes
}

func isCommand(s string) bool {
	for _, b := range []byte(s) {
		if !isLower(b) && (b < '0' || b > '9') && b != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxCommandName
}

func (c *call) setAbout(what string, most int) reply {
	lang, answer, ok := c.language()
	if !ok {
		return answer
	}
	text := c.fields.get(what)
	if utf8.RuneCountInString(text) > most {
		return c.bad(what + " is too long, at most " + strconv.Itoa(most))
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.t.about[what+" "+lang] = text
	return yes
}

// A Webhook is what setWebhook set; without one its URL is empty.
type Webhook struct {
	URL, Secret    string
	MaxConnections int
	Allowed        []string // kinds of updates; nil for the default ones
}

// Webhook is the webhook as it is set now.
func (t *Telegram) Webhook() Webhook {
	t.mu.Lock()
	defer t.mu.Unlock()
	hook := t.webhook
	if hook.URL != "" {
		hook.Allowed = slices.Clone(t.allowed)
	}
	return hook
}

func (c *call) setWebhook() reply {
	hook := Webhook{URL: c.fields.get("url"), Secret: c.fields.get("secret_token")}
	if hook.URL != "" {
		if answer, ok := c.webhookURL(hook.URL); !ok {
			return answer
		}
	}
	if len(hook.Secret) > maxSecret {
		return c.bad("secret token is too long")
	}
	for _, b := range []byte(hook.Secret) {
		if !isLower(b|0x20) && (b < '0' || b > '9') && b != '_' && b != '-' {
			return c.bad("secret token contains unallowed characters")
		}
	}
	if _, given := c.fields.lookup("secret_token"); given && hook.Secret == "" {
		c.note("secret_token is empty, it must have 1 to %d characters", maxSecret)
	}
	hook.MaxConnections = c.integer("max_connections", fewConnections, 1, maxConnections)
	kinds, given, answer, ok := c.allow()
	if !ok {
		return answer
	}
	drop := c.flag("drop_pending_updates")
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if hook.URL == "" {
		hook = Webhook{}
	}
	if c.t.webhook = hook; given {
		c.t.allowed = kinds
	}
	if drop {
		c.t.queue = nil
	}
	if hook.URL != "" && c.t.poll != nil { // a poll under way ends with 409
		close(c.t.poll)
		c.t.poll = nil
	}
	return yes
}

// webhookURL accepts what the real service accepts, and plain HTTP to this machine.
func (c *call) webhookURL(s string) (reply, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return c.bad("bad webhook: invalid webhook URL specified"), false
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		if u.Scheme == "http" || u.Scheme == "https" {
			return reply{}, true
		}
	}
	if u.Scheme != "https" {
		return c.bad("bad webhook: An HTTPS URL must be provided for webhook"), false
	}
	switch u.Port() {
	case "", "443", "80", "88", "8443":
		return reply{}, true
	}
	return c.bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443"), false
}

func (c *call) deleteWebhook() reply {
	drop := c.flag("drop_pending_updates")
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	c.t.webhook = Webhook{}
	if drop {
		c.t.queue = nil
	}
	return yes
}

func (c *call) getWebhookInfo() reply {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	info := struct {
		URL         string   `json:"url"`
		Certificate bool     `json:"has_custom_certificate"`
		Pending     int      `json:"pending_update_count"`
		Connections int      `json:"max_connections,omitempty"`
		Allowed     []string `json:"allowed_updates,omitempty"`
	}{c.t.webhook.URL, false, len(c.t.queue), c.t.webhook.MaxConnections, c.t.allowed}
	b, err := json.Marshal(info)
	if err != nil { // cannot be: strings and numbers only
		return refuse(http.StatusInternalServerError, "Internal Server Error")
	}
	return done(b)
}
