package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"faro/bot"
	"faro/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fresh(t testing.TB) *vault.Vault {
	t.Helper()
	v, err := vault.New()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRoundTrip(t *testing.T) {
	v, other := fresh(t), fresh(t)
	for _, ch := range bot.Channels {
		id := v.Seal(ch, "+525512345678")
		if id != v.Seal(ch, "+525512345678") {
			t.Error("one address has two ids")
		}
		if strings.Contains(string(id), "5512345678") || len(id) > 64 {
			t.Errorf("the id is readable or long: %d characters", len(id))
		}
		gotCh, address, err := v.Address(id)
		if err != nil || gotCh != ch || address != "+525512345678" {
			t.Errorf("came back as %s, %v", gotCh, err)
		}
		if _, _, err := other.Address(id); err == nil {
			t.Error("another key opens the id")
		}
		sealed := v.SealBody(id, []byte("canary"))
		if body, err := v.OpenBody(id, sealed); err != nil || string(body) != "canary" {
			t.Errorf("body: %v", err)
		}
		if bytes.Contains(sealed, []byte("canary")) {
			t.Error("the sealed body is readable")
		}
		if _, err := v.OpenBody(v.Seal(ch, "+1"), sealed); err == nil {
			t.Error("a body opens for another person")
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := v.OpenBody(id, sealed); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("a changed body: %v", err)
		}
	}
	if v.Seal(bot.SMS, "1") == v.Seal(bot.Telegram, "1") {
		t.Error("two channels share an id")
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "keys.json")
	ids := make([]bot.PersonID, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			v, err := vault.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = v.Seal(bot.SMS, "1")
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("processes that start together made different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info, err)
	}
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", folder, err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		mode    os.FileMode
		says    string
	}{
		"readable by others": {whole, 0o640, "chmod 600"},
		"empty":              {nil, 0o600, "backup"},
		"cut off":            {whole[:len(whole)/2], 0o600, "backup"},
		"other JSON":         {[]byte(`{"addresses":{},"bodies":{}}`), 0o600, "backup"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := os.WriteFile(path, c.content, c.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := vault.Open(path); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("says %v", err)
			}
		})
	}
}

// What does not open says so in fixed words, whatever it was given.
func TestErrorsHoldNothingOfTheInput(t *testing.T) {
	v, other := fresh(t), fresh(t)
	id := v.Seal(bot.SMS, "+525512345678")
	changed := func(i int) bot.PersonID {
		b := []byte(id)
		b[i] = map[bool]byte{true: 'B', false: 'A'}[b[i] == 'A']
		return bot.PersonID(b)
	}
	for name, id := range map[string]bot.PersonID{
		"empty":                "",
		"an address":           "+525512345678",
		"not base64":           "canary!",
		"base64 of other text": "Y2FuYXJ5",
		"first byte changed":   changed(0),
		"middle byte changed":  changed(len(id) / 2),
		"cut off":              id[:len(id)-4],
		"longer":               id + "AAAA",
		"a line break in it":   id[:8] + "\n" + id[8:],
		"of other keys":        other.Seal(bot.SMS, "+525512345678"),
		"of no channel":        v.Seal("canary", "+525512345678"),
	} {
		t.Run("id/"+name, func(t *testing.T) {
			ch, address, err := v.Address(id)
			if !errors.Is(err, vault.ErrAddress) || err.Error() != vault.ErrAddress.Error() || ch != "" || address != "" {
				t.Errorf("opened as %q, %d bytes, error %v", ch, len(address), err)
			}
		})
	}
	sealed := v.SealBody(id, []byte("canary"))
	for name, body := range map[string][]byte{
		"empty":         nil,
		"never sealed":  []byte("canary"),
		"cut off":       sealed[:len(sealed)-1],
		"longer":        append(bytes.Clone(sealed), 0),
		"of other keys": other.SealBody(id, []byte("canary")),
	} {
		t.Run("body/"+name, func(t *testing.T) {
			got, err := v.OpenBody(id, body)
			if !errors.Is(err, vault.ErrBody) || err.Error() != vault.ErrBody.Error() || got != nil {
				t.Errorf("opened to %d bytes, error %v", len(got), err)
			}
		})
	}
	if bytes.Equal(sealed, v.SealBody(id, []byte("canary"))) {
		t.Error("one body sealed twice is the same")
	}
}

