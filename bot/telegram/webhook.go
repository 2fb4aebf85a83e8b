package telegram

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"faro/bot"
)

// Take takes one turn; see package turns. After an error the update must be delivered again.
type Take func(ctx context.Context, address string, in bot.Input) error

// Count counts requests by what became of them.
type Count func(result string)

// maxUpdate is far more than an update has, whose text is at most 4,096 characters.
const maxUpdate = 256 << 10

// Webhook receives updates. The secret must not be empty; Telegram sends it with each update
// (Bot API, setWebhook, secret_token).
func Webhook(secret string, take Take, count Count) http.Handler {
	if secret == "" {
		panic("telegram: a webhook without a secret would be open to anyone")
	}
	want := sha256.Sum256([]byte(secret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("X-Telegram-Bot-Api-Secret-Token")))
		if !hmac.Equal(got[:], want[:]) {
			count("forbidden")
			http.Error(w, "wrong secret", http.StatusForbidden)
			return
		}
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpdate))
		if err != nil {
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				count("too-large")
				http.Error(w, "larger than an update", http.StatusRequestEntityTooLarge)
				return
			}
			count("cut-off")
			http.Error(w, "cannot read the body", http.StatusBadRequest)
			return
		}
		e, err := Parse(raw)
		if err != nil {
			count("malformed")
			http.Error(w, ErrUpdate.Error(), http.StatusBadRequest)
			return
		}
		count(e.Kind)
		if e.Kind != KindInput {
			w.WriteHeader(http.StatusOK)
			return
		}
		if err := take(r.Context(), e.Chat, e.Input); err != nil {
			count("not-stored")
			http.Error(w, "not stored, please deliver again", http.StatusServiceUnavailable)
			return
		}
		if e.Tap == "" {
			w.WriteHeader(http.StatusOK)
			return
		}
		// The answer of a webhook may be a call (Bot API, "Making requests when getting updates").
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"method": "answerCallbackQuery", "callback_query_id": e.Tap})
	})
}
