package people_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"faro/bot"
	"faro/internal/people"
	"faro/internal/redisx"
	"faro/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func register(t *testing.T, rdb redis.UniversalClient) *people.Register {
	t.Helper()
	seals, err := vault.New()
	if err != nil {
		t.Fatal(err)
	}
	return &people.Register{Redis: rdb, Vault: seals, Now: time.Now}
}

func inMemory(t *testing.T) (*people.Register, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	return register(t, rdb), m
}

const code = "7QH2-M0XK" // a zero, which people take for an O

func invite(t *testing.T, r *people.Register, code string, inv people.Invitation) {
	t.Helper()
	if err := r.Invite(t.Context(), code, inv, "test"); err != nil {
		t.Fatal(err)
	}
}

func claims(t *testing.T, r *people.Register, who bot.PersonID, code string, want people.Result) people.Invitation {
	t.Helper()
	inv, got, err := r.Claim(t.Context(), who, code)
	if err != nil || got != want {
		t.Errorf("the code gives %v, %v; want %v", got, err, want)
	}
	return inv
}

func holds(t *testing.T, r *people.Register, who bot.PersonID, want bot.Role) {
	t.Helper()
	if got, err := r.Role(t.Context(), who); err != nil || got != want {
		t.Errorf("the role is %q, %v; want %q", got, err, want)
	}
}

