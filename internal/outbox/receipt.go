package outbox

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
)

//go:embed receipt.lua
var receiptSource string

var receiptScript = redis.NewScript(receiptSource)

// ranks order the states a text message goes through (Twilio, message status values). Final states
// have the same rank: the first one stays.
var ranks = map[string]int{
	"accepted": 1, "scheduled": 1, "queued": 1, "sending": 2, "sent": 3,
	"delivered": 4, "undelivered": 4, "failed": 4, "canceled": 4,
	"read": 5,
}

// Receive records a delivery receipt for a message sent on a day in a partition (Message.Day and
// Message.Partition). It reports whether the status moved forward; a late or unknown one changes
// nothing.
func Receive(ctx context.Context, rdb redis.UniversalClient, day time.Time, p keys.Partition, sid, status string) (bool, error) {
	rank, known := ranks[status]
	if !known || p < 0 || p >= keys.Partitions {
		return false, nil
	}
	moved, err := receiptScript.Run(ctx, rdb,
		[]string{keys.Receipts(p, day.Format(time.DateOnly)), keys.Outcomes(p, day)},
		sid, rank, string(bot.SMS)+":receipt:"+status, int(keys.ReceiptsLife.Seconds()), int(keys.OutcomesLife.Seconds())).Int()
	if err != nil {
		return false, fmt.Errorf("record a receipt: %w", err)
	}
	return moved == 1, nil
}
