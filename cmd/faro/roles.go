package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"faro/bot"
	"faro/bot/telegram"
	"faro/internal/people"
	"faro/internal/rekey"
	"faro/internal/table"
	"faro/internal/training"
	"faro/internal/vault"
)

// byCommand is who did what is done on the command line, in the audit log.
const byCommand = "command line"

func register(store *training.Store) *people.Register {
	return &people.Register{Redis: store.Redis, Vault: store.Vault, Settle: settle(store), Now: time.Now}
}

// settle finds people whose keys are being changed.
func settle(store *training.Store) vault.Settle {
	return (&rekey.Mover{Redis: store.Redis, Vault: store.Vault, Now: time.Now}).Settle
}

type inviteCmd struct {
	Role     string `enum:"staff,trainer,coordinator,admin" default:"staff" help:"What it gives: staff, trainer, coordinator or admin."`
	Facility string `help:"Facility of those who take it, like tapachula."`
	Course   string `help:"Course they are enrolled in."`
	Count    *int   `help:"How many; each works once. One if not given."`
	Roster   bool   `help:"One for each person of the programme who has not joined; of a course, with --course."`
	Out      string `short:"o" default:"-" help:"CSV file to write, - for the terminal."`
	Bot      string `help:"Name of the bot, for links that open it."`
	joined
}

// maxInvitations is how many are made at once.
const maxInvitations = 1000

// Run makes invitations and writes them down. They are stored before they are written, so that none is
// handed out that does not work; those that could not be written are of no use to anyone.
func (c inviteCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	if c.Facility != "" && loaded.Flows.Facilities[c.Facility] == nil {
		return fmt.Errorf("--facility: %q is not in flows/facilities.yaml", c.Facility)
	}
	if c.Roster && (c.Count != nil || c.Facility != "" || c.Role != string(bot.Staff)) {
		return errors.New("--roster makes one for each person, as staff at their own facility: leave --count, --facility and --role away")
	}
	if c.Count != nil && (*c.Count < 1 || *c.Count > maxInvitations) {
		return fmt.Errorf("--count: %d is not between 1 and %d", *c.Count, maxInvitations)
	}
	return c.with(func(ctx context.Context, store *training.Store) error {
		p, err := store.Load(ctx)
		if err != nil {
			return err
		}
		if c.Course != "" && p.Courses[c.Course] == nil {
			return fmt.Errorf("--course: %q is not in the programme", c.Course)
		}
		return create(s, c.Out, func(w io.Writer) error { return c.write(ctx, store, w, c.invitations(p)) })
	})
}

func (c inviteCmd) invitations(p *training.Programme) (all []people.Invitation) {
	if !c.Roster {
		count := 1
		if c.Count != nil {
			count = *c.Count
		}
		for range count {
			all = append(all, people.Invitation{Role: bot.Role(c.Role), Facility: c.Facility, Course: c.Course})
		}
		return all
	}
	for _, id := range slices.Sorted(maps.Keys(p.Members)) {
		if m := p.Members[id]; m.Person == "" && (c.Course == "" || slices.Contains(m.Courses, c.Course)) {
			all = append(all, people.Invitation{Role: bot.Staff, Facility: m.Facility, Member: id})
		}
	}
	return all
}

func (c inviteCmd) write(ctx context.Context, store *training.Store, w io.Writer, all []people.Invitation) error {
	out := table.New(w, "member", "role", "facility", "code", "telegram", "expires")
	var err error
	expires := time.Now().Add(people.InvitationLife).Format(time.DateOnly)
	for _, inv := range all {
		code, link := people.NewCode(), ""
		if c.Bot != "" {
			link = telegram.Link(c.Bot, code)
		}
		if err == nil {
			err = register(store).Invite(ctx, code, inv, byCommand)
		}
		if err == nil {
			out.Row(inv.Member, string(inv.Role), inv.Facility, code, link, expires)
		}
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("not all invitations were written: %w", err)
	}
	return nil
}

type rolesCmd struct {
	List   rolesListCmd   `cmd:"" default:"withargs" help:"List who has a role."`
	Remove rolesRemoveCmd `cmd:"" help:"Take a role away."`
}

type rolesListCmd struct{ joined }

// Run lists everyone with a role by their digest.
func (c rolesListCmd) Run(s streams) error {
	return c.with(func(ctx context.Context, store *training.Store) error {
		holders, err := register(store).Holders(ctx)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "digest\trole\tfacility\tsince")
		for _, h := range holders {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", h.Digest, h.Role, h.Facility, h.Since.Format(time.DateOnly))
		}
		return out.Flush()
	})
}

type rolesRemoveCmd struct {
	Digest string `arg:"" help:"As faro roles lists it."`
	joined
}

// Run takes whoever has a role out of the programme, and then the role away: so it can be repeated if it fails
// in between.
func (c rolesRemoveCmd) Run(s streams) error {
	return c.with(func(ctx context.Context, store *training.Store) error {
		holders, err := register(store).Holders(ctx)
		if err != nil {
			return err
		}
		for _, h := range holders {
			if h.Digest == c.Digest {
				if err := store.Forget(ctx, h.Person); err != nil {
					return err
				}
			}
		}
		holder, err := register(store).Remove(ctx, c.Digest, byCommand)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s is no %s any more\n", holder.Digest, holder.Role)
		return err
	})
}

type auditCmd struct{ joined }

// Run prints the audit log as JSON lines, oldest first.
func (c auditCmd) Run(s streams) error {
	return c.with(func(ctx context.Context, store *training.Store) error {
		out := json.NewEncoder(s.out)
		return register(store).Audit(ctx, func(e people.Entry) error { return out.Encode(e) })
	})
}
