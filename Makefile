# make quickstart   a virtual environment, the package, and a first result in minutes
# make test         everything the tests need, and the whole suite
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install quickstart dev lint test bench paper-mini clean

install: .venv/.installed
quickstart: install
	$(BIN)/polyspan quickstart

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "polyspan needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[quickstart,bench]'
	@touch $@

dev: .venv/.dev
.venv/.dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[quickstart,bench,parquet,ray,dev]'
	@touch $@

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The many quick tests share the cores; the few that train the bundled encoder get them one after another.
test: dev
	$(BIN)/pytest -n auto -m 'not bundled'
	OMP_NUM_THREADS=$$(getconf _NPROCESSORS_ONLN) $(BIN)/pytest -m bundled

# Us and today's way in one run; the corpora are looked for in POLYSPAN_DATA, then fetched.
bench: install
	$(BIN)/polyspan bench --quick --out bench.json

# The whole paper in small, offline: every table and figure on the mini corpus, with the paper's numbers beside.
paper-mini: install
	$(BIN)/polyspan run recipes/mini/paper.yaml --out runs/mini

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
