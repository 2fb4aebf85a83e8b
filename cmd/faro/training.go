package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nyaruka/phonenumbers"

	"faro/bot"
	"faro/internal/people"
	"faro/internal/quiet"
	"faro/internal/redisx"
	"faro/internal/rekey"
	"faro/internal/training"
	"faro/internal/vault"
	"faro/locales"
)

type trainingCmd struct {
	Import importCmd  `cmd:"" help:"Read sessions and people from CSV, XLSX or iCalendar; changes nothing without --apply."`
	Export exportCmd  `cmd:"" help:"Write who answered what, and who was there, as CSV."`
	People peopleCmd  `cmd:"" help:"List the people of the programme, and which of them have joined."`
	Enrol  enrolCmd   `cmd:"" help:"Put people of the programme into a course."`
	Set    settingCmd `cmd:"" help:"Show or change when people are reminded."`
	Remove removeCmd  `cmd:"" help:"Take a course away with its sessions; changes nothing without --apply."`
	Sample sampleCmd  `cmd:"" help:"Write a sample programme as two CSV files: 963 people, 80 sessions, eleven delegations."`
}

// joined is how a command reaches the running faro's data.
type joined struct {
	Data     string `env:"FARO_DATA" default:"./data" type:"path" help:"Data folder of the running faro."`
	RedisURL string `env:"FARO_REDIS_URL" help:"Redis of the running faro, if it has not its own."`
	KeyFile  string `env:"FARO_KEY_FILE" type:"path" help:"Keys of the running faro, if not in its data folder."`
}

func (j joined) file() string {
	if j.KeyFile == "" {
		return filepath.Join(j.Data, "keys.json")
	}
	return j.KeyFile
}

// open connects, with the keys that belong to what Redis holds.
func (j joined) open() (*redisx.Redis, *vault.Vault, error) {
	file := j.file()
	if _, err := os.Stat(file); err != nil {
		return nil, nil, fmt.Errorf("there is no key file %s: start faro serve once, or set FARO_KEY_FILE or FARO_DATA as it has them", file)
	}
	seals, err := vault.Open(file)
	if err != nil {
		return nil, nil, err
	}
	rdb, err := redisx.Join(redisx.Config{URL: j.RedisURL, DataDir: j.Data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeAll)
	defer cancel()
	if err := (&rekey.Mover{Redis: rdb, Vault: seals, Now: time.Now}).Check(ctx); err != nil {
		return nil, nil, errors.Join(err, rdb.Close())
	}
	return rdb, seals, nil
}

// with runs f on the programme of the running faro.
func (j joined) with(f func(context.Context, *training.Store) error) error {
	rdb, seals, err := j.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeAll)
	defer cancel()
	return errors.Join(f(ctx, &training.Store{Redis: rdb, Vault: seals}), rdb.Close())
}

type importCmd struct {
	Files  []string `arg:"" type:"existingfile" help:".csv, .xlsx or .ics"`
	Course string   `help:"Course of sessions that name none, as those of a calendar."`
	Apply  bool     `help:"Do it. Without this nothing is changed."`
	joined
}

// Run prints what an import changes, and with --apply does it: all of it or nothing.
func (c importCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	var files []training.File
	for _, name := range c.Files {
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read what to import: %w", err)
		}
		files = append(files, training.File{Name: name, Data: data})
	}
	return c.with(func(ctx context.Context, store *training.Store) error {
		known := training.Known{Facilities: loaded.Flows.Facilities, Course: c.Course, Phone: func(number string) (bot.PersonID, error) {
			return phone(store.Vault, number)
		}}
		for _, l := range loaded.Book.Languages() {
			known.Languages = append(known.Languages, l.Tag)
		}
		var changes []string
		var strangers []bot.PersonID // at numbers that were wrong
		take := func(p *training.Programme) error {
			next, all, faults := p.ImportAll(files, known)
			for _, f := range faults {
				fmt.Fprintln(s.err, f)
			}
			if len(faults) > 0 {
				return fmt.Errorf("nothing was imported: mend the %d faults above", len(faults))
			}
			changes, strangers = all, p.Parted(next)
			*p = *next
			return nil
		}
		if c.Apply {
			err = store.Change(ctx, take)
		} else {
			var p *training.Programme
			if p, err = store.Load(ctx); err == nil {
				kept := *p
				err = take(&kept)
			}
		}
		if err != nil {
			return err
		}
		if c.Apply {
			if err := errors.Join(enrol(ctx, store), dismiss(ctx, store, strangers)); err != nil {
				return err
			}
			if err := register(store).Note(ctx, "programme imported", byCommand, fmt.Sprint(len(changes), " changes")); err != nil {
				return err
			}
		}
		for _, line := range changes {
			fmt.Fprintln(s.out, line)
		}
		done := "nothing was changed yet; repeat with --apply to do it"
		if c.Apply {
			done = "done"
		}
		_, err := fmt.Fprintf(s.out, "%d changes: %s\n", len(changes), done)
		return err
	})
}

