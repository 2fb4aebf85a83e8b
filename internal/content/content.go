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
	return read(texts, steps)
}

func read(texts, steps fs.FS) (*Content, []locales.Finding) {
	book, found := locales.Load(texts)
	if book == nil {
		return nil, locales.SortFindings(found)
	}
	content, more := flows.Load(steps, book)
	found = append(found, more...)
	if content == nil {
		return nil, locales.SortFindings(found)
	}
	c := &Content{Flows: content, Book: book}
	found = append(found, c.checkScreens()...)
	found = append(found, c.checkReadable()...)
	found = append(found, c.checkQuestions()...)
	found = locales.SortFindings(found)
	if locales.HasErrors(found) {
		return nil, found
	}
	return c, found
}
