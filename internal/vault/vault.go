// Package vault seals addresses and the bodies of messages, so that nobody who sees what is stored
// learns who they are of or what they say.
//
// A person's id is their address sealed with deterministic authenticated encryption (AES-SIV): one
// address, one id, no table. Bodies are sealed with AES-256-GCM, bound to the id. Errors never hold
// an address, an id or a body. A Vault may be used from several goroutines.
//
// While keys are changed there are several: all of them open, one seals. An id is then another one under
// each key, but keeps its first letter, which says in which partition the person is. That letter comes
// from a key that is never changed, and tells one address in sixteen from another at most.
package vault

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"

	"faro/bot"
)

// A Vault seals with one key and opens with all it has.
type Vault struct {
	ring atomic.Pointer[ring]
}

// A ring is the keys there are, oldest first, and which of them seals.
type ring struct {
	keys    []key
	sealing int
	letters *prf.Set
}

// A key is one for addresses and one for bodies: they are changed together.
type key struct {
	name      Key
	body      uint32                 // its number among those for bodies
	addresses tink.DeterministicAEAD // seals with this key, opens with any
	bodies    tink.AEAD
}

// A Key names a key. It says nothing of it.
type Key uint32

// String is the number of the key.
func (k Key) String() string { return strconv.FormatUint(uint64(k), 10) }

// New makes a Vault with fresh keys that are kept nowhere.
func New() (*Vault, error) {
	s, err := fresh()
	if err != nil {
		return nil, err
	}
	return from(s)
}

func from(s *sets) (*Vault, error) {
	v := &Vault{}
	return v, v.load(s)
}

// load takes the keys of a file. The key that seals stays the same if it is there.
func (v *Vault) load(s *sets) error {
	r := &ring{}
	var err error
	if r.letters, err = prf.NewPRFSet(s.letters); err != nil {
		return fmt.Errorf("use the key for partitions: %w", err)
	}
	addresses, bodies := s.addresses.KeysetInfo(), s.bodies.KeysetInfo()
	if len(addresses.KeyInfo) != len(bodies.KeyInfo) {
		return errors.New("there are not as many keys for addresses as for bodies")
	}
	for i, info := range addresses.KeyInfo {
		k := key{name: Key(info.KeyId)}
		h, err := sealingWith(s.addresses, info.KeyId)
		if err == nil {
			k.addresses, err = daead.New(h)
		}
		if err != nil {
			return fmt.Errorf("use a key for addresses: %w", err)
		}
		k.body = bodies.KeyInfo[i].KeyId
		if h, err = sealingWith(s.bodies, bodies.KeyInfo[i].KeyId); err == nil {
			k.bodies, err = aead.New(h)
		}
		if err != nil {
			return fmt.Errorf("use a key for bodies: %w", err)
		}
		if r.keys = append(r.keys, k); info.KeyId == addresses.PrimaryKeyId {
			r.sealing = i
		}
	}
	for {
		was := v.ring.Load()
		if was != nil {
			if i := r.index(was.sealer().name); i >= 0 {
				r.sealing = i
			}
		}
		if v.ring.CompareAndSwap(was, r) {
			return nil
		}
	}
}

func sealingWith(h *keyset.Handle, id uint32) (*keyset.Handle, error) {
	m := keyset.NewManagerFromHandle(h)
	if err := m.SetPrimary(id); err != nil {
		return nil, err
	}
	return m.Handle()
}

func (r *ring) index(name Key) int {
	return slices.IndexFunc(r.keys, func(k key) bool { return k.name == name })
}

func (r *ring) sealer() key { return r.keys[r.sealing] }

// Keys are the keys there are, oldest first.
func (v *Vault) Keys() []Key {
	var all []Key
	for _, k := range v.ring.Load().keys {
		all = append(all, k.name)
	}
	return all
}

// Sealing is the key that seals.
func (v *Vault) Sealing() Key { return v.ring.Load().sealer().name }

