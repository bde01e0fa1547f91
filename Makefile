# The way in: `make up` deploys to the embedded local cloud, `make test` proves everything.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMPS := .build/stamps
NODE_FOLDER := local/workerd

# A stamp says from which lock a folder was made. They lie in the folder itself where nobody packs its content, so
# that deleting the folder forgets them, too.
VENV_STAMP := $(VENV)/.from-lock
NPM_STAMP := $(NODE_FOLDER)/node_modules/.from-lock
WHEELS_STAMP := $(STAMPS)/python_modules

# The first of these that is at least 3.11; choose another with `make PYTHON=...`.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$name -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$name; break; fi; done)

.PHONY: help
help: ## Say what there is
	@echo "Stowage. Begin with: make up"
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: setup ## Deploy the dev stack to the local cloud (quick when nothing changed); STORAGE=minio chooses a storage
	@$(BIN)/stowage up $(if $(STORAGE),-c storage=$(STORAGE)) $(ARGS)

.PHONY: down
down: ## Stop the local cloud; its data stays
	@if [ -x $(BIN)/stowage ]; then $(BIN)/stowage down; \
	elif [ -e "$${STOWAGE_HOME:-.stowage}/daemon.pid" ]; then \
		echo "The stowage command is not installed, but $${STOWAGE_HOME:-.stowage} is a cloud folder: run 'make setup' first."; exit 1; \
	else echo "There is no local cloud."; fi

.PHONY: clean-cloud
clean-cloud: ## Stop the local cloud and forget its data, state and keys
	@if [ -x $(BIN)/stowage ]; then $(BIN)/stowage down --forget; else $(MAKE) down; fi

.PHONY: setup
setup: $(VENV_STAMP) $(NPM_STAMP) $(WHEELS_STAMP) ## Install what a checkout needs, from the locks

.PHONY: wheels
wheels: $(WHEELS_STAMP) ## Unpack the WebAssembly wheels of the Worker bundle

.PHONY: pulumi-cli
pulumi-cli: $(VENV_STAMP) ## Find, install or build the Pulumi CLI (minutes, once for each user)
	@$(BIN)/python -m cli.pulumi_install

.PHONY: versitygw
versitygw: $(VENV_STAMP) ## Build the S3 server of the storages minio and b2 (a minute or more, once for each user)
	@$(BIN)/python -m cli.versitygw

# More than there may be cores: these tests wait for most of their time, for schedules, retries and expiries. Each
# process may run several clouds, of 0.7 GB of memory each.
CLOUD_PROCESSES ?= 3

.PHONY: test
test: setup test-packages pulumi-cli versitygw ## Run everything: all checks and all tests, also those against the local cloud
	@failed=""; \
	$(MAKE) lint || failed="$$failed lint"; \
	$(MAKE) unit || failed="$$failed unit"; \
	echo "== tests against the local cloud, file by file in $(CLOUD_PROCESSES) processes"; \
	$(BIN)/python -m pytest -m cloud -n $(CLOUD_PROCESSES) --dist loadfile --no-loadscope-reorder -v --durations=15 || failed="$$failed cloud"; \
	if [ -n "$$failed" ]; then echo "make test: FAILED in:$$failed"; exit 1; fi; \
	echo "make test: everything passed"

.PHONY: check
check: setup ## The fast inner loop: format, lint, types, import rules, tests without a cloud
	@$(MAKE) -j2 --output-sync=target lint unit WHICH="not cloud and not thorough"

WHICH := not cloud
BENCHES := hostnames presign validation

.PHONY: unit
unit: $(VENV_STAMP) ## The tests without a cloud
	@echo "== tests without a cloud"; $(BIN)/python -m pytest -m "$(WHICH)" -n 2 -q

.PHONY: lint
lint: $(VENV_STAMP) ## Format, lint, types and import rules, without tests
	@failed=""; \
	echo "== ruff check"; $(BIN)/ruff check . || failed="$$failed ruff"; \
	echo "== ruff format"; $(BIN)/ruff format --check . || failed="$$failed format"; \
	echo "== lint-imports"; $(BIN)/lint-imports --no-cache || failed="$$failed imports"; \
	echo "== pyright"; PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright || failed="$$failed pyright"; \
	if [ -n "$$failed" ]; then echo "make lint: FAILED in:$$failed"; exit 1; fi

.PHONY: fmt
fmt: $(VENV_STAMP) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: lock
lock: $(VENV_STAMP) ## Resolve requirements/*.in anew into the hashed locks
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate requirements/dev.in --output-file requirements/dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.14 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate requirements/worker.in --output-file requirements/worker.lock

.PHONY: bench
bench: $(VENV_STAMP) ## Compare with named peers what needs no cloud (bench/README.md)
	@for file in $(BENCHES); do $(BIN)/python -m bench.$$file; done

.PHONY: clean
clean: down ## Stop the local cloud, delete what was built and installed; the cloud's data stays
	@rm -rf .build $(VENV) $(NODE_FOLDER)/node_modules

.PHONY: test-packages
test-packages: ## Install the Debian packages that the tests need (apt-utils, curl, postgresql, chromium)
	@tools/test-packages

$(VENV_STAMP): requirements/dev.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "Stowage needs Python 3.11 or newer with the venv module, and found none (tried python3 and python3.11 to python3.14)."; \
		echo "Install it (Debian: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; fi
	@if ! { [ -x $(BIN)/python ] && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; } 2>/dev/null; then \
		echo "Making $(VENV) with $(PYTHON) ..."; rm -rf $(VENV); "$(PYTHON)" -m venv $(VENV); fi
	@echo "Installing Python packages from requirements/dev.lock (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(NPM_STAMP): $(NODE_FOLDER)/package-lock.json $(NODE_FOLDER)/package.json
	@if ! command -v node >/dev/null; then \
		echo "Stowage needs Node.js 20 or newer for the local cloud, and there is no node on PATH. Install it from https://nodejs.org/"; exit 1; fi
	@if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then \
		echo "Stowage needs Node.js 20 or newer for the local cloud; node on PATH is $$(node --version). Install a newer one from https://nodejs.org/"; exit 1; fi
	@if ! command -v npm >/dev/null; then echo "There is node, but no npm on PATH. Install npm (it comes with https://nodejs.org/)."; exit 1; fi
	@echo "Installing npm packages for the local cloud ..."
	@cd $(NODE_FOLDER) && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Into a fresh folder that then takes the place of the old one: a kill in the middle leaves no half bundle.
$(WHEELS_STAMP): requirements/worker.lock | $(VENV_STAMP)
	@echo "Unpacking the WebAssembly wheels of the Worker bundle ..."
	@rm -rf .build/python_modules.new && mkdir -p $(STAMPS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .build/python_modules.new --no-deps --no-compile \
		--platform pyemscripten_2026_0_wasm32 --python-version 3.14 --abi cp314 --only-binary :all: \
		--require-hashes -r requirements/worker.lock
	@rm -rf .build/python_modules && mv .build/python_modules.new .build/python_modules
	@touch $@