func FuzzOpen(f *testing.F) {
	v := fresh(f)
	id := v.Seal(bot.SMS, "1")
	f.Add(string(id), v.SealBody(id, []byte("x")))
	f.Fuzz(func(t *testing.T, id string, sealed []byte) {
		_, _, _ = v.Address(bot.PersonID(id))
		_, _ = v.OpenBody(bot.PersonID(id), sealed)
	})
}

func FuzzAddress(f *testing.F) {
	v := fresh(f)
	for _, ch := range bot.Channels {
		f.Add(string(v.Seal(ch, "+525512345678")))
	}
	f.Add(string(v.Seal(bot.SMS, "1")) + "\n")
	f.Add("")
	f.Add("\xff\n==")
	f.Fuzz(func(t *testing.T, id string) {
		ch, address, err := v.Address(bot.PersonID(id))
		if err != nil {
			if err.Error() != vault.ErrAddress.Error() || ch != "" || address != "" {
				t.Error("a failure tells more than that it failed")
			}
			return
		}
		if string(v.Seal(ch, address)) != id {
			t.Error("an id that opens is not the one its address is sealed to")
		}
	})
}

func FuzzOpenBody(f *testing.F) {
	v := fresh(f)
	id := v.Seal(bot.SMS, "1")
	f.Add([]byte("x"), v.SealBody(id, []byte("x")))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, body, foreign []byte) {
		if got, err := v.OpenBody(id, v.SealBody(id, body)); err != nil || !bytes.Equal(got, body) {
			t.Errorf("a sealed body does not come back: %v", err)
		}
		if got, err := v.OpenBody(id, foreign); err != nil && (err.Error() != vault.ErrBody.Error() || got != nil) {
			t.Error("a failure tells more than that it failed")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	v := fresh(b)
	for b.Loop() {
		v.Seal(bot.SMS, "+525512345678")
	}
}

func BenchmarkSealBody(b *testing.B) {
	v := fresh(b)
	id, body := v.Seal(bot.SMS, "+525512345678"), make([]byte, 160)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		v.SealBody(id, body)
	}
}

// TestSecrets: each person has their own, under each key another.
func TestSecrets(t *testing.T) {
	v, other := fresh(t), fresh(t)
	id := v.Seal(bot.SMS, "+525512345678")
	if again := v.Secret(v.Seal(bot.SMS, "+525512345678")); again == "" || again != v.Secret(id) {
		t.Error("someone has no secret, or two")
	}
	if v.Secret(id) == v.Secret(v.Seal(bot.SMS, "+525512345679")) || v.Secret(id) == other.Secret(id) {
		t.Error("two people, or two keys, have the same secret")
	}
}

func TestNames(t *testing.T) {
	a, b := fresh(t), fresh(t)
	sealed := a.SealName("calendar", "ana")
	if again := a.SealName("calendar", "ana"); again != sealed {
		t.Error("the same name is sealed in two ways")
	}
	if got, err := a.OpenName("calendar", sealed); err != nil || got != "ana" {
		t.Errorf("opened %q, %v", got, err)
	}
	for what, open := range map[string]func() (string, error){
		"for another use": func() (string, error) { return a.OpenName("training", sealed) },
		"with other keys": func() (string, error) { return b.OpenName("calendar", sealed) },
		"cut":             func() (string, error) { return a.OpenName("calendar", sealed[:len(sealed)-2]) },
		"empty":           func() (string, error) { return a.OpenName("calendar", "") },
		"not base64":      func() (string, error) { return a.OpenName("calendar", "ana\n") },
	} {
		if got, err := open(); !errors.Is(err, vault.ErrName) || got != "" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}
