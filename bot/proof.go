package bot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"strings"

	"faro/flows"
	"faro/locales"
)

// Where a carrier lets somebody send text messages with another's number, they are taken for that person, but what is
// answered goes to the real phone. So by SMS, what reaches others is done only by a code that was read there.

// A Secret is what the codes of one person are made with. Nobody else can compute it. With none, no code is right.
type Secret string

// String hides the secret.
func (Secret) String() string { return redacted }

// GoString hides the secret.
func (Secret) GoString() string { return redacted }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// codeLength is short enough to be typed; of 60 million codes nobody hits one, at 20 messages a minute.
const codeLength = 6

// code is the code about something. It has neither vowels nor digits, so that nobody writes it but to answer.
func (k Secret) code(about string) string {
	const letters = "BCDFGHJKLMNPQRSTVWXZ"
	mac := hmac.New(sha256.New, []byte(k))
	mac.Write([]byte(about))
	code := mac.Sum(nil)[:codeLength]
	for i, b := range code {
		code[i] = letters[int(b)%len(letters)]
	}
	return string(code)
}

// proves reports whether some words are the code about something.
func (k Secret) proves(words, about string) bool {
	return k != "" && locales.Fold(words) == locales.Fold(k.code(about))
}

// codeLike are folded words that can be meant as a code, and as nothing else.
var codeLike = regexp.MustCompile(`^[^\Waeiou_]+$`)

// sheet is what a notice is, whom it is for and when: a code about it can send nothing else.
func (n *Notice) sheet() string {
	text, err := json.Marshal(n)
	if err != nil { // its fields can all be written
		panic(err)
	}
	return string(text)
}

// reaching are the acts that reach others, or what they will get, with the end of the key "label.…" that says what is
// done; a deed has its own. Sending a notice is not among them: the sheet that counts it has its code.
var reaching = map[string]string{"post": "post-yes", "cancel": "cancel", "remind": "remind", "remind-unanswered": "remind", "invite": "invite", "deed": ""}

// proof leads to the screen that asks for a code, if what a step does reaches others and nothing says yet who wants it.
// Its argument is what it is for, and what makes it another code each time.
func (s *step) proof(to, arg string) (string, string) {
	if _, reaches := reaching[s.content.Steps[to].Does]; !reaches || s.in.Channel != SMS || s.proved {
		return to, arg
	}
	return flows.Prove, digest(s.in.ID) + "." + to + "/" + arg
}

// unproved is the target that such a screen asks a code for.
func unproved(arg string) (target string) {
	_, target, _ = strings.Cut(arg, ".")
	return target
}

// coded is the target that some words are the code of, "" if they are none.
func (s *step) coded(words string) string {
	key, at := s.in.Desk.Secret, s.Dialogue.At
	if n := s.Dialogue.Draft.Notice; n != nil && s.Person.Role.Coordinates() && key.proves(words, n.sheet()) {
		return flows.NoticeSend + "/" + words
	}
	if at.Step == flows.Prove && key.proves(words, at.Arg) {
		s.proved = true
		return unproved(at.Arg)
	}
	return ""
}

// proofArgs are what the screen that asks for a code shows: the code, and what it does.
func (s *step) proofArgs(arg string, lang locales.Lang) locales.Args {
	to, about := flows.Split(unproved(arg))
	does := ""
	if at := s.content.Steps[to]; at != nil {
		does = at.Does
	}
	label, what := reaching[does], ""
	switch does {
	case "post":
		what = s.describe(lang, s.drafted())
	case "invite":
		if c := s.course(about); c != nil {
			what = c.Title
		}
	case "deed":
		act, n := s.deed(about)
		if label = "act-" + act; n != nil {
			what = s.noticeName(&n.Notice, lang)
		}
	default:
		if x := s.session(about); x != nil {
			what = s.describe(lang, *x)
		}
	}
	return locales.Args{"code": s.in.Desk.Secret.code(arg), "act": s.text(lang, "label."+label, nil), "what": what}
}
