package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// keyFile is the key file: two Tink keysets as JSON.
type keyFile struct {
	Addresses json.RawMessage `json:"addresses"`
	Bodies    json.RawMessage `json:"bodies"`
}

// Open reads the keys, or makes them on the first start: only the owner may read them. Losing the
// file means that nobody stored can be reached any more; who has it and Redis can read both.
func Open(path string) (*Vault, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make the key file %s: %w", path, err)
		}
		raw, err = os.ReadFile(path)
	}
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
	if err := json.Unmarshal(raw, &f); err != nil || f.Addresses == nil || f.Bodies == nil {
		return nil, fmt.Errorf("the key file %s is not one (%d bytes); put the backup in its place, or remove it to begin anew with nobody known", path, len(raw))
	}
	addresses, err := read(f.Addresses)
	if err != nil {
		return nil, fmt.Errorf("the key file %s has no valid keys for addresses; put the backup in its place", path)
	}
	bodies, err := read(f.Bodies)
	if err != nil {
		return nil, fmt.Errorf("the key file %s has no valid keys for bodies; put the backup in its place", path)
	}
	return from(addresses, bodies)
}

func read(raw []byte) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
}

func write(h *keyset.Handle) ([]byte, error) {
	var b bytes.Buffer
	err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b))
	return b.Bytes(), err
}

// create makes a key file whole or not at all. Of two processes that create it at once, the second
// keeps the first one's.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	a, b, err := fresh()
	if err != nil {
		return err
	}
	var f keyFile
	if f.Addresses, err = write(a); err != nil {
		return err
	}
	if f.Bodies, err = write(b); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if _, err := temp.Write(append(raw, '\n')); err != nil {
		return errors.Join(err, temp.Close())
	}
	if err := errors.Join(temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close()) // so that the name outlives a power cut
}
