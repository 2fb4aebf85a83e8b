package outbox

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
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

// Receive records a delivery receipt for a message sent on a day in a partition (Message.Day and
// Message.Partition). It reports whether the status moved forward; a late or unknown one changes
// nothing.
func (o *Outbox) Receive(ctx context.Context, day time.Time, p keys.Partition, sid, status string) (bool, error) {
	rank, known := ranks[status]
	if !known || p < 0 || p >= keys.Partitions {
		return false, nil
	}
	moved, err := receiptScript.Run(ctx, o.Redis,
		[]string{keys.Receipts(p, day.Format(time.DateOnly)), keys.Outcomes(p, day)},
		receiptName(sid), rank, string(bot.SMS)+":receipt:"+status, int(keys.ReceiptsLife.Seconds()), int(keys.OutcomesLife.Seconds()), status).StringSlice()
	if err != nil {
		return false, fmt.Errorf("record a receipt: %w", err)
	}
	if len(moved) == 2 {
		end := Undelivered
		if status == "delivered" || status == "read" {
			end = Arrived
		}
		ids, err := o.Vault.Settled(ctx, o.Settle, bot.PersonID(moved[1]))
		if err != nil {
			return false, err
		}
		if err := endScript.Run(ctx, o.Redis, []string{keys.Tally(p, moved[0]), keys.Counts(p, moved[0])},
			string(ids[0]), string(end), int(keys.TallyLife.Seconds())).Err(); err != nil {
			return false, fmt.Errorf("count a receipt: %w", err)
		}
	}
	return len(moved) > 0, nil
}
