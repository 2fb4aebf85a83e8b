package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/flows"
	"faro/internal/guard"
	"faro/internal/keys"
	"faro/internal/people"
	"faro/internal/turns"
	"faro/internal/vault"
)

// A Trainer reminds people of sessions, tells them of changes, and keeps their answers. Any number of
// processes may run one.
type Trainer struct {
	Redis    redis.UniversalClient
	Vault    *vault.Vault
	Store    *Store
	Register *people.Register
	Settle   vault.Settle // called only while there are several keys
	Life     bot.Life     // how long records are kept
	Talk     func() *bot.Talk
	Shapes   map[bot.Channel]turns.Shape
	Facility func(id string) (zone, state string) // IANA zone and federal entity of a facility, "" if it is unknown
	Public   string                               // where the world reaches the calendar feed, "" for none
	Link     func(code string) string             // opens the bot with an invitation, "" if its name is not known; nil for never
	Log      *slog.Logger
	Now      func() time.Time

	wake chan struct{}
	// put plans a task for a moment, unless there is one of that id, done or not.
	put func(ctx context.Context, kind, id string, payload []byte, at, forget time.Time) error
}

// New completes a Trainer.
func New(t Trainer) *Trainer {
	client := asynq.NewClientFromRedisClient(t.Redis)
	t.put = func(ctx context.Context, kind, id string, payload []byte, at, forget time.Time) error {
		_, err := client.EnqueueContext(ctx, asynq.NewTask(kind, payload), asynq.Queue(queue), asynq.TaskID(id), asynq.ProcessAt(at),
			asynq.MaxRetry(tries), asynq.Timeout(taskTime), asynq.Retention(forget.Sub(t.Now())))
		if errors.Is(err, asynq.ErrTaskIDConflict) {
			return nil
		}
		return err
	}
	t.wake = make(chan struct{}, 1)
	return &t
}

// The tasks.
const (
	queue        = "training"
	taskReminder = "training:reminder"
	taskChange   = "training:change"
	taskReport   = "training:report"
)

// A task is what asynq keeps of something to do. It names nobody.
type task struct {
	Session string    `json:"s"`
	Version int       `json:"v"`
	Lead    Lead      `json:"l,omitzero"`
	Zone    string    `json:"z,omitempty"`
	At      time.Time `json:"t,omitzero"`
	Missed  bool      `json:"m,omitempty"`
	Rested  time.Time `json:"r,omitzero"` // the end of the quiet hours it was put off to
}

// id names a reminder. What has been put off is another task: asynq keeps the first one as done.
func (what task) id() string {
	id := "r:" + what.Session + ":v" + strconv.Itoa(what.Version) + ":" + what.Lead.id() + ":" + what.Zone + ":" + strconv.FormatInt(what.At.Unix(), 10)
	if what.Missed {
		id += ":m"
	}
	if !what.Rested.IsZero() {
		id += ":" + strconv.FormatInt(what.Rested.Unix(), 10)
	}
	return id
}

const (
	lookEvery   = 2 * time.Second // for changes by other processes
	workers     = 4
	tries       = 50 // with retryDelay, more than half a day of a failing Redis or fault of ours
	stopTime    = 8 * time.Second
	taskTime    = 2 * time.Minute
	forwardEach = time.Second // how late a task may be noticed
)

// Run plans and reminds until ctx ends.
func (t *Trainer) Run(ctx context.Context) {
	server := asynq.NewServerFromRedisClient(t.Redis, asynq.Config{
		Concurrency: workers, Queues: map[string]int{queue: 1}, Logger: hushed{t.Log}, LogLevel: asynq.WarnLevel,
		DelayedTaskCheckInterval: forwardEach, TaskCheckInterval: forwardEach, ShutdownTimeout: stopTime,
		RetryDelayFunc: func(n int, _ error, _ *asynq.Task) time.Duration { return retryDelay(n) },
		ErrorHandler: asynq.ErrorHandlerFunc(func(_ context.Context, task *asynq.Task, err error) {
			t.Log.Warn("training: a task failed and is tried again", "task", task.Type(), "error", err)
		}),
	})
	mux := asynq.NewServeMux()
	for _, kind := range []string{taskReminder, taskChange, taskReport} {
		mux.HandleFunc(kind, func(ctx context.Context, at *asynq.Task) error { return t.do(ctx, kind, at.Payload()) })
	}
	var running sync.WaitGroup
	running.Go(func() { t.keepPlanning(ctx) })
	for ctx.Err() == nil {
		err := server.Start(mux)
		if err == nil {
			<-ctx.Done()
			server.Shutdown()
			break
		}
		t.Log.Warn("training: timed work does not start yet", "error", err)
		wait(ctx, lookEvery)
	}
	running.Wait()
}

