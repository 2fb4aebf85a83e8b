package vault_test

import (
	"testing"

	"faro/internal/vault"
)

// FuzzName holds that nobody makes up the name of a calendar, or uses one for something else.
func FuzzName(f *testing.F) {
	v, err := vault.New()
	if err != nil {
		f.Fatal(err)
	}
	real := v.SealName("calendar", "someone")
	f.Add(real)
	f.Add("")
	f.Add(real[:len(real)-1])
	f.Add("../" + real)
	f.Fuzz(func(t *testing.T, name string) {
		if text, err := v.OpenName("calendar", name); err == nil && name != real {
			t.Fatalf("%q opens as %q", name, text)
		}
		if _, err := v.OpenName("other", name); err == nil {
			t.Fatalf("%q is taken for something else", name)
		}
	})
}
