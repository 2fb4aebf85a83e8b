package fakes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A field is one parameter of a call, in the text form in which it arrives in a form: an object is
// its JSON, a boolean is "true".
type field struct{ name, value string }

type fields []field

func (f fields) get(name string) string {
	v, _ := f.lookup(name)
	return v
}

func (f fields) lookup(name string) (string, bool) {
	for i := range f {
		if f[i].name == name {
			return f[i].value, true
		}
	}
	return "", false
}

// repeated is the first name that occurs twice, or "".
func (f fields) repeated() string {
	for i := range f {
		for j := range i {
			if f[i].name == f[j].name {
				return f[i].name
			}
		}
	}
	return ""
}

var (
	errTooLarge = errors.New("the body is larger than 1 MB")
	errFile     = errors.New("a file is uploaded where none is expected")
)

// maxFields bounds the parameters of a call; no real one has as many.
const maxFields = 100

// readFields reads the parameters of a request from its query and its body: a form, a multipart
// form with no file but a document, or JSON.
func readFields(r *http.Request) (fields, error) {
	list := make(fields, 0, 8)
	var err error
	if r.URL.RawQuery != "" {
		if list, err = parseForm(list, r.URL.RawQuery); err != nil {
			return nil, err
		}
	}
	body, err := readBody(r)
	if err != nil || len(body) == 0 {
		return list, err
	}
	kind := r.Header.Get("Content-Type")
	if kind != "application/x-www-form-urlencoded" {
		var params map[string]string
		if kind, params, err = mime.ParseMediaType(kind); err != nil {
			return nil, fmt.Errorf("reading the content type: %w", err)
		}
		if kind == "multipart/form-data" {
			return parseMultipart(list, body, params["boundary"])
		}
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		return parseForm(list, string(body))
	case "application/json":
		return parseJSON(list, body)
	}
	return nil, errors.New("the content type is neither a form nor JSON")
}

func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength >= 0 && r.ContentLength <= maxBody {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, fmt.Errorf("reading the body: %w", err)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if len(body) > maxBody {
		// What is left is taken in, within bounds: a connection closed over unread bytes lingers.
		_, _ = io.CopyN(io.Discard, r.Body, 8*maxBody)
		return nil, errTooLarge
	}
	return body, nil
}

func (f fields) add(name, value string) (fields, error) {
	if len(f) >= maxFields {
		return nil, errors.New("too many fields")
	}
	if !utf8.ValidString(name) || !utf8.ValidString(value) {
		return nil, errUTF8
	}
	return append(f, field{name, value}), nil
}

var errUTF8 = errors.New("strings must be encoded in UTF-8")

func parseForm(list fields, s string) (fields, error) {
	for s != "" {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, errors.New("a name in the form is not encoded properly")
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, errors.New("a value in the form is not encoded properly")
		}
		if list, err = list.add(name, value); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func parseMultipart(list fields, body []byte, boundary string) (fields, error) {
	if boundary == "" {
		return nil, errors.New("the multipart form names no boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, errors.New("the multipart form is malformed")
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, errors.New("the multipart form is malformed")
		}
		if name := part.FileName(); name != "" {
			if part.FormName() != "document" {
				return nil, errFile
			}
			value = []byte(name + "\n" + string(value)) // see sendDocument
		}
		if list, err = list.add(part.FormName(), string(value)); err != nil {
			return nil, err
		}
	}
}

func parseJSON(list fields, body []byte) (fields, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, errors.New("the body is not a JSON object")
	}
	for name, raw := range object {
		value := string(raw)
		if len(raw) > 0 && raw[0] == '"' {
			if err := json.Unmarshal(raw, &value); err != nil {
				return nil, errors.New("a string in the body is malformed")
			}
		}
		var err error
		if list, err = list.add(name, value); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// units counts UTF-16 code units, Telegram's measure of a text.
func units(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xFFFF {
			n++
		}
	}
	return n
}

// quote is s as a JSON string.
func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // cannot be: every string has a JSON form
		return []byte(`""`)
	}
	return b
}
