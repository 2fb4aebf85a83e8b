# make run    builds and starts faro; prints the address of the demo page
# make test   everything, with the race detector; says what it had to skip
# make bench  measures turns end to end against a bare handler
# make golden writes the golden conversations anew; read the difference before you commit it

export GOTOOLCHAIN = local
export CGO_ENABLED ?= 1

.PHONY: build run test bench fuzz golden clean

build:
	go build -trimpath -o faro ./cmd/faro

run: build
	./faro serve

test:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go run ./cmd/faro check
	@which redis-server >/dev/null || echo "SKIPPED: everything that needs redis-server, which is not on the PATH"
	@which chromium >/dev/null || echo "SKIPPED: the demo page in a browser; chromium is not on the PATH"
	go test -race ./...

bench:
	go test -run '^$$' -bench . -benchtime 1x -v ./internal/bench

FUZZTIME ?= 60s
fuzz:
	@for f in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$f); do \
	    echo "$$f $$t"; go test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f) || exit 1; \
	  done; done

golden:
	go test ./bot -run TestGolden -args -update

clean:
	rm -rf faro dist
