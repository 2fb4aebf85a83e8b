package table_test

import (
	"encoding/csv"
	"io/fs"
	"os"
	"strings"
	"testing"

	"faro/internal/table"
)

func TestNoCellIsAFormula(t *testing.T) {
	for _, cell := range []string{`=HYPERLINK("https://x")`, "+525511112222", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x",
		"", "a=1", "Aula -1", "'=1", "\x80=", `a"b,c`, "two\nlines"} {
		var out strings.Builder
		w := table.New(&out, "column", "other")
		w.Row(cell, "x")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 2 {
			t.Fatalf("%q: %v, %q", cell, err, rows)
		}
		want := cell
		if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
			want = "'" + cell
		}
		if got := rows[1][0]; got != want && strings.ReplaceAll(got, "\n", "\r") != want {
			t.Errorf("%q is written %q", cell, got)
		}
	}
}

// TestEveryTableIsWrittenHere: nothing else in the project writes CSV.
func TestEveryTableIsWrittenHere(t *testing.T) {
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "internal/table/table.go" {
			return err
		}
		source, err := fs.ReadFile(root, path)
		if strings.Contains(string(source), "csv.NewWriter") {
			t.Errorf("%s writes CSV by itself; package table keeps formulas out", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
