package training

import (
	"archive/zip"
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// maxHeap is what an import of anything may take, the files of this test themselves, 100 MB, with it.
const maxHeap = 768 << 20

// sheet is a workbook with such rows and shared strings.
func sheet(t testing.TB, rows, strings func(write func(string))) []byte {
	t.Helper()
	var plain, out bytes.Buffer
	book := excelize.NewFile()
	if err := book.Write(&plain); err != nil {
		t.Fatal(err)
	}
	_ = book.Close()
	from, err := zip.NewReader(bytes.NewReader(plain.Bytes()), int64(plain.Len()))
	if err != nil {
		t.Fatal(err)
	}
	to := zip.NewWriter(&out)
	for _, f := range from.File {
		if f.Name == "xl/worksheets/sheet1.xml" || f.Name == "xl/sharedStrings.xml" {
			continue
		}
		if err := to.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	for name, body := range map[string]struct {
		tag  string
		fill func(func(string))
	}{"xl/worksheets/sheet1.xml": {`worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData`, rows},
		"xl/sharedStrings.xml": {`sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`, strings}} {
		w, err := to.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		write := func(s string) {
			if _, err := w.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
		}
		write("<" + body.tag + ">")
		body.fill(write)
		write(map[bool]string{true: "</sheetData></worksheet>", false: "</sst>"}[name == "xl/worksheets/sheet1.xml"])
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func times(n int, s string) func(func(string)) {
	return func(write func(string)) {
		block := strings.Repeat(s, 1000)
		for range n / 1000 {
			write(block)
		}
	}
}

// TestHostileFiles: whatever file is given, its import ends soon, with an error that says what is
// wrong, in bounded memory.
func TestHostileFiles(t *testing.T) {
	none := func(func(string)) {}
	wide := func(write func(string)) {
		for i := range 50_000 {
			write(fmt.Sprintf(`<row r="%d"><c r="XFD%d"><v>1</v></c></row>`, i+1, i+1))
		}
	}
	const event = "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:T\r\nLOCATION:P\r\nDTSTART;TZID=" + mexico + ":20270315T090000\r\nDTEND;TZID=" + mexico + ":20270315T100000\r\n"
	k := known()
	k.Course = "c"
	for _, test := range []struct {
		name, file string
		data       []byte
		want       string // part of the first fault
	}{
		{"ten million columns", "a.csv", bytes.Repeat([]byte(","), 10_000_000), "columns"},
		{"columns with names", "a.csv", []byte(strings.Repeat("a,", 5_000_000)), "columns"},
		{"columns over many lines", "a.csv", bytes.Repeat([]byte("\"\n\","), 2_500_000), "columns"},
		{"millions of rows", "a.csv", bytes.Repeat([]byte("a\n"), 5_000_000), "at most"},
		{"rows of nothing but faults", "a.csv", []byte(sessionHead + strings.Repeat("/,,,,,,,\n", 90_000)), "id"},
		{"an endless cell", "a.csv", []byte(sessionHead + "a,c," + strings.Repeat("x", 9<<20) + ",P,2027-03-15,9:00,10:00," + mexico), "characters"},
		{"a huge file", "a.csv", make([]byte, maxImport+1), "MB"},
		{"too many sessions", "a.csv", func() []byte {
			var b bytes.Buffer
			b.WriteString(sessionHead)
			for i := range maxSessions + 1 {
				fmt.Fprintf(&b, "s%d,c,T,P,2027-03-15,9:00,10:00,UTC\n", i)
			}
			return b.Bytes()
		}(), "sessions"},
		{"a sheet that unzips to a gigabyte", "a.xlsx", sheet(t, times(1<<20, strings.Repeat("<row></row>", 90)), none), "unzip"},
		{"a sheet as wide as sheets get", "a.xlsx", sheet(t, wide, none), "columns"},
		{"a sheet with its only row at the end", "a.xlsx", sheet(t, func(w func(string)) { w(`<row r="1048576"><c r="A1048576"><v>1</v></c></row>`) }, none), "at most"},
		{"millions of shared strings", "a.xlsx", sheet(t, func(w func(string)) { w(`<row r="1"><c r="A1" t="s"><v>1</v></c></row>`) }, times(3_000_000, "<si/>")), "empty"},
		{"a calendar nested without end", "a.ics", []byte("BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:A\r\n", 1_000_000)), "nested"},
		{"nested and folded", "a.ics", []byte("BEGIN:VCALENDAR\r\n" + strings.Repeat("BEG\r\n IN:A\r\n", 700_000)), "nested"},
		{"a session for ever", "a.ics", []byte("BEGIN:VCALENDAR\r\n" + event + "RRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"), "repeats"},
		{"on a million dates", "a.ics", []byte("BEGIN:VCALENDAR\r\n" + event + "RDATE:20270316T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"), "repeats"},
		{"events without a name", "a.ics", []byte("BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:VEVENT\r\nEND:VEVENT\r\n", 190_000) + "END:VCALENDAR\r\n"), "UID"},
		{"properties without number", "a.ics", []byte("BEGIN:VCALENDAR\r\n" + strings.Repeat("X:1\r\n", 2_000_000) + "END:VCALENDAR\r\n"), "lines"},
		{"a link written from right to left", "a.csv", []byte("id,course,title,link,date,start,end,zone\na,c,T,https://example.org/\u202egpj.exe,2027-03-15,9:00,10:00,UTC\n"), "link"},
	} {
		t.Run(test.name, func(t *testing.T) {
			runtime.GC()
			debug.FreeOSMemory()
			most := watch(t)
			began := time.Now()
			next, _, faults := NewProgramme().Import(test.file, test.data, k)
			took, heap := time.Since(began), most()
			if len(faults) == 0 || next != nil || !strings.Contains(faults[0].String(), test.want) {
				t.Errorf("faults %.300v", faults)
			}
			if len(faults) > maxFaults+1 {
				t.Errorf("%d faults", len(faults))
			}
			for _, f := range faults[:min(len(faults), 1)] {
				if len(f.Message) > 500 {
					t.Errorf("a fault of %d bytes", len(f.Message))
				}
			}
			if heap > maxHeap || took > time.Minute {
				t.Errorf("took %v and %d MB", took, heap>>20)
			}
			t.Logf("%d bytes: %v, %d MB", len(test.data), took.Round(time.Millisecond), heap>>20)
		})
	}
}

// watch measures the heap until the function it returns is called, which tells how large it was at most.
func watch(t *testing.T) func() uint64 {
	t.Helper()
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-stop:
				most <- peak
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); return <-most }
}