// Several reports whether there are several keys, so that someone may be known by another id.
func (v *Vault) Several() bool { return len(v.ring.Load().keys) > 1 }

// Use makes a key the one that seals. It reports false if there is no such key.
func (v *Vault) Use(name Key) bool {
	for {
		was := v.ring.Load()
		i := was.index(name)
		if i < 0 {
			return false
		}
		next := *was
		next.sealing = i
		if v.ring.CompareAndSwap(was, &next) {
			return true
		}
	}
}

// KeyOf is the key an id or a name was sealed with, 0 if it is none. It does not open it.
func KeyOf(sealed string) Key {
	_, after, ok := strings.Cut(sealed, separator)
	if !ok {
		after = sealed
	}
	const prefix = 5 // bytes: 1, and the key's id (Tink wire format)
	if len(after) < 8 {
		return 0
	}
	b, err := base64.RawURLEncoding.DecodeString(after[:8])
	if err != nil || len(b) < prefix || b[0] != 1 {
		return 0
	}
	return Key(binary.BigEndian.Uint32(b[1:prefix]))
}

// Current is the id under the key that seals, of the person with an id under any key. What is no id stays.
func (v *Vault) Current(id bot.PersonID) bot.PersonID {
	r := v.ring.Load()
	if len(r.keys) == 1 || KeyOf(string(id)) == r.sealer().name {
		return id
	}
	letter, plain, err := r.open(id)
	if err != nil {
		return id
	}
	return r.sealer().seal(letter, plain)
}

// A Settle moves what is kept of people under other keys to their ids under the one that seals, and returns
// these, in order; see package rekey.
type Settle func(context.Context, ...bot.PersonID) ([]bot.PersonID, error)

// Settled is what settle returns, or the ids as they are if there is only one key.
func (v *Vault) Settled(ctx context.Context, settle Settle, ids ...bot.PersonID) ([]bot.PersonID, error) {
	if !v.Several() || len(ids) == 0 {
		return ids, nil
	}
	return settle(ctx, ids...)
}

// Others are the ids of a person under the keys that do not seal: none unless there are several keys.
func (v *Vault) Others(id bot.PersonID) (all []bot.PersonID) {
	r := v.ring.Load()
	if len(r.keys) == 1 {
		return nil
	}
	letter, plain, err := r.open(id)
	if err != nil {
		return nil
	}
	for i, k := range r.keys {
		if i != r.sealing {
			all = append(all, k.seal(letter, plain))
		}
	}
	return all
}

// Under is a person's id under a key.
func (v *Vault) Under(name Key, id bot.PersonID) (bot.PersonID, error) {
	r := v.ring.Load()
	letter, plain, err := r.open(id)
	i := r.index(name)
	if err != nil || i < 0 {
		return "", ErrAddress
	}
	return r.keys[i].seal(letter, plain), nil
}

// All are a person's ids under all keys, first the one under the key that seals.
func (v *Vault) All(id bot.PersonID) []bot.PersonID {
	return append([]bot.PersonID{v.Current(id)}, v.Others(id)...)
}

// purpose binds sealed addresses to their use.
var purpose = []byte("faro address")

// tags are the channels as the first byte of a sealed address. They are stored: never change one.
var tags = map[bot.Channel]byte{bot.Telegram: 't', bot.SMS: 's'}

// separator parts the letter of an id from what is sealed.
const separator = "."

// Letters are how ids begin. Each is a partition of people; see keys.Of.
const Letters = "abcdefghijklmnop"

// Seal is the id of the person at an address of a channel: always the same for the same address, as long
// as the same key seals.
func (v *Vault) Seal(ch bot.Channel, address string) bot.PersonID {
	r := v.ring.Load()
	plain := append([]byte{tags[ch]}, address...)
	return r.sealer().seal(r.letter(plain), plain)
}

