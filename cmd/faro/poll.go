package main

import (
	"context"
	"time"

	"faro/bot/telegram"
	"faro/internal/lease"
)

// A pollTurn says whose turn it is to poll Telegram. Its methods are called by the one goroutine that polls.
type pollTurn struct {
	lease  *lease.Lease
	others bool      // whether another process polled when Redis last answered
	met    time.Time // when another was last seen to poll
	now    func() time.Time
}

// whose asks Redis. While that is away the turn is that of who polled last, and of who has just started; and once the
// lease of who polled last is over, which may have died too, also of everyone else who met no other since. Two of
// them get in each other's way, but both tell people what to call.
func (p *pollTurn) whose(ctx context.Context) telegram.Whose {
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	got, err := p.lease.Take(ctx)
	if err == nil {
		if p.others = got == lease.Other; p.others {
			p.meet()
			return telegram.Others
		}
		return telegram.Ours
	}
	if p.others && p.now().Sub(p.met) < pollLease {
		return telegram.Others
	}
	return telegram.Unknown
}

// meet notes that another process polls.
func (p *pollTurn) meet() { p.met = p.now() }
