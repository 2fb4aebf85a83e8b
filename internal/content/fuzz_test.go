package content

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"faro/flows"
	"faro/locales"
)

// overlay is a file system with one file replaced.
type overlay struct {
	fs.FS
	name string
	file fstest.MapFS
}

func (o overlay) Open(name string) (fs.File, error) {
	if name == o.name {
		return o.file.Open(name)
	}
	return o.FS.Open(name)
}

// FuzzContent holds that a content file with anything in it is taken or refused with findings that name
// a file and a line, and never a panic.
func FuzzContent(f *testing.F) {
	files := []string{"flows/conversation.yaml", "flows/commands.yaml", "flows/contacts.yaml", "flows/facilities.yaml", "flows/notices.yaml",
		"flows/topics/asylum.yaml", "locales/languages.toml", "locales/unspoken.toml", "locales/words.toml", "locales/es/ui.toml",
		"locales/es/notices.toml", "locales/es/topics/asylum.toml", "locales/es/unrelated.toml"}
	for i, name := range files {
		var from fs.FS = flows.Builtin
		if strings.HasPrefix(name, "locales/") {
			from = locales.Builtin
		}
		_, path, _ := strings.Cut(name, "/")
		b, err := fs.ReadFile(from, path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), b[:min(len(b), 2000)])
	}
	f.Add(byte(0), []byte("a: &a [*a]"))
	f.Add(byte(0), []byte("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nsteps: *c"))
	f.Add(byte(3), []byte(strings.Repeat("[", 5000)))
	f.Add(byte(9), []byte(strings.Repeat("a.", 5000)+"b=1"))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		name := files[int(which)%len(files)]
		folder, path, _ := strings.Cut(name, "/")
		var texts, steps fs.FS = locales.Builtin, flows.Builtin
		file := fstest.MapFS{path: {Data: data}}
		if folder == "locales" {
			texts = overlay{texts, path, file}
		} else {
			steps = overlay{steps, path, file}
		}
		c, found := read(texts, steps)
		if c == nil && len(found) == 0 {
			t.Fatalf("%s is refused without a reason", name)
		}
		for _, f := range found {
			if f.File == "" || f.Message == "" {
				t.Fatalf("%s: a finding that does not say where: %+v", name, f)
			}
		}
	})
}
