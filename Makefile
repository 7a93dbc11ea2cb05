PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install quickstart dev hooks lint test test-lowest docs bench study-report paper-mini reader clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

install: .venv/.installed ## a virtual environment in .venv with the package
quickstart: install ## a first result in minutes: train on English, answer in five languages
	$(BIN)/polyspan quickstart

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "polyspan needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[quickstart,bench,lora]'
	@touch $@

dev: .venv/.dev ## all that the tests need
.venv/.dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[quickstart,bench,parquet,ray,dev]'
	@touch $@

hooks: dev ## the checks of `make lint` before every commit
	$(BIN)/pre-commit install

lint: dev ## style, spelling, types, and which module may import which
	PATH="$(CURDIR)/$(BIN):$$PATH" pre-commit run --all-files
	$(BIN)/mypy
	$(BIN)/lint-imports

# The quick tests first, then those that take longer: processes that are killed, many random texts. Those with the
# bundled encoder go two by two: while one of them loads, which takes one core, the other computes. Only the files that
# have such tests are imported for them, and README's, which takes longest, comes first.
test: dev ## the whole suite
	$(BIN)/pytest -n auto -m 'not bundled and not slow'
	$(BIN)/pytest -n auto --dist worksteal -m 'slow and not bundled' $$(grep -rl --include='test_*.py' mark.slow tests)
	OMP_NUM_THREADS=$$(getconf _NPROCESSORS_ONLN) $(BIN)/pytest -n 2 --dist worksteal -m bundled \
	  tests/test_docs.py $$(grep -rl --include='test_*.py' mark.bundled tests)

# The oldest versions that pyproject.toml allows, in an environment of their own; torch is the one at hand.
test-lowest: ## the quick tests with the oldest dependencies allowed
	$(PYTHON) -m venv .venv-lowest
	$(PYTHON) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  print(*(d.replace(">=", "==").replace("[data]", "") for d in p["dependencies"] + p["optional-dependencies"]["parquet"] + p["optional-dependencies"]["lora"] if "torch" not in d), sep="\n")' \
	  > .venv-lowest/lowest.txt
	grep '^torch=' constraints.txt >> .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -r .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -c .venv-lowest/lowest.txt -e . pytest pytest-xdist hypothesis
	.venv-lowest/bin/pytest -n auto -m 'not bundled'

docs: dev ## the documentation as a site in build/docs; a broken link or an undocumented name fails
	$(BIN)/sphinx-build -W --keep-going -q docs build/docs

# The corpora are looked for in POLYSPAN_DATA, then fetched.
bench: install ## speed beside today's way, in one run
	$(BIN)/polyspan bench --quick --out bench.json

# The archives have outputs without weights and text (docs/lab.md), as far as they are made:
#   polyspan store export docs/public/study.tar.zst public/study --without-weights --without-text
study-report: install ## every table and figure of the published study again, from its archives alone
	for archive in docs/public/*.tar.zst; do \
	  name=$$(basename $$archive .tar.zst); \
	  $(BIN)/polyspan report $$archive --out build/$$name && \
	  mkdir -p docs/public/$$name/figures && \
	  cp build/$$name/report.html build/$$name/report.md docs/public/$$name/ && \
	  cp build/$$name/figures/*.png docs/public/$$name/figures/ || exit 1; \
	done
	cp build/study/tables/numbers.csv docs/public/

paper-mini: install ## the whole paper in small, offline, with the paper's numbers beside
	$(BIN)/polyspan run mini/paper --out runs/mini

# READER is the Reader's folder, calibrated; REPORT the report.json of the run of public/reader that trained it.
READER_HOME := src/polyspan/model/encoders/reader
reader: install ## the package's Reader, bundled:reader, from a trained one: make reader READER=… REPORT=…
	$(BIN)/python -c 'import polyspan as ps; ps.Reader.load("$(READER)").save("$(READER_HOME)", base="bundled:e5-small")'
	$(BIN)/python -m polyspan.report.reader_card $(READER_HOME) $(REPORT)

clean: ## remove all that was built
	rm -rf .venv .venv-lowest build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
