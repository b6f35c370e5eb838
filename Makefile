# The two commands of the README: `make demo` and `make test`. Both make .venv when it is missing, install what is
# missing at the versions of constraints.txt, and do nothing of that on a second run.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Override with `make demo PYTHON=/path/to/python`.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

# pip obeys the first name in an isolated build environment too; pip 25.3 and later wants the second for that.
export PIP_CONSTRAINT = constraints.txt
export PIP_BUILD_CONSTRAINT = constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN = .venv/bin
OUT = demo-out
WANTS = pyproject.toml constraints.txt

.PHONY: help demo test slow pages package fuzz hard bench check clean

help:
	@echo 'make demo    train an LSTM on real recordings, compare it with a simple baseline, draw pictures'
	@echo 'make test    run the tests'
	@echo 'make slow    run the tests that kill, wait for other processes, or compile for long'
	@echo 'make pages   run the Python on all pages, and the notebooks'
	@echo 'make package build the wheel and the sources into dist/, and try the wheel in a new environment'
	@echo 'make fuzz    hand 10,000 damaged files to everything that reads files; FUZZ=100000 for more'
	@echo 'make hard    kills, two writers, a full disk, guard pages, fuzz: what was tried, what survived; takes long'
	@echo 'make bench   how fast the networks are on this machine, beside torch.nn.LSTM; takes about 20 minutes'
	@echo 'make check   formatting, lint, types, and which room imports which'
	@echo 'make clean   remove the environment and everything generated'

# Stamps are written last, so that an installation which was broken off starts again.
.venv/.made:
	@test -n '$(PYTHON)' || { echo 'carrousel needs Python 3.11 or newer, and none was found;' \
		'if it is somewhere else, say: make demo PYTHON=/path/to/python' >&2; exit 2; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'carrousel needs Python 3.11' \
		'or newer; $(PYTHON) is not: make demo PYTHON=/path/to/python' >&2; exit 2; }
	'$(PYTHON)' -m venv .venv
	@touch $@

.venv/.train: $(WANTS) | .venv/.made
	@echo 'Installing carrousel and what it needs into .venv; this takes a minute or a few, and only once.'
	$(BIN)/python -m pip install --quiet --editable '.[train]'
	@touch $@

.venv/.test: $(WANTS) | .venv/.made
	@echo 'Installing carrousel and what its tests need into .venv; this takes a minute or a few, and only once.'
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch .venv/.train $@

# The commands are shown as they run: each can be typed by hand.
demo: .venv/.train
	@echo
	@echo 'Nine men say the same vowels. Who is it? 270 recordings to learn from, 370 to be tested on.'
	@echo
	$(BIN)/carrousel train classify japanese-vowels --out $(OUT)/vowels --force
	@echo
	$(BIN)/carrousel predict $(OUT)/vowels japanese-vowels --out $(OUT)/vowels/predictions.csv
	$(BIN)/carrousel inspect $(OUT)/vowels japanese-vowels
	@echo
	@echo 'Twelve years of airline passengers, forecast a year ahead. Is an LSTM the right tool?'
	@echo
	$(BIN)/carrousel train forecast airline --horizon 12 --out $(OUT)/airline --force
	@echo
	$(BIN)/carrousel inspect $(OUT)/airline airline
	@echo
	@echo 'Models, predictions and pictures are in $(OUT)/. What else there is: $(BIN)/carrousel --help'

# One thread a process: two test processes whose threads fight over two cores are slower than one.
test: .venv/.test
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# What kills, waits for other processes, or compiles for long.
slow: .venv/.test
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m slow

# The Python on the pages, and the notebooks: files whose names keep them out of `make test`.
pages: .venv/.test
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --timeout 300 tests/pages/of_*.py

# What lies in dist is what is tried.
package: .venv/.test
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m pytest -p no:cacheprovider --timeout 300 tests/package/wheel.py

FUZZ = 10000
fuzz: .venv/.test
	CARROUSEL_FUZZ=$(FUZZ) OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m fuzz --timeout 7200 tests

# Each script says what it tried, what survived and what was lost, and fails if anything was lost.
hard: .venv/.test
	@for script in tests/hard/[a-z]*.py; do echo "$$script"; $(BIN)/python "$$script" || failed=1; done; test -z "$$failed"

bench: .venv/.train
	$(BIN)/carrousel bench

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf .venv $(OUT) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
