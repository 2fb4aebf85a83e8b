package bot_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"faro/bot"
)

// TestPure holds that the conversation does no I/O: neither it nor anything it is built from knows
// Redis, HTTP, a network or a logger.
func TestPure(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "faro/bot").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		switch {
		case dep == "net/http", dep == "net", dep == "log", dep == "log/slog", dep == "database/sql",
			strings.HasPrefix(dep, "github.com/redis/"), strings.HasPrefix(dep, "faro/internal/"), strings.HasPrefix(dep, "faro/bot/"):
			t.Errorf("the conversation depends on %s", dep)
		}
	}
}

func TestNobodysWordsPrint(t *testing.T) {
	in := bot.Input{Words: "canary text"}
	id := bot.PersonID("canary id")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{in, in.Words, id, &in, []bot.PersonID{id}} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "canary") {
				t.Errorf("%s prints %s", verb, s)
			}
		}
	}
}
