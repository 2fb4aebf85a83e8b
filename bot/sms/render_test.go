package sms

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"faro/bot"
)

// reply is a typical answer: of 380 characters, the most that answers may have, and three options.
func reply() bot.Reply {
	text := "Pide hoy, por escrito: ¿por qué estoy aquí y qué sigue? Tienes derecho a intérprete, asesoría legal, " +
		"ver tu expediente, llamadas, comida y atención médica. No tener papeles no es delito. ¿Te maltratan? " +
		"CNDH 800 715 2000. Pasadas 36 horas pide un defensor público gratis: IFDP 800 22 42 426. "
	return bot.Reply{
		Lang: "es", Title: "Mis derechos", Text: text + strings.Repeat("También puedes pedir amparo. ", 2) + "(Al 1 de marzo de 2026.)",
		Options: []bot.Option{{Label: "👍 Me sirvió"}, {Label: "👎 No me sirvió"}, {Label: "Asesoría legal y papeles"}},
		Nav:     []bot.Option{{Label: "☰ Menú"}}, Footer: "0=menú SOS=peligro", More: "9=más",
	}
}

func TestRender(t *testing.T) {
	r := reply()
	if got := Render(r); got.Pages != 1 || got.Segments != 3 || got.Encoding != GSM7 {
		t.Errorf("page %d of %d, %+v", got.Page, got.Pages, got.Size)
	}
	r.Budget = 2
	got := Render(r)
	if got.Pages != 2 || got.Page != 0 || got.Size != Measure(got.Text) || got.Encoding != GSM7 || got.Segments != 2 {
		t.Errorf("page %d of %d, %+v", got.Page, got.Pages, got.Size)
	}
	if !strings.HasPrefix(got.Text, "Pide hoy") || !strings.HasSuffix(got.Text, "\n9=mas 0=menu SOS=peligro") {
		t.Errorf("first page %q", got.Text)
	}
	r.Page = 1
	if got = Render(r); got.Page != 1 || !strings.HasSuffix(got.Text, "1 Me sirvio\n2 No me sirvio\n3 Asesoria legal y papeles\n0=menu SOS=peligro") {
		t.Errorf("page %d, %q", got.Page, got.Text)
	}
	r.Page = 20
	if past := Render(r); past != got {
		t.Errorf("past the end is page %d", past.Page)
	}
	r.Page = -1
	if before := Render(r); before.Page != 0 {
		t.Errorf("before the start is page %d", before.Page)
	}
	r.Page, r.Budget = 0, 1
	if got = Render(r); got.Segments != 1 || got.Pages < 4 {
		t.Errorf("with a budget of one: page 1 of %d, %+v", got.Pages, got.Size)
	}
}

func TestRenderTitle(t *testing.T) {
	if got := Render(bot.Reply{Title: "Faro", Options: []bot.Option{{Label: "Sí"}}}); got.Text != "Faro\n1 Sí" || got.Pages != 1 {
		t.Errorf("%q, %d pages", got.Text, got.Pages)
	}
	if got := Render(bot.Reply{}); got.Text != "" || got.Segments != 0 || got.Pages != 1 {
		t.Errorf("%q, %d segments, %d pages", got.Text, got.Segments, got.Pages)
	}
}

func TestRenderNumbersOptions(t *testing.T) {
	got := Render(bot.Reply{Text: "Choose", Options: make([]bot.Option, 9)})
	if want := "Choose\n1\n2\n3\n4\n5\n6\n7\n8\n10"; got.Text != want {
		t.Errorf("got %q, want %q", got.Text, want)
	}
}

func TestMessageHidesItsText(t *testing.T) {
	m := Render(bot.Reply{Text: "canary"})
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("sent", "message", m)
	encoded, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{b.String(), fmt.Sprint(m), fmt.Sprintf("%+v", &m), string(encoded)} {
		if strings.Contains(s, "canary") || !strings.Contains(s, "redacted") {
			t.Errorf("shown: %s", s)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for _, budget := range []int{3, 2, 1} {
		r := reply()
		r.Budget = budget
		b.Run(fmt.Sprint(Render(r).Pages, " pages"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Render(r)
			}
		})
	}
}
