# The two commands of the README, and what they stand on. Needs only Python 3.11 or newer (with venv) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

PLAN ?= build/plan-basel-2022
COMPILE := from splgbench.decomposition.compiling import compile_kernels; compile_kernels()

.PHONY: demo demo-plan test baseline docs lint format clean perf-gate perf-gate-selftest perf-quick perf-full perf-history micro

demo: $(VENV)/.demo
	@echo "== Every formulation on every backend, on a cut of a real instance"
	$(BIN)/splgbench compare us-miami-2011 --cut 8x12 --methods all --time-limit 10
	@echo
	@echo "== The leading methods on the whole real instance"
	$(BIN)/splgbench compare us-miami-2011 --methods big_m_literal@highs linked@highs strengthened@highs linked@scip strengthened@scip --time-limit 10
	@echo
	@echo "== The leading methods on a hard synthetic instance"
	$(BIN)/splgbench compare hard-h4 --methods big_m_literal@highs linked@highs strengthened@highs auto --time-limit 15

# A semi-synthetic planning project, from hospital statistics to a hospital list; under three minutes. Called again, it
# does what has changed.
demo-plan: $(VENV)/.demo
	[ -e $(PLAN)/project.toml ] || $(BIN)/splgbench plan $(PLAN) --example basel-2022
	$(BIN)/splgbench plan $(PLAN)

# The pricing kernels are compiled once, beside the types, and not by every worker that wants them first.
test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -c "$(COMPILE)" & compiling=$$!; $(BIN)/mypy; typed=$$?; wait $$compiling && exit $$typed
	$(BIN)/python -m pytest -n 2 --dist worksteal

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

# The working copy, or HEAD=<rev>, against BASE; docs/performance.md. GATE takes further arguments, `--markdown gate.md` for one.
BASE ?= HEAD
HEAD ?=
GATE ?=
perf-gate: $(VENV)/.test
	PYTHONPATH=benchmarks $(BIN)/python -m gate $(BASE) $(HEAD) $(GATE)

# Up to an hour; interrupted and called again, it does what is left.
perf-gate-selftest: $(VENV)/.test
	$(BIN)/python benchmarks/gate_selftest.py

perf-quick: $(VENV)/.bench
	$(BIN)/asv machine --yes
	$(BIN)/asv run --quick --environment existing:$(BIN)/python --set-commit-hash $$(git rev-parse HEAD) --bench tiny

perf-full: $(VENV)/.bench
	$(BIN)/asv machine --yes
	$(BIN)/asv run --environment existing:$(BIN)/python --set-commit-hash $$(git rev-parse HEAD)

perf-history: $(VENV)/.bench
	$(BIN)/python benchmarks/perf_history.py

micro: $(VENV)/.bench
	$(BIN)/python -m pytest benchmarks/micro --benchmark-autosave

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

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt -e '.[test,bench]'
	@touch $@ $(VENV)/.test $(VENV)/.demo
