package content

import (
	"faro/bot/sms"
	"faro/locales"
)

// maxReadySegments is what a ready-made notice may take by SMS. It goes to everyone at a facility at
// once, and the one who needs it most must get all of it.
const maxReadySegments = 3

// longBlanks are what ready-made notices are measured with, by blank: as long as coordinators fill them
// in, a place of 60 characters, with accents as it will have them.
var longBlanks = locales.Args{
	"day":   "miércoles, 22 de septiembre de 2027",
	"time":  "12:30 p. m.",
	"until": "12:45 p. m.",
	"place": "Patio de atrás, junto a la cancha de fútbol y la enfermería.",
}

// checkReady holds the ready-made notices to their segments, filled and spelled as they are sent.
func (c *Content) checkReady() []locales.Finding {
	var found []locales.Finding
	fill := locales.Args{"phone": c.Flows.Phones()}
	for blank, long := range longBlanks {
		fill[blank] = long
	}
	for _, l := range c.Book.Languages() {
		for _, r := range c.Flows.ReadyNotices() {
			key := r.TextKey()
			text, ok := c.Book.Text(l.Tag, key, fill)
			if !ok {
				continue // missing, which package flows reports
			}
			if size := sms.Measure(sms.Fit(text)); size.Segments > maxReadySegments {
				found = append(found, c.finding(l.Tag, key, "%s takes %d SMS segments (%s) with long blanks; it may take %d",
					key, size.Segments, size.Encoding, maxReadySegments))
			}
		}
	}
	return found
}
