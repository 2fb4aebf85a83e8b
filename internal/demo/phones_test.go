package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"faro/bot"
)

func option(label string) string { return tg + `.option[data-data="` + label + `"]` }

func TestInTheBrowser(t *testing.T) {
	ctx := browser(t)
	t.Run("phones", func(t *testing.T) { testPhones(t, ctx) })
	t.Run("looks", func(t *testing.T) { testLooks(t, ctx) })
	t.Run("side by side", func(t *testing.T) { testSideBySide(t, ctx) })
}

func testPhones(t *testing.T, ctx context.Context) {

	t.Run("typing and tapping", func(t *testing.T) {
		s, server := newScript(t)
		p := openTab(t, ctx, server, 1280, 860, false)
		if title := ask[string](p, "document.title"); title != "Faro" {
			t.Errorf("title %q", title)
		}
		p.click(tg + ".start")
		p.wait(tg+".option", 6)
		p.wait(tg+".begin", 0)
		p.click(option("lang/es"))
		p.see(tg, menuTitle)
		p.wantLog(tg, "> /start\n< "+menuTitle) // edited in place
		if bold := ask[string](p, fmt.Sprintf("document.querySelector(%q).textContent", tg+".title")); bold != menuTitle {
			t.Errorf("bold is %q", bold)
		}
		p.write(tg, "two")
		p.see(tg, "Two.")
		p.wantLog(tg, "> /start\n< "+menuTitle+"\n> two\n< One.\n< Two.")
		p.click(option("answer/asylum")) // on the older message
		p.until(fmt.Sprintf("document.querySelector(%q)?.textContent.includes('COMAR')", tg+`[data-message-id="2"]`))
		p.wantLog(tg, "> /start\n< "+legal+"\n> two\n< One.\n< Two.")

		p.wait(sms+".message", 0)
		p.click(sms + ".chip")
		p.see(sms, "GSM-7 · 212/306 · 2 segments")
		p.write(sms, "1")
		p.see(sms, "GSM-7 · 148/160 · 1 segment · page 1/2")
		p.wait(sms+".out .measure", 0)
		p.write(tg, "/start f-1")
		p.see(tg, "Elige tu idioma")

		var kinds []string
		for _, in := range s.inputs() {
			kinds = append(kinds, fmt.Sprintf("%s/%d/%d", in.Channel, in.Kind, in.Message))
		}
		want := []string{
			fmt.Sprintf("telegram/%d/1", bot.Start), fmt.Sprintf("telegram/%d/2", bot.Choice), fmt.Sprintf("telegram/%d/3", bot.Text),
			fmt.Sprintf("telegram/%d/2", bot.Choice), fmt.Sprintf("sms/%d/0", bot.Text), fmt.Sprintf("sms/%d/0", bot.Text),
			fmt.Sprintf("telegram/%d/6", bot.Start),
		}
		if strings.Join(kinds, " ") != strings.Join(want, " ") {
			t.Errorf("inputs %q, want %q", kinds, want)
		}
		if hint := s.inputs()[0].Hint; hint != "en" {
			t.Errorf("hint %q", hint)
		}
		p.wantQuiet()
	})

	t.Run("wipe", func(t *testing.T) {
		_, server := newScript(t)
		p := openTab(t, ctx, server, 1280, 860, false)
		p.click(tg + ".start")
		p.wait(tg+".option", 6)
		p.click(sms + ".chip")
		p.see(sms, "GSM-7")
		p.write(tg, "salir")
		p.see(tg, "Hasta luego")
		p.until(fmt.Sprintf("document.querySelectorAll(%q).length === 1", tg+".message"))
		p.wantLog(tg, "< Todo bien. Hasta luego.")
		p.wait(sms+".message", 2)
		p.do(chromedp.Reload())
		p.see(tg, "Hasta luego")
		p.see(sms, "GSM-7")
		p.wantLog(tg, "< Todo bien. Hasta luego.")
		p.wantQuiet()
	})

	t.Run("right to left", func(t *testing.T) {
		_, server := newScript(t)
		p := openTab(t, ctx, server, 1280, 860, false)
		for _, phone := range []string{tg, sms} {
			p.write(phone, "عربي")
			p.see(phone, arabic)
			got := ask[string](p, fmt.Sprintf(`(() => {
				const [mine, theirs] = document.querySelectorAll(%q);
				const {direction, textAlign} = getComputedStyle(theirs);
				return [mine.dir, theirs.dir, theirs.lang, direction, textAlign, getComputedStyle(mine).direction].join(" ");
			})()`, phone+".bubble"))
			if got != "auto rtl ar rtl start rtl" {
				t.Errorf("%s: %s", phone, got)
			}
		}
		if x := ask[bool](p, fmt.Sprintf(`(() => {
			const [first, second] = document.querySelectorAll(%q);
			return first.getBoundingClientRect().left > second.getBoundingClientRect().left;
		})()`, tg+".option")); !x {
			t.Error("the first button is not on the right")
		}
		p.wantQuiet()
	})

	t.Run("reload keeps the log", func(t *testing.T) {
		_, server := newScript(t)
		p := openTab(t, ctx, server, 1280, 860, false)
		p.click(tg + ".start")
		p.wait(tg+".option", 6)
		p.click(option("lang/es"))
		p.see(tg, menuTitle)
		p.write(tg, "two")
		p.see(tg, "Two.")
		p.click(sms + ".chip")
		p.see(sms, "GSM-7")
		before := p.log(tg) + p.log(sms)
		for range 2 {
			p.do(chromedp.Reload())
			p.see(tg, "Two.")
			p.see(sms, "GSM-7")
			if after := p.log(tg) + p.log(sms); after != before {
				t.Errorf("after a reload\n%s\nbefore\n%s", after, before)
			}
		}
		p.wait(".begin", 0)
		p.click(option("answer/asylum"))
		p.until(fmt.Sprintf("document.querySelector(%q)?.textContent.includes('COMAR')", tg+`[data-message-id="2"]`))
		p.wantQuiet()
	})

	t.Run("only the keyboard", func(t *testing.T) {
		_, server := newScript(t)
		p := openTab(t, ctx, server, 1280, 860, false)
		active := func() string {
			return ask[string](p, `(() => {
				const e = document.activeElement;
				return [e.closest("[data-phone]")?.dataset.phone, e.className, e.textContent.trim(), getComputedStyle(e).outlineStyle].join("|");
			})()`)
		}
		tabTo := func(want string) {
			t.Helper()
			p.do(chromedp.KeyEvent("\t"))
			if got := active(); got != want {
				t.Fatalf("tab leads to %s, want %s", got, want)
			}
		}
		tabTo("telegram|log||solid")
		tabTo("telegram|start|Start|solid")
		p.do(chromedp.KeyEvent("\r"))
		p.wait(tg+".option", 6)
		tabTo("telegram|option|Español|solid")
		p.do(chromedp.KeyEvent("\r"))
		p.see(tg, menuTitle)
		p.until(`document.activeElement.textContent === "` + legal + `"`) // the message changed under the focus
		if got := active(); got != "telegram|option|"+legal+"|solid" {
			t.Fatalf("focus is on %s", got)
		}
		for range 6 {
			p.do(chromedp.KeyEvent("\t"))
		}
		if got := active(); got != "telegram|field||solid" {
			t.Fatalf("focus is on %s", got)
		}
		p.do(chromedp.KeyEvent("salir\r"))
		p.see(tg, "Hasta luego")
		if got := active(); got != "telegram|field||solid" {
			t.Fatalf("focus is on %s", got)
		}
		tabTo("telegram|send||solid")
		tabTo("sms|log||solid")
		tabTo("sms|chip|HOLA|solid")
		p.do(chromedp.KeyEvent(" "))
		p.see(sms, "GSM-7")
		tabTo("sms|field||solid")
		p.wantQuiet()
	})

	t.Run("stream lost and found", func(t *testing.T) {
		s := &script{}
		s.page = New(s.post, slogDiscard())
		var away atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if away.Load() {
				http.Error(w, "away", http.StatusBadGateway)
				return
			}
			s.page.Handler().ServeHTTP(w, r)
		}))
		defer server.Close()
		defer func() { s.page.Close() }()
		p := openTab(t, ctx, server, 1280, 860, false)
		p.click(tg + ".start")
		p.wait(tg+".option", 6)
		away.Store(true)
		server.CloseClientConnections()
		p.wait(".status:not(:empty)", 2)
		p.write(tg, "lost words")
		p.until(fmt.Sprintf("document.querySelector(%q).value === 'lost words'", tg+".field")) // given back
		p.wantLog(tg, "> /start\n< Elige tu idioma / Choose your language / Choisis ta langue")
		deliver(t, s.page, bot.Telegram, tabSession(p), Shown{Lang: "en", Text: "Meanwhile."})
		away.Store(false)
		p.see(tg, "Meanwhile.")
		p.write(tg, "") // what was given back
		p.see(tg, "I do not have an answer")
		p.wait(".status:not(:empty)", 0)
		p.wantLog(tg, "> /start\n< Elige tu idioma / Choose your language / Choisis ta langue\n< Meanwhile.\n> lost words\n< I do not have an answer to that.")

		// Faro is started again and knows nothing of this.
		old := s.page
		s.mu.Lock()
		s.page = New(s.post, slogDiscard())
		s.mu.Unlock()
		old.Close()
		p.until(fmt.Sprintf("document.querySelectorAll(%q).length === 0", tg+".message"))
		p.wait(tg+".start", 1)
		p.click(tg + ".start")
		p.wait(tg+".option", 6)
		p.wantLog(tg, "> /start\n< Elige tu idioma / Choose your language / Choisis ta langue")
	})

	t.Run("what overtakes stands first", func(t *testing.T) {
		s, _ := newScript(t)
		held, release := make(chan struct{}), make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				held <- struct{}{}
				<-release
			}
			s.page.Handler().ServeHTTP(w, r)
		}))
		defer server.Close()
		defer s.page.Close()
		p := openTab(t, ctx, server, 1280, 860, false)
		p.write(sms, "HOLA")
		<-held // on its way, without a number yet
		deliver(t, s.page, bot.SMS, tabSession(p), Shown{Lang: "es", Text: "Aviso."})
		p.see(sms, "Aviso.")
		p.wantLog(sms, "> HOLA\n< Aviso.")
		close(release)
		p.see(sms, "GSM-7")
		p.until(fmt.Sprintf("document.querySelectorAll(%q).length === 3", sms+"[data-message-id]"))
		p.wantLog(sms, "< Aviso.\n> HOLA\n< Elige tu idioma y responde con el numero:")
		p.wantQuiet()
	})

	t.Run("old messages go", func(t *testing.T) {
		s, server := newScript(t)
		p := openTab(t, ctx, server, 1280, 860, false)
		p.click(tg + ".start")
		p.wait(tg+".option", 6)
		for range keep {
			deliver(t, s.page, bot.Telegram, tabSession(p), Shown{Lang: "en", Text: "Another."})
		}
		p.until(fmt.Sprintf("document.querySelectorAll(%q).length === %d", tg+".message", keep))
		p.until(fmt.Sprintf("(() => { const l = document.querySelector(%q); return l.scrollTop + l.clientHeight >= l.scrollHeight - 1; })()", tg+".log"))
		p.wantQuiet()
	})
}

// tabSession is the session the tab made for itself.
func tabSession(p *tab) session {
	p.t.Helper()
	return session(ask[string](p, `JSON.parse(sessionStorage.getItem("faro-demo")).session`))
}
