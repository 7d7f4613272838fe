# Every target is a plain command that a newcomer could have typed.
GO ?= go
VERSION_FLAGS = -ldflags '-s -w'
# One way to compile for every target but race and what is released: what one has compiled, the next finds in Go's cache.
export CGO_ENABLED = 0
export GOFLAGS := -trimpath $(filter-out -trimpath,$(GOFLAGS))

.DEFAULT_GOAL := help
.PHONY: help build demo test race fuzz bench bench-live bench-replacement bench-scale bench-check bench-report bench-generate bench-fleet bench-dump bench-audit mutate lint fmt golden docs browser screenshots bench-browser man release release-check release-check-all cover tidy generated ci e2e validate-formats oracle oracle-replacement oracle-versions controlplane legacy-cluster clean

help: ## show this menu
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/psp2pss
	$(GO) build $(VERSION_FLAGS) -o bin/psp2pss .

demo: ## run the main job on the built-in legacy cluster
	@$(GO) run $(VERSION_FLAGS) . plan --demo

test: ## run the tests, shuffled
	@.ci/gotest -shuffle=on -timeout 60m ./... ./.ci/mutate

race: ## run the tests under the race detector (needs a C compiler)
	@command -v $${CC:-cc} >/dev/null 2>&1 || { echo "make race needs a C compiler, and there is no '$${CC:-cc}' on PATH: install gcc or clang, or set CC" >&2; exit 1; }
	@CGO_ENABLED=1 .ci/gotest -race -short -shuffle=on -timeout 60m ./...

FUZZTIME ?= 20s
fuzz: ## run every fuzz target for FUZZTIME (20s)
	@$(GO) list -f '{{.Dir}}' ./... | while read -r dir; do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go 2>/dev/null | sed 's/^func //'); do \
			echo "$$dir $$target"; (cd "$$dir" && $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) .) || exit 1; \
		done; \
	done

EDITS ?= 400
SIMULATOR = $(addprefix psp/,admit lookup mutate mutation unmutated evaluation validate* strategy_* admission_defaults registry_strategy invalid_mutations usable_policies refusal prediction) seccomp_skew afterpsp pss/pss
mutate: ## make EDITS (400) random edits to the simulator, one at a time: its tests have to notice (0: all edits, hours)
	$(GO) run ./.ci/mutate -n $(EDITS) -known .ci/mutate/known.txt $(filter-out %_test.go,$(wildcard $(SIMULATOR:%=simulate/%.go)))

bench: ## run the benchmarks, each beside its baseline in one run
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-live: bench-scale ## plan for real API servers with 7,000 pods, beside kubectl and raw lists; after bench-scale
	$(GO) test -tags e2e -run '^$$' -bench Live -benchtime 1x -timeout 60m ./fixtures/controlplane/reading

bench-replacement: controlplane ## time new pods under 1 to 50 policies on real API servers: PSP and what takes its place
	$(GO) test -tags e2e -run '^$$' -bench Replacement -benchtime 1x -timeout 60m ./fixtures/controlplane/replacement

bench-scale: ## plan for lists of 10,000 to 150,000 pods: time and memory
	$(GO) test -tags e2e -run '^$$' -bench Scale -benchtime 1x -timeout 60m ./fixtures/cluster

bin/kube-score: .ci/others/go.mod .ci/others/go.sum
	$(GO) build -C .ci/others $(VERSION_FLAGS) -o $(CURDIR)/bin/kube-score github.com/zegl/kube-score/cmd/kube-score

bench-report: build ## write the HTML report of 150,000 pods, beside their plan: time, memory, size
	$(GO) test -tags e2e -run '^$$' -bench Report -benchtime 1x -timeout 60m ./fixtures/cluster

bench-generate: build ## generate for 400 policies and 2,000 namespaces, beside their plan: time, memory
	$(GO) test -tags e2e -run '^$$' -bench Generate -benchtime 1x -timeout 60m ./fixtures/cluster

bench-fleet: build ## merge 1,000 plans of 500 namespaces into one report: time, memory
	$(GO) test -tags e2e -run '^$$' -bench Fleet -benchtime 1x -timeout 60m ./fixtures/cluster

bench-dump: build ## read a support bundle of 150,000 pods beside gunzip and encoding/json, and its snapshot: time, memory
	$(GO) test -tags e2e -run '^$$' -bench Dump -benchtime 1x -timeout 60m ./fixtures/cluster

bench-audit: build ## plan with an audit log of AUDIT_LOG_MB (10000) from standard input, beside encoding/json: time, memory
	$(GO) test -tags e2e -run '^$$' -bench AuditLog -benchtime 1x -timeout 120m ./fixtures/cluster

bench-check: build bin/kube-score ## check 10,000 manifests, beside kube-score: time and memory
	$(GO) test -tags e2e -run '^$$' -bench Manifests -benchtime 1x -timeout 60m ./fixtures/cluster

bin/golangci-lint: .ci/tools/go.mod .ci/tools/go.sum
	$(GO) build -C .ci/tools -o $(CURDIR)/bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

lint: bin/golangci-lint ## vet and lint
	$(GO) vet ./... ./.ci/mutate ./.ci/pages
	$(GO) vet -tags e2e ./...
	$(GO) vet -C .ci/release .
	$(GO) vet -C .ci/browser ./...
	bin/golangci-lint run ./... ./.ci/mutate ./.ci/pages
	cd .ci/release && ../../bin/golangci-lint run .
	cd .ci/browser && ../../bin/golangci-lint run --disable gosec ./... # which names files and programs that the caller chooses

fmt: bin/golangci-lint ## format the code
	bin/golangci-lint fmt ./...
	cd .ci/release && ../../bin/golangci-lint fmt .

