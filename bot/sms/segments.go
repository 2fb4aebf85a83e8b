package sms

// An Encoding is how a text travels.
type Encoding string

// The encodings there are. A phone network needs the whole of a message in one of them.
const (
	GSM7 Encoding = "GSM-7" // 3GPP TS 23.038, 6.2.1: seven bits a septet
	UCS2 Encoding = "UCS-2" // 3GPP TS 23.038, 6.2.3: sixteen bits a unit, in practice UTF-16
)

// What one message holds, and what each segment of a longer one holds beside its header.
// 3GPP TS 23.040, 9.2.3.24.1.
const (
	septetsAlone, septetsEach = 160, 153
	unitsAlone, unitsEach     = 70, 67
)

// A Size is what a text costs to send.
type Size struct {
	Encoding Encoding `json:"encoding"`
	Units    int      `json:"units"`    // septets in GSM-7, UTF-16 code units in UCS-2
	Segments int      `json:"segments"` // messages on the network, 0 for an empty text: it is not sent
}

// Measure is the size of a text exactly as it is given. Bytes that are not UTF-8 count as U+FFFD.
func Measure(text string) Size {
	var c count
	c.addText(text)
	size := Size{Encoding: GSM7, Units: int(c.septets.units()), Segments: int(c.segments())}
	if c.wide {
		size.Encoding, size.Units = UCS2, int(c.utf16.units())
	}
	return size
}

// The default alphabet and, behind an escape and so two septets each, its extension.
// 3GPP TS 23.038, 6.2.1 and 6.2.1.1. Its other characters are in septets.
const (
	alphabet = "\n\r !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz" +
		"¡£¤¥§¿ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùü"
	extension = "\f^{}\\[~]|"
)

// latin1 holds the septets of the characters below U+0100, most of what is ever sent.
var latin1 = func() (table [0x100]uint8) {
	for _, r := range alphabet {
		table[r] = 1
	}
	for _, r := range extension {
		table[r] = 2
	}
	return table
}()

// septets is how many septets a character takes in GSM-7, 0 if it has none.
func septets(r rune) uint8 {
	if r < 0x100 {
		return latin1[r]
	}
	switch r {
	case 'Γ', 'Δ', 'Θ', 'Λ', 'Ξ', 'Π', 'Σ', 'Φ', 'Ψ', 'Ω':
		return 1
	case '€':
		return 2
	}
	return 0
}

// units is how many UTF-16 code units a character takes.
func units(r rune) uint8 {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// narrow reports whether a text can be sent in GSM-7.
func narrow(text string) bool {
	for _, r := range text {
		if septets(r) == 0 {
			return false
		}
	}
	return true
}

// A count is the size of a text up to some character. The zero value is that of no text. It packs the
// text in both encodings, because the last character can still change which one is needed.
type count struct {
	septets, utf16 packed
	wide           bool // a character that GSM-7 lacks was counted
}

// packed is where a text ends when it is cut into segments: the units taken and, of these, how many
// stay empty at the ends of segments because the next character is of two units. Neither an escape and
// its character nor a surrogate pair may be parted (3GPP TS 23.040, 9.2.3.24.1).
type packed struct{ taken, empty int32 }

func (p *packed) add(width uint8, each int32) {
	if width == 2 && p.taken%each == each-1 {
		p.taken++
		p.empty++
	}
	p.taken += int32(width)
}

func (p packed) units() int32 { return p.taken - p.empty }

func (p packed) segments(alone, each int32) int32 {
	switch n := p.units(); {
	case n == 0:
		return 0
	case n <= alone:
		return 1
	}
	return (p.taken + each - 1) / each
}

func (c *count) add(septets, units uint8) {
	c.utf16.add(units, unitsEach)
	if septets == 0 {
		c.wide = true
	}
	c.septets.add(septets, septetsEach)
}

func (c *count) addText(text string) {
	for _, r := range text {
		c.add(septets(r), units(r))
	}
}

func (c count) segments() int32 {
	if c.wide {
		return c.utf16.segments(unitsAlone, unitsEach)
	}
	return c.septets.segments(septetsAlone, septetsEach)
}
