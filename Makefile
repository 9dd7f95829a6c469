# Every target sets up what it needs; a second run finds the stamps and goes straight to work.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

UV := .venv-tools/bin/uv
BIN := .venv/bin
ARGS ?=
CONFIG ?=
# Processes that tests and types are checked in.
JOBS ?= 2

# Only a Python that is already there: uv shall not fetch an interpreter of its own.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# Compiled once here, not by every environment of the first run: it starts in two thirds of the time.
export UV_COMPILE_BYTECODE := 1
SYNC := $(UV) sync --frozen --inexact --python .venv-tools/bin/python

# What the gateway, its command line, its plugins and the demo need; then what tests and checks need besides.
TO_RUN := --extra cli --extra local --group plugins --group demo
TO_CHECK := $(TO_RUN) --group test --group check --group cdk

CDK := node_modules/.bin/cdk

# What functions need, of uv.lock by hash, as wheels for Lambda; and for this machine, to run what was staged.
PACKAGES := $(UV) pip install --quiet --only-binary :all: --require-hashes --no-deps --link-mode copy
ON_LAMBDA := --python-platform aarch64-manylinux_2_28 --python-version 3.13
ON_HOST := --python .venv-tools/bin/python
EXPORT := $(UV) export --quiet --frozen --no-emit-project --no-default-groups --no-header --format requirements.txt

.PHONY: help setup dev demo test check format docs synth bench flame faults conformance clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.stamp-check .packages/uv.lock .venv-tools/.stamp-cdk ## Install all that development and deployment need

dev: .venv/.stamp-run ## Run the local gateway
	$(BIN)/penstock dev $(ARGS)

demo: .venv/.stamp-run ## Run the local gateway, send it four requests, show their evidence
	$(BIN)/penstock demo $(ARGS)

# A file's tests stay together, and files in their order (tests/conftest.py): those whose gateways live in threads of
# the tests' process come last, since hypothesis takes their use of `random` for its own tests'. A process that dies
# ends the run. ARGS="-n 0 --pdb": all in one, as a debugger needs it.
test: .venv/.stamp-check .packages/uv.lock .venv-tools/.stamp-old-mcp .venv-tools/.stamp-conformance .venv-tools/.stamp-node-clients ## Run the tests (ARGS="tests/gates -k block" for some of them)
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0 $(ARGS)

check: .venv/.stamp-check ## Run the gate: lint, format, types, imports, sizes, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers $(JOBS) $(wildcard app.py bench penstock functions infra plugins tests tools/*.py)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_sizes.py tests/test_architecture.py tests/test_mirror.py
	$(if $(wildcard tools/generate_docs.py),$(BIN)/python tools/generate_docs.py --check)

format: .venv/.stamp-check ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.stamp-check ## Write the generated pages of docs/ anew
	$(BIN)/python tools/generate_docs.py

synth: .venv/.stamp-check .packages/uv.lock .venv-tools/.stamp-cdk ## Write the stacks to cdk.out (CONFIG=gateway.toml; needs Node)
	$(CDK) synth --quiet --output cdk.out $(if $(CONFIG),-c config=$(CONFIG))

bench: .venv/.stamp-check .packages/uv.lock ## Measure what the gateway costs; results go to bench/results/ (ARGS="--rounds 5")
	$(BIN)/python -m bench $(ARGS)

flame: .venv/.stamp-check ## Draw where the CPU time of one request goes: docs/pictures/flame.svg
	$(BIN)/python -m bench.flame $(ARGS)

faults: .venv/.stamp-check ## Kill and break every call of a request, unary and streamed, compare with the table
	$(BIN)/python -m tools.faults $(ARGS)

conformance: .venv/.stamp-check .venv-tools/.stamp-conformance ## Run MCP's conformance suite, write its table to docs/mcp.md
	PENSTOCK_WRITE_CONFORMANCE=1 $(BIN)/python -m pytest tests/e2e/mcp/test_mcp_conformance.py

clean: ## Remove what make and the local gateway have made
	rm -rf .venv .venv-tools .penstock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache cdk.out .packages node_modules

.venv-tools/.stamp: tools/bootstrap
	@tools/bootstrap
	@touch $@

.venv/.stamp-run: .venv-tools/.stamp pyproject.toml uv.lock
	$(SYNC) $(TO_RUN)
	@touch $@

.venv/.stamp-check: .venv-tools/.stamp pyproject.toml uv.lock
	$(SYNC) $(TO_CHECK)
	@touch $@ .venv/.stamp-run

# The copy of the lock comes last: it says that all before it is there.
.packages/uv.lock: .venv-tools/.stamp uv.lock
	@rm -rf .packages/lambda .packages/host && mkdir -p .packages
	$(EXPORT) -o .packages/core.txt
	$(EXPORT) --only-group plugins -o .packages/plugins.txt
	$(PACKAGES) $(ON_LAMBDA) --target .packages/lambda/core -r .packages/core.txt
	$(PACKAGES) $(ON_LAMBDA) --target .packages/lambda/plugins -r .packages/plugins.txt
	$(PACKAGES) $(ON_HOST) --target .packages/host/core -r .packages/core.txt
	$(PACKAGES) $(ON_HOST) --target .packages/host/plugins -r .packages/plugins.txt
	@cp uv.lock $@

# PyPI's client of MCP as it was before 2.0, which cannot be in one venv with the one of today.
.venv-tools/.stamp-old-mcp: .venv-tools/.stamp tests/e2e/mcp/old_client.txt
	$(UV) venv --quiet --clear --python .venv-tools/bin/python .venv-tools/old-mcp
	$(UV) pip install --quiet --require-hashes --python .venv-tools/old-mcp -r tests/e2e/mcp/old_client.txt
	@touch $@

# MCP's conformance suite, and a Node for it where the registry has one for this platform.
.venv-tools/.stamp-conformance: .venv-tools/.stamp tests/e2e/mcp/conformance/package.json tests/e2e/mcp/conformance/package-lock.json
	@mkdir -p .venv-tools/conformance
	@cp tests/e2e/mcp/conformance/package.json tests/e2e/mcp/conformance/package-lock.json .venv-tools/conformance
	npm ci --silent --no-fund --no-audit --ignore-scripts --prefix .venv-tools/conformance
	@touch $@

# The official clients for Node, which run on the suite's.
.venv-tools/.stamp-node-clients: .venv-tools/.stamp tests/e2e/node/package.json tests/e2e/node/package-lock.json
	@mkdir -p .venv-tools/node-clients
	@cp tests/e2e/node/package.json tests/e2e/node/package-lock.json .venv-tools/node-clients
	npm ci --silent --no-fund --no-audit --ignore-scripts --prefix .venv-tools/node-clients
	@touch $@

# The CDK's command line, by infra/package-lock.json; linked so that `npx cdk` finds it and asks no registry.
.venv-tools/.stamp-cdk: .venv-tools/.stamp infra/package.json infra/package-lock.json
	@mkdir -p .venv-tools/cdk node_modules/.bin
	@cp infra/package.json infra/package-lock.json .venv-tools/cdk
	npm ci --silent --no-fund --no-audit --prefix .venv-tools/cdk
	@ln -sf ../../.venv-tools/cdk/node_modules/.bin/cdk $(CDK)
	@touch $@