golden: ## rewrite the golden files and the command reference
	grep -rl "flag.Bool(.update" --include=*_test.go --exclude-dir=release . | xargs -n1 dirname | sort -u | xargs -I{} $(GO) test ./{} -args -update

docs: ## rewrite the command reference
	$(GO) test ./cmd -run TestCommandReference -args -update

man: ## write the man pages to bin/man, from what the command reference is made of
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(GO) test ./cmd -count=1 -run TestManPages -args -man $(CURDIR)/bin/man

release: ## make what a release has of the last commit, into dist (DIRTY=1: with what is not committed)
	$(GO) run -C .ci/release . $(if $(DIRTY),-dirty)

release-check: ## make a release twice, for this computer and Windows, compare, and install it in every way
	@cd .ci/release && ../gotest -count=1 -timeout 60m .

release-check-all: ## the same for every platform, each compiled a second time without a cache
	@cd .ci/release && ../gotest -count=1 -timeout 180m . -args -all

cover: ## print the test coverage
	$(GO) test -coverprofile=coverage.out -coverpkg=./... ./...
	$(GO) tool cover -func=coverage.out | tail -n 1

tidy: ## check that go.mod and go.sum are tidy
	$(GO) mod tidy -diff
	cd .ci/release && $(GO) mod tidy -diff
	cd .ci/browser && $(GO) mod tidy -diff

# Two packages at a time: each runs servers of its own, a few hundred MB each.
e2e: controlplane ## build real API servers (once, cached) and run against them
	@.ci/gotest -tags e2e -count=1 -p 2 -timeout 60m ./fixtures/controlplane/...

bin/npm/node_modules: .ci/npm/package.json .ci/npm/package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo "validators of SARIF and of web pages come from npm, and there is none on PATH: install npm" >&2; exit 1; }
	mkdir -p bin/npm && cp .ci/npm/package.json .ci/npm/package-lock.json bin/npm/
	npm ci --prefix bin/npm --ignore-scripts --no-audit --no-fund
	chmod u+x bin/npm/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
	touch bin/npm/node_modules

validate-formats: bin/npm/node_modules ## check the formats for pipelines with schemas and validators of others (needs npm, xmllint)
	@command -v xmllint >/dev/null 2>&1 || { echo "make validate-formats needs xmllint, and there is none on PATH: install libxml2-utils" >&2; exit 1; }
	@.ci/gotest -tags e2e -count=1 -run '^TestValidators' ./migrate/ciformat

# The reports that are looked at in a browser.
bin/pages: FORCE
	$(GO) run ./.ci/pages bin/pages

# Two at a time: a browser that waits for a processor says nothing about the page.
browser: bin/pages bin/npm/node_modules ## test the HTML report in a browser (needs chromium-headless-shell, poppler-utils, npm)
	@command -v pdfinfo >/dev/null 2>&1 || { echo "make browser needs pdfinfo and pdftotext, and there are none on PATH: install poppler-utils" >&2; exit 1; }
	@cd .ci/browser && ../gotest -count=1 -parallel 2 -timeout 30m ./...

screenshots: bin/pages ## take the README's picture of the HTML report anew, and more in bin/screenshots for people to look at
	@command -v pdftoppm >/dev/null 2>&1 || { echo "make screenshots needs pdftoppm, and there is none on PATH: install poppler-utils" >&2; exit 1; }
	cd .ci/browser && $(GO) run ./screenshots ../../bin/pages ../../bin/screenshots ../../cmd/testdata/report/first-screen.png

bench-browser: bin/pages ## time the first screen and the search of a report of 10,000 namespaces in a browser (idle computer)
	cd .ci/browser && $(GO) test -count=1 -run '^$$' -bench . -benchtime 5x -timeout 30m .

CASES ?= 1000000
oracle: ## compare the simulation of PSP admission with Kubernetes' own code in CASES (1000000) random cases
	CASES=$(CASES) $(GO) test -tags e2e -count=1 -timeout 24h -v -run TestAgreesWithKubernetes ./fixtures/controlplane/admission

REQUESTS ?= 50000
SEED ?= 0
SERVED ?= 3000
oracle-replacement: ## compare generated policies with PSP admission by Kubernetes' own code in REQUESTS (50000) random requests from SEED (random) on, and on real servers in SERVED (3000)
	WIDE=1 CASES=$(REQUESTS) SERVED=$(SERVED) SEED=$(SEED) $(GO) test -tags e2e -count=1 -timeout 24h -v -run 'TestReplacesPSP|TestHostileWidths' ./fixtures/controlplane/replacement

RELEASES ?= all
WORLDS ?= 20
oracle-versions: ## have the own code of RELEASES (all, or such as "v1.30") judge what is generated for them, of WORLDS (20) random worlds, too
	RELEASES="$(RELEASES)" WORLDS=$(WORLDS) $(GO) test -tags 'e2e past' -count=1 -timeout 24h -v -run TestPastReleases ./fixtures/controlplane/replacement

bin/controlplane: FORCE
	@$(GO) build -o bin/controlplane ./fixtures/controlplane/launch

controlplane: bin/controlplane ## build the programs of real control planes (once, cached)
	@exec bin/controlplane build

legacy-cluster: bin/controlplane build ## run a v1.24 cluster with policies and the demo, until Ctrl-C
	@exec bin/controlplane legacy

FORCE:

ci: ## run everything that a change has to pass
	$(MAKE) tidy
	$(MAKE) lint
	$(MAKE) test
	$(MAKE) race
	$(MAKE) validate-formats
	$(MAKE) browser
	$(MAKE) -j 2 e2e release-check # servers leave a processor idle now and then

clean: ## remove what was built
	rm -rf bin dist coverage.out
