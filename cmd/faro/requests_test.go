package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"faro/internal/fakes"
)

// posts are the routes that take a body, with what a request to each must carry.
func (w *world) posts() map[string]http.Header {
	return map[string]http.Header{
		"/telegram":                             {"X-Telegram-Bot-Api-Secret-Token": {webhookSecret}, "Content-Type": {"application/json"}},
		"/twilio/message":                       {"X-Twilio-Signature": {"AAAA"}, "Content-Type": {"application/x-www-form-urlencoded"}},
		"/twilio/status?day=2026-01-01&part=01": {"X-Twilio-Signature": {"AAAA"}, "Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

// poured counts what is read of a body.
type poured struct {
	left int64
	read *atomic.Int64
}

func (p *poured) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), p.left)
	for i := range b[:n] {
		b[i] = 'a'
	}
	p.left -= n
	p.read.Add(n)
	return int(n), nil
}

// TestHugeBodies: 40 MB to any route are refused without being read, from someone with the secret or
// without, and memory stays flat.
func TestHugeBodies(t *testing.T) {
	const size = 40 << 20
	w := start(t, nil)
	w.say(ana, "asilo") // what it learns when it starts is learned
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for path, header := range w.posts() {
		for _, known := range []bool{true, false} {
			for range 10 {
				var read atomic.Int64
				r, err := http.NewRequestWithContext(w.context(), http.MethodPost, w.url+path, &poured{size, &read})
				if err != nil {
					t.Fatal(err)
				}
				r.ContentLength = size
				if known {
					r.Header = header.Clone()
				}
				resp, err := client.Do(r)
				if err == nil { // else the connection was closed while it poured, which is as good
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusRequestEntityTooLarge && resp.StatusCode != http.StatusForbidden {
						t.Errorf("%s: answered %d", path, resp.StatusCode)
					}
				}
				if n := read.Load(); n > size/2 { // the kernel takes some by itself
					t.Errorf("%s: %d bytes were taken", path, n)
				}
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("60 bodies of 40 MB left %d MB", grown>>20)
	}
}

// TestSlowClients: who sends a byte now and then, of a head or of a body, is cut off.
func TestSlowClients(t *testing.T) {
	w := start(t, nil)
	for name, c := range map[string]struct {
		first string
		most  time.Duration
	}{
		"head": {"POST /telegram HTTP/1.1\r\nHost: x\r\n", headerTime},
		"body": {"POST /telegram HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: " + webhookSecret + "\r\nContent-Length: 100000\r\n\r\n", readTime},
		"sms":  {"POST /twilio/message HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", readTime},
		"idle": {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", readTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			began := time.Now()
			if _, err := conn.Write([]byte(c.first)); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
				_, _ = io.Copy(io.Discard, conn)
			}()
			drip := time.NewTicker(200 * time.Millisecond)
			defer drip.Stop()
			for open := true; open; {
				select {
				case <-ended:
					open = false
				case <-drip.C:
					if name != "idle" {
						_, _ = conn.Write([]byte("a")) // fails once it is cut off
					}
				}
			}
			if took := time.Since(began); took > c.most+3*time.Second {
				t.Errorf("cut off after %v, want %v", took, c.most)
			}
		})
	}
}

