package sms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

const more, nav = "9=more", "0=menu SOS=danger"

func TestPages(t *testing.T) {
	a := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n/5+1)[:n]) }
	sentence := "Ask for a lawyer today in writing. "
	for name, test := range map[string]struct {
		body    string
		options []string
		more    string
		nav     string
		budget  int
		want    []string
	}{
		"nothing": {want: []string{""}, budget: 1},
		"one page": {
			body: "What do you need?\n\nWrite a number.\n", options: []string{"1 Rights", "2 Danger"}, more: more, nav: nav, budget: 1,
			want: []string{"What do you need?\nWrite a number.\n1 Rights\n2 Danger\n0=menu SOS=danger"},
		},
		"one page without ways out": {body: "All good.", more: more, budget: 1, want: []string{"All good."}},
		"only options":              {options: []string{"1 a", "2 b"}, budget: 1, want: []string{"1 a\n2 b"}},
		"budget below one":          {body: "All good.", budget: -1, want: []string{"All good."}},
		"between lines": {
			body: a(120) + "\n" + a(100), more: more, nav: nav, budget: 1,
			want: []string{a(120) + "\n9=more 0=menu SOS=danger", a(100) + "\n0=menu SOS=danger"},
		},
		"between sentences": {
			body: strings.Repeat(sentence, 6), more: more, nav: nav, budget: 1,
			want: []string{
				strings.TrimSpace(strings.Repeat(sentence, 3)) + "\n9=more 0=menu SOS=danger",
				strings.TrimSpace(strings.Repeat(sentence, 3)) + "\n0=menu SOS=danger",
			},
		},
		"an abbreviation ends no sentence": {
			body: a(60) + ". " + a(54) + " Art. 111 of the Law of migration says more than this can hold.", more: more, nav: nav, budget: 1,
			want: []string{
				a(60) + ". " + a(54) + " Art. 111 of the Law\n9=more 0=menu SOS=danger",
				"of migration says more than this can hold.\n0=menu SOS=danger",
			},
		},
		"a phone number stays whole": {
			body: a(124) + " 800 22 42 426 is free of charge", more: more, nav: nav, budget: 1,
			want: []string{a(124) + "\n9=more 0=menu SOS=danger", "800 22 42 426 is free of charge\n0=menu SOS=danger"},
		},
		"a French question mark stays with its question": {
			body: a(124) + "s et après ? Demandez un avocat.", more: more, nav: nav, budget: 1,
			want: []string{a(124) + "s et\n9=more 0=menu SOS=danger", "après ? Demandez un avocat.\n0=menu SOS=danger"},
		},
		"a word longer than a page": {
			body: strings.Repeat("x", 200), budget: 1, more: more,
			want: []string{strings.Repeat("x", 153) + "\n9=more", strings.Repeat("x", 47)},
		},
		"the first option is not alone": {
			body: a(109), options: []string{"1 Legal help", "2 Your rights", "3 In danger"}, more: more, nav: nav, budget: 1,
			want: []string{a(109) + "\n9=more 0=menu SOS=danger", "1 Legal help\n2 Your rights\n3 In danger\n0=menu SOS=danger"},
		},
		"options are not cut": {
			body: a(80), options: []string{"1 " + a(30), "2 " + a(40)}, more: more, nav: nav, budget: 1,
			want: []string{a(80) + "\n9=more 0=menu SOS=danger", "1 " + a(30) + "\n2 " + a(40) + "\n0=menu SOS=danger"},
		},
		"ways out too long for several pages": {
			body: strings.Repeat(sentence, 5), more: more, nav: strings.Repeat("0=menu ", 20), budget: 1,
			want: []string{strings.TrimSpace(strings.Repeat(sentence, 4)) + "\n9=more", strings.TrimSpace(sentence)},
		},
		"nothing but ways out, too long": {
			nav: a(200), more: more, budget: 1, want: []string{a(150) + "\n9=more", a(49)},
		},
		"accents of one kind on all pages": {
			body: strings.Repeat("Pide información en el módulo. ", 6) + "Aquí.", more: "9=más", nav: "0=menú", budget: 1,
			want: []string{
				strings.TrimSpace(strings.Repeat("Pide informacion en el modulo. ", 4)) + "\n9=mas 0=menu",
				strings.TrimSpace(strings.Repeat("Pide informacion en el modulo. ", 2)) + " Aqui.\n0=menu",
			},
		},
		"Arabic": {
			body: strings.TrimSpace(strings.Repeat("اطلب محاميا اليوم. ", 6)), more: "9=المزيد", nav: "0=القائمة", budget: 1,
			want: []string{
				"اطلب محاميا اليوم. اطلب محاميا اليوم.\n9=المزيد 0=القائمة",
				"اطلب محاميا اليوم. اطلب محاميا اليوم.\n9=المزيد 0=القائمة",
				"اطلب محاميا اليوم. اطلب محاميا اليوم.\n0=القائمة",
			},
		},
		"Chinese": {
			body: strings.Repeat("你有权知道原因。", 10), more: "9=下页", budget: 1,
			want: []string{strings.Repeat("你有权知道原因。", 8) + "\n9=下页", strings.Repeat("你有权知道原因。", 2)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Pages(test.body, test.options, test.more, test.nav, test.budget)
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			for i, p := range got {
				if n := Measure(p).Segments; n > max(1, test.budget) {
					t.Errorf("page %d takes %d segments", i, n)
				}
			}
		})
	}
}

