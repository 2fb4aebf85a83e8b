package training

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	ical "github.com/arran4/golang-ical"
	"github.com/xuri/excelize/v2"

	"faro/bot"
	"faro/locales"
)

// The columns of the tables, and what else they may be called.
var (
	sessionColumns = []string{"id", "course", "course title", "module", "title", "place", "link", "speakers", "date", "start", "end",
		"zone", "audience", "reminders", "cancelled"}
	personColumns = []string{"id", "course", "delegation", "facility", "zone", "phone", "lang"}

	spanish = map[string]string{"curso": "course", "titulo del curso": "course title", "modulo": "module", "titulo": "title", "lugar": "place",
		"enlace": "link", "ponentes": "speakers", "fecha": "date", "inicio": "start", "fin": "end", "zona": "zone", "audiencia": "audience",
		"recordatorios": "reminders", "cancelada": "cancelled", "delegacion": "delegation", "centro": "facility", "telefono": "phone", "idioma": "lang"}
)

// room reports whether a table may have one more row, with these cells.
func (i *importer) room(rows [][]string, cells []string, line int) bool {
	switch {
	case len(cells) > maxColumns:
		i.fault(line, "%d columns; at most %d are read", len(cells), maxColumns)
	case line > maxRows, len(rows) >= maxRows:
		i.fault(line, "too many rows; at most %d are read", maxRows)
	default:
		return true
	}
	return false
}

// table takes rows of cells, the header first.
func (i *importer) table(rows [][]string, lines []int) {
	var header []string
	for n, cells := range rows {
		if i.broken() {
			return
		}
		if len(strings.Join(cells, "")) == 0 {
			continue
		}
		if header == nil {
			if header = i.header(cells, lines[n]); header == nil {
				return
			}
			continue
		}
		r := row{i, lines[n], map[string]string{}}
		for c, value := range cells {
			if c < len(header) {
				r.cells[header[c]] = strings.TrimSpace(value)
			} else if value != "" {
				r.fault(r.line, "more cells than the header has columns")
			}
		}
		if slices.Contains(header, "date") {
			r.session()
		} else {
			r.person()
		}
	}
	if header == nil {
		i.fault(0, "the table is empty")
	}
}

// header reads the names of the columns; nil, and a fault, if they are not those of a table.
func (i *importer) header(cells []string, line int) []string {
	var names []string
	for _, c := range cells {
		name := locales.Fold(c)
		if english := spanish[name]; english != "" {
			name = english
		}
		names = append(names, name)
	}
	known, needed := personColumns, []string{"id", "course"}
	if slices.Contains(names, "date") || slices.Contains(names, "title") {
		known, needed = sessionColumns, []string{"id", "title", "date", "start", "end", "zone"}
	}
	faults := len(i.faults)
	for n, name := range names {
		if name != "" && !slices.Contains(known, name) {
			i.fault(line, "column %q is not known; known are %s", name, strings.Join(known, ", "))
		}
		if name != "" && slices.Contains(names[:n], name) {
			i.fault(line, "column %q is there twice", name)
		}
		names[n] = strings.ReplaceAll(name, " ", "_")
	}
	for _, name := range needed {
		if !slices.Contains(names, name) {
			i.fault(line, "column %q is missing", name)
		}
	}
	if len(i.faults) > faults {
		return nil
	}
	return names
}

func (i *importer) csv(data []byte) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		i.fault(0, "the file is not UTF-8: save it as \"CSV UTF-8\"")
		return
	}
	r := csv.NewReader(bytes.NewReader(data))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	r.FieldsPerRecord = -1
	number := 0
	for line := range bytes.Lines(data) { // before the reader makes a cell of each
		number++
		if n := bytes.Count(line, []byte(string(r.Comma))); n > 10*maxColumns { // a text may have a few
			i.fault(number, "%d columns; at most %d are read", n+1, maxColumns)
			return
		}
	}
	var rows [][]string
	var lines []int
	for {
		cells, err := r.Read()
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				i.fault(bad.Line, "%v", bad.Err)
				return
			}
			break // the end
		}
		line, _ := r.FieldPos(0)
		if !i.room(rows, cells, line) {
			return
		}
		rows, lines = append(rows, cells), append(lines, line)
	}
	i.table(rows, lines)
}

