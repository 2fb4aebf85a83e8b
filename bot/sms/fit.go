package sms

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fit is what is sent for a text.
//
// Typographic characters become the plain ones of a keyboard: quotes, dashes, bullets and spaces in
// every script, ellipses and guillemets in Latin script only. In Latin script emoji and other
// pictographs go, with the space they leave, unless nothing else is there; and the characters that
// GSM-7 lacks are spelled with those it has (á as a, ç as c, œ as oe; é, è, ù, ì, ò, ñ, ü, ä, ö, à and å
// stay) if that brings the text to GSM-7 and saves a segment. Other scripts, and a Latin text with a
// word of another script in it, stay as they are: no spelling brings them to GSM-7.
//
// The result is valid UTF-8, never takes more segments than the text, and Fit does not change it again.
func Fit(text string) string { return fit([]string{text})[0] }

// fit fits the parts of one message alike, so that not one part has accents and the next has none.
// Sizes are those of the parts joined by newlines.
func fit(parts []string) []string {
	all, latin := true, true
	var before count
	for i, p := range parts {
		if i > 0 {
			before.add(1, 1)
		}
		for _, r := range p {
			width := septets(r)
			if width == 0 {
				all = false
				latin = latin && !foreign(r)
			}
			before.add(width, units(r))
		}
	}
	if all {
		return parts
	}
	best := make([]string, len(parts))
	for i, p := range parts {
		best[i] = simplify(p, latin)
	}
	size := segments(best)
	if latin && size > 1 {
		if spelled, ok := spell(best); ok {
			if n := segments(spelled); n < size {
				best, size = spelled, n
			}
		}
	}
	if size > before.segments() { // as of 67 ellipses, each of them now three characters
		for i, p := range parts {
			best[i] = strings.Map(func(r rune) rune { return r }, p) // only made valid
		}
	}
	return best
}

// fitTo fits a text that is sent with another, which is fitted already, so that it does not bring that
// out of GSM-7.
func fitTo(other, text string) string {
	text = Fit(text)
	if !narrow(text) && narrow(other) {
		if spelled, ok := spellOne(text); ok {
			return spelled
		}
	}
	return text
}

// segments is what the parts joined by newlines take.
func segments(parts []string) int32 {
	var c count
	for i, p := range parts {
		if i > 0 {
			c.add(1, 1)
		}
		c.addText(p)
	}
	return c.segments()
}

// foreign reports whether a character that GSM-7 lacks belongs to another script than Latin.
func foreign(r rune) bool {
	if r < 0x0370 { // Latin letters, signs and accents
		return false
	}
	return (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r)) &&
		!unicode.In(r, unicode.Latin, unicode.Common, unicode.Inherited)
}

// simplify makes typographic characters plain and, in Latin script, drops pictographs.
func simplify(text string, latin bool) string {
	if narrow(text) {
		return text
	}
	if !latin {
		return strings.Map(keyboard, text)
	}
	// Dropping what stands between a letter and an accent brings the two together: hence again.
	text = compose(text)
	out := compose(plain(text, true))
	if strings.TrimSpace(out) == "" {
		return compose(plain(text, false))
	}
	return out
}

// compose writes letters with their accents as one character where Unicode has it (NFC). Nothing below
// U+0300, the first of the combining accents, is changed by it, and nothing below has its first byte.
func compose(text string) string {
	for i := range len(text) {
		if text[i] >= 0xCC {
			return norm.NFC.String(text)
		}
	}
	return text
}

// keyboard is the plain character for a typographic one: always one for one, of no greater size.
func keyboard(r rune) rune {
	switch r {
	case '‘', '’', '‚', '‛', '′', '´', '`', 'ʹ', 'ʼ', 'ʻ', 'ʽ', '‹', '›':
		return '\''
	case '“', '”', '„', '‟', '″':
		return '"'
	case '‐', '‑', '‒', '–', '—', '―', '−', '⁃', '•', '‣', '◦', '·', '∙', '●', '○', '▪', '▫', '■', '□', '◆', '►':
		return '-'
	case '\u2028', '\u2029', '\u0085', '\v':
		return '\n'
	case '\t':
		return ' '
	}
	if unicode.Is(unicode.Zs, r) {
		return ' '
	}
	return r
}

// plain writes a Latin text with plain characters and, if drop is true, without pictographs.
func plain(text string, drop bool) string {
	w := writer{out: make([]byte, 0, len(text))}
	for _, r := range text {
		switch {
		case septets(r) != 0:
			w.write(r)
		case r == '…':
			w.write('.')
			w.out = append(w.out, ".."...)
		case r == '«':
			w.write('"')
		case r == '»':
			if isNoBreak(w.last) && len(w.out) > 0 && w.out[len(w.out)-1] == ' ' {
				w.out = w.out[:len(w.out)-1]
			}
			w.write('"')
		case isNoBreak(r) && w.last == '«': // French sets guillemets off with it
		case drop && isPictograph(r):
			w.gone = true
		case drop && isInvisible(r):
		default:
			w.write(keyboard(r))
		}
		w.last = r
	}
	w.end()
	return string(w.out)
}

// A writer writes a text without the spaces that dropped pictographs leave.
type writer struct {
	out  []byte
	last rune // as it was read
	line int  // where the line begins in out
	gone bool // a pictograph was dropped since the last visible character
}

