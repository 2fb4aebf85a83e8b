package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// picture makes the page's picture for the README: go test ./cmd/faro -run Demo -args -picture FILE
var picture = flag.String("picture", "", "file for a picture of the demo page")

// TestDemoPageInABrowser chooses a language, reaches an answer and erases, on both phones of the real
// page in a real browser, through the real store and outbox.
func TestDemoPageInABrowser(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium not on the PATH")
	}
	w := start(t, func(c *serveCmd) {
		c.Telegram.Token, c.Telegram.Secret, c.Twilio = "", "", twilioSettings{}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath("chromium"), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()

	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	script := func(js string) string {
		t.Helper()
		v, err := chromedp.Run(ctx, chromedp.Evaluate[string](js, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// sees waits until a phone's last message holds a text.
	sees := func(phone, text string) {
		t.Helper()
		shown := script(fmt.Sprintf(`new Promise((done) => {
			const end = performance.now() + 15000;
			(function look() {
				const last = document.querySelector('[data-phone="%s"] .log')?.lastElementChild?.textContent ?? "";
				if (last.includes(%q) || performance.now() > end) return done(last);
				setTimeout(look, 10);
			})();
		})`, phone, text))
		if !strings.Contains(shown, text) {
			t.Fatalf("the %s phone shows %q, not %q\n%s", phone, shown, text, w.log.String())
		}
	}
	click := func(selector string) { t.Helper(); do(chromedp.Click(chromedp.CSS(selector))) }
	tap := func(data, then string) {
		t.Helper()
		click(`[data-phone="telegram"] .message:last-child button.option[data-data="` + data + `"]`)
		sees("telegram", then)
	}
	write := func(phone, text, then string) {
		t.Helper()
		do(chromedp.SendKeys(chromedp.CSS(`[data-phone="`+phone+`"] .field`), text+"\n"))
		sees(phone, then)
	}

	do(chromedp.EmulateViewport(1180, 900), chromedp.Navigate(w.url))
	click(`[data-phone="telegram"] .start`)
	sees("telegram", "911")
	tap("lang/fr", "EFFACER")
	tap("next", "Que cherchez-vous")
	tap("group/legal", "Choisissez")
	tap("answer/asylum", "Quiero pedir refugio")

	write("sms", "hola", "ayisyen")
	write("sms", "1", "BORRAR")
	write("sms", "1", "Estoy en peligro")
	write("sms", "3", "Un abogado gratis")
	write("sms", "1", "800 22 42 426")
	sees("sms", "GSM-7")
	if *picture != "" {
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(*picture, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("telegram", "effacer", "DEMARRER")
	write("sms", "borrar", "INICIO")
	if left := script(`document.querySelector('[data-phone="telegram"] .log').textContent`); strings.Contains(left, "refugio") {
		t.Errorf("after ERASE the chat still shows %q", left)
	}
	for _, key := range strings.Fields(w.dump()) {
		if strings.Contains(key, "}d:") || strings.Contains(key, "}u:") {
			t.Errorf("after ERASE on both phones there is %s", key)
		}
	}
}
