// Package guard keeps a panic to the one thing it hit: a message, a task, a request. What panicked once does so again,
// so that the process would fall over it after each start, for everyone.
package guard

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
)

// A Panicked is the error of what panicked. It says where, and not with what: that may quote what someone wrote.
type Panicked struct {
	At string // function and line
}

// Error says where it panicked.
func (p Panicked) Error() string { return "panic in " + p.At }

// Run runs f, and returns a Panicked if it panics.
func Run(f func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = Panicked{place()}
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

// Handler serves h. A request that panics is answered 500, and told is called with what it panicked with.
func Handler(h http.Handler, told func(Panicked)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch what := recover(); what {
			case nil:
			case http.ErrAbortHandler: // how a handler ends a connection on purpose
				panic(what)
			default:
				told(Panicked{place()})
				http.Error(w, "a fault of ours", http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
}
