# Every target does its own set-up in .venv: only Python 3.11 or newer, make and the package
# registry (or a mirror that pip is told of) have to be there.

VENV := .venv
BIN := $(VENV)/bin

# The newest Python that can make a virtual environment; `make PYTHON=… test` chooses another.
PYTHON ?= $(shell for candidate in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$candidate && break; done)

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test check lint types bench proof format

help:
	@echo "make demo    the whole story against a pretend Loop and Jetti, in under a minute"
	@echo "make test    the tests"
	@echo "make check   what must pass before a change lands: lint, types, tests"
	@echo "make proof   the long forms of the proofs, two to three hours; writes proof.md"
	@echo "make bench   the figures that the speed claims rest on"
	@echo "make format  put the code into shape"

demo: $(VENV)/.installed
	@$(BIN)/reconciler demo

test: $(VENV)/.testable
	$(BIN)/python -m pytest -q -n auto --dist worksteal

check: lint types test

lint: $(VENV)/.testable
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.testable
	$(BIN)/mypy

bench: $(VENV)/.testable
	$(BIN)/python -m benchmarks

proof: $(VENV)/.provable
	$(BIN)/python -m proof

format: $(VENV)/.testable
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Stamps: made once, and again when the dependencies change.
$(VENV)/.installed: setup.cfg pyproject.toml
	@$(BIN)/python -c "" 2>/dev/null || $(MAKE) --no-print-directory environment
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.testable: $(VENV)/.installed
	$(INSTALL) --editable ".[test,terminal]"
	@touch $@

$(VENV)/.provable: $(VENV)/.testable
	$(INSTALL) --editable ".[test,terminal,proof]"
	@$(INSTALL) --editable ".[fuzz]" || echo "Atheris does not install here: fuzzed by Hypothesis alone"
	@touch $@

.PHONY: environment
environment:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with the venv module is needed" \
		"(on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
