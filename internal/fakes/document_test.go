package fakes_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"faro/internal/fakes"
)

func TestSendDocument(t *testing.T) {
	tg := fakes.NewTelegram(token)
	t.Cleanup(tg.Close)
	tg.Know(5_000_001)
	for _, test := range []struct {
		name, file, bytes, caption string
		status                     int
	}{
		{"a file with a caption", "session.ics", "BEGIN", "hola", 200},
		{"too long a caption", "session.ics", "BEGIN", strings.Repeat("x", 1025), 400},
		{"an empty file", "session.ics", "", "hola", 400},
		{"no file", "", "", "hola", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			for name, value := range map[string]string{"chat_id": "5000001", "caption": test.caption} {
				if err := form.WriteField(name, value); err != nil {
					t.Fatal(err)
				}
			}
			if test.file != "" {
				part, err := form.CreateFormFile("document", test.file)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(part, test.bytes); err != nil {
					t.Fatal(err)
				}
			}
			if err := form.Close(); err != nil {
				t.Fatal(err)
			}
			before := len(tg.Chat(5_000_001))
			answer, err := http.Post(tg.URL()+"/bot"+token+"/sendDocument", form.FormDataContentType(), &body)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != test.status {
				t.Errorf("answered %d, want %d", answer.StatusCode, test.status)
			}
			chat := tg.Chat(5_000_001)
			if shown := len(chat) > before; shown != (test.status == 200) {
				t.Errorf("shown: %v", shown)
			}
			if test.status == 200 {
				if m := chat[len(chat)-1]; m.Kind != "document" || m.File != "session.ics\nBEGIN" || m.Text != "hola" {
					t.Errorf("shown is %+v", m)
				}
			}
		})
	}
}
