// Package content loads the texts and flows together and checks how every screen will look on every
// channel in every language. What it returns may be used from several goroutines.
package content

import (
	"io/fs"
	"os"
	"path/filepath"

	"faro/flows"
	"faro/locales"
)

// A Content is everything Faro says and how one gets there.
type Content struct {
	Flows *flows.Content
	Book  *locales.Book
}

// Load reads the content in a folder with flows/ and locales/, or what is compiled in if dir is "".
// It reports all findings of one run; the Content is nil when any is an error.
func Load(dir string) (*Content, []locales.Finding) {
	var texts, steps fs.FS = locales.Builtin, flows.Builtin
	if dir != "" {
		texts, steps = os.DirFS(filepath.Join(dir, "locales")), os.DirFS(filepath.Join(dir, "flows"))
	}
	c, found := read(texts, steps)
	if c == nil {
		return nil, found
	}
	found = append(found, c.checkScreens()...)
	found = append(found, c.checkReady()...)
	found = append(found, c.checkReadable()...)
	found = append(found, c.checkQuestions()...)
	if found = locales.SortFindings(found); locales.HasErrors(found) {
		return nil, found
	}
	return c, found
}

// Builtin is the content that is compiled in, without the checks of what it says and how it looks:
// they were made when Faro was built, and a start need not wait for them.
func Builtin() (*Content, []locales.Finding) { return read(locales.Builtin, flows.Builtin) }

// read takes the files in; what refers to what is checked here.
func read(texts, steps fs.FS) (*Content, []locales.Finding) {
	book, found := locales.Load(texts)
	if book == nil {
		return nil, locales.SortFindings(found)
	}
	content, more := flows.Load(steps, book)
	found = append(found, more...)
	found = locales.SortFindings(found)
	if content == nil || locales.HasErrors(found) {
		return nil, found
	}
	return &Content{Flows: content, Book: book}, found
}
