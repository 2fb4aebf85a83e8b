package turns

import (
	"strconv"
	"strings"
	"testing"

	"faro/bot"
	"faro/internal/vault"
)

// FuzzStored holds that a damaged record of a dialogue begins it anew, and that resealing keeps what can be read.
func FuzzStored(f *testing.F) {
	v, err := vault.New()
	if err != nil {
		f.Fatal(err)
	}
	from, to := v.Seal(bot.SMS, "1"), v.Seal(bot.SMS, "2")
	whole := "1|menu|||abcdef"
	drafted := whole + "\n" + string(v.SealBody(from, []byte(`{"Title":"x"}`)))
	for _, record := range []string{whole, drafted, drafted[:len(drafted)-1], ""} {
		f.Add(strconv.Itoa(len(record)) + ":" + record + "\x00\x00\x00\x01\xff")
	}
	for _, stored := range []string{"", ":", "-1:x", "99:x", "+1:x", "1:\n", "9223372036854775808:"} {
		f.Add(stored)
	}
	taker := &Taker{Vault: v}
	f.Fuzz(func(t *testing.T, stored string) {
		record := head(stored)
		d := taker.dialogue(from, record)
		resealed := Reseal(v, stored, from, to)
		after := head(resealed)
		if text, _, _ := strings.Cut(record, "\n"); !strings.HasPrefix(after, text) {
			t.Fatalf("%q is resealed as %q", stored, resealed)
		}
		before, _ := d.MarshalText()
		now := taker.dialogue(to, after)
		if moved, _ := now.MarshalText(); len(d.Seen) > 0 && string(moved) != string(before) {
			t.Errorf("%q is read as %s, then as %s", stored, before, moved)
		}
	})
}
