# Wiredesk. `make run` and `make test` need Python 3.11 or newer and nothing else; PYTHON=… names another one.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
PROJECTS := pyproject.toml client/pyproject.toml
# `compat` is a plain path file; the import hook of the other mode costs every process 0.07 s of its start.
EDITABLE := --config-settings editable_mode=compat --editable . --editable ./client
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench quality train-ner train-embedding format lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## start everything on this machine; Ctrl-C stops it; state stays in .wiredesk/
	@exec $(BIN)/python -m deploy.local

test: $(VENV)/.installed-dev ## run every test on private engines; ARGS="-k name" for some
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-dev ## format, lint, types, import contracts, rules of the house
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet .; false; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/rules

bench: $(VENV)/.installed-dev ## measure; prints tables, writes bench/results/; ARGS="name" for one
	@$(BIN)/python -m bench $(ARGS)

quality: $(VENV)/.installed-dev ## score the enrichment per task and language, and hold the gate
	@$(BIN)/python -m bench.quality $(ARGS)

train-ner: ## make the bundled model of names anew (own environment in build/; needs the training sets)
	@$(PYTHON) -m venv build/train-ner/venv
	@build/train-ner/venv/bin/python -m pip --disable-pip-version-check --quiet install -r training/ner/requirements.txt
	@build/train-ner/venv/bin/python -m training.ner $(ARGS)

train-embedding: ## make the bundled static vectors anew (own environment in build/)
	@$(PYTHON) -m venv build/train-embedding/venv
	@build/train-embedding/venv/bin/python -m pip --disable-pip-version-check --quiet install -r training/embedding/requirements.txt
	@build/train-embedding/venv/bin/python -m training.embedding $(ARGS)

format: $(VENV)/.installed-dev ## put the source into its form
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

lock: $(VENV)/.installed-dev ## lock the newest dependencies that pyproject.toml allows
	@$(call compile,requirements.lock,)
	@$(call compile,requirements-dev.lock,--group dev --constraint requirements.lock)

clean: ## remove what make installed (not the state in .wiredesk/)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info client/build client/*.egg-info

# Hashes of every file of every platform, and no address: the index is the installer's business.
define compile
$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock" --group build $(2) $(PROJECTS) --output-file $(1)
endef

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Wiredesk needs Python 3.11 or newer with its venv module (Debian: apt install \
	python3-venv). Install it, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@echo "  virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock $(PROJECTS) | $(VENV)/bin/python
	@echo "  installing the locked dependencies (about a minute, once)"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(PROJECTS) | $(VENV)/bin/python
	@echo "  installing the locked dependencies and the tools (about a minute, once)"
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation $(EDITABLE)
	@touch $@ $(VENV)/.installed