func retryDelay(n int) time.Duration { return min(time.Minute, time.Second<<min(n, 6)) }

// keepPlanning plans whenever the programme has changed, and looks for what nobody does any more.
func (t *Trainer) keepPlanning(ctx context.Context) {
	planned := int64(-1)
	inspector := asynq.NewInspectorFromRedisClient(t.Redis)
	rescued := map[string]bool{}
	for ctx.Err() == nil {
		t.rescue(ctx, inspector, rescued)
		v, err := t.Store.Version(ctx)
		if err == nil && v != planned {
			if err = guard.Run(func() error { return t.Plan(ctx) }); err == nil {
				planned = v
			}
		}
		if err != nil && ctx.Err() == nil {
			t.Log.Warn("training: cannot plan, trying again", "error", err)
		}
		timer := time.NewTimer(lookEvery)
		select {
		case <-ctx.Done():
		case <-t.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// rescue does what a process that died was doing. asynq hands its tasks on too, but only after up to a
// minute and a half, and an hour before a session that is long. Doing a task twice tells nobody twice.
func (t *Trainer) rescue(ctx context.Context, inspector *asynq.Inspector, rescued map[string]bool) {
	active, err := inspector.ListActiveTasks(queue)
	if err != nil {
		return // there is no queue yet, or Redis is away, which planning tells
	}
	for _, task := range active {
		if !task.IsOrphaned || rescued[task.ID] {
			continue
		}
		if err := t.do(ctx, task.Type, task.Payload); err != nil {
			t.Log.Warn("training: what another process left is tried again", "error", err)
			continue
		}
		rescued[task.ID] = true
	}
}

// Plan hands asynq everything there is to do. What it has already it keeps, done or not: a task is
// named after what it does.
func (t *Trainer) Plan(ctx context.Context) error {
	p, err := t.Store.Load(ctx)
	if err != nil {
		return err
	}
	now := t.Now()
	for _, s := range p.Sorted() {
		if now.After(s.over().Add(reportLife)) {
			continue
		}
		zones := t.zones(p, s)
		name := s.ID + ":v" + strconv.Itoa(s.Version)
		if s.Version > 1 {
			if err := t.enqueue(ctx, taskChange, "c:"+name, task{Session: s.ID, Version: s.Version}, s, now); err != nil {
				return err
			}
		}
		for _, due := range p.Plan(s, zones, now) {
			what := task{Session: s.ID, Version: s.Version, Lead: due.Lead, Zone: due.Zone, At: due.At, Missed: due.Missed}
			id := what.id()
			if due.Missed {
				id += ":" + digest(t.present(p, s, due.Zone)) // done again when someone has joined
			}
			if err := t.enqueue(ctx, taskReminder, id, what, s, due.At); err != nil {
				return err
			}
		}
		if s.Version > 1 || !s.Cancelled && len(zones) > 0 {
			if err := t.enqueue(ctx, taskReport, "e:"+name, task{Session: s.ID, Version: s.Version}, s, s.Start); err != nil {
				return err
			}
		}
	}
	return nil
}

// digest tells one set of people from another, too short to tell who they are.
func digest(people []bot.PersonID) string {
	h := fnv.New32a()
	for _, id := range people {
		_, _ = h.Write([]byte(id))
	}
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// zones are those the people of a session live in.
func (t *Trainer) zones(p *Programme, s *Session) []string {
	seen := map[string]bool{}
	var zones []string
	for _, m := range p.Members {
		if m.Attends(s) {
			if z := t.zoneName(p, m); !seen[z] {
				seen[z] = true
				zones = append(zones, z)
			}
		}
	}
	return zones
}

// enqueue gives asynq a task, unless it has one of this name. It keeps a done one until the session
// is over, so that planning again does not do it again.
func (t *Trainer) enqueue(ctx context.Context, kind, id string, what task, s *Session, at time.Time) error {
	payload, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("write a task: %w", err)
	}
	if err := t.put(ctx, kind, id, payload, at, s.over().Add(keptFor)); err != nil {
		return fmt.Errorf("plan a task: %w", err)
	}
	return nil
}

// do carries a task out. asynq would keep what it panicked with, and that may quote someone.
func (t *Trainer) do(ctx context.Context, kind string, payload []byte) error {
	return guard.Run(func() error { return t.carryOut(ctx, kind, payload) })
}

// carryOut carries a task out, unless the session has changed since it was planned.
func (t *Trainer) carryOut(ctx context.Context, kind string, payload []byte) error {
	var what task
	if err := json.Unmarshal(payload, &what); err != nil {
		return fmt.Errorf("read a task: %w: %w", err, asynq.SkipRetry)
	}
	p, err := t.Store.Load(ctx)
	if err != nil {
		return err
	}
	s := p.Sessions[what.Session]
	if s == nil {
		return nil
	}
	if s.Version != what.Version { // a process may have died with it while the session was moved
		return t.changed(ctx, p, s)
	}
	switch kind {
	case taskReminder:
		return t.remind(ctx, p, s, what)
	case taskChange:
		return t.changed(ctx, p, s)
	default:
		return t.report(ctx, p, s)
	}
}

// remind tells the people of a zone of a session, however late it is, but never in their quiet hours:
// then it is put off to their end. If the session has begun by then the report says whom nothing reached.
func (t *Trainer) remind(ctx context.Context, p *Programme, s *Session, what task) error {
	now := slices.MaxFunc([]time.Time{t.Now(), what.At, what.Rested}, time.Time.Compare) // another process' clock may be ahead
	zone, err := loadZone(what.Zone)
	if err != nil || !stillDue(p, s, what, now) {
		return nil
	}
	if _, end, within := p.Settings.Quiet.At(now, zone); within {
		if what.Rested = end; !end.Before(s.Start) {
			return nil
		}
		return t.enqueue(ctx, taskReminder, what.id(), what, s, end)
	}
	whom := forNew
	if what.Missed {
		whom = forMissed
	}
	return t.remindOf(ctx, p, s, t.reminder(s, what.Lead.id(), whom), t.present(p, s, what.Zone))
}

// remindOf tells a reminder, and before it that the session has changed to whom knows only of an older
// version: a reminder of the new time alone would not say that it is another one.
func (t *Trainer) remindOf(ctx context.Context, p *Programme, s *Session, what telling, whom []bot.PersonID) error {
	if err := t.changed(ctx, p, s); err != nil {
		return err
	}
	if err := t.tell(ctx, what, whom); err != nil {
		return err
	}
	return t.overtaken(ctx, s)
}

// stillDue reports whether the settings still want a reminder, and none that is nearer to the session
// has become due as well.
func stillDue(p *Programme, s *Session, what task, now time.Time) bool {
	return slices.ContainsFunc(p.Plan(s, []string{what.Zone}, now), func(due Due) bool {
		return due.Missed && due.Lead == what.Lead && due.At.Equal(what.At)
	})
}

// reminder is the telling that reminds of a session.
func (t *Trainer) reminder(s *Session, mark, whom string) telling {
	return telling{session: s, mark: s.mark() + mark, whom: whom, about: s.about(), lane: keys.Bulk, until: s.Start, asks: s.ID, say: t.about(s, flows.Reminder)}
}

// about makes the messages that tell of a session by a step of the conversation.
func (t *Trainer) about(s *Session, step string) func(bot.Person, bot.Channel, *time.Location, bot.Answer) (bot.Reply, bool) {
	return func(p bot.Person, ch bot.Channel, zone *time.Location, answer bot.Answer) (bot.Reply, bool) {
		x := s.shown()
		x.Answer = answer
		return t.Talk().Tell(step, bot.Desk{Role: bot.Staff, Sessions: []bot.Session{x}, Zone: zone}, p, ch, t.Now())
	}
}

// present are the people a session is meant for who have joined; of one zone, unless it is "".
func (t *Trainer) present(p *Programme, s *Session, zone string) []bot.PersonID {
	var all []bot.PersonID
	for _, m := range p.Audience(s) {
		if m.Person != "" && (zone == "" || t.zoneName(p, m) == zone) {
			all = append(all, m.Person)
		}
	}
	return all
}

// shown is a session as the conversation shows it.
func (s *Session) shown() bot.Session {
	return bot.Session{ID: s.ID, Course: s.Course, Module: s.Module, Title: s.Title, Place: s.Place, Link: s.Link, Speakers: s.Speakers,
		Start: s.Start, End: s.End, Version: s.Version, Cancelled: s.Cancelled, Code: s.Code}
}

// hushed takes what asynq wants to say. Its messages may quote payloads and addresses, so only that
// there was one is told; what fails here is told by the tasks themselves.
type hushed struct{ log *slog.Logger }

func (q hushed) say(level slog.Level, args []any) {
	kind := "unknown"
	if len(args) > 0 {
		kind, _, _ = strings.Cut(fmt.Sprint(args[0]), ":")
	}
	q.log.Log(context.Background(), level, "training: the task queue reports something", "what", kind)
}

// Debug drops it.
func (q hushed) Debug(...any) {}

// Info drops it.
func (q hushed) Info(...any) {}

// Warn tells that there was one.
func (q hushed) Warn(args ...any) { q.say(slog.LevelDebug, args) }

// Error tells that there was one.
func (q hushed) Error(args ...any) { q.say(slog.LevelWarn, args) }

// Fatal tells that there was one. It does not end the process.
func (q hushed) Fatal(args ...any) { q.say(slog.LevelError, args) }

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
