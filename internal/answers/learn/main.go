// Command learn writes what is learned from the built-in content to the file named, for the programs that are
// built afterwards. The same content, code and kind of processor make the same bytes.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"faro/internal/answers"
	"faro/internal/content"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "learn:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("name the file to write")
	}
	c, found := content.Builtin()
	if c == nil {
		return fmt.Errorf("the content has errors: %v", found)
	}
	half := filepath.Join(filepath.Dir(os.Args[1]), ".half") // so that an end in between leaves no half of a file
	if err := os.WriteFile(half, answers.Learn(c.Flows, c.Book), 0o644); err != nil {
		return fmt.Errorf("write what was learned: %w", err)
	}
	return os.Rename(half, os.Args[1])
}
