# `make demo` and `make test` set themselves up: each creates .venv, installs what it needs, and runs.
# A second call starts at once: the stamps .venv/.ready-* are remade only when pyproject.toml changes.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=

.PHONY: help demo test test-sklearn test-gpu bench lint wheel-smoke clean

help:
	@echo 'make demo          a pandas -> Pipeline -> GridSearchCV workflow, ours beside scikit-learn (ARGS="--csv FILE --target COL")'
	@echo 'make test          the test suite (ARGS="-k kmeans")'
	@echo 'make test-sklearn  scikit-learn'"'"'s own tests with our classes patched in'
	@echo 'make test-gpu      every kernel on this machine'"'"'s NVIDIA GPU, a JSON report in benchmarks/results/ (uses $$PYTHON, no .venv)'
	@echo 'make bench         the benchmarks against the peers (ARGS="--only kmeans --repeat 5")'
	@echo 'make lint          ruff'
	@echo 'make wheel-smoke   build wheel and sdist, install the wheel in a clean environment, use it'

demo: $(VENV)/.ready-plot
	$(RUN) examples/demo.py $(ARGS)

test: $(VENV)/.ready-test
	$(RUN) -m pytest -n auto $(ARGS)

test-sklearn: $(VENV)/.ready-test
	$(RUN) tests/sklearn_suite/run.py $(ARGS)

test-gpu:
	$(PYTHON) tests/_cuda/gpu_suite.py $(ARGS)

bench: $(VENV)/.ready-bench
	for bench in benchmarks/bench_*.py; do $(RUN) $$bench $(ARGS) || exit 1; done

lint: $(VENV)/.ready-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

wheel-smoke: $(VENV)/.ready-test
	$(RUN) tests/packaging/check_wheel.py

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo 'No Python >= 3.11 found. Install one, or name it: make PYTHON=/path/to/python3.11 ...' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV) || { echo 'On Debian and Ubuntu the module venv is a package: apt install python3-venv' >&2; rm -rf $(VENV); exit 2; }

$(VENV)/.ready-%: pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

clean:
	rm -rf build dist out
	find ghostflow_learn tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +
