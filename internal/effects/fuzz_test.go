package effects

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/vault"
)

// FuzzOpen holds that a damaged entry is refused, sealed with our key or not.
func FuzzOpen(f *testing.F) {
	v, err := vault.New()
	if err != nil {
		f.Fatal(err)
	}
	id := v.Seal(bot.SMS, "1")
	f.Add("1764590400000-0", []byte(`[{"Left":true}]`), true)
	f.Add("1-1", []byte(`[{"Deed":{"Does":"send","Notice":null}},{}]`), true)
	f.Add("-", []byte(`[null]`), true)
	f.Add("", []byte(`{"Left":1}`), true)
	f.Add("9223372036854775808-x", []byte("x"), false)
	r := &Reader{Vault: v}
	f.Fuzz(func(t *testing.T, stamp string, body []byte, sealed bool) {
		if sealed {
			body = v.SealBody(id, body)
		}
		set, err := r.open(redis.XMessage{ID: stamp, Values: map[string]any{"p": string(id), "b": string(body)}})
		if set.Person != id || err == nil && !sealed {
			t.Errorf("opened, %v", err)
		}
	})
}
