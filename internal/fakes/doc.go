// Package fakes stands in for the Telegram Bot API and for Twilio's REST API, over HTTP on
// 127.0.0.1. It is for tests and benchmarks only: nothing that serves people may import it.
//
// The stand-ins are strict. A wrong call is answered the way the real service answers it, and is
// also noted in Violations, which a test asserts to be empty. What the real service tolerates in
// silence (an unknown field, a limit it clamps) is answered as there, and noted all the same.
// What is nobody's mistake (a person blocked the bot, a message is already gone, an edit changes
// nothing, a number opted out) is answered with the real error and not noted.
//
// A send is a call that puts a text before a person: sendMessage and editMessageText, or a Twilio
// message. Faults, the rate check, Sent and OnSend count sends.
//
// Both keep what a person would see, so that a test reads a chat and not a log of calls. Everything
// may be used from several goroutines at once. Close ends every call under way and waits for it;
// no goroutine is left behind.
//
// Sources: https://core.telegram.org/bots/api and the texts of the errors of
// https://github.com/tdlib/telegram-bot-api; https://www.twilio.com/docs/messaging/api/message-resource,
// https://www.twilio.com/docs/api/errors, https://www.twilio.com/docs/usage/security.
package fakes

import "time"

// Limits of a stand-in.
const (
	maxBody       = 1 << 20 // bytes of one request; far above any real call, and a runaway test stays small
	maxViolations = 1000    // notes kept; a broken client makes one a call, and the first tell enough
	defaultRecord = 1000    // messages kept per chat or number unless Record says otherwise
)

type settings struct {
	record                int
	now                   func() time.Time
	first, last, username string
}

// An Option changes a stand-in when it is made.
type Option func(*settings)

// Record keeps the newest n messages of each chat or number (1000 if the option is not given).
// With 0 nothing is kept, as a long benchmark wants: Chat and Inbox are then empty, and edits and
// deletions of any message are accepted.
func Record(n int) Option { return func(s *settings) { s.record = max(n, 0) } }

// Clock sets where dates and the rate check take the time from (time.Now if not given).
func Clock(now func() time.Time) Option { return func(s *settings) { s.now = now } }

// Name sets what Telegram says of every person ("Ana", no last name and no username if not given):
// a test plants a name here and looks for it in everything the program wrote.
func Name(first, last, username string) Option {
	return func(s *settings) { s.first, s.last, s.username = first, last, username }
}

func apply(options []Option) settings {
	s := settings{record: defaultRecord, now: time.Now, first: "Ana"}
	for _, o := range options {
		o(&s)
	}
	return s
}
