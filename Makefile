# make run   set up once, then open the window
# make test  set up once, then run the tests
# make lint  style, types, import contracts
PYTHON ?= python3
VENV ?= .venv
# a folder with images/ and labels/, for the benchmark of sweeps
DATA ?= ../shared/data/dsb2018_stained
# processes of the tests; they must name the same tests, so hashes are fixed
WORKERS ?= 2
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run test lint pictures bench bundle clean
.DELETE_ON_ERROR:

run: $(VENV)/.run
	$(BIN)/python -m app $(ARGS)

test: $(VENV)/.dev
	PYTHONHASHSEED=0 QT_QPA_PLATFORM=offscreen \
		$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade "pip>=25.1"

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[slides]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.run
	$(PIP) install --quiet --constraint constraints.txt --group test --group lint
	$(PIP) install --quiet --constraint constraints.txt --group libraries --no-deps
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache

pictures: $(VENV)/.run
	$(BIN)/python docs/render.py

bundle: $(VENV)/.dev
	$(PIP) install --quiet --constraint constraints.txt "pyinstaller>=6.10"
	$(BIN)/python -m distribution.bundle --out dist

bench: $(VENV)/.dev
	$(PIP) install --quiet --constraint constraints.txt --group bench --no-deps
	$(BIN)/python -m benchmarks.bench_metrics
	$(BIN)/python -m benchmarks.bench_latency
	$(BIN)/python -m benchmarks.bench_engine
	$(BIN)/python -m benchmarks.bench_window
	$(BIN)/python -m benchmarks.bench_sweep $(DATA)
