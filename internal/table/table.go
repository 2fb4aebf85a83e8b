// Package table writes tables as CSV that no spreadsheet takes for formulas.
//
// A cell that begins with one of the characters a formula can begin with (OWASP, CSV Injection) gets an
// apostrophe before it: phone numbers and negative numbers too, because "+1+cmd…" looks like one. A Writer
// belongs to one goroutine.
package table

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A Writer writes rows of cells. What goes wrong is told by Close.
type Writer struct{ csv *csv.Writer }

// New writes to w, the names of the columns first.
func New(w io.Writer, columns ...string) Writer {
	t := Writer{csv.NewWriter(w)}
	t.Row(columns...)
	return t
}

// Row writes a row.
func (t Writer) Row(cells ...string) {
	safe := make([]string, len(cells))
	for i, c := range cells {
		safe[i] = plain(c)
	}
	_ = t.csv.Write(safe) // Error tells in Close
}

// Close writes what is left.
func (t Writer) Close() error {
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	return nil
}

// formulas are what a formula begins with, and what spreadsheets skip before one; those of full width
// are taken for their narrow ones in some languages.
const formulas = "=+-@\t\r\n＝＋－＠"

func plain(cell string) string {
	if first, n := utf8.DecodeRuneInString(cell); n > 0 && strings.ContainsRune(formulas, first) {
		return "'" + cell
	}
	return cell
}