func (i *importer) xlsx(data []byte) {
	book, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped})
	if err != nil {
		i.fault(0, "not a sheet of Excel's: %v", err)
		return
	}
	defer func() { _ = book.Close() }() // its temporary files
	props, err := book.GetWorkbookProps()
	from1904 := err == nil && props.Date1904 != nil && *props.Date1904
	file, empty := i.file, true
	for _, sheet := range book.GetSheetList() {
		i.file = file + "[" + sheet + "]"
		rows, lines, err := i.sheet(book, sheet)
		if err != nil {
			i.fault(0, "%v", err)
			continue
		}
		if len(rows) == 0 {
			continue
		}
		empty = false
		for n := range rows {
			rows[n] = readable(rows[0], rows[n], from1904)
		}
		i.table(rows, lines)
	}
	i.file = file
	if empty && len(i.faults) == 0 {
		i.fault(0, "the workbook is empty")
	}
}

// sheet reads the rows of a sheet that have cells, one by one: a few bytes can say that one has 16,384.
func (i *importer) sheet(book *excelize.File, name string) (rows [][]string, lines []int, err error) {
	all, err := book.Rows(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	for line := 1; all.Next(); line++ {
		cells, err := all.Columns()
		if err != nil {
			return nil, nil, err
		}
		for len(cells) > 0 && cells[len(cells)-1] == "" {
			cells = cells[:len(cells)-1]
		}
		if len(cells) == 0 {
			continue
		}
		if !i.room(rows, cells, line) {
			return nil, nil, nil
		}
		rows, lines = append(rows, slices.Clone(cells)), append(lines, line)
	}
	return rows, lines, all.Error()
}

// readable writes dates and times, which a sheet keeps as days since 1900, as a table has them.
func readable(header, cells []string, from1904 bool) []string {
	for c, value := range cells {
		days, err := strconv.ParseFloat(value, 64)
		if err != nil || c >= len(header) {
			continue
		}
		name := locales.Fold(header[c])
		if english := spanish[name]; english != "" {
			name = english
		}
		at, err := excelize.ExcelDateToTime(days, from1904)
		if err != nil {
			continue
		}
		at = at.Round(time.Minute)
		switch name {
		case "date":
			cells[c] = at.Format(time.DateOnly)
		case "start", "end":
			cells[c] = at.Format("15:04")
		}
	}
	return cells
}

func (i *importer) ics(data []byte) {
	line, depth := shape(data) // before the parser goes down into each thing and keeps each line
	if depth > maxNesting {
		i.fault(line, "more than %d things nested in each other: not a calendar", maxNesting)
		return
	}
	if line > maxLines {
		i.fault(0, "more than %d lines: write fewer sessions to a file", maxLines)
		return
	}
	cal, err := ical.ParseCalendar(bytes.NewReader(data))
	if err != nil {
		i.fault(0, "not an iCalendar file: %v", err)
		return
	}
	var lines []int
	for n, line := range strings.Split(string(data), "\n") {
		if strings.EqualFold(strings.TrimSpace(line), "BEGIN:VEVENT") {
			lines = append(lines, n+1)
		}
	}
	zone := ""
	for _, p := range cal.CalendarProperties {
		if p.IANAToken == "X-WR-TIMEZONE" {
			zone = p.Value
		}
	}
	for n, e := range cal.Events() {
		line := 0
		if n < len(lines) {
			line = lines[n]
		}
		if i.broken() {
			return
		}
		i.event(row{i, line, map[string]string{}}, e, zone)
	}
	if len(cal.Events()) == 0 {
		i.fault(0, "the calendar has no events")
	}
}

// unfold joins the lines that a calendar may break (RFC 5545, 3.1).
var unfold = strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "")

