package training

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"faro/bot"
	"faro/flows"
	"faro/locales"
)

func known() Known {
	return Known{Facilities: map[string]*flows.Facility{"tapachula": {Zone: mexico, State: "Chiapas"}}, Languages: []locales.Lang{"es", "en"}, Phone: func(number string) (bot.PersonID, error) {
		id := map[string]bot.PersonID{"+525511112222": "sealed", "55 1111 2222": "sealed", "+525511113333": "another"}[number]
		if id == "" {
			return "", errors.New("not a phone number")
		}
		return id, nil
	}}
}

const (
	sessionHead = "id,course,title,place,date,start,end,zone\n"
	personHead  = "id,course,delegation,facility,zone,phone,lang\n"
)

// base is a programme with a course and a session.
func base(t *testing.T) *Programme {
	t.Helper()
	p, _, faults := NewProgramme().Import("a.csv", []byte(sessionHead+"s1,c,Género,Aula 1,2027-03-15,9:00,13:00,"+tijuana+"\n"), known())
	if faults != nil {
		t.Fatal(faults)
	}
	return p
}

func TestEveryFaultIsNamed(t *testing.T) {
	for _, test := range []struct {
		name, file, data string
		want             []string // begins "line: ", in order
	}{
		{"unknown zone", "a.csv", sessionHead + "a,c,T,P,2027-03-15,9:00,10:00,America/Tijuanna\n", []string{`a.csv:2: zone: "America/Tijuanna" is not an IANA`}},
		{"end before start, and another row", "a.csv", sessionHead + "a,c,T,P,2027-03-15,9:00,8:00," + mexico + "\nb,c,,P,2027-03-15,9:00,10:00," + mexico + "\n",
			[]string{"a.csv:2: the end is not after the start", "a.csv:3: no title"}},
		{"a time that does not exist", "a.csv", sessionHead + "a,c,T,P,2027-03-14,2:30,4:00," + tijuana + "\n", []string{"a.csv:2: start: 2027-03-14 02:30 does not exist in America/Tijuana"}},
		{"a time that comes twice", "a.csv", sessionHead + "a,c,T,P,2027-11-07,1:30,4:00," + tijuana + "\n", []string{"a.csv:2: start: 2027-11-07 01:30 comes twice"}},
		{"no day, no time", "a.csv", sessionHead + "a,c,T,P,2027-02-30,25:00,4:00," + mexico + "\nb,c,T,P,2027-02-03,25:00,4:60," + mexico + "\n",
			[]string{`a.csv:2: date: "2027-02-30"`, `a.csv:3: start: "25:00"`, `a.csv:3: end: "4:60"`}},
		{"neither place nor link", "a.csv", sessionHead + "a,c,T,,2027-03-15,9:00,10:00," + mexico + "\n", []string{"a.csv:2: neither place nor link"}},
		{"a link that is none", "a.csv", "id,course,title,link,date,start,end,zone\na,c,T,javascript:alert(1),2027-03-15,9:00,10:00," + mexico + "\n", []string{"a.csv:2: link: write an https"}},
		{"no course", "a.csv", sessionHead + "a,,T,P,2027-03-15,9:00,10:00," + mexico + "\n", []string{"a.csv:2: no course"}},
		{"twice", "a.csv", sessionHead + strings.Repeat("a,c,T,P,2027-03-15,9:00,10:00,"+mexico+"\n", 2), []string{"a.csv:3: session a is also on line 2"}},
		{"an id for no button", "a.csv", sessionHead + "a/b,c,T,P,2027-03-15,9:00,10:00," + mexico + "\n", []string{`a.csv:2: id "a/b"`}},
		{"too long, invisible", "a.csv", sessionHead + "a,c," + strings.Repeat("x", 81) + ",P\u202e,2027-03-15,9:00,10:00," + mexico + "\n",
			[]string{"a.csv:2: title has 81 characters", "a.csv:2: place holds invisible"}},
		{"unknown column", "a.csv", "id,course,title,place,date,start,end,zone,colour\n", []string{`a.csv:1: column "colour" is not known`}},
		{"missing column", "a.csv", "id,course,title,place,date,start,end\n", []string{`a.csv:1: column "zone" is missing`}},
		{"a broken file", "a.csv", sessionHead + "a,\"c,T\n", []string{"a.csv:2: extraneous or missing"}},
		{"not UTF-8", "a.csv", sessionHead + "a,c,G\xe9nero\n", []string{"a.csv: the file is not UTF-8"}},
		{"nothing", "a.csv", "\n", []string{"a.csv: the table is empty"}},
		{"another kind", "a.doc", "x", []string{"a.doc: not a .csv"}},
		{"people", "p.csv", personHead + "m1,nope,,,,,\nm2,c,Chapas,,,,\nm3,c,,nowhere,,,\nm4,c,,,Mars,,\nm5,c,,,,12,\nm6,c,,,,,xx\n",
			[]string{`p.csv:2: course "nope"`, `p.csv:3: delegation: "Chapas"`, `p.csv:4: facility: "nowhere"`, `p.csv:5: zone: "Mars"`, "p.csv:6: phone: not a phone number", `p.csv:7: lang: "xx"`}},
		{"calendar without zone", "a.ics", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:T\r\nLOCATION:P\r\nDTSTART:20270315T090000\r\nDTEND:20270315T100000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
			[]string{"a.ics:2: no course", "a.ics:2: DTSTART: no time zone", "a.ics:2: DTEND: no time zone"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := base(t)
			next, changes, faults := p.Import(test.file, []byte(test.data), known())
			var got []string
			for _, f := range faults {
				got = append(got, f.String())
			}
			ok := len(got) == len(test.want) && next == nil && changes == nil
			for i := range test.want {
				ok = ok && strings.HasPrefix(got[i], test.want[i])
			}
			if !ok {
				t.Errorf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			for _, f := range got {
				if strings.Contains(f, "5511112222") {
					t.Errorf("a fault tells a phone number: %s", f)
				}
			}
		})
	}
}

func TestTwoSessionsAtOnceForOnePerson(t *testing.T) {
	p := base(t)
	_, _, faults := p.Import("p.csv", []byte(personHead+"m1,c;d,,,,,\n"), known())
	if len(faults) != 1 || !strings.Contains(faults[0].Message, `"d"`) {
		t.Fatal(faults)
	}
	p = base(t)
	p, _, _ = p.Import("s.csv", []byte(sessionHead+"s2,d,Trata,Aula 2,2027-03-15,12:00,14:00,"+tijuana+"\ns3,d,Tres,Aula 2,2027-03-15,14:00,15:00,"+tijuana+"\n"), known())
	if _, _, faults = p.Import("p.csv", []byte(personHead+"m0,c,,,,,\nm1,c;d,,,,,\n"), known()); len(faults) != 1 || faults[0].Line != 3 ||
		!strings.Contains(faults[0].Message, "s1 and s2") {
		t.Errorf("in both courses: %v", faults)
	}
	p, _, faults = p.Import("p.csv", []byte(personHead+"m0,c,,,,,\n"), known())
	if faults != nil {
		t.Fatal(faults)
	}
	if _, _, faults = p.Import("s.csv", []byte(sessionHead+"s4,c,Otra,Aula 3,2027-03-15,12:59,13:30,"+tijuana+"\n"), known()); len(faults) != 1 || faults[0].Line != 2 {
		t.Errorf("a session beside another: %v", faults)
	}
}

func TestImportChangesWhatDiffers(t *testing.T) {
	p := base(t)
	code := p.Sessions["s1"].Code
	if len(code) != 6 || p.Sessions["s1"].Version != 1 {
		t.Fatalf("a new session: %+v", p.Sessions["s1"])
	}
	for _, step := range []struct {
		name, data string
		changes    int
		version    int
	}{
		{"again", sessionHead + "s1,c,Género,Aula 1,15/3/2027,09:00,13:00," + tijuana, 0, 1},
		{"with semicolons, in Spanish, with a mark", "\ufeffid;curso;título;lugar;fecha;inicio;fin;zona\ns1;c;Género;Aula 1;2027-03-15;9:00;13:00;" + tijuana, 0, 1},
		{"other words", sessionHead + "s1,c,Género y trato,Aula 1,2027-03-15,9:00,13:00," + tijuana, 1, 1},
		{"moved", sessionHead + "s1,c,Género y trato,Aula 1,2027-03-15,10:00,13:00," + tijuana, 1, 2},
		{"the same clock elsewhere", sessionHead + "s1,c,Género y trato,Aula 1,2027-03-15,10:00,13:00," + cancun, 1, 3},
		{"another room", sessionHead + "s1,c,Género y trato,Aula 2,2027-03-15,10:00,13:00," + cancun, 1, 4},
	} {
		next, changes, faults := p.Import("a.csv", []byte(step.data), known())
		if faults != nil {
			t.Fatalf("%s: %v", step.name, faults)
		}
		if s := next.Sessions["s1"]; len(changes) != step.changes || s.Version != step.version || s.Code != code {
			t.Errorf("%s: changes %q, version %d", step.name, changes, s.Version)
		}
		p = next
	}
	p, changes, faults := p.Import("p.csv", []byte(personHead+"m1,c,distrito federal,tapachula,,+525511112222,es\n"), known())
	if faults != nil || len(changes) != 1 {
		t.Fatal(changes, faults)
	}
	if m := p.Members["m1"]; m.Delegation != "Ciudad de México" || m.Zone != mexico || m.Person != "sealed" {
		t.Errorf("the person: %+v", m)
	}
	if _, changes, _ = p.Import("p.csv", []byte(personHead+"m1,c,CDMX,tapachula,,,es\n"), known()); len(changes) != 0 {
		t.Errorf("without the phone number they stay who they are: %v", changes)
	}
}

// events are two sessions as a calendar writes them.
const events = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nX-WR-TIMEZONE:America/Cancun\r\n" +
	"BEGIN:VEVENT\r\nUID:one@example.org\r\nSUMMARY:Género\\, parte 1\r\nLOCATION:Aula 1\r\nDTSTART;TZID=America/Tijuana:20270315T090000\r\nDTEND;TZID=America/Tijuana:20270315T130000\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:two@example.org\r\nSUMMARY:Trata\r\nURL:https://example.org/x\r\nDTSTART:20270316T140000Z\r\nDTEND:20270316T150000Z\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestImportCalendarAndSheet(t *testing.T) {
	k := known()
	k.Course = "Grupo 1"
	if _, _, faults := NewProgramme().Import("a.ics", []byte(events), k); len(faults) != 2 || !strings.Contains(faults[0].Message, `course "Grupo 1"`) {
		t.Errorf("a course that fits no button: %v", faults)
	}
	k.Course = "c"
	p, changes, faults := NewProgramme().Import("a.ics", []byte(events), k)
	if faults != nil || len(changes) != 3 {
		t.Fatal(changes, faults)
	}
	all := p.Sorted()
	if s := all[0]; s.Title != "Género, parte 1" || !s.Start.Equal(at(t, tijuana, "2027-03-15 09:00")) || s.Zone != tijuana {
		t.Errorf("the first: %+v", s)
	}
	if s := all[1]; s.Zone != cancun || s.Start.Format("15:04") != "09:00" || !s.Cancelled {
		t.Errorf("the second: %+v", s)
	}
	if _, changes, _ = p.Import("a.ics", []byte(events), k); len(changes) != 0 {
		t.Errorf("again: %v", changes)
	}

	p, _, faults = NewProgramme().Import("a.xlsx", workbook(t), known())
	if faults != nil {
		t.Fatal(faults)
	}
	if s := p.Sessions["s1"]; !s.Start.Equal(at(t, tijuana, "2027-03-15 09:00")) || !s.End.Equal(at(t, tijuana, "2027-03-15 13:00")) {
		t.Errorf("from the sheet: %+v", s)
	}
	if _, _, faults = NewProgramme().Import("a.xlsx", []byte("PK"), known()); len(faults) != 1 {
		t.Errorf("not a sheet: %v", faults)
	}
}

