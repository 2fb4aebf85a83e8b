package redisx

import "testing"

// FuzzDial holds that an address that is refused is not told, and that no other makes it panic.
func FuzzDial(f *testing.F) {
	for _, url := range []string{"redis://localhost:6379", "rediss://user:canary@host:6380/0", "unix:///run/redis.sock?db=1", "redis://a,redis://b,c:1",
		"redis://s:26379/0?master_name=m&addr=b:1", "redis://:canary@host:port", "http://canary", "redis://host/x", ",,", "redis://h?dial_timeout=canary", ""} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		rdb, err := dial(url)
		if err == nil {
			_ = rdb.UniversalClient.Close()
		} else if err != errURL {
			t.Errorf("another error than that it is no address: %v", err)
		}
	})
}
