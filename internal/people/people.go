// Package people knows who has a role, gives roles by invitation, and keeps an audit log of both: a change
// and its entry are one script, so that there is none without the other.
//
// An invitation is a code that works once. Whoever sends it first has the role; the same person may
// send it again, so that a redelivered message is not told that the code is wrong. Who guesses is
// locked out. Roles, invitations and the log are sealed in Redis, and the log names people by digests
// alone; but a person's record, which each turn reads, tells the role and place of a sealed id. A
// Register may be used from several goroutines.
package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"faro/bot"
	"faro/internal/keys"
	"faro/internal/vault"
)

var (
	//go:embed claim.lua
	claimSource string
	//go:embed enrol.lua
	enrolSource string
	//go:embed invite.lua
	inviteSource string
	//go:embed give.lua
	giveSource string
	//go:embed take.lua
	takeSource string

	claim  = redis.NewScript(claimSource)
	enrol  = redis.NewScript(enrolSource)
	invite = redis.NewScript(inviteSource)
	give   = redis.NewScript(giveSource)
	take   = redis.NewScript(takeSource)
)

// Limits of invitations.
const (
	InvitationLife = 14 * 24 * time.Hour
	guesses        = 5 // wrong codes before someone is locked out
	guessLife      = time.Hour
)

// A Register keeps roles and invitations.
type Register struct {
	Redis  redis.UniversalClient
	Vault  *vault.Vault
	Settle vault.Settle // called only while there are several keys
	Life   bot.Life     // how long records are kept
	Now    func() time.Time
}

// settled is someone's id under the key that seals, with all that is kept of them.
func (r *Register) settled(ctx context.Context, id bot.PersonID) (bot.PersonID, error) {
	ids, err := r.Vault.Settled(ctx, r.Settle, id)
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// An Invitation is what a code gives.
type Invitation struct {
	Role     bot.Role `json:"role"`
	Facility string   `json:"facility,omitempty"`
	Course   string   `json:"course,omitempty"`
	Member   string   `json:"member,omitempty"` // whom of the programme it is for, "" for anyone
}

// A Result is what became of a code.
type Result int

// The results of Claim.
const (
	Wrong  Result = iota // there is no such code, or somebody else has used it
	Taken                // the person has what it gives
	Locked               // too many wrong codes; this one was not looked at
)

// sealedAs binds sealed records to their use.
const (
	sealedInvitation bot.PersonID = "invitation"
	sealedRole       bot.PersonID = "role"
	sealedEntry      bot.PersonID = "audit"
)

// role is what is kept of someone's role.
type role struct {
	Role     bot.Role  `json:"role"`
	Facility string    `json:"facility,omitempty"`
	Since    time.Time `json:"since"`
}

// alphabet is Crockford's base32: no letter that looks like a digit or another one.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewCode makes an invitation code of 40 random bits, like "7QH2-M0XK". It has two digits from 2 to 9
// and two letters at least, so that it looks like no word and no phone number.
func NewCode() string {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		for i := range b {
			b[i] = alphabet[b[i]%32]
		}
		if code, ok := ReadCode(string(b[:])); ok {
			return code
		}
	}
}

