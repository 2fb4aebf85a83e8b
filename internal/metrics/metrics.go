// Package metrics counts what happens, for Prometheus. Labels come from closed sets: no metric can
// hold what a person wrote, a name, a number or an id. Everything may be used from several
// goroutines.
package metrics

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/outbox"
)

// Metrics are the metrics of one process.
type Metrics struct {
	registry     *prometheus.Registry
	turns        *prometheus.CounterVec
	turnSeconds  *prometheus.HistogramVec
	helpful      *prometheus.CounterVec
	deliveries   *prometheus.CounterVec
	deliveryAge  *prometheus.HistogramVec
	requests     *prometheus.CounterVec
	redisErrors  prometheus.Counter
	redisCalls   prometheus.Counter
	redisReturns prometheus.Counter
}

// New makes the metrics of a process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "faro_turns_total",
			Help: "Turns by channel and how the input was heard."}, []string{"channel", "heard"}),
		turnSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "faro_turn_seconds",
			Help: "Time from an input's arrival to its turn being stored.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}, []string{"channel"}),
		helpful: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "faro_helpful_total",
			Help: "Answers judged helpful or not, by topic."}, []string{"topic", "helpful"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "faro_deliveries_total",
			Help: "Messages by channel, lane and what became of them."}, []string{"channel", "lane", "outcome"}),
		deliveryAge: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "faro_delivery_seconds",
			Help: "Time from a message's storing to the provider taking it.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 20)}, []string{"channel", "lane"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "faro_updates_total",
			Help: "Updates and webhook requests by channel and what became of them."}, []string{"channel", "result"}),
		redisErrors: prometheus.NewCounter(prometheus.CounterOpts{Name: "faro_redis_errors_total",
			Help: "Redis commands that failed."}),
		redisCalls: prometheus.NewCounter(prometheus.CounterOpts{Name: "faro_redis_commands_total",
			Help: "Redis commands sent."}),
		redisReturns: prometheus.NewCounter(prometheus.CounterOpts{Name: "faro_redis_round_trips_total",
			Help: "Round trips to Redis; several commands may share one."}),
	}
	for _, result := range []string{"panic", "given-up"} { // each is a person who gets no answer; one that begins at 1 is no rise
		for _, ch := range bot.Channels {
			m.requests.WithLabelValues(string(ch), result)
		}
	}
	m.registry.MustRegister(m.turns, m.turnSeconds, m.helpful, m.deliveries, m.deliveryAge, m.requests,
		m.redisErrors, m.redisCalls, m.redisReturns, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Turn counts a turn.
func (m *Metrics) Turn(in bot.Input, turn bot.Turn, took time.Duration) {
	m.turns.WithLabelValues(string(in.Channel), string(turn.Heard)).Inc()
	m.turnSeconds.WithLabelValues(string(in.Channel)).Observe(took.Seconds())
	for _, e := range turn.Effects {
		if e.Judged == nil {
			continue
		}
		helped := "no"
		if e.Judged.Helped {
			helped = "yes"
		}
		m.helpful.WithLabelValues(e.Judged.Topic, helped).Inc()
	}
}

// Delivery counts what became of a message.
func (m *Metrics) Delivery(ch bot.Channel, lane keys.Lane, outcome outbox.Outcome, age time.Duration) {
	m.deliveries.WithLabelValues(string(ch), string(lane), string(outcome)).Inc()
	if outcome == outbox.Delivered {
		m.deliveryAge.WithLabelValues(string(ch), string(lane)).Observe(age.Seconds())
	}
}

// Request returns the function that counts a channel's updates.
func (m *Metrics) Request(ch bot.Channel) func(result string) {
	return func(result string) { m.requests.WithLabelValues(string(ch), result).Inc() }
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// depthTime bounds how long a scrape waits for Redis.
const depthTime = 2 * time.Second

// Queues adds the depth and age of the outbox, measured when asked for.
func (m *Metrics) Queues(o *outbox.Outbox) { m.registry.MustRegister(queues{o}) }

type queues struct{ o *outbox.Outbox }

var (
	waiting = prometheus.NewDesc("faro_outbox_messages", "Messages waiting to be delivered.", []string{"channel", "lane"}, nil)
	oldest  = prometheus.NewDesc("faro_outbox_oldest_seconds", "Age of the oldest message waiting.", []string{"channel", "lane"}, nil)
	held    = prometheus.NewDesc("faro_outbox_partitions", "Partitions this process delivers.", nil, nil)
)

func (q queues) Describe(ch chan<- *prometheus.Desc) { ch <- waiting; ch <- oldest; ch <- held }

func (q queues) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), depthTime)
	defer cancel()
	ch <- prometheus.MustNewConstMetric(held, prometheus.GaugeValue, float64(q.o.Held()))
	depths, err := q.o.Depths(ctx)
	if err != nil {
		return // faro_redis_errors_total tells; a missing gauge is better than a false zero
	}
	for _, d := range depths {
		ch <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(d.Waiting), string(d.Channel), string(d.Lane))
		ch <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, d.Oldest.Seconds(), string(d.Channel), string(d.Lane))
	}
}

// Redis returns the hook that counts what is asked of Redis.
func (m *Metrics) Redis() redis.Hook { return counting{m} }

type counting struct{ m *Metrics }

func (c counting) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c counting) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		c.count(1, err)
		return err
	}
}

func (c counting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		c.count(len(cmds), err)
		return err
	}
}

func (c counting) count(commands int, err error) {
	c.m.redisCalls.Add(float64(commands))
	c.m.redisReturns.Inc()
	if err != nil && !errors.Is(err, redis.Nil) && !errors.Is(err, context.Canceled) {
		c.m.redisErrors.Inc()
	}
}
