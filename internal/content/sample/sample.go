// Package sample copies the built-in content for tests that change it, with few examples, so that it is read and
// learned in a moment.
package sample

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"faro/flows"
	"faro/locales"
)

// examples are as many as are kept of each list; a topic needs 20.
const examples = 25

// Copy puts the content into a folder that is there.
func Copy(dir string) error {
	for name, tree := range map[string]fs.FS{"flows": flows.Builtin, "locales": locales.Builtin} {
		err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
			to := filepath.Join(dir, name, path)
			if err != nil {
				return err
			}
			if d.IsDir() {
				return os.MkdirAll(to, 0o700)
			}
			text, err := fs.ReadFile(tree, path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, []byte(shortened(string(text))), 0o600)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shortened is a text without the later lines of its lists.
func shortened(text string) string {
	var b strings.Builder
	listed := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, `  "`) {
			listed = 0
		} else if listed++; listed > examples {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}