// workbook is a session as a spreadsheet writes it.
func workbook(t testing.TB) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer func() { _ = book.Close() }()
	for cell, value := range map[string]any{"A1": "id", "B1": "curso", "C1": "título", "D1": "lugar", "E1": "fecha", "F1": "inicio", "G1": "fin", "H1": "zona",
		"A2": "s1", "B2": "c", "C2": "Género", "D2": "Aula 1", "E2": time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), "F2": 9.0 / 24, "G2": "13:00", "H2": tijuana} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if err := book.Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// sheets are the sample as two files.
func sheets(t testing.TB) (sessions, people []byte) {
	var s, m bytes.Buffer
	if err := Sample(time.Date(2027, 3, 8, 0, 0, 0, 0, time.UTC)).WriteSheets(&s, &m); err != nil {
		t.Fatal(err)
	}
	return s.Bytes(), m.Bytes()
}

func TestSampleIsImported(t *testing.T) {
	sessions, members := sheets(t)
	p, _, faults := NewProgramme().Import("s.csv", sessions, known())
	if faults != nil {
		t.Fatal(faults)
	}
	if p, _, faults = p.Import("p.csv", members, known()); faults != nil {
		t.Fatal(faults)
	}
	if len(p.Sessions) != 80 || len(p.Members) != 963 || len(p.Courses) != 8 {
		t.Errorf("%d sessions, %d people, %d courses", len(p.Sessions), len(p.Members), len(p.Courses))
	}
	places := map[string]bool{}
	for _, m := range p.Members {
		places[m.Delegation] = true
	}
	if len(places) != 11 {
		t.Errorf("%d delegations", len(places))
	}
}

