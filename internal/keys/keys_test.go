package keys_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"faro/bot"
	"faro/internal/keys"
)

// TestMessages holds that what the Lua function writes is what Messages reads.
func TestMessages(t *testing.T) {
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	script := redis.NewScript(keys.Append + "local ids = ''\nfor i = 1, #ARGV do ids = append(ids, ARGV[i]) end\nreturn ids")
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 100000), rapid.IntRange(1, 1<<31-1)), 1, 40).Draw(rt, "ids")
		ids = slices.Compact(ids)
		var args []any
		for _, id := range ids {
			args = append(args, strconv.Itoa(id))
		}
		list, err := script.Run(t.Context(), rdb, nil, args...).Text()
		if err != nil {
			rt.Fatal(err)
		}
		if got := keys.Messages(list); !slices.Equal(got, ids) {
			rt.Fatalf("%v came back as %v", ids, got)
		}
	})
}

func FuzzMessages(f *testing.F) {
	f.Add("\x00\x00\x00\x01\xff\xff\x00\x00\x00\x01\x00\x02")
	f.Fuzz(func(t *testing.T, list string) {
		if ids := keys.Messages(list); len(ids) > len(list) {
			t.Errorf("%d ids from %d bytes", len(ids), len(list))
		}
	})
}

// TestSharedSlot holds that what a role's change touches has one hash tag, so that the change and its entry in the
// audit log are one script on a cluster too.
func TestSharedSlot(t *testing.T) {
	for _, key := range []string{keys.Programme, keys.Roles, keys.Audit, keys.AuditNext, keys.Invitation("x"), keys.Guesses("someone"), keys.Reactions("s")} {
		if !strings.HasPrefix(key, "{faro}") {
			t.Errorf("%s lies elsewhere", key)
		}
	}
}

// TestOnePartition holds that all of a person's keys, and the queues that carry what is sent to them,
// have one hash tag.
func TestOnePartition(t *testing.T) {
	id := bot.PersonID("someone")
	p := keys.Of(id)
	all := []string{keys.Dialogue(id), keys.Person(id), keys.Sweep(id), keys.Done(p, "x"), keys.Holder(p), keys.Failed(p)}
	for _, ch := range bot.Channels {
		for _, lane := range keys.Lanes {
			all = append(all, keys.Queue(p, ch, lane))
		}
	}
	for _, key := range all {
		if tag := fmt.Sprintf("{p%02d}", p); !strings.HasPrefix(key, tag) {
			t.Errorf("%s is not in partition %s", key, tag)
		}
	}
}
