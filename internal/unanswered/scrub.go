package unanswered

import (
	"regexp"
	"strings"
	"unicode"

	"faro/locales"
)

// Cut is put in the place of what could name someone.
const Cut = "…"

// longest is how many words of a question are kept.
const longest = 40

// introductions are said before a name, in any language of ours, folded.
var introductions = phrases("soy", "me llamo", "mi nombre es", "se llama", "llamado", "llamada", "nombre", "habla", "atentamente",
	"i am", "i m", "im", "my name is", "name is", "named", "called", "this is", "name",
	"je m appelle", "je suis", "m appelle", "s appelle", "mon nom est", "nom", "c est", "moi c est",
	"me chamo", "meu nome e", "eu sou", "sou", "se chama", "chamado", "chamada", "nome",
	"m rele", "mwen rele", "rele", "non m se", "non mwen se", "non li se", "m se", "mwen se")

// places are said before an address, folded.
var places = phrases("calle", "avenida", "av", "colonia", "col", "barrio", "fraccionamiento", "manzana", "lote", "numero", "vivo en", "domicilio",
	"street", "avenue", "road", "live at", "address is", "house", "rue", "boulevard", "habite", "quartier", "rua", "bairro", "moro na", "moro em",
	"lari", "ri", "rete nan")

const (
	afterName  = 3 // words cut after an introduction: names have as many
	afterPlace = 4
)

// outside is a link, an e-mail address or the name of an account.
var outside = regexp.MustCompile(`(?i)https?:|www\.|@|[a-z0-9]\.[a-z]{2,}(/|$)`)

func phrases(all ...string) map[string]bool {
	set := map[string]bool{}
	for _, p := range all {
		set[p] = true
	}
	return set
}

// Scrub cuts from words what could name a person or a place: everything with a digit, links and
// accounts, what follows an introduction or the beginning of an address, and words written like
// names. It rather cuts too much.
func Scrub(text string) string {
	words := strings.Fields(text)
	words = words[:min(len(words), longest)]
	folded := make([]string, len(words))
	for i, w := range words {
		folded[i] = locales.Fold(w)
	}
	var out []string
	cut := 0
	for i, w := range words {
		cut-- // words still to be cut
		switch {
		case cut >= 0, strings.ContainsFunc(w, unicode.IsDigit), outside.MatchString(w), i > 0 && isName(words[i-1], w):
			if len(out) == 0 || out[len(out)-1] != Cut {
				out = append(out, Cut)
			}
		default:
			out = append(out, w)
		}
		switch so := folded[:i+1]; {
		case ends(so, introductions):
			cut = afterName
		case ends(so, places):
			cut = afterPlace
		}
	}
	return strings.Join(out, " ")
}

// ends reports whether words end with one of the phrases.
func ends(words []string, in map[string]bool) bool {
	for n := 1; n <= 4 && n <= len(words); n++ {
		if in[strings.Join(words[len(words)-n:], " ")] {
			return true
		}
	}
	return false
}

// isName reports whether a word is written like a name: with a capital within a sentence. Short words
// in capitals are names of authorities, such as COMAR.
func isName(before, word string) bool {
	r := []rune(strings.TrimLeftFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }))
	if len(r) == 0 || !unicode.IsUpper(r[0]) || strings.ContainsAny(before[len(before)-1:], ".!?") {
		return false
	}
	const authority = 5
	upper := strings.ToUpper(string(r)) == string(r)
	return len(r) > 1 && !(upper && len(r) <= authority)
}
