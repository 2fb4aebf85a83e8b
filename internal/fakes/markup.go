package fakes

import (
	"errors"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// stripMarkup takes the markup out of a text, with the errors of the Bot API.
// https://core.telegram.org/bots/api#formatting-options. What the markup marks is not kept.
func stripMarkup(mode, text string) (string, error) {
	switch mode {
	case "HTML":
		return stripHTML(text)
	case "MarkdownV2":
		return stripMarkdownV2(text)
	case "Markdown":
		return stripMarkdown(text)
	}
	return "", errors.New("unsupported parse_mode")
}

func unparsed(format string, args ...any) error {
	return fmt.Errorf("can't parse entities: "+format, args...)
}

var htmlTags = map[string]bool{"a": true, "b": true, "strong": true, "i": true, "em": true, "s": true, "strike": true,
	"del": true, "u": true, "ins": true, "tg-spoiler": true, "tg-emoji": true, "tg-time": true, "span": true,
	"pre": true, "code": true, "blockquote": true}

func stripHTML(text string) (string, error) {
	var out strings.Builder
	type tag struct {
		name string
		at   int
	}
	var open []tag
	for i := 0; i < len(text); {
		switch {
		case text[i] == '&':
			n := strings.IndexByte(text[i:], ';')
			if n > 0 && n < 12 {
				switch name := text[i : i+n+1]; {
				case name == "&lt;", name == "&gt;", name == "&amp;", name == "&quot;", strings.HasPrefix(name, "&#"):
					out.WriteString(html.UnescapeString(name))
					i += n + 1
					continue
				}
			}
			out.WriteByte('&')
			i++
		case text[i] != '<':
			out.WriteByte(text[i])
			i++
		default:
			n := strings.IndexByte(text[i:], '>')
			if n < 0 {
				return "", unparsed("Unclosed start tag at byte offset %d", i)
			}
			inner := text[i+1 : i+n]
			if name, closing := strings.CutPrefix(inner, "/"); closing {
				name = strings.ToLower(strings.TrimSpace(name))
				if len(open) == 0 {
					return "", unparsed("Unexpected end tag at byte offset %d", i)
				}
				if last := open[len(open)-1].name; name != "" && name != last {
					return "", unparsed("Unmatched end tag at byte offset %d, expected \"</%s>\", found \"</%s>\"", i, last, name)
				}
				open = open[:len(open)-1]
			} else {
				name, attributes, _ := strings.Cut(inner, " ")
				name = strings.ToLower(name)
				if !htmlTags[name] {
					return "", unparsed("Unsupported start tag %q at byte offset %d", name, i)
				}
				if name == "span" && !strings.Contains(attributes, "tg-spoiler") {
					return "", unparsed("Tag \"span\" must have class \"tg-spoiler\" at byte offset %d", i)
				}
				open = append(open, tag{name, i})
			}
			i += n + 1
		}
	}
	if len(open) > 0 {
		return "", unparsed("Can't find end tag corresponding to start tag %q", open[len(open)-1].name)
	}
	return out.String(), nil
}

// stripMarkdown reads the old Markdown: no nesting, and only _ * ` [ mean something.
func stripMarkdown(text string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); {
		c := text[i]
		if c == '\\' && i+1 < len(text) && strings.IndexByte("_*`[", text[i+1]) >= 0 {
			out.WriteByte(text[i+1])
			i += 2
			continue
		}
		end := string(c)
		switch {
		case c == '[':
			end = "]"
		case strings.HasPrefix(text[i:], "```"):
			end = "```"
		case c != '_' && c != '*' && c != '`':
			out.WriteByte(c)
			i++
			continue
		}
		from := i + len(end)
		n := strings.Index(text[from:], end)
		if n < 0 {
			return "", unparsed("Can't find end of the entity starting at byte offset %d", i)
		}
		out.WriteString(text[from : from+n])
		i = from + n + len(end)
		if c == '[' && i < len(text) && text[i] == '(' {
			if n = strings.IndexByte(text[i:], ')'); n < 0 {
				return "", unparsed("Can't find end of a URL at byte offset %d", i)
			}
			i += n + 1
		}
	}
	return out.String(), nil
}

const reserved = "_*[]()~`>#+-=|{}.!"

// names of what each mark of MarkdownV2 opens, for its errors.
var markNames = map[string]string{"_": "Italic", "__": "Underline", "*": "Bold", "~": "Strikethrough", "||": "Spoiler",
	"`": "Code", "```": "Pre", "[": "TextUrl", "![": "CustomEmoji"}

func stripMarkdownV2(text string) (string, error) {
	var out strings.Builder
	type mark struct {
		sign string
		at   int
	}
	var open []mark
	for i := 0; i < len(text); {
		c := text[i]
		top := ""
		if len(open) > 0 {
			top = open[len(open)-1].sign
		}
		inCode := top == "`" || top == "```"
		if c == '\\' && i+1 < len(text) && text[i+1] > 0 && text[i+1] < 127 {
			out.WriteByte(text[i+1])
			i += 2
			continue
		}
		if strings.IndexByte(reserved, c) < 0 || inCode && c != '`' {
			out.WriteByte(c)
			i++
			continue
		}
		sign := markAt(text[i:])
		switch {
		case inCode && sign != top:
			out.WriteByte(c)
			i++
		case sign == "]" && (top == "[" || top == "!["):
			open = open[:len(open)-1]
			if i++; i < len(text) && text[i] == '(' {
				n := urlEnd(text[i:])
				if n < 0 {
					return "", unparsed("Can't find end of a URL at byte offset %d", i)
				}
				i += n
			}
		case sign == ">" && (i == 0 || text[i-1] == '\n'):
			i++ // a quotation: its mark is not text, and needs no end
		case markNames[sign] == "":
			r, _ := utf8.DecodeRuneInString(text[i:])
			return "", unparsed("Character '%c' is reserved and must be escaped with the preceding '\\'", r)
		case sign == top:
			open = open[:len(open)-1]
			i += len(sign)
		default:
			open = append(open, mark{sign, i})
			i += len(sign)
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		return "", unparsed("Can't find end of %s entity at byte offset %d", markNames[last.sign], last.at)
	}
	return out.String(), nil
}

// markAt is the longest mark that s begins with, or its first byte.
func markAt(s string) string {
	for _, sign := range []string{"```", "__", "||", "!["} {
		if strings.HasPrefix(s, sign) {
			return sign
		}
	}
	return s[:1]
}

// urlEnd is how many bytes "(url)" takes, -1 if it has no end.
func urlEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ')':
			return i + 1
		}
	}
	return -1
}
