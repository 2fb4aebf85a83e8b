package fakes

import "strings"

// The alphabet of GSM 03.38 and, each counting twice, its extension. 3GPP TS 23.038, 6.2.1.
const (
	gsmBasic     = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// segments is how many parts a text is sent in: 160 septets, or 153 in each of several; 70 UTF-16
// units, or 67, when a character is not of the GSM alphabet. A character of two is not broken.
func segments(text string) int {
	one, many := 160, 153
	width := func(r rune) int {
		if strings.ContainsRune(gsmExtension, r) {
			return 2
		}
		return 1
	}
	for _, r := range text {
		if !strings.ContainsRune(gsmBasic, r) && !strings.ContainsRune(gsmExtension, r) {
			one, many = 70, 67
			width = func(r rune) int {
				if r > 0xFFFF {
					return 2
				}
				return 1
			}
			break
		}
	}
	total, parts, used := 0, 1, 0
	for _, r := range text {
		w := width(r)
		if total += w; used+w > many {
			parts++
			used = 0
		}
		used += w
	}
	if total <= one {
		return 1
	}
	return parts
}
