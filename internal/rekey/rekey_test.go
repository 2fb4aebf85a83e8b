package rekey_test

import (
	"encoding/json"
	"log/slog"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/people"
	"faro/internal/redisx"
	"faro/internal/rekey"
	"faro/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is two processes on one Redis and one key file; the second does not know yet which key seals.
func pair(t *testing.T) (rdb *redisx.Redis, ahead, behind *rekey.Mover) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	rdb, err := redisx.Open(t.Context(), redisx.Config{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	file := filepath.Join(t.TempDir(), "keys.json")
	movers := make([]*rekey.Mover, 2)
	for i := range movers {
		v, err := vault.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		movers[i] = &rekey.Mover{Redis: rdb, Vault: v, Now: time.Now}
		if err := movers[i].Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := vault.Add(file); err != nil {
		t.Fatal(err)
	}
	for _, m := range movers {
		if err := m.Vault.Reload(file); err != nil {
			t.Fatal(err)
		}
	}
	return rdb, movers[0], movers[1]
}

// declare has the newest key seal, as Rotate does.
func declare(t *testing.T, m *rekey.Mover) {
	t.Helper()
	all := m.Vault.Keys()
	m.Vault.Use(all[len(all)-1])
	if err := m.Redis.Set(t.Context(), keys.KeyInForce, m.Vault.SealName("key in force", "faro"), 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestSettle: everything of a person moves, with its life; what is under both ids becomes one: who has stopped
// has stopped, and who was told was told. A process that has not heard of the new key hears of it then.
func TestSettle(t *testing.T) {
	rdb, ahead, behind := pair(t)
	ctx := t.Context()
	old := behind.Vault.Seal(bot.SMS, "+525512345678")
	part := keys.Of(old)
	person := func(p bot.Person) string {
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	declare(t, ahead)
	now := ahead.Vault.Seal(bot.SMS, "+525512345678")
	if now == old || keys.Of(now) != part {
		t.Fatal("the id stays, or its partition does not")
	}
	pipe := rdb.Pipeline()
	pipe.Set(ctx, keys.Person(old), person(bot.Person{Lang: "fr", Stopped: true}), time.Hour)
	pipe.Set(ctx, keys.Person(now), person(bot.Person{Lang: "es"}), 2*time.Hour)
	pipe.Set(ctx, keys.Dialogue(old), "4:1|x\nabc", 30*time.Minute)
	pipe.Set(ctx, keys.Sweep(old), "ids", time.Minute)
	pipe.HSet(ctx, keys.Told(part, "s"), string(old), " v1:a ", string(now), " v1:b ")
	pipe.HSet(ctx, keys.Tally(part, "n"), string(old), "delivered")
	pipe.HSet(ctx, keys.Asked(part), string(old), "s")
	pipe.ZAdd(ctx, keys.Followers(part, "tapachula"), redis.Z{Score: 7, Member: string(old)})
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be repeated
		ids, err := behind.Settle(ctx, old)
		if err != nil || len(ids) != 1 || ids[0] != now {
			t.Fatalf("settled: %v, %v", ids, err)
		}
	}
	var p bot.Person
	if err := json.Unmarshal([]byte(rdb.Get(ctx, keys.Person(now)).Val()), &p); err != nil || p.Lang != "es" || !p.Stopped {
		t.Errorf("the person: %+v, %v", p, err)
	}
	for key, want := range map[string]time.Duration{keys.Person(now): 2 * time.Hour, keys.Dialogue(now): 30 * time.Minute, keys.Sweep(now): time.Minute} {
		if got := rdb.TTL(ctx, key).Val(); got > want || got < want-time.Minute/2 {
			t.Errorf("lives for %v, want %v", got, want)
		}
	}
	if marks := rdb.HGet(ctx, keys.Told(part, "s"), string(now)).Val(); marks != " v1:b  v1:a " {
		t.Errorf("marks %q", marks)
	}
	if rdb.HGet(ctx, keys.Tally(part, "n"), string(now)).Val() != "delivered" || rdb.HGet(ctx, keys.Asked(part), string(now)).Val() != "s" ||
		rdb.ZScore(ctx, keys.Followers(part, "tapachula"), string(now)).Val() != 7 {
		t.Error("a tally, a question or a place was left behind")
	}
	for _, key := range []string{keys.Dialogue(old), keys.Sweep(old)} {
		if rdb.Exists(ctx, key).Val() != 0 {
			t.Error("something stays under the old id")
		}
	}
	if rdb.Get(ctx, keys.Person(old)).Val() != keys.Moved || rdb.HLen(ctx, keys.Told(part, "s")).Val() != 1 || rdb.ZCard(ctx, keys.Followers(part, "tapachula")).Val() != 1 {
		t.Error("the old id does not say that they have moved, or stays in a collection")
	}
}

// TestGuessesCountOverKeys: wrong codes sent while another key sealed count on.
func TestGuessesCountOverKeys(t *testing.T) {
	rdb, m, _ := pair(t)
	r := &people.Register{Redis: rdb, Vault: m.Vault, Settle: m.Settle, Now: time.Now}
	guess := func(want people.Result) {
		t.Helper()
		if _, got, err := r.Claim(t.Context(), m.Vault.Seal(bot.SMS, "+525512345678"), people.NewCode()); err != nil || got != want {
			t.Errorf("a wrong code gives %v, %v; want %v", got, err, want)
		}
	}
	for range 3 {
		guess(people.Wrong)
	}
	declare(t, m)
	guess(people.Wrong)
	guess(people.Locked)
}