// shape is how many lines a calendar has and how deep things are nested in it. It stops at too much.
func shape(data []byte) (lines, deepest int) {
	depth := 0
	for line := range strings.Lines(unfold.Replace(string(data))) {
		lines++
		switch name, _, _ := strings.Cut(line, ":"); strings.ToUpper(strings.TrimSpace(name)) {
		case "BEGIN":
			depth++
			deepest = max(deepest, depth)
		case "END":
			depth--
		}
		if deepest > maxNesting || lines > maxLines {
			break
		}
	}
	return lines, deepest
}

// event takes an event of a calendar.
func (i *importer) event(r row, e *ical.VEvent, zone string) {
	get := func(p ical.ComponentProperty) string {
		if v := e.GetProperty(p); v != nil {
			return ical.FromText(v.Value)
		}
		return ""
	}
	uid := get(ical.ComponentPropertyUniqueId)
	if uid == "" {
		r.fault(r.line, "the event has no UID, so it would not be known again")
		return
	}
	if get(ical.ComponentPropertyRrule) != "" || get(ical.ComponentPropertyRdate) != "" {
		r.fault(r.line, "the event repeats; write each session by itself")
	}
	sum := sha256.Sum256([]byte(uid))
	r.cells["title"], r.cells["place"] = get(ical.ComponentPropertySummary), get(ical.ComponentPropertyLocation)
	s := Session{ID: "u" + hex.EncodeToString(sum[:8]), Course: r.Course, Title: r.text("title"), Place: r.text("place"),
		Link: get(ical.ComponentPropertyUrl), Cancelled: get(ical.ComponentPropertyStatus) == "CANCELLED"}
	if s.Course == "" {
		r.fault(r.line, "no course: name one with --course")
	} else {
		r.id("course", s.Course)
	}
	var err error
	if s.Start, s.Zone, err = eventTime(e.GetProperty(ical.ComponentPropertyDtStart), zone); err != nil {
		r.fault(r.line, "DTSTART: %v", err)
	}
	if length := get(ical.ComponentPropertyDuration); length != "" {
		if d, err := eventLength(length); err != nil {
			r.fault(r.line, "DURATION: %v", err)
		} else if !s.Start.IsZero() {
			s.End = s.Start.Add(d)
		}
	} else if s.End, s.Zone, err = eventTime(e.GetProperty(ical.ComponentPropertyDtEnd), zone); err != nil {
		r.fault(r.line, "DTEND: %v", err)
	}
	r.put(s, "")
}

var asLength = regexp.MustCompile(`^P(?:(\d{1,2})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:0+S)?)?$`)

// eventLength reads a duration like PT1H30M (RFC 5545, 3.3.6).
func eventLength(text string) (time.Duration, error) {
	m := asLength.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is not a length like PT1H30M", text)
	}
	return time.Duration(number(m[1]))*24*time.Hour + time.Duration(number(m[2]))*time.Hour + time.Duration(number(m[3]))*time.Minute, nil
}

// eventTime reads a time of an event: by the clock of its zone, or in UTC if the calendar says whose
// clock people live by.
func eventTime(p *ical.IANAProperty, calendar string) (time.Time, string, error) {
	if p == nil {
		return time.Time{}, "", errors.New("missing")
	}
	name, value := calendar, p.Value
	if ids := p.ICalParameters["TZID"]; len(ids) == 1 {
		name = strings.Trim(ids[0], `"`)
	} else if !strings.HasSuffix(value, "Z") {
		return time.Time{}, "", errors.New("no time zone: give a TZID")
	}
	zone, err := loadZone(name)
	if err != nil {
		return time.Time{}, "", err
	}
	if at, err := time.Parse("20060102T150405Z", value); err == nil {
		return at.In(zone), name, nil
	}
	at, err := time.Parse("20060102T150405", value)
	if err != nil {
		return time.Time{}, "", fmt.Errorf("%q is not a time like 20261201T090000", value)
	}
	at, err = bot.Moment(at, zone)
	return at, name, err
}
