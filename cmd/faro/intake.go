package main

import (
	"context"
	"errors"

	"faro/bot"
	"faro/bot/sms"
	"faro/bot/telegram"
	"faro/internal/guard"
	"faro/internal/outbox"
	"faro/internal/turns"
)

// What comes in becomes a turn, or its sender hears what to call.

// take is a turn within the time a provider waits. One that panics is counted apart: it would do so again.
func (s *server) take(ctx context.Context, address string, in bot.Input) error {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	err := errUnkeyed
	select {
	case <-s.keys:
		err = guard.Run(func() error { return s.taker.Take(ctx, address, in) })
	default:
	}
	if where, ok := errors.AsType[guard.Panicked](err); ok {
		s.meter.Request(in.Channel)("panic")
		s.log.Error("a turn panicked", "channel", in.Channel, "in", where.At)
	} else if err != nil {
		s.log.Warn("a turn was not stored", "channel", in.Channel, "error", err)
	}
	return err
}

// takeTelegram is a turn; if it cannot be stored, the person hears so at once, and Telegram delivers again. One that
// panics it need not deliver again.
func (s *server) takeTelegram(ctx context.Context, chat string, in bot.Input) error {
	err := s.take(ctx, chat, in)
	if err == nil || errors.Is(err, turns.ErrBusy) {
		return err
	}
	s.awayTelegram(ctx, chat, in)
	if _, ok := errors.AsType[guard.Panicked](err); ok {
		return nil
	}
	return err
}

// answerAway is what someone is told whose turn could not be stored. What they wrote may be why; then it is not read.
func (s *server) answerAway(address string, in bot.Input) (reply bot.Reply, ok bool) {
	err := guard.Run(func() error {
		reply, ok = s.away.Answer(address, in)
		return nil
	})
	if err != nil {
		in.Kind, in.Words = bot.Media, ""
		reply, ok = s.away.Answer(address, in)
	}
	return reply, ok
}

// awayTelegram tells someone whose turn could not be stored what to call.
func (s *server) awayTelegram(ctx context.Context, chat string, in bot.Input) {
	reply, ok := s.answerAway(chat, in)
	if !ok {
		return
	}
	body, failed := telegram.Shape(reply, in)
	if failed == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), awayTime)
		defer cancel()
		_, failed = s.bot.Send(ctx, outbox.Message{Channel: bot.Telegram, Address: chat, Body: body})
	}
	if failed != nil {
		s.log.Warn("someone whose turn was not stored could not be told", "channel", in.Channel, "error", failed)
		s.away.Unheard(in.Channel, chat)
	}
}

// awaySMS is what someone is told whose text message could not be stored.
func (s *server) awaySMS(number string, in bot.Input) string {
	reply, ok := s.answerAway(number, in)
	if !ok {
		return ""
	}
	return sms.Render(reply).Text
}