func TestPagesKeepCharactersWhole(t *testing.T) {
	for name, one := range map[string]string{
		"accents":     "x\u0323\u0302\u0307",
		"vowel signs": "किं",
		"family":      "👩‍👩‍👧‍👦",
		"skin tone":   "👍🏽",
		"flag":        "🇲🇽",
		"keycap":      "1️⃣",
		"Korean":      "\u1112\u1161\u11ab",
	} {
		t.Run(name, func(t *testing.T) {
			for _, start := range []string{"Я", "ЯЯ", "ЯЯЯ"} {
				pages := Pages(start+strings.Repeat(one, 40), nil, "", "", 1)
				pages[0] = strings.TrimPrefix(pages[0], start)
				for i, p := range pages {
					if strings.Repeat(one, len(p)/len(one)) != p {
						t.Errorf("page %d is %q", i, p)
					}
				}
			}
		})
	}
}

// Twilio refuses what is longer, whatever the budget.
func TestPagesStayBelowTheMostThatTwilioTakes(t *testing.T) {
	for _, p := range Pages(strings.Repeat("word ", 1000), nil, more, nav, 1<<40) {
		if len(p) > 1600 {
			t.Errorf("a page of %d characters", len(p))
		}
	}
}

// bare is a text without what pages change.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
}

// checkPages checks what holds for every message.
func checkPages(t failer, body string, options []string, more, nav string, budget int) {
	t.Helper()
	pages := Pages(body, options, more, nav, budget)
	for i, p := range pages {
		if n := Measure(p).Segments; n > budget {
			t.Errorf("page %d of %d takes %d segments, not %d: %q", i, len(pages), n, budget, p)
		}
		if n := Measure(Fit(p)).Segments; n > budget {
			t.Errorf("page %d of %d takes %d segments, not %d, if it is fitted: %q", i, len(pages), n, budget, p)
		}
		if p == "" && len(pages) > 1 {
			t.Errorf("page %d of %d is empty", i, len(pages))
		}
	}
	parts := append([]string{tidy(body)}, options...)
	for i := range options {
		parts[i+1] = tidy(options[i])
	}
	parts = append(parts, oneLine(nav))
	parts = fit(parts)
	one := join(parts)
	if Measure(one).Segments <= budget {
		if len(pages) != 1 || bare(pages[0]) != bare(one) {
			t.Errorf("got %q, want %q", pages, one)
		}
		return
	}
	n := len(parts) - 1
	fittedNav, fittedMore := oneLine(parts[n]), oneLine(fitTo(one, more))
	text := strings.Join(parts[:n], "\n")
	if bare(text) == "" {
		text, fittedNav = fittedNav, ""
	}
	checkText(t, pages, text, fittedMore, fittedNav)
}

// checkText checks that pages hold the text in order and nothing else but one kind of last line each.
func checkText(t failer, pages []string, text, more, nav string) {
	t.Helper()
	last := len(pages) - 1
	for _, mid := range []string{oneLine(more + " " + nav), more, ""} {
		for _, end := range []string{nav, ""} {
			var b strings.Builder
			for i, p := range pages {
				foot := mid
				if i == last {
					foot = end
				}
				b.WriteString(strings.TrimSuffix(p, foot))
			}
			if bare(b.String()) == bare(text) {
				return
			}
		}
	}
	t.Errorf("pages %q\ndo not hold %q", pages, text)
}

func TestPagesLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body, more, nav := someText(t, "body"), someText(t, "more"), someText(t, "nav")
		if rapid.Bool().Draw(t, "usual") {
			more, nav = "9=más", "0=menú SOS=peligro"
		}
		options := make([]string, rapid.IntRange(0, 9).Draw(t, "options"))
		for i := range options {
			options[i] = fmt.Sprint(i+1, " ", rapid.SampledFrom([]string{"Derechos", "Atención médica", "Україна", "👍 Sí", "a\nb"}).Draw(t, "option"))
		}
		checkPages(t, body, options, more, nav, rapid.IntRange(1, 4).Draw(t, "budget"))
	})
}

// Nicer ends of pages cost none: no paging by words needs fewer pages.
func TestPagesAreNoMoreThanNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "law", "rights.", "writing\n", "information"}), 1, 200).Draw(t, "words")
		budget := rapid.IntRange(1, 3).Draw(t, "budget")
		got := Pages(strings.Join(words, " "), nil, more, nav, budget)
		needed, page := 1, ""
		for i, w := range words {
			next := tidy(page + " " + w)
			foot := more + " " + nav
			if Measure(tidy(strings.Join(words[i-len(strings.Fields(page)):], " "))+"\n"+nav).Segments <= budget {
				break // the rest is the last page
			}
			if Measure(next+"\n"+foot).Segments > budget {
				needed++
				next = w
			}
			page = next
		}
		if len(got) > needed {
			t.Errorf("%d pages, %d would do: %q", len(got), needed, got)
		}
	})
}

func FuzzPages(f *testing.F) {
	f.Add("Pide información. Aquí.", "1 Sí\n2 No", "9=más", "0=menú SOS=peligro", 1, 20)
	f.Add("x", "", "", "", 1, 99)
	f.Add("مرحبا ", "1 ا", "9", "0", 2, 30)
	f.Add("👩‍👩‍👧🇲🇽", "", "9=more", "", 1, 30)
	f.Add("x\u0301\u0301\u0301", "", strings.Repeat("y", 90), strings.Repeat("z", 200), 1, 90)
	f.Fuzz(func(t *testing.T, body, options, more, nav string, budget, times int) {
		if budget < 1 || budget > maxBudget || times < 1 || times > 100 || len(body)+len(options)+len(more)+len(nav) > 1000 {
			return
		}
		checkPages(t, strings.Repeat(body, times), strings.Split(options, "\n"), more, nav, budget)
	})
}
