# `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help cluster run build release test check format format-check sanitize sanitize-thread sanitize-address \
	bench attack cost autobahn chaos compose-test fuzz fuzz-build fuzz-corpus fuzz-input clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

cluster: ## Redis, three nodes and nginx on this machine (NODES=3 PORT=8080 ADMIN=9001 TLS=1)
	@Deploy/install run
	@$(MAKE) --no-print-directory release
	@exec Deploy/cluster

run: ## one node alone, open to everyone on this machine and to nobody else (FLAGS="--port 8001")
	@Deploy/install build
	@$(MAKE) --no-print-directory release
	@exec .build/release/fanfare serve --dev --host 127.0.0.1 $(FLAGS)

build: ## the binary, at .build/release/fanfare
	@Deploy/install build
	swift build -c release --product fanfare

# What only starts the binary builds it when something is newer than it; folders are among it, for files that went away.
release: .build/release/fanfare

.build/release/fanfare: Package.swift $(wildcard Package.resolved) $(shell find Sources)
	swift build -c release --product fanfare
	@touch -c $@

# Groups of tests, one after the other: those that only compute, thousands of cases, would make the others wait in line, and
# all Redis servers, nodes and browsers at once are too much for two cores. What is in no group comes last.
TEST_GROUPS = 'FanfareWireTests|FanfareCoreTests|FanfareProtocolsTests' 'FanfareRedisTests.(History|Broker|Gap)' \
	'FanfareRedisTests.(Presence|Sentinel)' 'FanfareRedisTests.Redis' 'FanfareRedisTests.Cluster' 'FanfareRedisTests.[A-L]' \
	FanfareRedisTests 'ClusterTests.(Storm|Bench|Writer|Presence|Limit)' \
	'ClusterTests.(TLS|Attack|HalfOpen|SlowConsumer|Compression)' 'ClusterTests.(RFC|Rate|User|Address|Proxy|Token|Failure)' \
	'ClusterTests.(Read|SlowRecovery|Pending|Admin|FirstSteps)' 'ClusterTests.(Stream|Nginx)' \
	'ClusterTests.(Poll|HTTP2|Emulation|Hostile|Unidirectional)' \
	'ClusterTests.(EngineIO|SocketIO|SockJS)' ClusterTests FaultTests ConformanceTests \
	'FanfareServerTests.SleepingReaderTests'

test: ## installs what is missing and runs all tests
	@Deploy/install test
	swift build --build-tests
	@Deploy/test-groups $(TEST_GROUPS)

# The engine's tests that need no node process, one at a time, for under a sanitizer they are slow. A report fails them.
SANITIZED = FanfareWireTests|FanfareCoreTests|FanfareProtocolsTests|FanfareRedisTests|FanfareServerTests
# What runs on one thread and takes minutes is for the other sanitizer.
sanitize-thread: SKIPPED = --skip HubModelTests
sanitize-thread: export TSAN_OPTIONS = halt_on_error=1 suppressions=$(CURDIR)/Tests/Sanitizers/thread.supp

# Leaks are not looked for: Swift keeps the address of a weak reference's table shifted, where no leak checker finds it.
sanitize-address: export ASAN_OPTIONS = detect_leaks=0:suppressions=$(CURDIR)/Tests/Sanitizers/address.supp

sanitize: sanitize-thread sanitize-address ## the engine's tests under the thread and the address sanitizer

# The linker's hundreds of warnings are about symbols of the address sanitizer and are left out.
sanitize-thread sanitize-address: sanitize-%:
	@Deploy/install test
	@set -o pipefail; swift build --quiet --build-tests --sanitize=$* --scratch-path .build-$* 2>&1 \
		| { grep -v 'warning: Cannot export local symbol' || true; }
	swift test --quiet --no-parallel --skip-build --sanitize=$* --scratch-path .build-$* \
		--filter '$(SANITIZED)' $(SKIPPED)

# One program with all targets. Its build has what sanitizers want in our modules and nothing in others', so in the folder of a release
# build (FUZZ_BUILD=.build) only ours are built again; and again by the next release build, so it has one of its own.
FUZZ_BUILD = .build-fuzz
export FUZZ_BUILD
fuzz-build:
	@Deploy/install build
	@set -o pipefail; FANFARE_FUZZ=1 swift build --quiet -c release --product fanfare-fuzz --scratch-path $(FUZZ_BUILD) 2>&1 \
		| { grep -v 'warning: Cannot export local symbol' || true; }

fuzz: fuzz-build ## hostile input for every parser under AddressSanitizer (SECONDS=60 each, JOBS=2, SEED=1, TARGETS="frames json")
	Fuzz/run.py --seconds $(or $(SECONDS),60) --jobs $(or $(JOBS),2) --seed $(or $(SEED),0) $(TARGETS)

fuzz-corpus: fuzz-build ## puts the smallest inputs that reach as much into Fuzz/Corpus (TARGETS="frames json")
	Fuzz/run.py --minimise $(TARGETS)

fuzz-input: fuzz-build ## one input again (TARGET=frames INPUT=file)
	Fuzz/run.py --input $(INPUT) $(TARGET)

autobahn: ## all of Autobahn's cases, ten minutes; the report stays in .autobahn
	@Deploy/install test
	swift build --build-tests
	AUTOBAHN=all swift test --skip-build --filter AutobahnTests

check: format-check ## format, documents, nginx and compose files
	@Deploy/install check
	Deploy/check

format: ## rewrites the sources in the house style
	swift format format --in-place --parallel --recursive Package.swift Sources Tests Fuzz

format-check: ## fails when a source is not in the house style
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Fuzz

bench: ## all scenarios against the C yardstick, 15 minutes (SCENARIOS="single burst" RUNS=5)
	@Deploy/install bench
	@$(MAKE) --no-print-directory release
	Benchmarks/run.py --runs $(or $(RUNS),5) $(SCENARIOS)

attack: ## hostile clients at a node while neighbours listen, some 40 minutes (ATTACKS="bomb ping-flood" RUNS=5 FLAGS=--strict)
	@Deploy/install bench
	@$(MAKE) --no-print-directory release
	Benchmarks/attacks.py --runs $(or $(RUNS),5) $(FLAGS) $(ATTACKS)

cost: ## instructions and allocations, exact, and memory; fails above Benchmarks/thresholds.json
	@Deploy/install bench
	@$(MAKE) --no-print-directory release
	Benchmarks/costs.py

chaos: ## breaks a cluster and checks that nothing is lost (SECONDS=60 SEED=1 FLAGS="--clients 300 --fault node-cut")
	@Deploy/install chaos
	@$(MAKE) --no-print-directory release
	swift build -c release --product fanfare-chaos
	.build/release/fanfare-chaos --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) $(FLAGS)

compose-test: ## docker-compose.yml for real: needs a container engine, not part of make test
	@Deploy/install test
	Deploy/compose-test

clean: ## removes what was built
	rm -rf .build .build-thread .build-address .build-fuzz .venv .autobahn