func TestAnswersAreNoFormulas(t *testing.T) {
	p := base(t)
	p.Sessions["s1"].Title = `=HYPERLINK("https://x")`
	p.Members["m1"] = &Member{ID: "-m1", Courses: []string{"c"}, Person: "x"}
	p.Members["m2"] = &Member{ID: "m2", Courses: []string{"c"}}
	var out bytes.Buffer
	if err := p.WriteAnswers(&out, map[string]map[bot.PersonID]Reaction{"s1": {"x": {Answer: bot.Coming, Present: true}}}); err != nil {
		t.Fatal(err)
	}
	want := "session,module,title,start,member,delegation,facility,answer,present,joined\n" +
		"s1,,\"'=HYPERLINK(\"\"https://x\"\")\",2027-03-15T09:00:00-07:00,'-m1,,,yes,yes,yes\n" +
		"s1,,\"'=HYPERLINK(\"\"https://x\"\")\",2027-03-15T09:00:00-07:00,m2,,,,,\n"
	if out.String() != want {
		t.Errorf("written\n%s\nwant\n%s", out.String(), want)
	}
}

// FuzzImport holds that nothing makes an import panic, or half done.
func FuzzImport(f *testing.F) {
	f.Add("a.csv", []byte(sessionHead+"s1,c,T,P,2027-03-15,9:00,13:00,"+tijuana))
	f.Add("a.csv", []byte(personHead+"m1,c,Chiapas,,,,es"))
	const event = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:T\r\nLOCATION:P\r\n%sEND:VEVENT\r\nEND:VCALENDAR\r\n"
	for _, times := range []string{
		"DTSTART;TZID=\"x\":2\r\n",
		"DTSTART;TZID=" + tijuana + ":20270315T090000\r\nDTEND;TZID=" + tijuana + ":20270315T130000\r\n",
		"DTSTART:20270315T160000Z\r\nDURATION:PT4H\r\nSTATUS:CANCELLED\r\nSEQUENCE:2\r\n",
		"DTSTART;VALUE=DATE:20270315\r\nRRULE:FREQ=DAILY;COUNT=3\r\nCATEGORIES:a\\,b,c\r\nDESCRIPTION:lo\r\n ng\r\n",
	} {
		f.Add("a.ics", fmt.Appendf(nil, event, times))
	}
	f.Add("a.ics", []byte(events))
	for _, rows := range []string{
		`<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>course</t></is></c></row><row r="2"><c r="A2"><v>46096.375</v></c></row>`,
		`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="XFD1" t="b"><v>1</v></c><c r="B1" t="e"><v>#REF!</v></c></row><row r="9"><c><f>A1</f><v>x</v></c></row>`,
	} {
		f.Add("a.xlsx", sheet(f, func(write func(string)) { write(rows) }, func(write func(string)) { write("<si><t>id</t></si>") }))
	}
	f.Add("a.xlsx", workbook(f))
	f.Add("a.xlsx", []byte("PK\x03\x04"))
	k := known()
	k.Course = "c" // a calendar names none
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		before := NewProgramme()
		next, changes, faults := before.Import(name, data, k)
		if (next == nil) != (len(faults) > 0) || next == nil && changes != nil {
			t.Fatalf("half done: %v, %v", changes, faults)
		}
		if len(before.Sessions)+len(before.Members) > 0 {
			t.Fatal("the programme itself was changed")
		}
		if next != nil {
			for id, s := range next.Sessions {
				if s.ID != id || !s.End.After(s.Start) || s.Version != 1 {
					t.Fatalf("imported %+v", s)
				}
			}
		}
	})
}