// TestOddRequests: nothing that is no request of a provider's makes a turn, or a fault.
func TestOddRequests(t *testing.T) {
	w := start(t, nil)
	secret := "X-Telegram-Bot-Api-Secret-Token: " + webhookSecret + "\r\n"
	raw := func(request string) int {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(patience))
		go func() { _, _ = conn.Write([]byte(request)) }()
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0 // the connection was closed
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	post := func(path, head, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s", path, head, len(body), body)
	}
	many := url.Values{}
	for i := range 10_000 {
		many.Set(fmt.Sprint("p", i), "")
	}
	for name, c := range map[string]struct {
		request string
		want    []int
	}{
		"headers of 64 KB":         {post("/telegram", strings.Repeat("X-A: "+strings.Repeat("a", 100)+"\r\n", 640), ""), []int{0, 431}},
		"a header of 64 KB":        {post("/telegram", "X-A: "+strings.Repeat("a", 64<<10)+"\r\n", ""), []int{0, 431}},
		"a path of 64 KB":          {post("/"+strings.Repeat("a", 64<<10), "", ""), []int{0, 431}},
		"PUT":                      {strings.Replace(post("/telegram", secret, "{}"), "POST", "PUT", 1), []int{405}},
		"DELETE":                   {strings.Replace(post("/twilio/message", "", ""), "POST", "DELETE", 1), []int{405}},
		"POST to health":           {post("/healthz", "", ""), []int{405}},
		"POST to metrics":          {post("/metrics", "", ""), []int{405}},
		"a method of their own":    {"HACK / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{404, 405}},
		"dots in the path":         {"GET /calendar/..%2f..%2fkeys.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{404}},
		"JSON nested without end":  {post("/telegram", secret, `{"update_id":1,"message":`+strings.Repeat(`{"reply_to_message":`, 10_000)), []int{400}},
		"arrays nested":            {post("/telegram", secret, `{"update_id":1,"message":{"entities":`+strings.Repeat("[", 100_000)), []int{400}},
		"a form as an update":      {post("/telegram", secret+"Content-Type: application/x-www-form-urlencoded\r\n", "update_id=1"), []int{400}},
		"an update as a form":      {post("/twilio/message", "Content-Type: application/json\r\n", `{"update_id":1}`), []int{403}},
		"multipart":                {post("/twilio/message", "Content-Type: multipart/form-data; boundary=x\r\n", "--x--"), []int{403}},
		"10,000 parameters":        {post("/twilio/message", "", many.Encode()), []int{403, 413}},
		"20,000 empty parameters":  {post("/twilio/message", "", strings.Repeat("&", 20_000)), []int{400, 403}},
		"two lengths":              {"POST /telegram HTTP/1.1\r\nHost: x\r\n" + secret + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", []int{400}},
		"length and chunks":        {"POST /telegram HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + secret + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{400}},
		"an id beyond all numbers": {post("/telegram", secret, `{"update_id":1e999,"message":{}}`), []int{400}},
	} {
		got := raw(c.request)
		ok := false
		for _, want := range c.want {
			ok = ok || got == want
		}
		if !ok {
			t.Errorf("%s: answered %d, want %v", name, got, c.want)
		}
	}
	if held := w.dump(); strings.Contains(held, "}d:") {
		t.Errorf("an odd request made a turn:\n%s", held)
	}
	w.say(ana, "hola") // it still serves
}

// TestForgeries: no request is taken whose secret or signature is not exactly right, and a real one is
// taken once.
func TestForgeries(t *testing.T) {
	w := start(t, nil)
	update := w.telegram.Say(ana, "es", "hola")
	for _, guess := range []string{"", " ", webhookSecret[:len(webhookSecret)-1], webhookSecret + "x", strings.ToUpper(webhookSecret), webhookSecret + "," + webhookSecret} {
		if status, err := w.telegram.Post(w.context(), w.url+"/telegram", guess, update); err != nil || status != http.StatusForbidden {
			t.Errorf("secret %q is answered %d, %v", guess, status, err)
		}
	}
	for range 5 {
		w.post(update)
	}

	const phone = "+529619990003"
	form := w.twilio.Text(phone, ourNumber, "hola")
	send := func(path, signature string, form string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(w.context(), http.MethodPost, w.url+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if signature != "" {
			r.Header.Set("X-Twilio-Signature", signature)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	right := w.twilio.Sign(publicURL+"/twilio/message", form)
	body := form.Encode()
	stranger := fakes.NewTwilio(accountSID, "anothertoken")
	defer stranger.Close()
	for name, c := range map[string]struct{ path, signature, body string }{
		"none":                    {"/twilio/message", "", body},
		"with another token":      {"/twilio/message", stranger.Sign(publicURL+"/twilio/message", form), body},
		"over http":               {"/twilio/message", w.twilio.Sign(strings.Replace(publicURL, "https", "http", 1)+"/twilio/message", form), body},
		"of the other route":      {"/twilio/message", w.twilio.Sign(publicURL+"/twilio/status", form), body},
		"with a query added":      {"/twilio/message?Body=forged", right, body},
		"with a parameter added":  {"/twilio/message", right, body + "&OptOutType=STOP"},
		"with one taken away":     {"/twilio/message", right, strings.Replace(body, "NumMedia=0", "", 1)},
		"with other words":        {"/twilio/message", right, strings.Replace(body, "hola", "borrar", 1)},
		"with a repeated one":     {"/twilio/message", right, body + "&Body=borrar"},
		"with one repeated alike": {"/twilio/message", right, body + "&Body=hola"},
		"cut":                     {"/twilio/message", right[:len(right)-1], body},
	} {
		if c.body == body && c.signature == right && c.path == "/twilio/message" {
			continue // nothing was to take away
		}
		if status := send(c.path, c.signature, c.body); status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("a signature %s is answered %d", name, status)
		}
	}
	for range 5 {
		if status := send("/twilio/message", right, body); status != http.StatusOK {
			t.Errorf("the real one is answered %d", status)
		}
	}
	w.drained()
	if n := len(w.twilio.Inbox(phone)); n != 1 {
		t.Errorf("a text message sent five times got %d answers", n)
	}
	if n := w.telegram.Sent(); n != 1 {
		t.Errorf("an update sent five times got %d answers", n)
	}
}
