# Every target does its own set-up in .venv: only Python 3.11 or newer, make and the package
# registry (or a mirror that pip is told of) have to be there.

VENV := .venv
BIN := $(VENV)/bin

# The newest Python that can make a virtual environment; `make PYTHON=… test` chooses another.
PYTHON ?= $(shell for candidate in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$candidate && break; done)

# The versions that were tested. `make CONSTRAINTS= …` takes whatever setup.cfg allows.
CONSTRAINTS ?= constraints.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
# One worker more than there are processors: many tests wait for a process of theirs.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

# Bytecode that is not kept is compiled again by each worker and each process of the tests.
unexport PYTHONDONTWRITEBYTECODE

# What a change most often breaks: decisions, reading Loop, reports, timetable, settings and
# documentation, and the stories of the main job (docs/decisions/0010-quick-lane.md).
QUICK := tests/core tests/loop tests/reports tests/operations tests/test_architecture.py \
	tests/test_citations.py tests/test_config.py tests/test_docs.py tests/test_glossary.py \
	tests/test_proof_table.py tests/stories/test_main_job.py

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

.PHONY: demo
demo: $(VENV)/.installed ## the whole story against a pretend Loop and Jetti, in under a minute
	@$(BIN)/reconciler demo --html demo.html

.PHONY: test
test: $(VENV)/.testable ## the tests; T=… runs some: T=tests/core, T='-k late_scan'
	$(PYTEST) $(T)

.PHONY: quick
quick: $(VENV)/.testable ## what a change most often breaks, in under a minute
	$(PYTEST) $(QUICK)

.PHONY: check
check: lint types test ## what must pass before a change lands: lint, types, tests

# Debian's packages and npm's axe-core, no download of a browser. Where nothing may be installed the
# tests go on with what is there, and skip the rest.
APT := $(shell command -v apt-get >/dev/null 2>&1 && { test "$$(id -u)" = 0 && echo apt-get \
	|| { sudo -n true 2>/dev/null && echo sudo -n apt-get; }; })
AXE := 4.14.1
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: browser
browser: $(VENV)/.browsable ## the report page in a real browser; installs Chromium where it may
	@if test -n "$(CHROMIUM)" -o -f $(VENV)/.chromium; \
	then $(BIN)/python -m pytest -q --browser tests/browser; \
	else echo "no Chromium, and no apt-get that may install it: the report page was not tried" \
		"in a browser" >&2; fi

.PHONY: screenshots
screenshots: $(VENV)/.browsable ## the pictures of a report in README, as this version shows it
	$(BIN)/python -m docs.screenshots

.PHONY: lint
lint: $(VENV)/.testable ## style and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

.PHONY: types
types: $(VENV)/.testable ## types, strictly
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/.testable ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(VENV)/.testable ## write the tables of the documents that are made from the code and the tests
	$(BIN)/python -m docs.settings_table
	$(BIN)/python -m docs.report_schema
	$(BIN)/python -m tests.support.proof_table

.PHONY: golden
golden: $(VENV)/.testable ## write the golden messages and reports as the program words them now
	$(BIN)/python -m pytest -q --update-golden $$(grep -rlE --include='test_*.py' \
		'\bgolden(_file)?\(' tests)

.PHONY: bench
bench: $(VENV)/.testable ## the figures that the speed claims rest on
	$(BIN)/python -m benchmarks

.PHONY: coverage
coverage: $(VENV)/.provable ## the tests, with the lines and branches that they reach
	$(PYTEST) --cov=reconciler --cov-branch --cov-report=term:skip-covered --cov-fail-under=95

.PHONY: proof
proof: $(VENV)/.provable ## the long forms of the proofs, two to three hours; writes proof.md
	$(BIN)/python -m proof

.PHONY: test-lowest test-newest
test-lowest: ## the tests with the oldest versions that setup.cfg allows
	sed -n '/^install_requires/,/^test =/s/^    \([a-z-]*\)>=\([0-9.]*\).*/\1==\2/p' setup.cfg \
		> build-lowest.txt
	$(MAKE) VENV=.venv-lowest CONSTRAINTS=build-lowest.txt test

test-newest: ## the tests with the newest versions that setup.cfg allows
	$(MAKE) VENV=.venv-newest CONSTRAINTS= test

.PHONY: constraints
constraints: ## write constraints.txt again, with the newest versions that setup.cfg allows
	$(MAKE) VENV=.venv-newest CONSTRAINTS= .venv-newest/.provable
	{ echo '# What was tested; `make` installs these, `make constraints` writes them again.'; \
	.venv-newest/bin/python -m pip freeze --exclude-editable | grep -iv atheris; } > constraints.txt

.PHONY: release
release: check ## build, check and try what is to be published; stops before publishing
	rm -rf dist
	$(INSTALL) build twine
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv --clear .venv-release
	.venv-release/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd / && $(CURDIR)/.venv-release/bin/reconciler demo > /dev/null
	@echo "dist/ is ready; nothing was published (RELEASING.md)"

# Stamps: made once, and again when the dependencies change.
$(VENV)/.installed: setup.cfg pyproject.toml $(CONSTRAINTS)
	@$(BIN)/python -c "" 2>/dev/null || $(MAKE) --no-print-directory environment
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.testable: $(VENV)/.installed
	$(INSTALL) --editable ".[test,terminal,metrics,notify]"
	@touch $@

$(VENV)/.browsable: $(VENV)/.testable
	$(INSTALL) --editable ".[test,terminal,metrics,notify,browser]"
	@if test -z "$(CHROMIUM)" -a -n "$(APT)"; then \
		{ $(APT) update && $(APT) install -y --no-install-recommends chromium fonts-dejavu-core; } \
		> $(VENV)/apt.log 2>&1 && touch $(VENV)/.chromium \
		|| { tail -n 20 $(VENV)/apt.log; echo "Chromium does not install here" >&2; }; fi
	@command -v npm >/dev/null || echo "no npm: the page is not tried with axe-core" >&2
	@! command -v npm >/dev/null || npm install --silent --no-save --no-audit --no-fund \
		--prefix $(VENV)/axe axe-core@$(AXE) || echo "axe-core does not install here" >&2
	@touch $@

$(VENV)/.provable: $(VENV)/.testable
	$(INSTALL) --editable ".[test,terminal,metrics,notify,proof,browser]"
	@$(INSTALL) --editable ".[fuzz]" || echo "Atheris does not install here: fuzzed by Hypothesis alone"
	@touch $@

.PHONY: environment
environment:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with the venv module is needed" \
		"(on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