// phone is the person at a phone number, in any notation; numbers without a country are Mexican.
func phone(seals *vault.Vault, number string) (bot.PersonID, error) {
	n, err := phonenumbers.Parse(number, "MX")
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", errors.New("not a phone number")
	}
	return seals.Seal(bot.SMS, phonenumbers.Format(n, phonenumbers.E164)), nil
}

// enrol gives everyone the programme reaches by a phone number the role of staff, so that they are
// heard when they answer.
func enrol(ctx context.Context, store *training.Store) error {
	p, err := store.Load(ctx)
	if err != nil {
		return err
	}
	holders, err := register(store).Holders(ctx)
	if err != nil {
		return err
	}
	has := map[bot.PersonID]bool{}
	for _, h := range holders {
		has[h.Person] = true
	}
	for _, m := range p.Members {
		if m.Person != "" && !has[m.Person] {
			if err := register(store).Enrol(ctx, m.Person, m.Facility, byCommand); err != nil {
				return err
			}
		}
	}
	return nil
}

// dismiss takes the role of staff from people the programme does not know any more, and forgets them.
func dismiss(ctx context.Context, store *training.Store, strangers []bot.PersonID) error {
	for _, id := range strangers {
		role, err := register(store).Role(ctx, id)
		if err == nil && role == bot.Staff {
			_, err = register(store).Remove(ctx, people.Digest(id), byCommand)
		}
		if err = errors.Join(err, store.Forget(ctx, id), register(store).Unmeet(ctx, id)); err != nil {
			return err
		}
	}
	return nil
}

type removeCmd struct {
	Course string `arg:"" help:"Id of the course, as its sheet has it."`
	Apply  bool   `help:"Do it. Without this nothing is changed."`
	joined
}

// Run prints what goes with a course, and with --apply removes it.
func (c removeCmd) Run(s streams) error {
	return c.with(func(ctx context.Context, store *training.Store) error {
		var gone training.Removal
		p, err := store.Load(ctx)
		switch {
		case err != nil:
		case c.Apply:
			if gone, err = store.Remove(ctx, c.Course); err == nil {
				err = errors.Join(register(store).Note(ctx, "course removed", byCommand, c.Course), store.Clear(ctx, gone.Sessions))
			}
		default:
			_, gone, err = p.Without(c.Course)
		}
		if err != nil {
			return err
		}
		ahead := 0
		for _, x := range gone.Sessions {
			fmt.Fprintf(s.out, "session %s: %s, %s\n", x.ID, x.Title, x.Start.Format("2006-01-02 15:04 MST"))
			if !x.Cancelled && x.Start.After(time.Now()) {
				ahead++
			}
		}
		for _, m := range gone.Members {
			fmt.Fprintf(s.out, "person %s: in no other course\n", m.ID)
		}
		if ahead > 0 {
			fmt.Fprintf(s.out, "%d sessions are still ahead; nobody is told: to tell people, cancel them first\n", ahead)
		}
		done := "nothing was removed yet; repeat with --apply to do it"
		if c.Apply {
			done = "removed"
		}
		_, err = fmt.Fprintf(s.out, "course %s, %d sessions, %d people: %s\n", c.Course, len(gone.Sessions), len(gone.Members), done)
		return err
	})
}

type exportCmd struct {
	Out string `short:"o" default:"-" help:"File to write, - for the terminal."`
	joined
}

// Run writes the answers.
func (c exportCmd) Run(s streams) error {
	return c.with(func(ctx context.Context, store *training.Store) error {
		p, err := store.Load(ctx)
		if err != nil {
			return err
		}
		reactions, err := store.Reactions(ctx, p)
		if err != nil {
			return err
		}
		// Noted first: nothing is handed out that is not in the log.
		if err := register(store).Note(ctx, "answers exported", byCommand, fmt.Sprint(len(p.Sessions), " sessions")); err != nil {
			return err
		}
		return create(s, c.Out, func(w io.Writer) error { return p.WriteAnswers(w, reactions) })
	})
}

type peopleCmd struct {
	Unassigned bool `help:"Only those who are in no course."`
	joined
}

// Run lists the people of the programme as their organisation names them; those who joined by an invitation have an
// id of Faro's. The digest is that of faro roles.
func (c peopleCmd) Run(s streams) error {
	return c.with(func(ctx context.Context, store *training.Store) error {
		p, err := store.Load(ctx)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "id\tcourses\tdelegation\tfacility\tjoined\tdigest")
		for _, id := range slices.Sorted(maps.Keys(p.Members)) {
			m := p.Members[id]
			if c.Unassigned && len(m.Courses) > 0 {
				continue
			}
			joined, digest := "no", "-"
			switch {
			case m.Person != "":
				joined, digest = "yes", people.Digest(m.Person)
			case m.Left:
				joined = "left"
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, cmp.Or(strings.Join(m.Courses, ";"), "-"), cmp.Or(m.Delegation, "-"), cmp.Or(m.Facility, "-"), joined, digest)
		}
		return out.Flush()
	})
}