func (r *ring) letter(plain []byte) byte {
	b, err := r.letters.ComputePrimaryPRF(plain, 1)
	if err != nil { // only for output lengths that are not offered
		panic("vault: cannot tell a partition")
	}
	return Letters[int(b[0])%len(Letters)]
}

func (k key) seal(letter byte, plain []byte) bot.PersonID {
	sealed, err := k.addresses.EncryptDeterministically(plain, purpose)
	if err != nil { // only for texts of more than 2^36 bytes
		panic("vault: cannot seal an address")
	}
	return bot.PersonID(string(letter) + separator + base64.RawURLEncoding.EncodeToString(sealed))
}

// Errors of opening. They hold nothing of what was to be opened.
var (
	ErrAddress = errors.New("not an id sealed with these keys")
	ErrName    = errors.New("not a name sealed with these keys for this use")
	ErrBody    = errors.New("not a body sealed with these keys for this person")
)

// Address opens an id.
func (v *Vault) Address(id bot.PersonID) (bot.Channel, string, error) {
	_, plain, err := v.ring.Load().open(id)
	if err != nil {
		return "", "", err
	}
	for ch, tag := range tags {
		if tag == plain[0] {
			return ch, string(plain[1:]), nil
		}
	}
	return "", "", ErrAddress
}

// open opens an id. Its letter must be the address's own: else one address would have many ids.
func (r *ring) open(id bot.PersonID) (letter byte, plain []byte, err error) {
	first, after, ok := strings.Cut(string(id), separator)
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(after)
	if !ok || err != nil || strings.ContainsAny(after, "\r\n") { // which base64 skips
		return 0, nil, ErrAddress
	}
	plain, err = r.sealer().addresses.DecryptDeterministically(sealed, purpose)
	if err != nil || len(plain) == 0 || first != string(r.letter(plain)) {
		return 0, nil, ErrAddress
	}
	return first[0], plain, nil
}

// Stale reports whether a body was sealed with another key than the one that seals.
func (v *Vault) Stale(sealed []byte) bool {
	const prefix = 5 // bytes: 1, and the key's id (Tink wire format)
	r := v.ring.Load()
	return len(r.keys) > 1 && (len(sealed) < prefix || binary.BigEndian.Uint32(sealed[1:prefix]) != r.sealer().body)
}

// SealBody seals a body for a person. Sealing the same body again gives something else.
func (v *Vault) SealBody(id bot.PersonID, body []byte) []byte {
	sealed, err := v.ring.Load().sealer().bodies.Encrypt(body, []byte(id))
	if err != nil { // only if the system has no randomness
		panic("vault: cannot seal a body")
	}
	return sealed
}

// OpenBody opens a body sealed for a person.
func (v *Vault) OpenBody(id bot.PersonID, sealed []byte) ([]byte, error) {
	body, err := v.ring.Load().sealer().bodies.Decrypt(sealed, []byte(id))
	if err != nil {
		return nil, ErrBody
	}
	return body, nil
}

// SealName hides a text so that the same text, for the same use, is always hidden the same way: what
// is not a person's address but must not be readable either, and must be found again.
func (v *Vault) SealName(use, text string) string {
	sealed, err := v.ring.Load().sealer().addresses.EncryptDeterministically([]byte(text), []byte("faro "+use+" name"))
	if err != nil { // only for texts of more than 2^36 bytes
		panic("vault: cannot seal a name")
	}
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Secret is what the codes of a person are made with. It is another one under another key.
func (v *Vault) Secret(id bot.PersonID) bot.Secret {
	return bot.Secret(v.SealName("codes", string(v.Current(id))))
}

// OpenName opens what SealName made for the same use.
func (v *Vault) OpenName(use, sealed string) (string, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return "", ErrName
	}
	text, err := v.ring.Load().sealer().addresses.DecryptDeterministically(b, []byte("faro "+use+" name"))
	if err != nil {
		return "", ErrName
	}
	return string(text), nil
}