func TestOneInvitationOnePerson(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	rdb, err := redisx.Open(t.Context(), redisx.Config{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	r := register(t, rdb)
	invite(t, r, code, people.Invitation{Role: bot.Staff, Facility: "tapachula"})
	var mu sync.Mutex
	var winners []bot.PersonID
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			who := bot.PersonID(fmt.Sprint("person", i))
			_, result, err := r.Claim(t.Context(), who, code)
			if err != nil {
				t.Error(err)
			}
			if result == people.Taken {
				mu.Lock()
				winners = append(winners, who)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 {
		t.Fatalf("%d people took one invitation", len(winners))
	}
	if inv := claims(t, r, winners[0], code, people.Taken); inv.Facility != "tapachula" {
		t.Errorf("sent again it gives %+v", inv)
	}
	holds(t, r, winners[0], bot.Staff)
	holders, err := r.Holders(t.Context())
	if err != nil || len(holders) != 1 || holders[0].Person != winners[0] || holders[0].Facility != "tapachula" {
		t.Errorf("holders: %v, %v", len(holders), err)
	}
	if _, err := r.Remove(t.Context(), "nobody", "test"); err == nil || !strings.Contains(err.Error(), "faro roles") {
		t.Errorf("removing nobody: %v", err)
	}
	if _, err := r.Remove(t.Context(), holders[0].Digest, "test"); err != nil {
		t.Fatal(err)
	}
	holds(t, r, winners[0], bot.Migrant)
	claims(t, r, winners[0], code, people.Wrong) // it gives nothing back that was taken away
	holds(t, r, winners[0], bot.Migrant)
}

func TestGuessingIsLockedOut(t *testing.T) {
	r, m := inMemory(t)
	invite(t, r, code, people.Invitation{Role: bot.Trainer})
	for range 4 {
		claims(t, r, "guesser", people.NewCode(), people.Wrong)
	}
	claims(t, r, "guesser", people.NewCode(), people.Locked)
	claims(t, r, "guesser", code, people.Locked) // a right one tells nothing now
	holds(t, r, "guesser", bot.Migrant)
	m.FastForward(time.Hour + time.Second)
	claims(t, r, "guesser", code, people.Taken)
	holds(t, r, "guesser", bot.Trainer)
}

func TestInvitationsRunOut(t *testing.T) {
	r, m := inMemory(t)
	invite(t, r, code, people.Invitation{Role: bot.Staff})
	m.FastForward(people.InvitationLife / 2)
	invite(t, r, code, people.Invitation{Role: bot.Admin}) // made again: nothing changes
	m.FastForward(people.InvitationLife/2 + time.Second)
	claims(t, r, "ana", code, people.Wrong)
}

func TestRolesAreNotLowered(t *testing.T) {
	r, _ := inMemory(t)
	invite(t, r, code, people.Invitation{Role: bot.Admin})
	invite(t, r, "8QH2-M0XK", people.Invitation{Role: bot.Staff})
	claims(t, r, "ana", code, people.Taken)
	claims(t, r, "ana", "8QH2-M0XK", people.Taken)
	holds(t, r, "ana", bot.Admin)
	if err := r.Enrol(t.Context(), "ana", "tapachula", "test"); err != nil {
		t.Fatal(err)
	}
	holds(t, r, "ana", bot.Admin)
}

func TestLeaving(t *testing.T) {
	r, _ := inMemory(t)
	given := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	r.Now = func() time.Time { return given }
	invite(t, r, code, people.Invitation{Role: bot.Staff})
	claims(t, r, "ana", code, people.Taken)
	for range 2 {
		if err := r.Left(t.Context(), "ana", given.Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		holds(t, r, "ana", bot.Staff) // given after they left
	}
	for range 2 {
		if err := r.Left(t.Context(), "ana", given.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		holds(t, r, "ana", bot.Migrant)
	}
}

func TestNothingIsReadable(t *testing.T) {
	r, m := inMemory(t)
	invite(t, r, code, people.Invitation{Role: bot.Coordinator, Facility: "tapachula", Member: "of-0001"})
	claims(t, r, "ana", code, people.Taken)
	if err := r.Note(t.Context(), "session moved", people.Digest("ana"), "s1"); err != nil {
		t.Fatal(err)
	}
	if dump := m.Dump(); strings.Contains(dump, "tapachula") || strings.Contains(dump, "of-0001") || strings.Contains(dump, "7QH2") || strings.Contains(dump, "coordinator") {
		t.Errorf("Redis tells:\n%s", dump)
	}
	var log []string
	if err := r.Audit(t.Context(), func(e people.Entry) error {
		log = append(log, e.What)
		if e.By == "ana" || e.About == "ana" {
			t.Errorf("the log names a person: %+v", e)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(log, ", ") != "invited, joined, session moved" {
		t.Errorf("the log: %q", log)
	}
}

func TestReadCode(t *testing.T) {
	for _, text := range []string{code, "7qh2m0xk", " 7QH2 M0XK ", "i-7QH2-M0XK", "/start i-7QH2-M0XK", "7qh2-moxk", "7QH2M0XK"} {
		if got, ok := people.ReadCode(text); !ok || got != code {
			t.Errorf("%q is read as %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "hola", "HOLA", "abogados", "12345678", "5512345678", "7QH2-M0X", "7QH2-M0XKA", "menu", "solicito", "BOLILLOS", "7QH2-M0XU", "1 2 3 4 5 6", "ayuda911", "i-", strings.Repeat("7", 5000)} {
		if got, ok := people.ReadCode(text); ok {
			t.Errorf("%q is read as the code %q", text, got)
		}
	}
	for range 1000 {
		made := people.NewCode()
		if got, ok := people.ReadCode(made); !ok || got != made || len(made) != 9 {
			t.Fatalf("%q is made and read as %q", made, got)
		}
	}
}

func FuzzReadCode(f *testing.F) {
	f.Add(code)
	f.Add("services") // eight letters a code could have
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := people.ReadCode(text); !ok && got != "" {
			t.Fatalf("%q is none, and read as %q", text, got)
		} else if ok {
			if again, ok := people.ReadCode(got); !ok || again != got {
				t.Fatalf("%q is read as %q, and that as %q", text, got, again)
			}
		}
	})
}

// TestGuessingAtOnce: a hundred guesses at the same moment are not looked at more often than one after
// the other, the right code among them neither, and strangers who guess do not lock anyone else out.
func TestGuessingAtOnce(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server not on the PATH")
	}
	rdb, err := redisx.Open(t.Context(), redisx.Config{DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	r := register(t, rdb)
	invite(t, r, code, people.Invitation{Role: bot.Coordinator})
	var looked atomic.Int64
	var wg sync.WaitGroup
	for stranger := range 20 {
		for guess := range 100 {
			wg.Go(func() {
				_, got, err := r.Claim(t.Context(), bot.PersonID(fmt.Sprint("stranger", stranger)), fmt.Sprintf("A2B3-%04d", guess))
				if err != nil || got == people.Taken {
					t.Errorf("a guess gives %v, %v", got, err)
				}
				if got == people.Wrong {
					looked.Add(1)
				}
			})
		}
	}
	wg.Wait()
	if n := looked.Load(); n != 20*4 { // the fifth says locked
		t.Errorf("20 strangers had %d guesses looked at, want 4 each before the one that locks", n)
	}
	claims(t, r, "stranger7", code, people.Locked)
	holds(t, r, "stranger7", bot.Migrant)
	claims(t, r, "invited", code, people.Taken)
	locked := 0
	if err := r.Audit(t.Context(), func(e people.Entry) error {
		if e.What == "locked out" {
			locked++
		}
		return nil
	}); err != nil || locked != 20 {
		t.Errorf("the audit log tells of %d, %v", locked, err)
	}
}

// broken breaks the connection at the nth command from now, after Redis has done it.
type broken struct{ after int }

func (b *broken) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b *broken) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if b.after--; b.after == 0 {
			err = errors.New("the connection broke")
			cmd.SetErr(err)
		}
		return err
	}
}

func (b *broken) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if b.after--; b.after == 0 {
			return errors.New("the connection broke")
		}
		return err
	}
}

// TestEveryChangeIsInTheLog: whatever command a crash comes after, each change of a role stands in the audit log
// once when it has been repeated.
func TestEveryChangeIsInTheLog(t *testing.T) {
	given := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		before func(*people.Register)
		do     func(context.Context, *people.Register) error
		want   string
	}{
		{"invited", nil, func(ctx context.Context, r *people.Register) error {
			return r.Invite(ctx, code, people.Invitation{Role: bot.Staff}, "test")
		}, "invited"},
		{"joined", func(r *people.Register) { invite(t, r, code, people.Invitation{Role: bot.Staff}) }, func(ctx context.Context, r *people.Register) error {
			_, _, err := r.Claim(ctx, "ana", code)
			return err
		}, "invited, joined"},
		{"locked out", func(r *people.Register) {
			for range 4 {
				claims(t, r, "ana", people.NewCode(), people.Wrong)
			}
		}, func(ctx context.Context, r *people.Register) error {
			_, _, err := r.Claim(ctx, "ana", code)
			return err
		}, "locked out"},
		{"enrolled", nil, func(ctx context.Context, r *people.Register) error { return r.Enrol(ctx, "ana", "tapachula", "test") }, "enrolled"},
		{"removed", func(r *people.Register) {
			if err := r.Enrol(t.Context(), "ana", "", "test"); err != nil {
				t.Error(err)
			}
		}, func(ctx context.Context, r *people.Register) error {
			if _, err := r.Remove(ctx, people.Digest("ana"), "test"); err != nil && !strings.Contains(err.Error(), "0 people") {
				return err
			}
			return nil
		}, "enrolled, removed"},
		{"left", func(r *people.Register) {
			if err := r.Enrol(t.Context(), "ana", "", "test"); err != nil {
				t.Error(err)
			}
		}, func(ctx context.Context, r *people.Register) error { return r.Left(ctx, "ana", given.Add(time.Second)) }, "enrolled, left"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for at, fails := 1, true; fails; at++ {
				m := miniredis.RunT(t)
				rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true, Protocol: 2})
				t.Cleanup(func() { _ = rdb.Close() })
				r := register(t, rdb)
				r.Now = func() time.Time { return given }
				if test.before != nil {
					test.before(r)
				}
				breaks := &broken{after: at}
				rdb.AddHook(breaks)
				fails = test.do(t.Context(), r) != nil
				breaks.after = 0
				if err := test.do(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				var log []string
				if err := r.Audit(t.Context(), func(e people.Entry) error { log = append(log, e.What); return nil }); err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(log, ", "); got != test.want {
					t.Errorf("broken after command %d the log is %q, want %q", at, got, test.want)
				}
			}
		})
	}
}
