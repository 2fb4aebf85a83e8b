# make run    builds and starts faro; prints the address of the demo page
# make learned  learns from the content, for the programs that are built afterwards, if it changed; all that builds does so first
# make test   everything, with the race detector; says what it had to skip
# make bench  measures turns end to end against a bare handler
# make soak   breaks everything by a plan while people write: 20 plans, 100,000 turns, about 15 minutes
# make dist   static programs for linux amd64 and arm64, with checksums; dist-check builds them twice
# make golden writes the golden conversations anew; read the difference before you commit it

export GOTOOLCHAIN = local
export CGO_ENABLED ?= 1

.PHONY: build run learned test bench soak fuzz golden dist dist-check licences clean

build: learned
	go build -trimpath -o faro ./cmd/faro

run: build
	./faro serve

LEARNED = internal/answers/learned/models
learned: $(LEARNED)

# Without this file everything works, but learns when it starts, and so does every test.
# Folders are named too, because a file may go.
$(LEARNED): go.mod $(shell find locales flows -type d) $(shell find locales flows internal/answers -name '*.toml' -o -name '*.yaml' -o -name '*.go' ! -name '*_test.go')
	GOOS= GOARCH= go run ./internal/answers/learn $@

test: learned
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go run ./cmd/faro check
	@which redis-server >/dev/null || echo "SKIPPED: everything that needs redis-server, which is not on the PATH"
	@which chromium >/dev/null || echo "SKIPPED: the demo page in a browser; chromium is not on the PATH"
	@which pdftoppm >/dev/null || echo "SKIPPED: posters as they are printed; pdftoppm (poppler-utils) is not on the PATH"
	go test -race -timeout 45m ./...

bench: learned
	go test -run '^$$' -bench . -benchtime 1x -v ./internal/bench
	go test -run '^$$' -bench . -benchtime 3x ./internal/training
	go test -run '^$$' -bench . -benchtime 1x ./cmd/faro

soak: learned
	go test -run TestPromisesHold -v -count 1 -timeout 60m ./internal/soak -args -seeds 20 -turns 5000

# A release: static, and the same bytes wherever it is built from the same source with the same Go on the same kind of processor.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
RELEASE = GOOS=linux CGO_ENABLED=0 GOFLAGS= go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"
dist: learned
	rm -rf dist && mkdir dist
	GOARCH=amd64 $(RELEASE) -o dist/faro-linux-amd64 ./cmd/faro
	GOARCH=arm64 $(RELEASE) -o dist/faro-linux-arm64 ./cmd/faro
	go run ./internal/licences -texts > dist/LICENCES
	cp LICENSE deploy/faro.service deploy/faro.env.example dist/
	cd dist && sha256sum * > SHA256SUMS && cat SHA256SUMS

# Builds a release twice, the second time from a copy elsewhere and with an empty build cache, and compares.
dist-check: dist
	@set -e; dir=$$(mktemp -d); trap 'chmod -R u+w "$$dir"; rm -rf "$$dir"' EXIT; git archive HEAD | tar -x -C "$$dir"; \
	(cd "$$dir" && GOCACHE="$$dir/cache" $(MAKE) -s dist VERSION=$(VERSION) >/dev/null); \
	cmp dist/SHA256SUMS "$$dir/dist/SHA256SUMS" && echo "the same bytes"

licences:
	go run ./internal/licences > docs/licences.md

FUZZTIME ?= 60s
fuzz: learned
	@for f in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$f); do \
	    echo "$$f $$t"; go test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$f) || exit 1; \
	  done; done

golden: learned
	go test ./bot -run TestGolden -args -update

clean:
	rm -rf faro dist $(LEARNED)
