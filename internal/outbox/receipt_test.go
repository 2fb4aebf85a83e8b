package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
)

// TestReceiptsMoveForward: the status of a text message never goes back, however late they come.
func TestReceiptsMoveForward(t *testing.T) {
	r := newRig(t)
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		status string
		moves  bool
	}{{"queued", true}, {"sent", true}, {"sending", false}, {"delivered", true}, {"failed", false}, {"sent", false}, {"delivered", false}, {"nonsense", false}} {
		moved, err := outbox.New(outbox.Config{Redis: r.redis, Vault: r.vault}).Receive(t.Context(), day, 3, outbox.Report{SID: "SM1", Status: step.status})
		if err != nil || moved != step.moves {
			t.Errorf("%s: moved %v, %v; want %v", step.status, moved, err, step.moves)
		}
	}
	if moved, err := outbox.New(outbox.Config{Redis: r.redis, Vault: r.vault}).Receive(t.Context(), day, keys.Partitions, outbox.Report{SID: "SM1", Status: "read"}); moved || err != nil {
		t.Errorf("a partition that is none: %v, %v", moved, err)
	}
}

// TestTallyAndTime: what became of a message is counted for what it is about, and one that came too
// late is not sent. Of whom nothing is kept nothing is counted, but they get it.
func TestTallyAndTime(t *testing.T) {
	r := newRig(t)
	blocked := &outbox.Error{Outcome: outbox.OptedOut, Code: "403"}
	p := &post{answer: func(body string) error {
		if body == "blocked" {
			return blocked
		}
		return nil
	}}
	ids := map[string]bot.PersonID{}
	for body, until := range map[string]time.Duration{"taken": time.Hour, "blocked": time.Hour, "late": -time.Second, "erased": time.Hour} {
		id := r.vault.Seal(bot.Telegram, body)
		ids[body] = id
		if body != "erased" {
			if err := r.redis.Set(t.Context(), keys.Person(id), "{}", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		err := r.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Queue(keys.Of(id), bot.Telegram, keys.Bulk), Values: []any{
			"p", string(id), "b", r.vault.SealBody(id, []byte(body)), "n", "s1", "u", time.Now().Add(until).Unix()}}).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
	r.run("a", p, 0)
	for body, want := range map[string]outbox.Outcome{"taken": outbox.Delivered, "blocked": outbox.OptedOut, "late": outbox.Expired} {
		tally := func() string {
			return r.redis.HGet(context.Background(), keys.Tally(keys.Of(ids[body]), "s1"), string(ids[body])).Val()
		}
		r.until(func() bool { got, _ := outbox.OutcomeOf(tally()); return got == want }, func() string { return body + " is counted as " + tally() })
	}
	last := keys.Queue(keys.Of(ids["erased"]), bot.Telegram, keys.Bulk)
	r.until(func() bool { return r.redis.XLen(context.Background(), last).Val() == 0 }, func() string { return "who erased everything still has a message waiting" })
	got := p.all()
	if slices.Sort(got); !slices.Equal(got, []string{"erased", "taken"}) {
		t.Errorf("sent %q", got)
	}
	if id := ids["erased"]; r.redis.HExists(context.Background(), keys.Tally(keys.Of(id), "s1"), string(id)).Val() {
		t.Error("who erased everything is counted")
	}
}

// TestReceiptHalfDone: a receipt that could not be carried out to the end is when it comes again.
func TestReceiptHalfDone(t *testing.T) {
	r := newRig(t)
	id := r.vault.Seal(bot.SMS, "+525511112222")
	part, day := keys.Of(id), time.Now()
	for _, err := range []error{
		r.redis.Set(t.Context(), keys.Person(id), "{}", 0).Err(),
		r.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: keys.Queue(part, bot.SMS, keys.Bulk), Values: []any{"p", string(id), "b", r.vault.SealBody(id, []byte("text")), "n", "n1"}}).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	away := errors.New("away")
	o := outbox.New(outbox.Config{Redis: r.redis, Vault: r.vault, Node: "a", Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Routes: map[bot.Channel]outbox.Route{bot.SMS: {Sender: texter{}}}, Gone: func(context.Context, bot.PersonID, outbox.Outcome) error { return away },
		Observe: func(bot.Channel, keys.Lane, outbox.Outcome, time.Duration) {}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.Run(ctx) }()
	defer func() { cancel(); <-done }()
	tally := func() string { return r.redis.HGet(context.Background(), keys.Tally(part, "n1"), string(id)).Val() }
	r.until(func() bool { return tally() == "delivered" }, tally)
	report := outbox.Report{SID: "SM1", Status: "undelivered", Code: "30005", Gone: outbox.Unreachable}
	if _, err := o.Receive(t.Context(), day, part, report); !errors.Is(err, away) || tally() != "delivered" {
		t.Fatalf("%v, counted as %s", err, tally())
	}
	away = nil
	if moved, err := o.Receive(t.Context(), day, part, report); err != nil || moved || tally() != "unreachable" {
		t.Errorf("moved %v, %v, counted as %s", moved, err, tally())
	}
}

// texter takes every text message.
type texter struct{}

func (texter) Send(context.Context, outbox.Message) (outbox.Receipt, error) {
	return outbox.Receipt{SID: "SM1"}, nil
}
