package locales

import (
	"cmp"
	"fmt"
	"slices"
)

// A Finding is something wrong with the content, where it is and how to mend it.
type Finding struct {
	File    string // from the content folder
	Line    int    // from 1
	Message string
	Warning bool // worth knowing; does not keep the content from being used
}

// String is the finding as compilers print theirs: file:line: kind: message.
func (f Finding) String() string {
	kind := "error"
	if f.Warning {
		kind = "warning"
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.File, max(f.Line, 1), kind, f.Message)
}

// HasErrors reports whether any finding is more than a warning.
func HasErrors(found []Finding) bool {
	return slices.ContainsFunc(found, func(f Finding) bool { return !f.Warning })
}

// SortFindings orders findings by file and line and drops repeats.
func SortFindings(found []Finding) []Finding {
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(found)
}
