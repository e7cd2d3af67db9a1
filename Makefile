# Everything is set up under .venv; nothing outside this directory is touched.
# `make demo` and `make test` each do all of their own set-up on a machine with python3 (3.11 or later), make and git.

PYTHON ?= python3
OUT ?= demo
# prompts and traffic traces to fit and measure on; without them the composer writes its own text
CORPUS ?= $(or $(STILLWATCH_CORPUS),../shared/data)
WITH_CORPUS = $(if $(wildcard $(CORPUS)),--corpus $(CORPUS))
# checkout of the repository that docs/real-data.md names; it does not come with this project
REAL ?= ../hop-airdrop
# worlds that the scorecard is measured on, and how many at a time
SEEDS ?= 1-10
JOBS ?= 1
# seconds that the live bench sends exchanges
BENCH_S ?= 60
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input
CORE := $(VENV)/.core-installed
DEV := $(VENV)/.dev-installed
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check lint format bench bench-live quality peers real classifiers fit docs lock install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(CORE) ## compose a world, scan it, print the campaigns, leave a report (OUT=demo)
	$(BIN)/stillwatch demo --out $(OUT)

test: $(DEV) ## the default tests (about two minutes on two cores)
	$(BIN)/python -m pytest -n 2

test-slow: $(DEV) ## the tests marked slow (minutes)
	$(BIN)/python -m pytest -n 2 -m slow

check: lint test ## everything a change must pass: format, lint, types, architecture, tests

lint: $(DEV) ## format, lint, types and the direction of imports, without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(DEV) ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV) ## CPU of a scan against a plain scan-and-hash of the prompts
	$(BIN)/python -m stillwatch.bench.speed

bench-live: $(DEV) ## the live service: decisions, ingest, a decision's way to a gateway (BENCH_S=60; three minutes)
	$(BIN)/python -m stillwatch.bench.live --seconds $(BENCH_S) --json docs/measurements/live.json

quality: $(DEV) ## the scorecard, on worlds that nothing was fitted on (hours; SEEDS=1-10 JOBS=2 PARTS=suites,...)
	$(BIN)/stillwatch bench $(WITH_CORPUS) --seeds $(SEEDS) --jobs $(JOBS) $(if $(PARTS),--parts $(PARTS)) --out out/scorecard
	cp out/scorecard/scorecard.json docs/measurements/scorecard.json

peers: $(DEV) ## other people's methods on the same worlds, and where they win (half an hour)
	$(BIN)/python -m stillwatch.bench.peers $(WITH_CORPUS) --out docs/measurements/peers.json

real: $(DEV) ## the operator axis alone on published airdrop labels (REAL=a checkout, see docs/real-data.md; minutes)
	$(BIN)/python -m stillwatch.bench.real --data $(REAL) --out docs/measurements/real.json

classifiers: $(DEV) ## train the per-exchange classifiers from the corpus (CORPUS=../shared/data)
	$(BIN)/python scripts/train_classifiers.py $(WITH_CORPUS)

fit: $(DEV) ## fit and calibrate weights on composed worlds (CORPUS=../shared/data)
	$(BIN)/python scripts/fit.py $(WITH_CORPUS)

docs: $(DEV) ## rewrite the generated parts of the documents
	$(BIN)/python scripts/build_docs.py

install: $(DEV) ## only set up the virtual environment

lock: $(DEV) ## resolve the dependencies again and pin them with hashes
	$(PIP) uv
	$(UV_COMPILE) pyproject.toml --extra otel --extra serve --extra postgres --extra nats --extra kafka --extra envoy --extra bench --group dev --output-file requirements/dev.txt
	$(UV_COMPILE) pyproject.toml --constraint requirements/dev.txt --output-file requirements/core.txt
	$(UV_COMPILE) --group build --constraint requirements/dev.txt --output-file requirements/build.txt

clean: ## remove the virtual environment, caches and everything generated
	rm -rf $(VENV) build dist demo out worlds .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "stillwatch needs Python 3.11 or later: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "python3 cannot make virtual environments here: install its venv module (Debian: python3-venv)" >&2; exit 2; }

# The build backend is pinned too, so the project itself is built without fetching anything unpinned.
$(CORE): requirements/core.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing the pinned packages into $(VENV) (once; a minute or two)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	$(PIP) --require-hashes -r requirements/core.txt -r requirements/build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing the pinned packages into $(VENV) (once; a minute or two)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	$(PIP) --require-hashes -r requirements/dev.txt
	@# xds-protos carries files of its own under opentelemetry/, older ones: the real ones go over them
	@awk '/^opentelemetry-proto==/ {p = 1} p {print} p && !/\\$$/ {exit}' requirements/dev.txt > $(VENV)/again.txt
	$(PIP) --require-hashes --no-deps --force-reinstall -r $(VENV)/again.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ $(CORE)
