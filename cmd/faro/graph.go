package main

import (
	"bufio"

	"faro/flows"
)

type graphCmd struct{}

// Run draws the conversation as a Mermaid flowchart.
func (graphCmd) Run(s streams, dir source) error {
	c, err := dir.load(s)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(s.out)
	flows.Mermaid(out, c.Flows)
	return out.Flush()
}
