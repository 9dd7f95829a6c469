# Every target sets up what it needs; a second run finds the stamps and goes straight to work.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

UV := .venv-tools/bin/uv
BIN := .venv/bin
ARGS ?=
CONFIG ?=

# Only a Python that is already there: uv shall not fetch an interpreter of its own.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# Compiled once here, not by every environment of the first run: it starts in two thirds of the time.
export UV_COMPILE_BYTECODE := 1
SYNC := $(UV) sync --frozen --inexact --python .venv-tools/bin/python

# What the gateway, its command line, its plugins and the demo need; then what tests and checks need besides.
TO_RUN := --extra cli --extra local --group plugins --group demo
TO_CHECK := $(TO_RUN) --group test --group check --group cdk

.PHONY: help setup dev demo test check format docs synth bench faults clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.stamp-check ## Install all that development needs

dev: .venv/.stamp-run ## Run the local gateway
	$(BIN)/penstock dev $(ARGS)

demo: .venv/.stamp-run ## Run the local gateway, send it three requests, show their evidence
	$(BIN)/penstock demo $(ARGS)

test: .venv/.stamp-check ## Run the tests (ARGS="tests/gates -k block" for some of them)
	$(BIN)/python -m pytest $(ARGS)

check: .venv/.stamp-check ## Run the gate: lint, format, types, imports, sizes, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(wildcard app.py bench penstock functions infra plugins tests tools/*.py)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_sizes.py tests/test_architecture.py tests/test_mirror.py
	$(if $(wildcard tools/generate_docs.py),$(BIN)/python tools/generate_docs.py --check)

format: .venv/.stamp-check ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.stamp-check ## Write the generated pages of docs/ anew
	$(BIN)/python tools/generate_docs.py

synth: .venv/.stamp-check ## Write the stacks' templates to cdk.out (CONFIG=gateway.toml; needs Node)
	CDK_OUTDIR=cdk.out CDK_CONTEXT_JSON='{"config": "$(CONFIG)"}' $(BIN)/python app.py

bench: .venv/.stamp-check ## Measure what the gateway costs; results go to bench/results/ (ARGS="--rounds 5")
	$(BIN)/python -m bench $(ARGS)

faults: .venv/.stamp-check ## Kill and break every call of unary traffic, compare what comes of it with the table
	$(BIN)/python -m tools.faults $(ARGS)

clean: ## Remove what make and the local gateway have made
	rm -rf .venv .venv-tools .penstock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache cdk.out

.venv-tools/.stamp: tools/bootstrap
	@tools/bootstrap
	@touch $@

.venv/.stamp-run: .venv-tools/.stamp pyproject.toml uv.lock
	$(SYNC) $(TO_RUN)
	@touch $@

.venv/.stamp-check: .venv-tools/.stamp pyproject.toml uv.lock
	$(SYNC) $(TO_CHECK)
	@touch $@ .venv/.stamp-run
