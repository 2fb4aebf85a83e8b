// Package vault seals addresses and the bodies of messages, so that nobody who sees what is stored
// learns who they are of or what they say.
//
// A person's id is their address sealed with deterministic authenticated encryption (AES-SIV): one
// address, one id, no table. Bodies are sealed with AES-256-GCM, bound to the id. Errors never hold
// an address, an id or a body. A Vault may be used from several goroutines.
package vault

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"faro/bot"
)

// A Vault seals with the primary keys of two keysets and opens with any of their keys.
type Vault struct {
	addresses tink.DeterministicAEAD
	bodies    tink.AEAD
}

// New makes a Vault with fresh keys that are kept nowhere.
func New() (*Vault, error) {
	a, b, err := fresh()
	if err != nil {
		return nil, err
	}
	return from(a, b)
}

func fresh() (addresses, bodies *keyset.Handle, err error) {
	if addresses, err = keyset.NewHandle(daead.AESSIVKeyTemplate()); err != nil {
		return nil, nil, fmt.Errorf("make a key for addresses: %w", err)
	}
	if bodies, err = keyset.NewHandle(aead.AES256GCMKeyTemplate()); err != nil {
		return nil, nil, fmt.Errorf("make a key for bodies: %w", err)
	}
	return addresses, bodies, nil
}

func from(addresses, bodies *keyset.Handle) (*Vault, error) {
	a, err := daead.New(addresses)
	if err != nil {
		return nil, fmt.Errorf("use the key for addresses: %w", err)
	}
	b, err := aead.New(bodies)
	if err != nil {
		return nil, fmt.Errorf("use the key for bodies: %w", err)
	}
	return &Vault{addresses: a, bodies: b}, nil
}

// context binds sealed addresses to their use.
var context = []byte("faro address")

// tags are the channels as the first byte of a sealed address. They are stored: never change one.
var tags = map[bot.Channel]byte{bot.Telegram: 't', bot.SMS: 's'}

// Seal is the id of the person at an address of a channel: always the same for the same address.
func (v *Vault) Seal(ch bot.Channel, address string) bot.PersonID {
	sealed, err := v.addresses.EncryptDeterministically(append([]byte{tags[ch]}, address...), context)
	if err != nil { // only for texts of more than 2^36 bytes
		panic("vault: cannot seal an address")
	}
	return bot.PersonID(base64.RawURLEncoding.EncodeToString(sealed))
}

// Errors of opening. They hold nothing of what was to be opened.
var (
	ErrAddress = errors.New("not an id sealed with these keys")
	ErrBody    = errors.New("not a body sealed with these keys for this person")
)

// Address opens an id.
func (v *Vault) Address(id bot.PersonID) (bot.Channel, string, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(string(id))
	if err != nil || strings.ContainsAny(string(id), "\r\n") { // base64 skips them: one address would have many ids
		return "", "", ErrAddress
	}
	plain, err := v.addresses.DecryptDeterministically(sealed, context)
	if err != nil || len(plain) == 0 {
		return "", "", ErrAddress
	}
	for ch, tag := range tags {
		if tag == plain[0] {
			return ch, string(plain[1:]), nil
		}
	}
	return "", "", ErrAddress
}

// SealBody seals a body for a person. Sealing the same body again gives something else.
func (v *Vault) SealBody(id bot.PersonID, body []byte) []byte {
	sealed, err := v.bodies.Encrypt(body, []byte(id))
	if err != nil { // only if the system has no randomness
		panic("vault: cannot seal a body")
	}
	return sealed
}

// OpenBody opens a body sealed for a person.
func (v *Vault) OpenBody(id bot.PersonID, sealed []byte) ([]byte, error) {
	body, err := v.bodies.Decrypt(sealed, []byte(id))
	if err != nil {
		return nil, ErrBody
	}
	return body, nil
}
