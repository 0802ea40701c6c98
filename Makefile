# Counterfoil: `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := $(shell sed -n 's/^uv==//p' requirements-dev.txt)
LOCK_KEY := $(shell cksum requirements.lock | tr ' ' '-')
STAMP := $(VENV)/.synced-$(LOCK_KEY)
LOCK_COMMAND = $(BIN)/uv pip compile requirements.txt requirements-dev.txt --universal --python-version 3.11 \
	--generate-hashes --no-header --quiet

# make run: ONCE=1 stops after the summary. CHANNEL= runs one channel only, ERP=tryton one more. The rest has defaults.
RUN_ARGUMENTS = $(if $(filter-out 0,$(ONCE)),--once) $(if $(DAYS),--days $(DAYS)) $(if $(PORT),--port $(PORT)) \
	$(if $(SEED),--seed $(SEED)) $(if $(PER_DAY),--per-day $(PER_DAY)) \
	$(if $(CHANNEL),--channel $(CHANNEL)) $(if $(ERP),--erp $(ERP))

# The end-to-end tests bring up a whole Airflow each and get the machine to themselves.
PYTEST = $(BIN)/python -m pytest --durations=10 --durations-min=5
WORKERS ?= 2

.PHONY: help setup run stop status test test-fast test-e2e conformance new-erp new-store lint format lock check-lock bench simulate clean

help: ## Show this list
	@echo "make <target>   (PYTHON=$(PYTHON))"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make .venv and install the locked packages

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Counterfoil needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try make PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/uv --version 2>/dev/null | grep -qF "uv $(UV_VERSION)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@echo "installing the locked packages (a few minutes the first time)"
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@rm -f $(VENV)/.synced-*
	@touch $@

run: setup ## Bring everything up, do the main job, stay up (ONCE=1 DAYS=3 PORT= SEED= PER_DAY= CHANNEL= ERP=)
	@exec $(BIN)/python -m local run $(RUN_ARGUMENTS)

stop: ## Stop every process that make run started
	@if test -x $(BIN)/python; then exec $(BIN)/python -m local stop; else echo "nothing is running"; fi

status: setup ## Say what runs, and who may log in
	@exec $(BIN)/python -m local status

test: setup ## Run all tests
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not e2e"
	$(PYTEST) -m e2e

test-fast: setup ## Run all tests but the end-to-end ones
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not e2e"

test-e2e: setup ## Run the end-to-end tests, which bring up Airflow
	$(PYTEST) -m e2e

conformance: setup ## Try every connector, or one (ERP= STORE=), and say what it still gets wrong
	$(PYTEST) -q --tb=no tests/conformance $(if $(ERP)$(STORE),-k "$(ERP)$(STORE)")

new-erp: setup ## Write the folder of a new ERP connector (name=acme_books)
	@$(BIN)/python -m local.scaffold erp "$(name)"

new-store: setup ## Write the folder of a new store connector (name=market_hall)
	@$(BIN)/python -m local.scaffold store "$(name)"

lint: setup ## Check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config .importlinter

format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## Compile requirements.lock anew from requirements*.txt, keeping what still fits
	$(LOCK_COMMAND) --output-file requirements.lock

check-lock: setup ## Check that requirements.lock is what requirements*.txt compile to
	@draft=$$(mktemp) && trap 'rm -f "$$draft"' EXIT && cp requirements.lock "$$draft" && \
	$(LOCK_COMMAND) --output-file "$$draft" > /dev/null && \
	{ diff -u requirements.lock "$$draft" || { echo "requirements.lock is out of date: run make lock" >&2; exit 1; }; } && \
	echo "requirements.lock is up to date"

bench: setup ## Measure; prints a table and writes bench/latest.json (DLT=1 measures dlt too)
	@exec $(BIN)/python -m bench $(if $(filter-out 0,$(DLT)),--dlt)

simulate: setup ## Live random order lives through with faults and kills (ERP= SEED=1 N=10 ORDER_DAYS=4)
	@exec $(BIN)/python -m tests.simulation $(if $(ERP),--erp $(ERP)) $(if $(SEED),--seed $(SEED)) $(if $(N),--n $(N)) \
		$(if $(ORDER_DAYS),--days $(ORDER_DAYS))

clean: stop ## Stop everything and remove its state (orders posted to the sandbox included)
	rm -rf .local
