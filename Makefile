# Newcomers need two commands: `make lab` opens the workbook, `make test` runs everything CI runs.
# Both build .venv first, once. CPU-only torch on Linux: see "The CPU build of torch" in README.md.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

export OMP_NUM_THREADS ?= 1
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv lab run test test-distributed bench lint
help:           ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

venv: .venv/.ready  ## build .venv, once

.venv/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "dnt_lab needs Python 3.11, 3.12 or 3.13 with its venv module; none was found. Try: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check "$$(grep '^torch==' constraints.txt)" -c constraints.txt
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]' -c constraints.txt
	$(BIN)/jupyter labextension disable "@jupyterlab/apputils-extension:announcements"  # no news popup over notebook 00
	@touch $@

lab: venv       ## JupyterLab on notebook 00
	$(BIN)/dnt-lab lab

run: venv       ## every notebook through papermill, with an HTML report
	$(BIN)/dnt-lab run

test: venv      ## everything CI runs
	$(BIN)/python tests/everything.py

test-distributed: venv  ## Flower for real, minutes: adds the extra `distributed` to .venv (docs/distributed.md)
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev,distributed]' -c constraints.txt
	FLWR_TELEMETRY_ENABLED=0 $(BIN)/python -m pytest -q --durations=0 --durations-min=5 tests/distributed tests/fl/test_flower.py

bench: venv     ## measurements against peers, as tables
	for name in twin raytracing federation; do $(BIN)/python -m benchmarks $$name || exit 1; done

lint: venv      ## style, formatting, layers and the structure of the notebooks
	$(BIN)/python tests/everything.py style format layers structure
