# make demo   set up, then show the whole thing once
# make test   set up, then lint, types and tests
# Further: setup serve bench clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup models demo test lint serve bench clean

help:
	@sed -n 's/^# //p' Makefile | head -3

$(INSTALLED): pyproject.toml
	@echo "installing into $(VENV) (5 GB with PyTorch, a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; set PYTHON=…" >&2; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on -q -e ".[dev]"
	@touch $(INSTALLED)

setup: $(INSTALLED) models

models: $(INSTALLED)
	$(BIN)/streams models pull

demo: setup
	$(BIN)/streams demo $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: setup lint
	$(BIN)/pytest $(ARGS)

serve: setup
	$(BIN)/streams serve $(ARGS)

bench: setup
	$(BIN)/streams bench llm
	$(BIN)/streams bench speech
	$(BIN)/streams bench recall
	$(BIN)/streams bench voice
	$(BIN)/streams bench barge-in
	$(BIN)/streams bench gateway

clean:
	rm -rf $(VENV) build dist *.egg-info demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
