package main

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
)

// A panicked is the error of what panicked. It says where, and not with what: that may quote what someone wrote.
type panicked struct{ at string }

func (p panicked) Error() string { return "panic in " + p.at }

// guard runs f, and returns a panicked if it panics.
func guard(f func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = panicked{place()}
		}
	}()
	return f()
}

// place is the function and line that panicked. It is called while the panic is recovered from.
func place() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
	panics := false
	for {
		f, more := frames.Next()
		switch ours := !strings.HasPrefix(f.Function, "runtime."); {
		case f.Function == "runtime.gopanic":
			panics = true
		case panics && ours:
			return f.Function + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// guarded serves h. A request that panics is answered 500, and the log says where.
func (s *server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch what := recover(); what {
			case nil:
			case http.ErrAbortHandler: // how a handler ends a connection on purpose
				panic(what)
			default:
				s.log.Error("a request panicked", "in", place())
				http.Error(w, "a fault of ours", http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
}
