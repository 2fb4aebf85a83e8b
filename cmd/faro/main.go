// Command faro answers migrants' questions about their rights in Mexico on Telegram and by SMS.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"faro/internal/content"
	"faro/locales"
)

// version is set when a release is built.
var version = "dev"

// commands is the command line. Every setting is a flag and an environment variable; flags win.
type commands struct {
	Serve     serveCmd     `cmd:"" help:"Run everything: channels, outbox, HTTP."`
	Chat      chatCmd      `cmd:"" help:"Have the conversation in the terminal."`
	Ask       askCmd       `cmd:"" help:"Find the topics of questions: JSON lines in, JSON lines out."`
	Eval      evalCmd      `cmd:"" help:"Measure how well questions find their topics."`
	Training  trainingCmd  `cmd:"" help:"Training sessions: import, export, settings, a sample."`
	Notice    noticeCmd    `cmd:"" help:"Tell everyone at a facility something, and know that it arrived."`
	Poster    posterCmd    `cmd:"" help:"Make a printable poster with a QR code and the number for text messages."`
	Invite    inviteCmd    `cmd:"" help:"Make invitations that give a role."`
	Roles     rolesCmd     `cmd:"" help:"List who has a role, or take one away."`
	Audit     auditCmd     `cmd:"" help:"Print what was done with roles, sessions, notices, keys and settings."`
	Keys      keysCmd      `cmd:"" help:"Change the keys that seal addresses while faro serves; see docs/backup.md."`
	Questions questionsCmd `cmd:"" help:"Print what could not be answered and how answers were judged; see FARO_KEEP_QUESTIONS."`
	Segments  segmentsCmd  `cmd:"" help:"Measure text messages: JSON lines in, JSON lines out."`
	Check     checkCmd     `cmd:"" help:"Check the content; every finding with file and line."`
	Graph     graphCmd     `cmd:"" help:"Draw the conversation as a Mermaid diagram."`

	Content string           `env:"FARO_CONTENT" type:"path" help:"Folder with flows/ and locales/ that replaces the built-in ones."`
	Version kong.VersionFlag `help:"Print the version."`
}

// streams are where a command reads and writes.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// run parses a command line and carries it out. It returns the exit code.
func run(args []string, s streams) int {
	var cli commands
	exit := -1
	parser, err := kong.New(&cli,
		kong.Name("faro"),
		kong.Description("Answers migrants' questions about their rights in Mexico, on Telegram and by SMS."),
		kong.Vars{"version": version},
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exit = code }),
	)
	if err != nil {
		fmt.Fprintln(s.err, "faro:", err)
		return 2
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 { // --help and --version
		return exit
	}
	if err != nil {
		fmt.Fprintln(s.err, "faro:", err)
		return 2
	}
	if err := ctx.Run(s, source(cli.Content), noticeAct(ctx.Selected().Name)); err != nil {
		fmt.Fprintln(s.err, "faro:", err)
		return 1
	}
	return 0
}

// source is the folder the content comes from, "" for what is built in.
type source string

// load reads the content and prints what is wrong with it.
func (dir source) load(s streams) (*content.Content, error) {
	read := content.Builtin
	if dir != "" {
		read = func() (*content.Content, []locales.Finding) { return content.Load(string(dir)) }
	}
	c, found := read()
	for _, f := range found {
		if !f.Warning {
			fmt.Fprintln(s.err, f)
		}
	}
	if c == nil {
		return nil, fmt.Errorf("the content has errors: mend the lines above, then run faro check")
	}
	return c, nil
}

type checkCmd struct {
	Report bool `help:"Also list what nobody has reviewed yet, what is due when, and how easy the answers are to read."`
}

// Run prints all findings; errors make it fail.
func (k checkCmd) Run(s streams, dir source) error {
	c, found := content.Load(string(dir))
	errors := 0
	for _, f := range found {
		fmt.Fprintln(s.out, f)
		if !f.Warning {
			errors++
		}
	}
	if locales.HasErrors(found) {
		return fmt.Errorf("%d errors in the content", errors)
	}
	if k.Report {
		if err := c.Report(s.out, time.Now()); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "content is sound: %d languages, %d steps, %d topics, %d texts\n",
		len(c.Book.Languages()), len(c.Flows.Steps), len(c.Flows.Topics), len(c.Book.Keys())*len(c.Book.Languages()))
	return nil
}

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}
