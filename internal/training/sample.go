package training

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"faro/internal/table"
)

// Size of the sample: the course of the notice of 2014 that trained 963 officials of eleven delegations, in
// ten days and eight modules.
const (
	samplePeople = 963
	sampleGroups = 8
	sampleDays   = 10
)

var sampleModules = [sampleGroups]struct{ title, speakers string }{
	{"Colaboración entre instituciones", "INM, OIM, CNDH, ACNUR"},
	{"Estaciones migratorias en el mundo", "OIM"},
	{"Marco jurídico de la migración", "INM"},
	{"Derechos humanos", "CNDH"},
	{"Género", "OIM"},
	{"Manejo de crisis", "INM, OIM"},
	{"Atención a grupos vulnerables", "ACNUR, DIF"},
	{"Trata y secuestro de migrantes", "CNDH, OIM"},
}

var sampleDelegations = []struct{ name, zone string }{
	{"Baja California", "America/Tijuana"}, {"Sonora", "America/Hermosillo"}, {"Chihuahua", "America/Chihuahua"},
	{"Coahuila", "America/Monterrey"}, {"Tamaulipas", "America/Matamoros"}, {"Veracruz", "America/Mexico_City"},
	{"Tabasco", "America/Mexico_City"}, {"Oaxaca", "America/Mexico_City"}, {"Chiapas", "America/Mexico_City"},
	{"Quintana Roo", "America/Cancun"}, {"Ciudad de México", "America/Mexico_City"},
}

var samplePlaces = [sampleGroups]struct{ place, zone string }{
	{"Aula 1, Tijuana", "America/Tijuana"}, {"Aula 1, Hermosillo", "America/Hermosillo"}, {"Sala A, Ciudad Juárez", "America/Ciudad_Juarez"},
	{"Aula 2, Monterrey", "America/Monterrey"}, {"Auditorio, Tapachula", "America/Mexico_City"}, {"Sala B, Villahermosa", "America/Mexico_City"},
	{"Aula 3, Chetumal", "America/Cancun"}, {"Auditorio, Ciudad de México", "America/Mexico_City"},
}

// Sample is a programme to try everything with: invented people in eight groups, each with a session on
// each of ten working days from first.
func Sample(first time.Time) *Programme {
	p := NewProgramme()
	for g, at := range samplePlaces {
		course := fmt.Sprintf("grupo-%d", g+1)
		p.Courses[course] = &Course{ID: course, Title: fmt.Sprintf("Grupo %d", g+1)}
		zone, err := loadZone(at.zone)
		if err != nil { // the zones are built in
			panic(err)
		}
		day := first
		for d := range sampleDays {
			for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
				day = day.AddDate(0, 0, 1)
			}
			m := sampleModules[(g+d)%len(sampleModules)]
			id := fmt.Sprintf("g%d-d%02d", g+1, d+1)
			p.Sessions[id] = &Session{ID: id, Course: course, Title: m.title, Place: at.place, Speakers: m.speakers, Zone: at.zone, Version: 1, Code: newCode(),
				Start: time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, zone), End: time.Date(day.Year(), day.Month(), day.Day(), 13, 0, 0, 0, zone)}
			day = day.AddDate(0, 0, 1)
		}
	}
	for n := range samplePeople {
		d := sampleDelegations[n%len(sampleDelegations)]
		id := fmt.Sprintf("of-%04d", n+1)
		p.Members[id] = &Member{ID: id, Courses: []string{fmt.Sprintf("grupo-%d", n%sampleGroups+1)}, Delegation: d.name, Zone: d.zone, Lang: "es"}
	}
	return p
}

// WriteSheets writes the programme as the two tables that Import reads. Phone numbers are not known
// and not written.
func (p *Programme) WriteSheets(sessions, people io.Writer) error {
	s := table.New(sessions, under(sessionColumns)...)
	for _, x := range p.Sorted() {
		leads := ""
		if x.Reminders != nil {
			leads = "none"
			for i, l := range x.Reminders {
				leads = strings.TrimSpace(strings.Repeat(leads+" ", min(i, 1)) + l.String())
			}
		}
		cancelled := map[bool]string{true: "yes"}[x.Cancelled]
		s.Row(x.ID, x.Course, p.Courses[x.Course].Title, x.Module, x.Title, x.Place, x.Link, x.Speakers, x.Start.Format(time.DateOnly),
			x.Start.Format("15:04"), x.End.Format("15:04"), x.Zone, strings.Join(x.Audience, ";"), leads, cancelled)
	}
	w := table.New(people, personColumns...)
	for _, id := range slices.Sorted(maps.Keys(p.Members)) {
		m := p.Members[id]
		w.Row(m.ID, strings.Join(m.Courses, ";"), m.Delegation, m.Facility, m.Zone, "", string(m.Lang))
	}
	return errors.Join(s.Close(), w.Close())
}

// under are names of columns as they are written.
func under(names []string) (all []string) {
	for _, n := range names {
		all = append(all, strings.ReplaceAll(n, " ", "_"))
	}
	return all
}