func (w *writer) write(r rune) {
	if w.gone {
		switch r {
		case ' ':
			if len(w.out) == w.line || w.out[len(w.out)-1] == ' ' {
				return
			}
			w.out = append(w.out, ' ')
			return
		case '\n':
			w.trim()
			w.gone = false
			if len(w.out) == w.line { // the line was a pictograph and nothing else
				return
			}
		case '.', ',', ';', ':', '!', '?', ')', ']':
			w.trim()
		}
		w.gone = false
	}
	w.out = utf8.AppendRune(w.out, r)
	if r == '\n' {
		w.line = len(w.out)
	}
}

// end takes away what a pictograph at the end leaves.
func (w *writer) end() {
	if !w.gone {
		return
	}
	w.trim()
	if n := len(w.out); n > 0 && n == w.line {
		w.out = w.out[:n-1]
	}
}

func (w *writer) trim() {
	for len(w.out) > w.line && w.out[len(w.out)-1] == ' ' {
		w.out = w.out[:len(w.out)-1]
	}
}

func isNoBreak(r rune) bool { return r == '\u00a0' || r == '\u202f' }

// isPictograph reports whether a character is an emoji or a sign of the kind: a symbol that no letters
// stand for. Unicode calls them "other symbols"; skin tones and a few squares are elsewhere.
func isPictograph(r rune) bool {
	switch {
	case r == '\uFFFC' || r == '\uFFFD': // a damaged text should show it
		return false
	case r == 'ℹ', r >= 0x1F3FB && r <= 0x1F3FF, r >= 0x25FB && r <= 0x25FE:
		return true
	}
	return unicode.Is(unicode.So, r) && letters(r) == "" && keyboard(r) == r
}

// isInvisible reports whether a character shows nothing in Latin script, or only changes the emoji
// before it: joiners, variation selectors, the keycap, marks of direction, soft hyphens, controls.
func isInvisible(r rune) bool {
	switch {
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF, r == 0x20E3, r == 0x034F:
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Cc) && keyboard(r) == r
}

// spell writes the parts with the characters of GSM-7 alone. It reports false if it cannot.
func spell(parts []string) ([]string, bool) {
	out := make([]string, len(parts))
	for i, p := range parts {
		spelled, ok := spellOne(p)
		if !ok {
			return nil, false
		}
		out[i] = spelled
	}
	return out, true
}

func spellOne(text string) (string, bool) {
	if narrow(text) {
		return text, true
	}
	var b strings.Builder
	b.Grow(len(text))
	last := ' '
	for _, r := range text {
		switch {
		case septets(r) != 0:
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r): // an accent on a letter that has no character with it
		case unicode.Is(unicode.No, r) && unicode.IsDigit(last): // 10² is not 102
			return "", false
		default:
			s := letters(r)
			if s == "" {
				return "", false
			}
			b.WriteString(s)
		}
		last = r
	}
	return b.String(), strings.TrimSpace(b.String()) != ""
}

// letters is a character spelled with those of GSM-7, "" if it cannot be.
func letters(r rune) string {
	if r >= firstAccent && r < lastAccent {
		return accented[r-firstAccent]
	}
	return decompose(r)
}

// The letters with accents of the languages of Europe, Africa and the Americas: spelled ahead, because
// they are most of what has to be.
const firstAccent, lastAccent = 0x00A0, 0x0250

var accented = func() (table [lastAccent - firstAccent]string) {
	for r := rune(firstAccent); r < lastAccent; r++ {
		table[r-firstAccent] = decompose(r)
	}
	return table
}()

// decompose spells a character as Unicode takes it apart (NFKD), without the accents.
func decompose(r rune) string {
	if s := whole[r]; s != "" {
		return s
	}
	var b strings.Builder
	for _, part := range string(norm.NFKD.PropertiesString(string(r)).Decomposition()) {
		switch {
		case septets(part) != 0:
			b.WriteRune(part)
		case whole[part] != "":
			b.WriteString(whole[part])
		case !unicode.Is(unicode.Mn, part):
			return ""
		}
	}
	return strings.TrimSpace(b.String())
}

// whole spells what Unicode does not take apart: the letters that languages written in Latin script
// make whole (among them the saltillo of Mexico's own languages), and common signs.
var whole = map[rune]string{
	'œ': "oe", 'Œ': "OE", 'þ': "th", 'Þ': "Th", 'ẞ': "ß",
	'ɓ': "b", 'đ': "d", 'ð': "d", 'ɖ': "d", 'ɗ': "d", 'ə': "e", 'ɛ': "e", 'ǝ': "e", 'ƒ': "f", 'ħ': "h",
	'Ɓ': "B", 'Đ': "D", 'Ð': "D", 'Ɖ': "D", 'Ɗ': "D", 'Ə': "E", 'Ɛ': "E", 'Ǝ': "E", 'Ƒ': "F", 'Ħ': "H",
	'ı': "i", 'ɨ': "i", 'ƙ': "k", 'ĸ': "k", 'ł': "l", 'ƚ': "l", 'ŋ': "n", 'ɔ': "o", 'ŧ': "t", 'ʉ': "u", 'ƴ': "y",
	'Ɨ': "I", 'Ƙ': "K", 'Ł': "L", 'Ƚ': "L", 'Ŋ': "N", 'Ɔ': "O", 'Ŧ': "T", 'Ʉ': "U", 'Ƴ': "Y",
	'ꞌ': "'", 'Ꞌ': "'", 'ʔ': "'", 'ɂ': "'", 'ʾ': "'", 'ʿ': "'", 'ˈ': "'",
	'°': "o", 'µ': "u", '¢': "c", '©': "(c)", '®': "(R)", '¦': "|", '⁄': "/", '÷': "/", '×': "x",
	'→': "->", '←': "<-", '≤': "<=", '≥': ">=",
}
