# The two commands of the README, and what they stand on. Needs only Python 3.11 or newer (with venv) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test baseline docs lint format clean

demo: $(VENV)/.demo
	@echo "== Every formulation on every backend, on a cut of a real instance"
	$(BIN)/splgbench compare us-miami-2011 --cut 8x12 --methods all --time-limit 10
	@echo
	@echo "== The leading methods on the whole real instance"
	$(BIN)/splgbench compare us-miami-2011 --methods big_m_literal@highs linked@highs strengthened@highs linked@scip strengthened@scip --time-limit 10
	@echo
	@echo "== The leading methods on a hard synthetic instance"
	$(BIN)/splgbench compare hard-h4 --methods big_m_literal@highs linked@highs strengthened@highs auto --time-limit 15

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2

# Up to 80 minutes on one worker; interrupted and called again, it does what is left. A contradiction (exit code 1) is
# for the report to tell, and nothing else is let through: the first line ends an installation that cannot be imported,
# for which Python has the same code.
baseline: $(VENV)/.demo
	$(BIN)/splgbench --version
	$(BIN)/splgbench run campaigns/baseline.toml --store baseline.sqlite --workers 2 || [ $$? -eq 1 ]
	$(BIN)/splgbench report baseline.sqlite -o campaigns/baseline --lp-bounds || [ $$? -eq 1 ]

# The site, with its notebooks and plots made on this machine; build/docs-notebooks keeps what has not changed.
docs: $(VENV)/.test
	$(BIN)/sphinx-build -W --keep-going -q -b html -c docs . build/site
	@echo "build/site/index.html"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[all]'
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/.demo
