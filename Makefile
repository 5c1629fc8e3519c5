# Each target makes .venv if it is missing; only a Python of 3.11 or newer and make are needed.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)
BIN := .venv/bin
PAGE_FROM := ouanalysis derivations tests README.md docs/theory.md docs/formulas.md # what the report is made from
SPREAD := --numprocesses=auto --maxprocesses=8 --dist=loadfile # tests over the cores; what a file shares is made once

TORCH := torch # a release, where it matters: torch==2.13.0
OF_FRAMEWORKS := tests/frameworks tests/settings tests/training tests/docs ouanalysis/frameworks ouanalysis/settings

.NOTPARALLEL:
.PHONY: figures report derivations test browser frameworks fuzz mutants check bench docs clean

figures: .venv/installed-run
	$(BIN)/python -m ouanalysis.figures

report: .venv/installed-run # the one page, build/report/index.html
	$(BIN)/python -m ouanalysis.report --out build/report

derivations: .venv/installed-run
	@names=$$($(BIN)/python -m ouanalysis.derivations) || exit 1; for name in $$(echo "$$names" | cut -d ' ' -f 1); do \
		$(BIN)/python -m ouanalysis.derivations $$name || exit 1; echo; done

test: .venv/installed-test
	$(BIN)/python -m pytest $(SPREAD)

browser: .venv/installed-test .venv/installed-browser # the page in Chromium, which the system must have
	$(BIN)/python -m pytest -m browser tests/report

frameworks: .venv-frameworks/installed # what needs PyTorch or JAX, in an environment of its own
	.venv-frameworks/bin/python -m pytest $(SPREAD) $(OF_FRAMEWORKS)

fuzz: .venv/installed-test # of a room or a file: make fuzz ROOM=tests/numeric
	$(BIN)/python -m pytest --hypothesis-profile=fuzz $(SPREAD) --verbose $(ROOM)

mutants: .venv/installed-test # each against the tests of its formula; of one formula: make mutants FORMULA="Noise floor"
	PYTHONPATH=tests $(BIN)/python -m mutants $(if $(FORMULA),"$(FORMULA)")

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-bench # beside JAX, diffrax, torchsde and C programs (needs gcc); a case: make bench CASE=relu_network
	$(BIN)/python -m benchmarks --write $(CASE)

docs: .venv/installed-docs # into build/docs/index.html, with the page of make report if it is newer than what it is made from, else a quick one; a warning is an error
	$(BIN)/python -m sphinx -q -E -W --keep-going -d build/doctrees docs build/docs
	@page=build/report/index.html; if test ! -e $$page || test -n "$$(find $(PAGE_FROM) -type f ! -path '*/__pycache__/*' -newer $$page)"; then \
		page=build/report-quick/index.html; $(BIN)/python -m ouanalysis.report --quick --out build/report-quick || exit 1; fi; \
		cp $$page build/docs/ledger.html

clean:
	rm -rf .venv .venv-frameworks figures-quick build *.egg-info

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11 or newer with venv on the path, got none" >&2; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv-frameworks/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-frameworks
	.venv-frameworks/bin/python -m pip install --quiet $(TORCH)
	.venv-frameworks/bin/python -m pip install --quiet --editable '.[frameworks,test]'
	.venv-frameworks/bin/python -m pip install --quiet --no-deps backpack-for-pytorch # without networks that no test has
	@touch $@

.venv/installed-run: .venv/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/installed-test .venv/installed-dev .venv/installed-bench .venv/installed-docs .venv/installed-browser: .venv/installed-%: .venv/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@
