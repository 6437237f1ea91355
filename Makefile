# A machine with Python 3.11 or newer and make needs nothing else: the virtual environment makes itself.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python

# `platform/` is a source root, not a package: every tool that does not go through manage.py is told so here.
export PYTHONPATH := $(CURDIR)/platform:$(CURDIR)

# Clients of the npm registry play the journey too. Where there is no npm, the suite names what it leaves out.
NODE       := tests/interop/node
NODE_STAMP := $(if $(shell command -v npm),$(NODE)/node_modules/made.stamp)

.DEFAULT_GOAL := help
.PHONY: help run demo test soak faults bench growth pages lint screenshots conformance openapi translations clients lock

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/runtime.stamp ## serve http://localhost:8000 with the demo's tenants, until Ctrl-C
	@exec $(PY) manage.py up

demo: $(VENV)/dev.stamp ## play the journeys against a running server, or start one
	@exec $(PY) -m examples.demo

test: $(VENV)/dev.stamp $(NODE_STAMP) ## the whole suite on PostgreSQL, then what SQLite can show
	@exec $(PY) scripts/test.py

# A short run prints its table and keeps nothing: make bench OPERATIONS="secret code" ROUNDS=2
bench: $(VENV)/dev.stamp ## what a request costs, beside other servers; writes docs/performance.md
	@exec $(PY) -m bench

# A short run prints its table and keeps nothing: make growth SIZES="1000 10000" REQUESTS=20 ROUNDS=2
growth: $(VENV)/dev.stamp ## what our requests cost with 10^3 and 10^5 delegations; writes docs/performance.md
	@exec $(PY) -m bench growth

# A short run prints its table and keeps nothing: make pages TIMES=3
pages: $(VENV)/dev.stamp ## what the console's pages take in a tenant of 10,000 delegations; writes docs/performance.md
	@exec $(PY) -m bench pages

soak: export REMIT_TEST_SOAK ?= 1
soak: $(VENV)/dev.stamp ## thousands of steps over consents, exchanges and ends, in any order (REMIT_TEST_SOAK=20 for more)
	@exec $(PY) -m pytest -q -s tests/properties

faults: export REMIT_TEST_FAULTS = 1
faults: $(VENV)/dev.stamp ## kill, fill, stop and cut whatever can be, and check every answer; writes docs/operations.md
	@exec $(PY) -m pytest -q -p no:xdist --show-capture=no tests/faults

screenshots: $(VENV)/dev.stamp ## a picture of every page, in var/screenshots/
	@exec $(PY) scripts/screenshots.py

conformance: $(VENV)/dev.stamp ## write docs/conformance.md from what the tests are bound to
	@exec $(PY) scripts/conformance.py

clients: export REMIT_TEST_DATABASE ?= postgresql
clients: $(VENV)/dev.stamp $(NODE_STAMP) ## write docs/clients.md from a run of the tests that play real clients
	@exec $(PY) scripts/clients.py

openapi: $(VENV)/dev.stamp ## write docs/openapi.yaml from what the views of the API declare
	@$(PY) scripts/openapi.py

translations: $(VENV)/dev.stamp ## gather what is to be translated into locale/, and compile what is
	@$(PY) scripts/translations.py

# What the settings insist on, made up for each command: nothing is sealed, signed or stored here.
lint: export REMIT_SECRET_KEY = $(shell head -c 48 /dev/urandom | base64 | tr -d '\n')
lint: export REMIT_SEALING_KEYS = $(shell head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
lint: export REMIT_DATABASE_URL = sqlite://:memory:
lint: $(VENV)/dev.stamp ## style, types, the direction of imports, migrations, system checks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(VENV)/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check

# Pins that still fit are kept. To move them: make lock MOVE=--upgrade (or MOVE="--upgrade-package django").
MOVE ?=
COMPILE = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command 'make lock' $(MOVE)

lock: ## pin what pyproject.toml asks for, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH" >&2; exit 1; }
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra dev --extra demo --constraint requirements.txt --output-file requirements-dev.txt

# Stamps: a second `make run` installs nothing, and a changed lock file installs again.
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
	  "Remit needs Python 3.11 or newer, and '$(PYTHON)' is not. Another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
	  "'$(PYTHON)' cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/runtime.stamp: requirements.txt | $(VENV)/made.stamp
	$(INSTALL) requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(VENV)/made.stamp
	$(INSTALL) requirements-dev.txt
	@touch $(VENV)/runtime.stamp $@

$(NODE)/node_modules/made.stamp: $(NODE)/package-lock.json
	cd $(NODE) && npm ci --loglevel=error
	@touch $@