var asCode = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{8}$`)

// ReadCode reads a code as people send it: in any case, with or without its dash, with O for 0 and I or
// L for 1, behind "/start" or "i-" of a link. It reports false for anything that is not a code alone.
func ReadCode(text string) (code string, ok bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if len(text) > 40 {
		return "", false
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "/START "))
	text = strings.TrimPrefix(text, "I-")
	text = strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1").Replace(text)
	if !asCode.MatchString(text) {
		return "", false
	}
	// O, I and L are no digits here, or "abogados" would be a code.
	digits := strings.Count(text, "0") + strings.Count(text, "1")
	clear := 0
	for _, r := range text {
		if r >= '2' && r <= '9' {
			clear++
		}
	}
	if clear < 2 || digits+clear > 6 {
		return "", false
	}
	return text[:4] + "-" + text[4:], true
}

// digest names a code, or whoever has used or guessed one.
func digest(what string) string {
	sum := sha256.Sum256([]byte("faro invitation " + what))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// Digest names a person in the audit log and on the command line: 10 characters that say nothing of them.
func Digest(id bot.PersonID) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:5])
}

// Invite makes an invitation with a code from NewCode. Making it again changes nothing.
func (r *Register) Invite(ctx context.Context, code string, inv Invitation, by string) error {
	record, err := json.Marshal(inv)
	if err != nil {
		return fmt.Errorf("write an invitation: %w", err)
	}
	entry, err := r.entry(Entry{What: "invited", Role: inv.Role, Facility: inv.Facility, By: by})
	if err != nil {
		return err
	}
	err = invite.Run(ctx, r.Redis, []string{keys.Invitation(digest(code)), keys.Audit},
		r.Vault.SealBody(sealedInvitation, record), int(InvitationLife.Seconds()), entry).Err()
	if err != nil {
		return fmt.Errorf("store an invitation: %w", err)
	}
	return nil
}

// Claim gives a person what a code gives, unless somebody else has used it or they have guessed too
// often. It may be repeated.
func (r *Register) Claim(ctx context.Context, id bot.PersonID, code string) (Invitation, Result, error) {
	key := keys.Invitation(digest(code))
	inv, err := r.invitation(ctx, key)
	if err == nil {
		id, err = r.settled(ctx, id)
	}
	if err != nil {
		return inv, Wrong, err
	}
	before, err := r.held(ctx, id)
	if err != nil {
		return inv, Wrong, err
	}
	given := role{Role: inv.Role, Facility: inv.Facility, Since: r.Now()}
	if rank(before.Role) > rank(given.Role) {
		given.Role = before.Role
	}
	record, err := json.Marshal(given)
	if err != nil {
		return inv, Wrong, fmt.Errorf("write a role: %w", err)
	}
	joined, err := r.entry(Entry{What: "joined", Role: given.Role, Facility: inv.Facility, About: Digest(id)})
	if err != nil {
		return inv, Wrong, err
	}
	locked, err := r.entry(Entry{What: "locked out", About: Digest(id)})
	if err != nil {
		return inv, Wrong, err
	}
	names := []string{key, keys.Guesses(digest(string(id))), keys.Roles, keys.Audit}
	args := []any{string(id), r.Vault.SealBody(sealedRole, record), guesses, int(guessLife.Seconds()), joined, locked, digest(string(id))}
	for _, other := range r.Vault.Others(id) {
		names = append(names, keys.Guesses(digest(string(other))))
		args = append(args, digest(string(other)))
	}
	result, err := claim.Run(ctx, r.Redis, names, args...).Int()
	if err != nil {
		return inv, Wrong, fmt.Errorf("take an invitation: %w", err)
	}
	switch result {
	case 1, 2:
		return inv, Taken, nil
	case -1, -2:
		return Invitation{}, Locked, nil
	}
	return Invitation{}, Wrong, nil
}

// invitation is what a stored invitation gives; nothing if there is none.
func (r *Register) invitation(ctx context.Context, key string) (inv Invitation, err error) {
	sealed, err := r.Redis.HGet(ctx, key, "b").Result()
	if errors.Is(err, redis.Nil) {
		return inv, nil
	}
	if err != nil {
		return inv, fmt.Errorf("read an invitation: %w", err)
	}
	record, err := r.Vault.OpenBody(sealedInvitation, []byte(sealed))
	if err == nil {
		err = json.Unmarshal(record, &inv)
	}
	if err != nil {
		return inv, fmt.Errorf("read an invitation: %w", err)
	}
	return inv, nil
}

// rank orders roles by what they allow.
func rank(r bot.Role) int {
	return map[bot.Role]int{bot.Staff: 1, bot.Trainer: 2, bot.Coordinator: 2, bot.Admin: 3}[r]
}

// Role is what someone may do.
func (r *Register) Role(ctx context.Context, id bot.PersonID) (bot.Role, error) {
	held, err := r.held(ctx, id)
	return held.Role, err
}

func (r *Register) held(ctx context.Context, id bot.PersonID) (role, error) {
	all, err := r.Redis.HMGet(ctx, keys.Roles, names(r.Vault, id)...).Result()
	if err != nil {
		return role{}, fmt.Errorf("read a role: %w", err)
	}
	for _, sealed := range all {
		if sealed, ok := sealed.(string); ok {
			return r.open(sealed)
		}
	}
	return role{}, nil
}

// names are the fields a person's role may have: one, unless keys are being changed.
func names(v *vault.Vault, id bot.PersonID) []string {
	all := []string{string(id)}
	for _, other := range v.Others(id) {
		all = append(all, string(other))
	}
	return all
}

func (r *Register) open(sealed string) (held role, err error) {
	record, err := r.Vault.OpenBody(sealedRole, []byte(sealed))
	if err == nil {
		err = json.Unmarshal(record, &held)
	}
	if err != nil {
		return role{}, fmt.Errorf("read a role: %w", err)
	}
	return held, nil
}

// Enrol makes someone staff who is reached without an invitation, by the number in the organisation's
// own list. A role they have stays.
func (r *Register) Enrol(ctx context.Context, id bot.PersonID, facility, by string) error {
	id, err := r.settled(ctx, id)
	if err != nil {
		return err
	}
	record, err := json.Marshal(role{Role: bot.Staff, Facility: facility, Since: r.Now()})
	if err != nil {
		return fmt.Errorf("write a role: %w", err)
	}
	entry, err := r.entry(Entry{What: "enrolled", Role: bot.Staff, Facility: facility, By: by, About: Digest(id)})
	if err != nil {
		return err
	}
	err = give.Run(ctx, r.Redis, []string{keys.Roles, keys.Audit}, string(id), r.Vault.SealBody(sealedRole, record), entry).Err()
	if err != nil {
		return fmt.Errorf("store a role: %w", err)
	}
	return r.introduce(ctx, id, facility)
}

// introduce makes someone known who has not written yet, so that their facility's notices reach them.
func (r *Register) introduce(ctx context.Context, id bot.PersonID, facility string) error {
	p := bot.Person{Role: bot.Staff, Facility: facility}
	record, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write a person: %w", err)
	}
	part := keys.Of(id)
	_, life := r.Life.Of(p)
	err = enrol.Run(ctx, r.Redis, []string{keys.Person(id), keys.Followers(part, facility), keys.Arrivals(part)},
		record, int(life.Seconds()), string(id), facility).Err()
	if err != nil {
		return fmt.Errorf("store a person: %w", err)
	}
	return nil
}

// A Holder is someone with a role.
type Holder struct {
	Person   bot.PersonID
	Digest   string
	Role     bot.Role
	Facility string
	Since    time.Time
}

// Holders lists everyone who has a role, longest first.
func (r *Register) Holders(ctx context.Context) ([]Holder, error) {
	all, err := r.Redis.HGetAll(ctx, keys.Roles).Result()
	if err != nil {
		return nil, fmt.Errorf("read the roles: %w", err)
	}
	var holders []Holder
	for field, sealed := range all {
		held, err := r.open(sealed)
		if err != nil {
			return nil, err
		}
		id := r.Vault.Current(bot.PersonID(field))
		if _, moved := all[string(id)]; moved && string(id) != field {
			continue
		}
		holders = append(holders, Holder{id, Digest(id), held.Role, held.Facility, held.Since})
	}
	slices.SortFunc(holders, func(a, b Holder) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.Digest, b.Digest)
	})
	return holders, nil
}

// Remove takes away the role of whoever has a digest.
func (r *Register) Remove(ctx context.Context, digest, by string) (Holder, error) {
	holders, err := r.Holders(ctx)
	if err != nil {
		return Holder{}, err
	}
	holders = slices.DeleteFunc(holders, func(h Holder) bool { return h.Digest != digest })
	if len(holders) != 1 {
		return Holder{}, fmt.Errorf("%d people with a role are called %q; faro roles lists them", len(holders), digest)
	}
	return holders[0], r.take(ctx, holders[0].Person, Entry{What: "removed", Role: holders[0].Role, Facility: holders[0].Facility, By: by, About: digest})
}

// take takes someone's role away and notes it.
func (r *Register) take(ctx context.Context, id bot.PersonID, e Entry) error {
	entry, err := r.entry(e)
	if err != nil {
		return err
	}
	args := []any{entry}
	for _, name := range names(r.Vault, id) {
		args = append(args, name)
	}
	if err := take.Run(ctx, r.Redis, []string{keys.Roles, keys.Audit}, args...).Err(); err != nil {
		return fmt.Errorf("take a role away: %w", err)
	}
	return nil
}

// Left takes away the role of someone who erased everything about themselves, unless it was given after that. Their
// guesses count on for their hour: else whoever sends ERASE by turns could guess without end. It may be repeated.
func (r *Register) Left(ctx context.Context, id bot.PersonID, at time.Time) error {
	held, err := r.held(ctx, id)
	if err != nil || held.Role == bot.Migrant || held.Since.After(at) {
		return err
	}
	return r.take(ctx, id, Entry{What: "left", Role: held.Role, Facility: held.Facility, About: Digest(id)})
}

// An Entry is a line of the audit log.
type Entry struct {
	At       time.Time `json:"at"`
	What     string    `json:"what"`
	Role     bot.Role  `json:"role,omitempty"`
	Facility string    `json:"facility,omitempty"`
	By       string    `json:"by,omitempty"`    // a digest, or a command
	About    string    `json:"about,omitempty"` // a digest, or the id of a session or course
}

// Note adds to the audit log what was done, by whom and to what. None may hold a text or an address.
func (r *Register) Note(ctx context.Context, what, by, about string) error {
	return r.note(ctx, Entry{What: what, By: by, About: about})
}

// entry is a line of the audit log of now, sealed.
func (r *Register) entry(e Entry) ([]byte, error) {
	e.At = r.Now()
	line, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write to the audit log: %w", err)
	}
	return r.Vault.SealBody(sealedEntry, line), nil
}

func (r *Register) note(ctx context.Context, e Entry) error {
	entry, err := r.entry(e)
	if err != nil {
		return err
	}
	if err := r.Redis.XAdd(ctx, &redis.XAddArgs{Stream: keys.Audit, Values: []any{"b", entry}}).Err(); err != nil {
		return fmt.Errorf("write to the audit log: %w", err)
	}
	return nil
}

// auditPage is how many lines of the log are read at once.
const auditPage = 1000
