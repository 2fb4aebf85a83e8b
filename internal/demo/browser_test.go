package demo

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "folder to leave pictures of the page in")

// browser starts Chromium for one test; the context it returns opens tabs.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium not on the PATH")
	}
	// t.Context ends before the cleanups, which close the browser.
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("lang", "en"),
	)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// A tab is the page in the browser, with all it complains of and asks for.
type tab struct {
	t       *testing.T
	ctx     context.Context
	server  *httptest.Server
	mu      sync.Mutex
	trouble []string // console errors, exceptions
	foreign []string // addresses asked for that are not the server's
}

const (
	tg  = `[data-phone="telegram"] `
	sms = `[data-phone="sms"] `
)

func openTab(t *testing.T, browser context.Context, server *httptest.Server, width, height int64, dark bool) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, server: server}
	p.must(chromedp.Listen(ctx, p.hear))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	p.must(err)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	p.must(err)
	p.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(server.URL+"/"))
	p.wait(tg+".start", 1)
	return p
}

func (p *tab) hear(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		p.trouble = append(p.trouble, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		p.trouble = append(p.trouble, "console."+string(e.Type))
	case *log.EventEntryAdded:
		p.trouble = append(p.trouble, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, p.server.URL+"/") {
			p.foreign = append(p.foreign, e.Request.URL)
		}
	}
}

func (p *tab) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	p.must(chromedp.Do(ctx, steps...))
}

func ask[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits until an expression is true.
func (p *tab) until(expression string) {
	p.t.Helper()
	if !ask[bool](p, `new Promise((done) => {
		const end = performance.now() + 10000;
		(function look() {
			if (`+expression+`) return done(true);
			if (performance.now() > end) return done(false);
			setTimeout(look, 10);
		})();
	})`) {
		p.t.Fatalf("never true: %s\n%s", expression, ask[string](p, `document.querySelector("main").innerText`))
	}
}

// wait waits until n elements match a selector and are visible.
func (p *tab) wait(selector string, n int) {
	p.t.Helper()
	p.until(fmt.Sprintf("[...document.querySelectorAll(%q)].filter((e) => e.checkVisibility()).length === %d", selector, n))
}

// see waits until the last message of a phone holds a text.
func (p *tab) see(phone, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("document.querySelector(%q)?.lastElementChild?.textContent.includes(%q)", phone+".log", text))
}

func (p *tab) click(selector string) { p.t.Helper(); p.do(chromedp.Click(chromedp.CSS(selector))) }

func (p *tab) write(phone, text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS(phone+".field"), text+"\n"))
}

// log is what a phone shows, one message a line.
func (p *tab) log(phone string) string {
	p.t.Helper()
	return ask[string](p, fmt.Sprintf(`[...document.querySelectorAll(%q)].map((m) =>
		(m.classList.contains("out") ? "> " : "< ") + m.querySelector(".bubble").textContent.split("\n")[0]).join("\n")`, phone+".message"))
}

func (p *tab) wantLog(phone, want string) {
	p.t.Helper()
	if got := p.log(phone); got != want {
		p.t.Errorf("the phone shows\n%s\nwant\n%s", got, want)
	}
}

func (p *tab) wantQuiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.trouble) > 0 {
		p.t.Errorf("the console says %q", p.trouble)
	}
	if len(p.foreign) > 0 {
		p.t.Errorf("asked for %q", p.foreign)
	}
}

// shoot leaves a picture if a folder was given.
func (p *tab) shoot(name string) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	p.must(err)
	p.must(os.WriteFile(filepath.Join(*shots, name+".png"), picture, 0o644))
}

func scrollTo(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).scrollIntoView({behavior: 'instant'})", selector))
}
