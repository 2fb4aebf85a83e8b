package flows

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Mermaid draws the steps and where they lead as a Mermaid flowchart. The ways out that every step
// has (back, menu, emergency) are left away. Errors of w are the caller's to see.
func Mermaid(w io.Writer, c *Content) {
	fmt.Fprintln(w, "flowchart TD")
	for _, id := range sorted(c.Steps) {
		s := c.Steps[id]
		what := s.Text
		if s.Show != "" {
			what = "shows the " + s.Show
		}
		shape := [2]string{"[", "]"}
		if s.Last {
			shape = [2]string{"([", "])"}
		}
		label := id
		if what != id {
			label += "<br/><small>" + what + "</small>"
		}
		fmt.Fprintf(w, "  %s%s\"%s\"%s\n", node(id), shape[0], label, shape[1])
	}
	for _, id := range sorted(c.Steps) {
		s := c.Steps[id]
		for _, o := range s.Options {
			to, _ := Split(o.Go)
			if to == Next {
				to = c.Menu
			}
			fmt.Fprintf(w, "  %s -->|%s| %s\n", node(id), o.Label, node(to))
		}
		switch s.List {
		case "languages":
			fmt.Fprintf(w, "  %s -->|a language| %s\n", node(id), node(Notice))
		case "groups":
			fmt.Fprintf(w, "  %s -->|a group| %s\n", node(id), node("group"))
		case "topics", "offers", "related":
			fmt.Fprintf(w, "  %s -->|a topic| %s\n", node(id), node(Answer))
		}
	}
	for _, id := range sorted(c.Commands) {
		cmd := c.Commands[id]
		var words []string
		for _, lang := range sorted(cmd.Words) {
			words = append(words, cmd.Words[lang][0])
		}
		slices.Sort(words)
		to, _ := Split(cmd.Go)
		if c.Steps[to] == nil {
			continue
		}
		fmt.Fprintf(w, "  cmd_%s{{\"%s\"}} -.-> %s\n", node(id), strings.ToUpper(strings.Join(slices.Compact(words), ", ")), node(to))
	}
}

// node is a step's name as Mermaid takes it; "end" alone would be a keyword.
func node(id string) string { return "s_" + strings.ReplaceAll(id, "-", "_") }
