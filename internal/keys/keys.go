// Package keys names everything Faro keeps in Redis, in one place.
//
// Every key of a person, and every queue that carries what is sent to them, has the hash tag of one
// partition ("{p07}"), so that a turn is committed atomically on Redis Cluster too. No key contains
// an address: a person is named by their sealed id.
package keys

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"faro/bot"
)

// Partitions is into how many parts people are divided. It bounds how many processes can deliver at
// once, and must not change while anything is stored.
const Partitions = 16

// A Partition is a part of all people, 0 to Partitions-1.
type Partition int

// Of is the partition of a person: what their id begins with says it, and stays when keys are changed.
func Of(id bot.PersonID) Partition {
	letter, _, _ := strings.Cut(string(id), ".")
	h := fnv.New32a()
	h.Write([]byte(letter))
	return Partition(h.Sum32() % Partitions)
}

var tags = func() (tags [Partitions]string) {
	for p := range tags {
		tags[p] = fmt.Sprintf("{p%02d}", p)
	}
	return tags
}()

func (p Partition) key(rest string) string { return tags[p] + rest }

// Dialogue is where someone is in the conversation: a string, for bot.DialogueLife.
func Dialogue(id bot.PersonID) string { return Of(id).key("d:" + string(id)) }

// Person is what is kept of someone: a string, for bot.PersonLife.
func Person(id bot.PersonID) string { return Of(id).key("u:" + string(id)) }

// Sweep is the ids of the messages of a chat that are about to be deleted from it.
func Sweep(id bot.PersonID) string { return Of(id).key("m:" + string(id)) }

// Done marks an input whose turn deleted the person, and those they sent before, so that a redelivery is not
// answered. It is named by the input alone.
func Done(p Partition, input string) string { return p.key("x:" + input) }

// A Lane is how urgent a message is.
type Lane string

// The lanes: what a person waits for, and what is sent to many.
const (
	Reply Lane = "reply"
	Bulk  Lane = "bulk"
)

// Lanes lists the lanes, most urgent first.
var Lanes = []Lane{Reply, Bulk}

// Queue is the stream of messages waiting to be sent.
func Queue(p Partition, ch bot.Channel, lane Lane) string {
	return p.key("out:" + string(ch) + ":" + string(lane))
}

// Holder names the process that delivers a partition: a lease.
func Holder(p Partition) string { return p.key("holder") }

// Outcomes counts what became of messages on a day (UTC): a hash, kept for OutcomesLife.
func Outcomes(p Partition, day time.Time) string {
	return p.key("outcomes:" + day.UTC().Format(time.DateOnly))
}

// Failed is the stream of messages that could not be delivered: when, how and why, never to whom.
func Failed(p Partition) string { return p.key("failed") }

// Receipts holds how far each text message of a day came: a hash from a digest of the provider's message
// id to a rank, kept for ReceiptsLife.
func Receipts(p Partition, day string) string { return p.key("receipts:" + day) }

// Counts are how many people of a partition are in each state of Tally: a hash, kept as long.
func Counts(p Partition, what string) string { return p.key("counts:" + what) }

// Followers are the people of a partition who are at a facility, by when they came: a sorted set with
// numbers from Arrivals as scores.
func Followers(p Partition, facility string) string { return p.key("f:" + facility) }

// Arrivals is the number of the last one who began to follow a facility in a partition.
func Arrivals(p Partition) string { return p.key("arrivals") }

// Spread is how far a notice has been handed out in a partition: a hash by facility, kept for TallyLife.
func Spread(p Partition, notice string) string { return p.key("spread:" + notice) }

// Notices is all notices, each sealed: a hash. NoticeHolder names the process that hands one out: a lease.
const Notices = "faro:notices"

func NoticeHolder(notice string) string { return "faro:notices:" + notice }

// How long things are kept.
const (
	OutcomesLife = 30 * 24 * time.Hour
	ReceiptsLife = 3 * 24 * time.Hour // carriers report within a day or never
	DoneLife     = 24 * time.Hour     // Telegram redelivers an update for at most a day
	SweepLife    = 48 * time.Hour     // older messages cannot be deleted (Bot API, deleteMessages)
	FailedKept   = 1000               // entries a partition

	TallyLife      = 90 * 24 * time.Hour // until everyone has asked who was reached
	UnansweredLife = 30 * 24 * time.Hour
)

// KeyInForce tells which key seals: a name sealed with it. Known is which keys each process has, a hash from
// its name; see package rekey.
const (
	KeyInForce = "faro:keys"
	Known      = "faro:keys:known"
)

// Moved stands in the place of a person's record that was moved to their id under another key, for MovedLife,
// so that a process which has not heard of it takes them for no newcomer.
const (
	Moved     = ">"
	MovedLife = 10 * time.Minute
)

// Retention is what was last set about how long people are kept, so that a change is noted once.
const Retention = "faro:retention"

// Rewritten marks, for most of a day, that the append-only files were written anew.
const Rewritten = "faro:rewritten"

// Processes is the set of running processes by the time of their last sign of life.
const Processes = "faro:processes"

// Unanswered lists what was not answered on a day (UTC), and Judged counts how answers were judged, for
// UnansweredLife; only if FARO_KEEP_QUESTIONS is set.
func Unanswered(day time.Time) string { return "faro:unanswered:" + day.UTC().Format(time.DateOnly) }
func Judged(day time.Time) string     { return "faro:judged:" + day.UTC().Format(time.DateOnly) }

// Rate and Pause pace a provider's account over all processes.
func Rate(ch bot.Channel) string  { return "{faro:" + string(ch) + "}rate" }
func Pause(ch bot.Channel) string { return "{faro:" + string(ch) + "}pause" }

// Poller names the process that polls Telegram: a lease.
const Poller = "faro:telegram:poller"

// Group and Consumer name the readers of the effects, which share them.
const (
	Group    = "faro"
	Consumer = "holder"
)

// Move is the Lua function "move", which keeps a tally and its counts. Scripts that need it begin with it.
//
//go:embed tally.lua
var Move string

// Append is the Lua function "append", which adds to a list of message ids. Scripts that need it
// begin with it.
//
//go:embed ids.lua
var Append string

// Messages reads a list of message ids, as Append makes them. Foreign bytes give some ids or none.
func Messages(list string) []int {
	b := []byte(list)
	if len(b) < 4 {
		return nil
	}
	b = b[4:] // the newest once more
	var ids []int
	last := 0
	for len(b) >= 2 {
		step := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if step == 0xffff {
			if len(b) < 4 {
				break
			}
			last, b = int(binary.BigEndian.Uint32(b)), b[4:]
		} else {
			last += step
		}
		ids = append(ids, last)
	}
	return ids
}
