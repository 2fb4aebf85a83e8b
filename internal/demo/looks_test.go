package demo

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// Each text's contrast with the ground under it, as WCAG 2.2 defines it; what is below 4.5 is returned.
const faint = `(() => {
	const channels = (c) => c.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => {
		const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const ground = (e) => {
		for (; e; e = e.parentElement) {
			const c = channels(getComputedStyle(e).backgroundColor);
			if (c.length === 3 || c[3] === 1) return c;
		}
		return [255, 255, 255];
	};
	const bad = [];
	const check = (e, colour, what) => {
		const [a, b] = [light(channels(colour)), light(ground(e))].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < 4.5) bad.push(what + " " + ratio.toFixed(2));
	};
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility()) continue;
		if ([...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.tagName === "svg") check(e, getComputedStyle(e).color, e.className);
		if (e.tagName === "INPUT") check(e, getComputedStyle(e, "::placeholder").color, "placeholder");
	}
	return bad.join(", ");
})()`

// Buttons and fields too small to hit, and labels cut off.
const small = `[...document.querySelectorAll("button, input")].filter((e) => e.checkVisibility()).filter((e) => {
	const { width, height } = e.getBoundingClientRect();
	return width < 44 || height < 44 || (e.tagName === "BUTTON" && (e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight));
}).map((e) => e.className + " " + e.textContent).join(", ")`

// What reaches over the right edge of the screen.
const wide = `[document.documentElement.scrollWidth > innerWidth ? "page " + document.documentElement.scrollWidth : "",
	...[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5 || e.getBoundingClientRect().left < -0.5 ||
		(e.classList.contains("log") && e.scrollWidth > e.clientWidth)).map((e) => e.className)].filter(Boolean).join(", ")`

func testLooks(t *testing.T, ctx context.Context) {
	for _, test := range []struct {
		name          string
		width, height int64
		dark          bool
	}{
		{"desktop-light", 1280, 860, false},
		{"desktop-dark", 1280, 860, true},
		{"tablet-light", 768, 640, false},
		{"phone-light", 360, 740, false},
		{"phone-dark", 360, 740, true},
		{"narrow-light", 320, 568, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, server := newScript(t)
			p := openTab(t, ctx, server, test.width, test.height, test.dark)
			ok := func(when string) {
				t.Helper()
				for what, expression := range map[string]string{"too faint": faint, "too small": small, "too wide": wide} {
					if bad := ask[string](p, expression); bad != "" {
						t.Errorf("%s, %s: %s", when, what, bad)
					}
				}
			}
			p.shoot(test.name + "-1-begin")
			ok("at first")
			p.click(tg + ".start")
			p.wait(tg+".option", 6)
			p.click(sms + ".chip")
			p.see(sms, "GSM-7")
			p.shoot(test.name + "-2-language")
			if n := ask[int](p, "document.getAnimations().length"); n > 0 {
				t.Errorf("%d animations where less motion is wanted", n)
			}
			ok("languages")
			p.click(option("lang/es"))
			p.see(tg, menuTitle)
			p.write(sms, "1")
			p.see(sms, "page 1/2")
			ok("menu")
			p.shoot(test.name + "-3-menu")
			p.click(option("answer/asylum"))
			p.see(tg, "COMAR")
			p.write(tg, "عربي")
			p.see(tg, arabic)
			p.write(sms, "عربي")
			p.see(sms, "UCS-2")
			s.mu.Lock()
			s.away = true
			s.mu.Unlock()
			p.write(tg, strings.Repeat("Supercalifragilistic", 4))
			p.wait(tg+".status:not(:empty)", 1)
			ok("answers")
			p.shoot(test.name + "-4-answers")
			p.do(scrollTo(sms))
			p.shoot(test.name + "-5-sms")
		})
	}
}

func testSideBySide(t *testing.T, ctx context.Context) {
	for _, test := range []struct {
		width int64
		want  bool
	}{{1280, true}, {720, true}, {360, false}} {
		t.Run(fmt.Sprint(test.width), func(t *testing.T) {
			_, server := newScript(t)
			p := openTab(t, ctx, server, test.width, 800, false)
			if got := ask[bool](p, `(() => {
				const [a, b] = [...document.querySelectorAll(".phone")].map((e) => e.getBoundingClientRect());
				return a.top === b.top;
			})()`); got != test.want {
				t.Errorf("side by side: %v", got)
			}
		})
	}
}
