// Command licences lists the modules that are linked into faro, with their licences.
//
//	go run ./internal/licences          the list, as docs/licences.md holds it
//	go run ./internal/licences -texts   the texts, which must go with the program
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A module is one that is linked in. ID is its licence's (SPDX).
type module struct {
	Path, Version, ID string
	texts             []byte // of the licence and the notices
}

func main() {
	texts := flag.Bool("texts", false, "print the texts")
	flag.Parse()
	modules, err := linked()
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
	if !*texts {
		os.Stdout.Write(list(modules))
		return
	}
	for _, m := range modules {
		fmt.Printf("=== %s %s (%s)\n\n%s\n", m.Path, m.Version, m.ID, m.texts)
	}
}

// list is the table of docs/licences.md. Versions are in go.mod.
func list(modules []module) []byte {
	var b bytes.Buffer
	b.WriteString("# Licences\n\nFaro itself is under Apache-2.0. These are linked into it; `make licences` writes the list anew, a test checks it, and\n" +
		"`make dist` puts the texts beside the program.\n\n| module | licence |\n| --- | --- |\n")
	for _, m := range modules {
		fmt.Fprintf(&b, "| %s | %s |\n", m.Path, m.ID)
	}
	return b.Bytes()
}

// linked are Go's own library and the modules of all systems that faro is built for, by path.
func linked() ([]module, error) {
	seen := map[string]module{}
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "faro/cmd/faro")
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list what is linked: %w", err)
		}
		for line := range strings.Lines(string(out)) {
			parts := strings.Split(strings.TrimSpace(line), "\t")
			if len(parts) != 3 || seen[parts[0]].Path != "" {
				continue
			}
			if seen[parts[0]], err = read(parts[0], parts[1], parts[2]); err != nil {
				return nil, err
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find Go: %w", err)
	}
	if seen["Go"], err = read("Go", runtime.Version(), strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	var all []module
	for _, m := range seen {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

func read(path, version, dir string) (module, error) {
	m := module{Path: path, Version: version}
	for _, pattern := range []string{"LICEN[CS]E*", "COPYING*", "NOTICE*"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are sound
		for _, f := range found {
			text, err := os.ReadFile(f)
			if err != nil {
				return m, fmt.Errorf("read the licence of %s: %w", path, err)
			}
			m.texts = append(append(m.texts, text...), '\n')
			if m.ID == "" {
				m.ID = identify(string(text))
			}
		}
	}
	if m.ID == "" {
		return m, fmt.Errorf("%s has no licence that is known to be permissive: read it, and add it to identify or do without the module", path)
	}
	return m, nil
}

// identify is the SPDX id of a permissive licence, "" for any other.
func identify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("GNU GENERAL PUBLIC") || has("GNU LESSER GENERAL") || has("GNU AFFERO") || has("Server Side Public License") || has("Business Source License"):
		return ""
	case has("Apache License") && has("Version 2.0"):
		return "Apache-2.0"
	case has("Redistribution and use in source and binary forms") && (has("endorse or promote products")):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	}
	return ""
}
