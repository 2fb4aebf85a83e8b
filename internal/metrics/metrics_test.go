package metrics_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/metrics"
	"faro/internal/outbox"
)

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	return string(body)
}

// TestMetrics pins names and labels: dashboards rely on them. Nothing a person wrote is among them.
func TestMetrics(t *testing.T) {
	m := metrics.New()
	in := bot.Input{Channel: bot.SMS, Words: "canary", ID: "canary"}
	m.Turn(in, bot.Turn{Heard: bot.HeardAnswer, Effects: []bot.Effect{{Judged: &bot.Judgement{Topic: "asylum", Helped: true}}, {Judged: &bot.Judgement{Topic: "asylum"}}}}, 3*time.Millisecond)
	m.Delivery(bot.Telegram, keys.Reply, outbox.Delivered, time.Second)
	m.Delivery(bot.Telegram, keys.Bulk, outbox.Expired, time.Hour)
	m.Request(bot.Telegram)("group")

	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	rdb.AddHook(m.Redis())
	before := scrape(t, m)
	if err := rdb.Get(t.Context(), "none").Err(); !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	pipe := rdb.Pipeline()
	pipe.Set(t.Context(), "a", "b", 0)
	pipe.LPush(t.Context(), "a", "b") // wrong kind
	if _, err := pipe.Exec(t.Context()); err == nil {
		t.Fatal("a list was pushed to a string")
	}
	got := scrape(t, m)
	for _, want := range []string{
		`faro_turns_total{channel="sms",heard="answer"} 1`, `faro_turn_seconds_count{channel="sms"} 1`,
		`faro_helpful_total{helpful="yes",topic="asylum"} 1`, `faro_helpful_total{helpful="no",topic="asylum"} 1`,
		`faro_deliveries_total{channel="telegram",lane="reply",outcome="delivered"} 1`,
		`faro_deliveries_total{channel="telegram",lane="bulk",outcome="expired"} 1`,
		`faro_delivery_seconds_count{channel="telegram",lane="reply"} 1`,
		`faro_updates_total{channel="telegram",result="group"} 1`,
		`faro_redis_errors_total 1`,
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(got, `faro_delivery_seconds_count{channel="telegram",lane="bulk"}`) {
		t.Error("the age of what was not delivered is counted")
	}
	count := func(text, name string) string {
		return regexp.MustCompile(`(?m)^` + name + ` (\d+)$`).FindStringSubmatch(text)[1]
	}
	if a, b := count(before, "faro_redis_round_trips_total"), count(got, "faro_redis_round_trips_total"); a != "0" || b == "0" {
		t.Errorf("round trips went from %s to %s", a, b)
	}
	if strings.Contains(got, "canary") {
		t.Error("the metrics name what a person wrote")
	}
}
