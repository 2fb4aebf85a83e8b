package guard_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"faro/internal/guard"
)

// TestRun: what panics is an error that says where, and not with what.
func TestRun(t *testing.T) {
	fault := errors.New("fault")
	if err := guard.Run(func() error { return fault }); err != fault {
		t.Errorf("an error becomes %v", err)
	}
	var none map[string]int
	for name, f := range map[string]func() error{
		"a word":  func() error { panic("canary") },
		"runtime": func() error { none["canary"] = 1; return nil },
	} {
		err := guard.Run(f)
		where, ok := errors.AsType[guard.Panicked](err)
		if !ok || !strings.Contains(where.At, "guard_test.TestRun") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s becomes %v", name, err)
		}
	}
}

// TestHandler: a request that panics is answered, and one that ends its connection on purpose is not kept from it.
func TestHandler(t *testing.T) {
	for _, test := range []struct {
		with   any
		status int
		told   int
	}{{"canary", http.StatusInternalServerError, 1}, {http.ErrAbortHandler, 0, 0}} {
		told := 0
		s := httptest.NewServer(guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(test.with) }),
			func(guard.Panicked) { told++ }))
		status := 0
		if res, err := http.Get(s.URL); err == nil {
			status = res.StatusCode
			_ = res.Body.Close()
		}
		s.Close()
		if status != test.status || told != test.told {
			t.Errorf("%v: answered %d, told %d times", test.with, status, told)
		}
	}
}
