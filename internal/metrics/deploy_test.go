package metrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.yaml.in/yaml/v4"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/metrics"
	"faro/internal/outbox"
)

// TestWhatIsWatchedIsThere: every metric and label value that the alerts and the dashboard ask for is one that a
// server tells.
func TestWhatIsWatchedIsThere(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	read(t, "../../deploy/prometheus/alerts.yaml", func(b []byte) error { return yaml.Unmarshal(b, &rules) })
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	read(t, "../../deploy/grafana/faro.json", func(b []byte) error { return json.Unmarshal(b, &board) })
	asked := map[string]string{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			asked[r.Alert] = r.Expr
		}
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			asked[p.Title+" "+target.Expr] = target.Expr
		}
	}
	if len(asked) < 10 {
		t.Fatalf("only %d are asked for", len(asked))
	}
	told := page(t)
	name := regexp.MustCompile(`faro_[a-z_]+`)
	label := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for what, expr := range asked {
		for _, m := range name.FindAllString(expr, -1) {
			if !strings.Contains(told, "\n"+m+"{") && !strings.Contains(told, "\n"+m+" ") {
				t.Errorf("%s asks for %s, which nobody tells", what, m)
			}
		}
		for _, l := range label.FindAllString(expr, -1) {
			if !strings.Contains(told, l) && l != `job="faro"` {
				t.Errorf("%s asks for %s, which nobody tells", what, l)
			}
		}
	}
}

func read(t *testing.T, path string, parse func([]byte) error) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = parse(b)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// page is what a server tells after one of everything.
func page(t *testing.T) string {
	t.Helper()
	m := metrics.New()
	m.Turn(bot.Input{Channel: bot.Telegram}, bot.Turn{Heard: bot.HeardAnswer, Effects: []bot.Effect{{Judged: &bot.Judgement{Topic: "asylum"}}}}, time.Millisecond)
	for _, o := range []outbox.Outcome{outbox.Delivered, outbox.Failed} {
		m.Delivery(bot.Telegram, keys.Reply, o, time.Second)
	}
	for _, result := range []string{"not-stored", "forbidden"} { // as the adapters call them
		m.Request(bot.Telegram)(result)
	}
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	m.Queues(outbox.New(outbox.Config{Redis: rdb, Now: time.Now, Routes: map[bot.Channel]outbox.Route{bot.Telegram: {}}}))
	return scrape(t, m)
}
