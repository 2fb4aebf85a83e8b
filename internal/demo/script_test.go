package demo

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"faro/bot"
)

// someone is a session as a browser makes it.
const someone session = "3f2b8c1e-5a4d-4e6f-8a9b-0c1d2e3f4a5b"

// A script answers a few inputs as Faro would, at once, so that a reply overtakes the answer to the
// request that caused it.
type script struct {
	page *Page
	mu   sync.Mutex
	got  []bot.Input
	away bool // the store is away
}

func newScript(t *testing.T) (*script, *httptest.Server) {
	t.Helper()
	s := &script{}
	s.page = New(s.post, slogDiscard())
	server := httptest.NewServer(s.page.Handler())
	t.Cleanup(func() {
		s.page.Close()
		server.Close()
	})
	return s, server
}

func slogDiscard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (s *script) inputs() []bot.Input {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]bot.Input(nil), s.got...)
}

func (s *script) post(_ context.Context, ch bot.Channel, address string, in bot.Input) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errors.New("the store is away")
	}
	s.got = append(s.got, in)
	for _, m := range answers(ch, in) {
		if _, err := s.page.Deliver(ch, address, m); err != nil {
			return err
		}
	}
	return nil
}

func row(options ...string) (row []bot.Option) {
	for i := 0; i < len(options); i += 2 {
		row = append(row, bot.Option{Label: options[i], Data: options[i+1]})
	}
	return row
}

const (
	menuTitle = "¿Qué necesitas?"
	legal     = "Pedir refugio"
	arabic    = "هل تحتاج إلى مساعدة؟ يمكنك الاتصال على 911 في أي وقت."
)

func answers(ch bot.Channel, in bot.Input) []Shown {
	if ch == bot.SMS {
		return texts(in)
	}
	menu := Shown{
		Lang: "es", Text: menuTitle + "\n\nElige un tema o escribe tu pregunta en pocas palabras.", Bold: 15,
		Rows: [][]bot.Option{
			row(legal, "answer/asylum", "Documentos", "group/papers"),
			row("Mi familia y mis hijas e hijos", "group/family"),
			row("Me detuvieron o quieren devolverme a la frontera: qué puedo hacer ahora", "group/detained"),
			row("Idioma", "language", "Ayuda urgente", "answer/emergency"),
		},
	}
	words := string(in.Words)
	switch {
	case in.Kind == bot.Start:
		return []Shown{{
			Lang: "es", Text: "Elige tu idioma / Choose your language / Choisis ta langue",
			Rows: [][]bot.Option{
				row("Español", "lang/es", "English", "lang/en"),
				row("Français", "lang/fr", "Português", "lang/pt"),
				row("Kreyòl ayisyen", "lang/ht", "العربية", "lang/ar"),
			},
		}}
	case in.Kind == bot.Choice && in.Choice == "lang/es":
		menu.Replace = in.Message
		return []Shown{menu}
	case in.Kind == bot.Choice && in.Choice == "answer/asylum":
		return []Shown{{
			Lang: "es", Replace: in.Message, Bold: 13,
			Text: legal + "\n\nTienes 30 días hábiles desde que entraste a México para pedir refugio en COMAR. El trámite es gratis y nadie puede devolverte mientras dura.\n\n" +
				"Si ya pasaron los 30 días, pídelo de todos modos y explica por qué tardaste.\n\nRevisado: agosto de 2026",
			Rows: [][]bot.Option{row("👍 Me sirvió", "yes/asylum", "👎 No me sirvió", "no/asylum"), row("Atrás", "back", "Menú", "menu")},
		}}
	case words == "menu":
		return []Shown{menu}
	case words == "salir":
		return []Shown{{Lang: "es", Text: "Todo bien. Hasta luego.", Wipe: true}}
	case words == "عربي":
		return []Shown{{Lang: "ar", RightToLeft: true, Text: arabic, Bold: 20,
			Rows: [][]bot.Option{row("رجوع", "back", "القائمة", "menu")}}}
	case words == "two":
		return []Shown{{Lang: "en", Text: "One."}, {Lang: "en", Text: "Two."}}
	}
	return []Shown{{Lang: "en", Text: "I do not have an answer to that."}}
}

func texts(in bot.Input) []Shown {
	switch string(in.Words) {
	case "HOLA":
		return []Shown{{
			Lang: "es", Encoding: "GSM-7", Units: 212, Segments: 2,
			Text: "Elige tu idioma y responde con el numero:\n1 Español\n2 English\n3 Français\n4 Portugues\n5 Kreyol ayisyen\n\nNo guardamos lo que escribes. Para borrar todo, escribe BORRAR. Para no recibir mas mensajes, escribe ALTO.",
		}}
	case "1":
		return []Shown{{
			Lang: "es", Encoding: "GSM-7", Units: 148, Segments: 1, Page: 1, Pages: 2,
			Text: "¿Que necesitas?\n1 Pedir refugio\n2 Documentos\n3 Mi familia\n4 Me detuvieron\n5 Trabajo\n\n9 = mas. SOS = ayuda urgente. IDIOMA, AYUDA, ALTO.",
		}}
	case "عربي":
		return []Shown{{Lang: "ar", RightToLeft: true, Text: arabic, Encoding: "UCS-2", Units: 54, Segments: 1}}
	}
	return []Shown{{Lang: "en", Text: "Sorry, I did not understand.", Encoding: "GSM-7", Units: 28, Segments: 1}}
}

// say posts a body as a page of the same origin does.
func say(t *testing.T, server *httptest.Server, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/demo/say", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return do(t, server, r)
}

func do(t *testing.T, server *httptest.Server, r *http.Request) *http.Response {
	t.Helper()
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}
