# bridged: how to build, test and run it. `make help` lists what there is.

SHELL      := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

MODULE  := github.com/icrosschain/bridged
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -X $(MODULE)/internal/cli.version=$(VERSION) -X $(MODULE)/internal/cli.commit=$(COMMIT)

# Programs do not depend on where they are built. Empty, it lets the build share
# what tests have compiled already.
TRIMPATH ?= -trimpath

# Extra arguments for the program that a target runs: make demo ARGS=--help
ARGS ?=
# Packages and extra flags of the test targets: make test PKG=./x/bridge/... FLAGS=-run=Seal
PKG      ?= ./...
FLAGS    ?=
# Where goroutines and consensus are: x/bridge may start none, which test/arch
# holds.
RACE_PKG ?= ./app/... ./internal/chain/... ./internal/mailbox ./internal/node ./internal/observer \
	./internal/keeper ./internal/ops ./internal/relayer ./internal/signer ./internal/snapshot
# How long `make fuzz` stays with each target.
FUZZTIME ?= 5m
# What `make sim` simulates: seeds, both included, and blocks with faults in each.
SEEDS  ?= 1:100
BLOCKS ?= 150
# How many random runs `make test-long` gives each rapid test.
RAPID_CHECKS ?= 5000

TOOLS      := bin/tools
# Where it can be had; without it, and without CI set, its tests are skipped.
ANVIL      := $(if $(filter Linux-x86_64,$(shell uname -sm | tr ' ' -)),$(if $(shell command -v npm),$(TOOLS)/anvil))
GOTESTSUM  := $(TOOLS)/gotestsum --format pkgname-and-test-fails --hide-summary skipped --

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{ printf "  %-18s %s\n", $$1, $$2 }'

##
## programs

.PHONY: build
build: bin/bridged ## build bin/bridged (CGO_ENABLED=0 works, with slower signatures)

.PHONY: bin/bridged bin/devnet
bin/bridged:
	go build $(TRIMPATH) -ldflags '$(LDFLAGS)' -o $@ ./cmd/bridged

bin/devnet:
	go build $(TRIMPATH) -o $@ ./cmd/devnet

.PHONY: install
install: ## install bridged into GOBIN
	go install $(TRIMPATH) -ldflags '$(LDFLAGS)' ./cmd/bridged

.PHONY: demo
demo: bin/bridged bin/devnet ## run a network with two chains here, send transfers, show what became of them
	bin/devnet demo --bridged bin/bridged $(ARGS)

.PHONY: demo-validators
demo-validators: bin/bridged bin/devnet ## run a network whose validators come, go, fail and cheat, and show what it makes of that
	bin/devnet demo-validators --bridged bin/bridged $(ARGS)

.PHONY: devnet
devnet: bin/bridged bin/devnet ## run a network here until it is interrupted
	bin/devnet run --bridged bin/bridged $(ARGS)

##
## tests

.PHONY: test
test: $(TOOLS)/gotestsum $(ANVIL) ## run all unit and integration tests
	$(GOTESTSUM) -timeout 10m $(FLAGS) $(PKG)

.PHONY: test-race
test-race: $(TOOLS)/gotestsum ## run the tests of consensus and of all goroutines with the race detector
	$(GOTESTSUM) -race -timeout 15m $(FLAGS) $(RACE_PKG)

.PHONY: race-packages
race-packages: ## name the packages that test-race runs
	@go list $(RACE_PKG)

.PHONY: test-long
test-long: $(TOOLS)/gotestsum $(ANVIL) ## run all tests with BRIDGED_LONG=1, and models for RAPID_CHECKS runs each
	BRIDGED_LONG=1 $(GOTESTSUM) -count 1 -timeout 90m $(FLAGS) $(PKG)
	pkgs=$$(go list -f '{{$$p := .ImportPath}}{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$$p}}{{end}}{{end}}{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}} {{$$p}}{{end}}{{end}}' $(PKG)); \
	if [[ -n $$pkgs ]]; then $(GOTESTSUM) -count 1 -timeout 90m $$pkgs -rapid.checks $(RAPID_CHECKS); fi

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each
	scripts/fuzz.sh each $(FUZZTIME)

.PHONY: fuzz-ci
fuzz-ci: ## fuzz all targets, together less than two minutes (building them not counted)
	scripts/fuzz.sh total 30

.PHONY: sim
sim: ## simulate networks with faults, one for each of SEEDS=FROM:TO, for BLOCKS blocks
	go run ./test/simnet/sim --seeds $(SEEDS) --blocks $(BLOCKS) $(ARGS)

.PHONY: sim-selftest
sim-selftest: ## plant mistakes in the code, one at a time: the simulator has to catch each
	go run ./test/simnet/selftest $(ARGS)

.PHONY: sim-early
sim-early: ## simulate seals that are signed before the commit (ADR 0010): ARGS="--seeds 1:100000"
	go run ./test/earlyseal/sim $(ARGS)

##
## benchmarks; AGAINST=FILE compares with an earlier run

# What a benchmark is told: make bench-throughput ARGS="--length 10s"
BENCH := go run ./test/bench $(if $(AGAINST),--against $(AGAINST))

