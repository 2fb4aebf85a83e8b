package locales

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold reduces a text to what two spellings of it have in common: lower case, without accents,
// punctuation, emoji, zero-width characters and direction overrides, digits of any script as
// 0 to 9, words parted by one space. It is for comparing, never for showing.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(s, " ")) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9': // most are, and the tables take long to search
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case Invisible(r):
			continue
		case unicode.IsDigit(r):
			r = '0' + rune(digit(r))
		case unicode.IsLetter(r):
			r = unicode.ToLower(r)
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
			continue
		default:
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Invisible reports whether a character shows nothing and could disguise what is beside it: marks of
// direction, zero-width characters, fillers (Unicode's category Cf and Other_Default_Ignorable_Code_Point).
func Invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// digit is the value of a decimal digit. Unicode encodes the digits 0 to 9 of every script in order
// and keeps only whole sets of ten together (The Unicode Standard, section 4.6).
func digit(r rune) int {
	for _, t := range unicode.Nd.R16 {
		if uint16(r) >= t.Lo && uint16(r) <= t.Hi && r <= 0xffff {
			return int(uint16(r)-t.Lo) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if uint32(r) >= t.Lo && uint32(r) <= t.Hi {
			return int(uint32(r)-t.Lo) % 10
		}
	}
	return 0
}
