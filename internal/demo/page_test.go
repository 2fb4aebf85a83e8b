package demo

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, url string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	_, server := newScript(t)
	for _, test := range []struct {
		name, method, path string
		status             int
		media, cache       string
	}{
		{"page", "GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"page, head only", "HEAD", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"style", "GET", "/demo.css", 200, "text/css; charset=utf-8", "no-cache"},
		{"script", "GET", "/demo.js", 200, "text/javascript; charset=utf-8", "no-cache"},
		{"icon", "GET", "/icon.svg", 200, "image/svg+xml", "no-cache"},
		{"unknown path", "GET", "/nothing", 404, "text/plain; charset=utf-8", "no-store"},
		{"unknown path below", "GET", "/demo/", 404, "text/plain; charset=utf-8", "no-store"},
		{"page, posted to", "POST", "/", 405, "text/plain; charset=utf-8", "no-store"},
		{"say, asked for", "GET", "/demo/say", 405, "text/plain; charset=utf-8", "no-store"},
		{"say, put", "PUT", "/demo/say", 405, "text/plain; charset=utf-8", "no-store"},
		{"events, posted to", "POST", "/demo/events?session=" + string(someone), 405, "text/plain; charset=utf-8", "no-store"},
		{"events, head only", "HEAD", "/demo/events?session=" + string(someone), 405, "text/plain; charset=utf-8", "no-store"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := get(t, server.URL+test.path)
			r.Method = test.method
			answer := do(t, server, r)
			if answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
					"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
				"X-Content-Type-Options":       "nosniff",
				"Referrer-Policy":              "no-referrer",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Content-Type":                 test.media,
				"Cache-Control":                test.cache,
			} {
				if got := answer.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestPageIsInTheBrowsersLanguage(t *testing.T) {
	_, server := newScript(t)
	for _, test := range []struct{ name, accept, want string }{
		{"english", "en-GB,en;q=0.9", `<html lang="en">`},
		{"spanish of mexico", "es-MX,es;q=0.9,en;q=0.8", `<html lang="es">`},
		{"neither", "zh", `<html lang="en">`},
		{"none", "", `<html lang="en">`},
		{"not a list", ";;;q=x", `<html lang="en">`},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := do(t, server, get(t, server.URL+"/", "Accept-Language", test.accept))
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(body), test.want) {
				t.Errorf("no %s in the page", test.want)
			}
		})
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	_, server := newScript(t)
	for _, path := range []string{"/", "/demo.css", "/demo.js", "/icon.svg"} {
		tag := do(t, server, get(t, server.URL+path)).Header.Get("ETag")
		if again := do(t, server, get(t, server.URL+path, "If-None-Match", tag)); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: status %d, want 304", path, again.StatusCode)
		}
	}
}

// The policy forbids them; the files must not try, nor ask another host for anything.
func TestFilesHaveNothingInlineAndNothingFromElsewhere(t *testing.T) {
	for _, name := range []string{"page.html", "demo.css", "demo.js"} {
		text := strings.ReplaceAll(string(read(name)), "http://www.w3.org/2000/svg", "")
		for _, bad := range []string{"<style", " style=", "<script>", " onclick", "http://", "https://", "url(//", "innerHTML", "insertAdjacentHTML", "eval("} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
	}
}

func TestLabelsAreComplete(t *testing.T) {
	for _, l := range labels {
		for name, text := range map[string]string{
			"About": l.About, "Bot": l.Bot, "Texts": l.Texts, "Log": l.Log, "Start": l.Start, "Hello": l.Hello, "Field": l.Field,
			"Send": l.Send, "Segment": l.Segment, "Segments": l.Segments, "Page": l.Page, "Lost": l.Lost, "Unsent": l.Unsent,
			"NoScript": l.NoScript, "Buttons": l.Buttons, "Measured": l.Measured,
		} {
			if text == "" {
				t.Errorf("%s: no %s", l.Lang, name)
			}
		}
	}
}