.PHONY: bench
bench: ## run the benchmarks with 4 validators, about 15 minutes; writes bench.json
	$(BENCH) --short --json bench.json $(ARGS)

.PHONY: bench-full
bench-full: ## run all benchmarks with 1, 4, 7 and 10 validators, about 100 minutes; writes bench-full.json
	$(BENCH) --json bench-full.json $(ARGS)

.PHONY: bench-throughput
bench-throughput: ## measure transfers a second through four validators, beside CometBFT's kvstore
	$(BENCH) --short throughput $(ARGS)

.PHONY: profile
profile: ## profile a validator while it is under load: processor and allocations, into profiles/
	$(BENCH) --short --profile profiles throughput --length 30s --kvstore 0 $(ARGS)
	go tool pprof -top -nodecount 30 profiles/throughput/cpu.pprof
	go tool pprof -top -cum -nodecount 60 profiles/throughput/cpu.pprof
	go tool pprof -top -nodecount 30 -sample_index alloc_space profiles/throughput/allocs.pprof

.PHONY: bench-latency
bench-latency: ## measure how long a transfer takes from final to release sent, step by step
	$(BENCH) latency $(ARGS)

.PHONY: bench-rest
bench-rest: ## measure processor and memory of validators that have nothing to do
	$(BENCH) rest $(ARGS)

.PHONY: bench-state
bench-state: ## measure what finished transfers leave behind in the state
	$(BENCH) state $(ARGS)

.PHONY: bench-votes
bench-votes: ## measure the bytes of votes and blocks, for an event and at rest
	$(BENCH) votes $(ARGS)

.PHONY: bench-chains
bench-chains: ## measure what many chains in one validator cost each other (ARGS=--rest: requests at rest)
	$(BENCH) chains $(ARGS)

.PHONY: bench-catchup
bench-catchup: ## measure how fast an observer reads, proves and marks 100,000 blocks with deposits
	$(BENCH) catchup $(ARGS)

.PHONY: bench-reading
bench-reading: ## measure the rate of logs fetched and verified, beside a bare eth_getLogs loop
	$(BENCH) reading $(ARGS)

.PHONY: bench-docs
bench-docs: ## write the figures of docs/benchmarks.md; FILES=bench.json puts those of a run there
	go run ./test/bench/docs $(FILES)

# Packages with Go micro-benchmarks, and how often each is run.
BENCH_PKG   ?= $(sort $(dir $(shell grep -rl --include='*_test.go' '^func Benchmark' app config contracts internal test x)))
BENCH_COUNT ?= 6

.PHONY: bench-go
bench-go: ## run the Go micro-benchmarks; writes bench-go.txt
	go test -run '^$$' -bench . -benchmem -count $(BENCH_COUNT) $(FLAGS) $(addprefix ./,$(BENCH_PKG)) | tee bench-go.txt

.PHONY: bench-go-compare
bench-go-compare: $(TOOLS)/benchstat bench-go ## run them and compare with an earlier AGAINST=FILE
	$(TOOLS)/benchstat $(AGAINST) bench-go.txt

.PHONY: gas
gas: ## measure the gas of the bridge contract
	$(BENCH) gas $(ARGS)

##
## code

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/buf ## check Go (with import order and formatting) and protobuf
	$(TOOLS)/golangci-lint run
	$(TOOLS)/buf lint
	$(TOOLS)/buf format --diff --exit-code

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint $(TOOLS)/buf ## format Go and protobuf
	$(TOOLS)/golangci-lint fmt
	$(TOOLS)/buf format --write

.PHONY: deadcode
deadcode: $(TOOLS)/deadcode ## list functions that neither a program nor a test reaches
	$(TOOLS)/deadcode -test ./...

.PHONY: generate
generate: proto contracts ## regenerate everything that is generated

.PHONY: proto
proto: $(TOOLS)/buf ## regenerate x/bridge/bridgepb from proto/
	$(TOOLS)/buf generate

.PHONY: contracts
contracts: ## compile the Solidity contracts and regenerate artifacts and bindings (needs Node.js)
	contracts/build.sh

.PHONY: check-generated
check-generated: ## regenerate and fail if anything committed differs
	scripts/check-generated.sh

.PHONY: clean
clean: ## remove what make built
	rm -rf bin

# Tools have a module of their own, so that their dependencies stay out of ours.
# Each is built when it is first needed, and again when its module changes.
TOOL_golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
TOOL_buf           := github.com/bufbuild/buf/cmd/buf
TOOL_gotestsum     := gotest.tools/gotestsum
TOOL_deadcode      := golang.org/x/tools/cmd/deadcode
TOOL_benchstat     := golang.org/x/perf/cmd/benchstat

$(TOOLS)/%: tools/go.mod tools/go.sum
	go build -modfile tools/go.mod -o $@ $(TOOL_$*)

# A second EVM client, which test/anvil reorganises.
$(TOOLS)/anvil: test/anvil/package.json test/anvil/package-lock.json
	npm ci --prefix test/anvil --ignore-scripts --no-audit --no-fund --silent
	mkdir -p $(TOOLS)
	cp test/anvil/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil $@