type enrolCmd struct {
	Course string   `required:"" help:"Course they are put into."`
	People []string `arg:"" help:"Their ids, as faro training people lists them."`
	joined
}

// Run puts all of them into a course, or none.
func (c enrolCmd) Run(s streams) error {
	return c.with(func(ctx context.Context, store *training.Store) error {
		err := store.Change(ctx, func(p *training.Programme) error { return p.Enrol(c.Course, c.People...) })
		if err == nil {
			err = register(store).Note(ctx, "people enrolled", byCommand, c.Course)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%d people are in course %s\n", len(c.People), c.Course)
		return err
	})
}

// create writes a file that only its owner may read; it does not overwrite one.
func create(s streams, name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(s.out)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write a new file: %w", err)
	}
	return errors.Join(write(f), f.Close())
}

type sampleCmd struct {
	Dir   string `arg:"" optional:"" default:"." type:"path" help:"Folder to write sessions.csv and people.csv to."`
	First string `help:"First day, like 2026-12-07; a week from today if not given."`
}

// Run writes the sample.
func (c sampleCmd) Run(s streams) error {
	first := time.Now().AddDate(0, 0, 7)
	if c.First != "" {
		var err error
		if first, err = time.Parse(time.DateOnly, c.First); err != nil {
			return fmt.Errorf("--first %q is not a day like 2026-12-07", c.First)
		}
	}
	sessions, people := filepath.Join(c.Dir, "sessions.csv"), filepath.Join(c.Dir, "people.csv")
	p := training.Sample(first)
	err := create(s, sessions, func(w io.Writer) error { return p.WriteSheets(w, io.Discard) })
	if err == nil {
		err = create(s, people, func(w io.Writer) error { return p.WriteSheets(io.Discard, w) })
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "faro training import --apply %s %s\n", sessions, people)
	return err
}

type settingCmd struct {
	Reminders string `help:"When people are reminded before a session, like \"7d 1d 1h\"; none for never."`
	Quiet     string `help:"When nobody is reminded, by the person's clock, like 21:00-07:00; none for never."`
	Zone      string `help:"IANA time zone of people whose own is not known."`
	Lang      string `help:"Language of people who have not chosen one."`
	joined
}

// Run changes what is given and prints what holds.
func (c settingCmd) Run(s streams, dir source) error {
	loaded, err := dir.load(s)
	if err != nil {
		return err
	}
	if c.Lang != "" && !loaded.Book.Has(locales.Lang(c.Lang)) {
		return unknownLanguage(loaded.Book, c.Lang)
	}
	return c.with(func(ctx context.Context, store *training.Store) error {
		err := store.Change(ctx, func(p *training.Programme) error { return c.change(&p.Settings) })
		if err == nil && len(c.given()) > 0 {
			err = register(store).Note(ctx, "training set", byCommand, strings.Join(c.given(), " "))
		}
		if err != nil {
			return err
		}
		p, err := store.Load(ctx)
		if err != nil {
			return err
		}
		var leads []string
		for _, l := range p.Settings.Reminders {
			leads = append(leads, l.String())
		}
		_, err = fmt.Fprintf(s.out, "reminders %s\nquiet %s\nzone %s\nlang %s\n", strings.Join(leads, " "), p.Settings.Quiet, p.Settings.Zone, p.Settings.Lang)
		return err
	})
}

// given are the settings that are changed.
func (c settingCmd) given() (all []string) {
	for _, one := range [][2]string{{"reminders", c.Reminders}, {"quiet", c.Quiet}, {"zone", c.Zone}, {"lang", c.Lang}} {
		if one[1] != "" {
			all = append(all, one[0]+"="+one[1])
		}
	}
	return all
}

// change changes what is given. The plan follows by itself.
func (c settingCmd) change(to *training.Settings) (err error) {
	if c.Reminders != "" {
		if to.Reminders, err = training.ParseLeads(c.Reminders); err != nil {
			return fmt.Errorf("--reminders: %w", err)
		}
	}
	if c.Quiet != "" {
		if to.Quiet, err = quiet.Parse(c.Quiet); err != nil {
			return fmt.Errorf("--quiet: %w", err)
		}
	}
	if c.Zone != "" {
		if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" {
			return fmt.Errorf("--zone: %q is not an IANA time zone, like America/Tijuana", c.Zone)
		}
		to.Zone = c.Zone
	}
	if c.Lang != "" {
		to.Lang = locales.Lang(c.Lang)
	}
	return nil
}
