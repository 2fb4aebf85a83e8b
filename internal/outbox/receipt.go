package outbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
)

var (
	//go:embed receipt.lua
	receiptSource string
	//go:embed end.lua
	endSource string

	receiptScript = redis.NewScript(receiptSource)
	endScript     = redis.NewScript(keys.Move + endSource)
)

// ranks order the states a text message goes through (Twilio, message status values). Final states
// have the same rank: the first one stays.
var ranks = map[string]int{
	"accepted": 1, "scheduled": 1, "queued": 1, "sending": 2, "sent": 3,
	"delivered": 4, "undelivered": 4, "failed": 4, "canceled": 4,
	"read": 5,
}

// receiptName is what a text message's receipt is kept under: a digest of the provider's id, because with
// that id the provider's own log tells the number. "" stays "".
func receiptName(sid string) string {
	if sid == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("faro receipt " + sid))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// A Report is what a carrier says of a text message.
type Report struct {
	SID    string  // the provider's id of the message
	Status string  // one of ranks; others change nothing
	Code   string  // the provider's code of a failure, "" if there is none; it has no spaces
	Gone   Outcome // OptedOut or Unreachable if the code says that the person is not reached any more, else ""
}

// end is the state a report ends a message in, "" if it is none.
func (r Report) end() string {
	switch {
	case ranks[r.Status] < ranks["delivered"]:
		return ""
	case r.Status == "delivered", r.Status == "read":
		return string(Arrived)
	case r.Gone != "":
		return string(r.Gone)
	}
	return string(Undelivered) + " " + cmp.Or(r.Code, "no-code")
}

// Receive records a delivery receipt for a message sent on a day in a partition (Message.Day and
// Message.Partition). It reports whether the status moved forward; a late or unknown one changes
// nothing. It may be repeated, and must be after an error.
func (o *Outbox) Receive(ctx context.Context, day time.Time, p keys.Partition, r Report) (bool, error) {
	rank, known := ranks[r.Status]
	if !known || p < 0 || p >= keys.Partitions {
		return false, nil
	}
	end := r.end()
	answer, err := receiptScript.Run(ctx, o.Redis,
		[]string{keys.Receipts(p, day.Format(time.DateOnly)), keys.Outcomes(p, day)},
		receiptName(r.SID), rank, string(bot.SMS)+":receipt:"+r.Status, int(keys.ReceiptsLife.Seconds()), int(keys.OutcomesLife.Seconds()),
		cmp.Or(strings.ReplaceAll(end, " ", "/"), r.Status)).StringSlice()
	if err != nil {
		return false, fmt.Errorf("record a receipt: %w", err)
	}
	if len(answer) == 3 {
		err = o.conclude(ctx, p, answer[1], bot.PersonID(answer[2]), end)
	}
	return len(answer) > 0 && answer[0] == "moved", err
}

// conclude notes who is gone, and counts what became of a message for what it is about, "" if nobody counts.
func (o *Outbox) conclude(ctx context.Context, p keys.Partition, about string, id bot.PersonID, end string) error {
	ids, err := o.Vault.Settled(ctx, o.Settle, id)
	if err != nil {
		return err
	}
	if err := o.gone(ctx, ids[0], Outcome(end)); err != nil {
		return err
	}
	if about == "" {
		return nil
	}
	if err := endScript.Run(ctx, o.Redis, []string{keys.Tally(p, about), keys.Counts(p, about)},
		string(ids[0]), end, int(keys.TallyLife.Seconds())).Err(); err != nil {
		return fmt.Errorf("count a receipt: %w", err)
	}
	return nil
}
