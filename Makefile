PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: quickstart test slow lint docs

quickstart: $(VENV)/quickstart  ## install, run the small offline suite, print its leaderboard
	$(BIN)/effbench run suites/quickstart.yaml

test: $(VENV)/test  ## install and run the tests
	$(BIN)/python -m pytest

slow: $(VENV)/test  ## the tests that take longer: whole quickstart, ten kills, pip installs
	$(BIN)/python -m pytest -m slow --timeout 600

lint: $(VENV)/test  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(VENV)/test  ## write the generated parts of docs/ again
	$(BIN)/python docs/generate.py

$(VENV)/quickstart $(VENV)/test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[$(notdir $@)]'
	touch $@
