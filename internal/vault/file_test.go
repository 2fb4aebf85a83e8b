package vault

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faro/bot"
)

// FuzzKeyFile holds that a damaged key file is refused without telling what is in it, and that one which is read seals
// and opens.
func FuzzKeyFile(f *testing.F) {
	s, err := fresh()
	if err != nil {
		f.Fatal(err)
	}
	good, err := s.marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(strings.Replace(string(good), "ENABLED", "DISABLED", 1)))
	f.Add([]byte(strings.Replace(string(good), "AesSivKey", "AesGcmKey", 1)))
	f.Add([]byte(`{"addresses":{},"bodies":{"primaryKeyId":1,"key":[]},"partitions":null}`))
	f.Add([]byte("canary"))
	path := filepath.Join(f.TempDir(), "keys.json")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := Open(path)
		if err != nil {
			if strings.Contains(string(raw), "canary") && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error tells: %v", err)
			}
			return
		}
		id := v.Seal(bot.SMS, "1")
		if ch, address, err := v.Address(id); err != nil || ch != bot.SMS || address != "1" || KeyOf(string(id)) != v.Sealing() {
			t.Errorf("what is sealed does not open: %v", err)
		}
		if _, err := v.OpenBody(id, v.SealBody(id, []byte("x"))); err != nil {
			t.Error(err)
		}
	})
}

// FuzzKeyOf holds that foreign bytes name a key or none.
func FuzzKeyOf(f *testing.F) {
	v, err := New()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(v.Seal(bot.SMS, "1")))
	for _, sealed := range []string{"", ".", "a.", "AAAAAAAA", "x.AQAAAAE", "\xff.\xff\xff\xff\xff\xff\xff\xff\xff"} {
		f.Add(sealed)
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		if KeyOf(sealed) == v.Sealing() && v.Current(bot.PersonID(sealed)) != bot.PersonID(sealed) {
			t.Error("an id under the key that seals is changed")
		}
	})
}
