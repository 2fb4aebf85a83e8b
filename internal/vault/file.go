package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// keyFile is the key file: three Tink keysets as JSON.
type keyFile struct {
	Addresses  json.RawMessage `json:"addresses"`
	Bodies     json.RawMessage `json:"bodies"`
	Partitions json.RawMessage `json:"partitions"`
}

// sets are the keysets of a file.
type sets struct {
	addresses, bodies *keyset.Handle
	letters           *keyset.Handle
}

func fresh() (*sets, error) {
	s := &sets{}
	var err error
	if s.addresses, err = keyset.NewHandle(daead.AESSIVKeyTemplate()); err != nil {
		return nil, fmt.Errorf("make a key for addresses: %w", err)
	}
	if s.bodies, err = keyset.NewHandle(aead.AES256GCMKeyTemplate()); err != nil {
		return nil, fmt.Errorf("make a key for bodies: %w", err)
	}
	if s.letters, err = keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate()); err != nil {
		return nil, fmt.Errorf("make a key for partitions: %w", err)
	}
	return s, nil
}

// Open reads the keys, or makes them on the first start: only the owner may read them. Losing the
// file means that nobody stored can be reached any more; who has it and Redis can read both.
func Open(path string) (*Vault, error) {
	s, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make the key file %s: %w", path, err)
		}
		s, err = open(path)
	}
	if err != nil {
		return nil, err
	}
	return from(s)
}

// Reload reads the keys again. The key that seals stays the same if it is still there. After an error
// nothing has changed.
func (v *Vault) Reload(path string) error {
	s, err := open(path)
	if err != nil {
		return err
	}
	return v.load(s)
}

func open(path string) (*sets, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key file %s can be read by others (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	var f keyFile
	if err := json.Unmarshal(raw, &f); err != nil || f.Addresses == nil || f.Bodies == nil || f.Partitions == nil {
		return nil, fmt.Errorf("the key file %s is not one (%d bytes); put the backup in its place, or remove it to begin anew with nobody known", path, len(raw))
	}
	s := &sets{}
	for what, one := range map[string]struct {
		raw json.RawMessage
		to  **keyset.Handle
	}{"addresses": {f.Addresses, &s.addresses}, "bodies": {f.Bodies, &s.bodies}, "partitions": {f.Partitions, &s.letters}} {
		if *one.to, err = read(one.raw); err != nil {
			return nil, fmt.Errorf("the key file %s has no valid keys for %s; put the backup in its place", path, what)
		}
	}
	return s, nil
}

// Add puts a new key into the file, which does not seal yet, and returns its name. There may be one at a
// time that does not.
func Add(path string) (Key, error) {
	s, err := open(path)
	if err != nil {
		return 0, err
	}
	if s.addresses.Len() > 1 {
		return 0, fmt.Errorf("the key file %s has a second key already: go on with faro keys rotate, then faro keys retire", path)
	}
	var name uint32
	if s.addresses, name, err = with(s.addresses, daead.AESSIVKeyTemplate()); err == nil {
		s.bodies, _, err = with(s.bodies, aead.AES256GCMKeyTemplate())
	}
	if err != nil {
		return 0, fmt.Errorf("make a key: %w", err)
	}
	return Key(name), replace(path, s)
}

func with(h *keyset.Handle, template *tinkpb.KeyTemplate) (*keyset.Handle, uint32, error) {
	m := keyset.NewManagerFromHandle(h)
	name, err := m.Add(template)
	if err != nil {
		return nil, 0, err
	}
	h, err = m.Handle()
	return h, name, err
}

// Keep takes all keys but one out of the file.
func Keep(path string, name Key) error {
	s, err := open(path)
	if err != nil {
		return err
	}
	infos := s.addresses.KeysetInfo().KeyInfo
	at := slices.IndexFunc(infos, func(i *tinkpb.KeysetInfo_KeyInfo) bool { return i.KeyId == uint32(name) })
	if at < 0 {
		return fmt.Errorf("the key file %s lacks the key that seals; put the one the running faro has in its place", path)
	}
	for _, h := range []**keyset.Handle{&s.addresses, &s.bodies} {
		if *h, err = only(*h, at); err != nil {
			return fmt.Errorf("take a key out: %w", err)
		}
	}
	return replace(path, s)
}

func only(h *keyset.Handle, at int) (*keyset.Handle, error) {
	infos := h.KeysetInfo().KeyInfo
	m := keyset.NewManagerFromHandle(h)
	if err := m.SetPrimary(infos[at].KeyId); err != nil {
		return nil, err
	}
	for i, info := range infos {
		if i == at {
			continue
		}
		if err := m.Delete(info.KeyId); err != nil {
			return nil, err
		}
	}
	return m.Handle()
}

func read(raw []byte) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
}

func write(h *keyset.Handle) ([]byte, error) {
	var b bytes.Buffer
	err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b))
	return b.Bytes(), err
}

// marshal is the content of a key file.
func (s *sets) marshal() ([]byte, error) {
	var f keyFile
	var err error
	for _, one := range []struct {
		h  *keyset.Handle
		to *json.RawMessage
	}{{s.addresses, &f.Addresses}, {s.bodies, &f.Bodies}, {s.letters, &f.Partitions}} {
		if *one.to, err = write(one.h); err != nil {
			return nil, err
		}
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	return append(raw, '\n'), err
}

// create makes a key file whole or not at all. Of two processes that create it at once, the second
// keeps the first one's.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	s, err := fresh()
	if err != nil {
		return err
	}
	return store(path, s, func(temp string) error {
		if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// replace puts other keys into the file, whole or not at all.
func replace(path string, s *sets) error {
	if err := store(path, s, func(temp string) error { return os.Rename(temp, path) }); err != nil {
		return fmt.Errorf("write the key file %s: %w", path, err)
	}
	return nil
}

// store writes keys to a file beside path, for place to put it there.
func store(path string, s *sets, place func(temp string) error) error {
	raw, err := s.marshal()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if _, err := temp.Write(raw); err != nil {
		return errors.Join(err, temp.Close())
	}
	if err := errors.Join(temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := place(temp.Name()); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close()) // so that the name outlives a power cut
}
