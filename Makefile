# Every target does its own set-up: a clone, Python 3.11 or newer and make are enough.

PYTHON ?= python3
VENV ?= .venv
CORES := $(shell getconf _NPROCESSORS_ONLN)
JOBS ?= $(shell echo $$(( $(CORES) + 1 )))
FLOOR ?= 85
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet

# The tests start thousands of processes. With this variable set, each would compile the package for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-fast test-real cover snapshots lint slow explore mutants bench docs lock matrix audit-deps dist contracts
.DEFAULT_GOAL := help

help:
	@echo 'make demo    a guided tour on practice providers; under a minute after the first installation'
	@echo 'make test    every test but the long campaigns'
	@echo 'make test-fast   the tests that run in one process'
	@echo 'make test-real   the tests with servers, browsers and killed processes'
	@echo 'make cover   the same with branch coverage, which doubles the time'
	@echo 'make snapshots   write tests/snapshots/ anew: what commands and errors say'
	@echo 'make lint    format, rules, types, import layers'
	@echo 'make slow    the long campaigns'
	@echo 'make explore property tests and fault campaigns with new random choices'
	@echo 'make mutants plants one flaw after another in the program: a named test must detect each'
	@echo 'make bench   measurements, as ratios within one run'
	@echo 'make docs    write the generated parts of docs/, the vendor patterns of masking and the tables of the hook anew'
	@echo 'make lock    write requirements/*.txt anew'
	@echo 'make contracts SPECS=DIR   provider files against the descriptions that vendors publish'
	@echo 'make matrix  the fast tests on every Python of this machine, and with the oldest allowed dependencies'
	@echo 'make audit-deps  known vulnerabilities of the locked packages'
	@echo 'make dist    build wheel and sdist twice, compare them, and write the bill of materials'

demo: $(VENV)/base.stamp
	@$(BIN)/tokenguard demo

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)

# In-process tests, and those with servers, browsers, processes that are killed; `make test` is both.
FAST = tests/architecture tests/cli tests/model tests/property tests/unit
REAL = tests/browser tests/contract tests/faults tests/integration tests/mutants

test-fast: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(FAST) $(ARGS)

test-real: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(REAL) $(ARGS)

cover: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under $(FLOOR) $(ARGS)

snapshots: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --snapshots --numprocesses $(JOBS) --dist worksteal $(ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

slow: $(VENV)/dev.stamp
	EXPLORE=1 $(BIN)/python -m pytest -m slow --numprocesses $(CORES) --dist worksteal $(ARGS)

# Examples and faults that no run has tried yet: for a nightly schedule.
explore: $(VENV)/dev.stamp
	EXPLORE=1 $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal tests/property tests/model tests/faults $(ARGS)

# FLAW or the name of a table in tests/mutants/threats, in ARGS, plants only those.
mutants: $(VENV)/dev.stamp
	$(BIN)/python -m tests.mutants --jobs $(JOBS) $(ARGS)

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench

docs: $(VENV)/dev.stamp
	$(BIN)/python -m docs.generate
	$(BIN)/python -m docs.policies
	$(BIN)/python -m docs.layers
	$(BIN)/python -m docs.services
	$(BIN)/python -m docs.disguises
	$(BIN)/python -m docs.masked_formats
	$(BIN)/python -m tokenguard.detection.clean_text_writer
	$(BIN)/python -m docs.masked_forms
	$(BIN)/python -m docs.coding_agents
	$(BIN)/python -m docs.threats
	$(BIN)/python -m docs.proofs
	$(BIN)/python -m docs.record_keys
	$(BIN)/python -m docs.api
	$(BIN)/python -m docs.manual

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: $(VENV)/dev.stamp
	$(LOCK) requirements/pip.in --output-file requirements/pip.txt
	$(LOCK) requirements/release.in --output-file requirements/release.txt
	$(LOCK) pyproject.toml requirements/build.in --output-file requirements/base.txt
	$(LOCK) pyproject.toml --all-extras requirements/build.in requirements/dev.in \
		--constraint requirements/base.txt --output-file requirements/dev.txt

matrix:
	@.ci/matrix $(ARGS)

contracts: $(VENV)/dev.stamp
	@$(BIN)/python -m tests.fakes.vendors $(SPECS)

audit-deps: $(VENV)/release.stamp
	@$(PYTHON) .ci/audit_deps.py $(VENV)/release/bin/pip-audit requirements/base.txt requirements/dev.txt requirements/release.txt

# Builds are reproducible: the second one, from the first one's sdist, has to be the same bytes.
dist: $(VENV)/dev.stamp $(VENV)/release.stamp
	rm -rf dist $(VENV)/again && mkdir -p dist $(VENV)/again
	$(BIN)/python -m build --no-isolation --outdir dist .
	tar -xzf dist/*.tar.gz -C $(VENV)/again --strip-components=1
	$(BIN)/python -m build --no-isolation --outdir $(VENV)/again/dist $(VENV)/again
	cmp dist/*.whl $(VENV)/again/dist/*.whl && cmp dist/*.tar.gz $(VENV)/again/dist/*.tar.gz
	$(VENV)/release/bin/cyclonedx-py requirements requirements/base.txt --output-reproducible --output-file dist/tokenguard.cdx.json
	cd dist && sha256sum * > SHA256SUMS

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tokenguard needs Python 3.11 or newer: make PYTHON=…")'
	@echo 'Creating $(VENV). The first run downloads and installs the locked packages: a minute or two.'
	@$(PYTHON) -m venv $(VENV)

# The pip that a supported Python bundles may be too old for what follows: it first becomes the locked one.
$(VENV)/pip.stamp: requirements/pip.txt | $(BIN)/python
	@echo 'Installing pip ...'
	@$(PIP) install --require-hashes --requirement requirements/pip.txt
	@touch $@

$(VENV)/base.stamp: requirements/base.txt pyproject.toml $(VENV)/pip.stamp
	@echo 'Installing tokenguard and its dependencies ...'
	@$(PIP) install --require-hashes --requirement requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/base.stamp
	@echo 'Installing the test tools ...'
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/release.stamp: requirements/release.txt $(VENV)/pip.stamp
	@echo 'Installing the release tools ...'
	@$(PYTHON) -m venv $(VENV)/release
	@$(VENV)/release/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement requirements/release.txt
	@touch $@
