# `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help cluster run build release test check format format-check bench cost compose-test clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

cluster: ## Redis, three nodes and nginx on this machine (NODES=3 PORT=8080 ADMIN=9001)
	@Deploy/install run
	@$(MAKE) --no-print-directory release
	@exec Deploy/cluster

run: ## one node alone, open to everyone on this machine (FLAGS="--port 8000")
	@Deploy/install build
	@$(MAKE) --no-print-directory release
	@exec .build/release/fanfare serve --dev $(FLAGS)

build release: ## the binary, at .build/release/fanfare
	@Deploy/install build
	swift build -c release --product fanfare

test: ## installs what is missing and runs all tests
	@Deploy/install test
	swift build --build-tests
	swift test --skip-build

check: format-check ## format, nginx and compose files
	@Deploy/install run
	Deploy/check

format: ## rewrites the sources in the house style
	swift format format --in-place --parallel --recursive Package.swift Sources Tests

format-check: ## fails when a source is not in the house style
	swift format lint --strict --parallel --recursive Package.swift Sources Tests

bench: ## all scenarios against the C yardstick, half an hour (SCENARIOS="single burst" RUNS=5)
	@Deploy/install bench
	@$(MAKE) --no-print-directory release
	Benchmarks/run.py --runs $(or $(RUNS),5) $(SCENARIOS)

cost: ## instructions and allocations of a delivery and a publish, exact; fails above Benchmarks/thresholds.json
	@Deploy/install bench
	@$(MAKE) --no-print-directory release
	Benchmarks/costs.py

compose-test: ## docker-compose.yml for real: needs a container engine, not part of make test
	@Deploy/install test
	Deploy/compose-test

clean: ## removes what was built
	rm -rf .build .venv
