# Livinglab. `make run` and `make test` are all a newcomer needs.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
export UV_LINK_MODE ?= copy

.DEFAULT_GOAL := help
.PHONY: help run demo-anew setup test test-fast security faults bench check fix assets translations clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: setup ## Start the demo: web server and worker, at http://127.0.0.1:8000 (PORT=… for another)
	@LIVINGLAB_DEMO=1 PORT=$(PORT) exec $(BIN)/python -m livinglab serve --with-worker

demo-anew: setup ## Empty the demo's database and tell its story anew, up to today
	@LIVINGLAB_DEMO=1 $(BIN)/python -m livinglab demo --reset

setup: $(STAMP) assets ## Install what the program needs

$(STAMP): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Livinglab needs Python 3.11 or newer. Say which one: make run PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment here. On Debian: apt install python3-venv"; exit 1; }
	@echo "Installing what the program needs; the first time this takes about a minute …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null || { echo "The package registry cannot be reached: is this machine online?"; exit 1; }
	@$(BIN)/uv sync --quiet --locked --all-groups --compile-bytecode || { echo "The packages could not be installed: is this machine online?"; exit 1; }
	@$(BIN)/python -m compileall -q livinglab
	@touch $(STAMP)

assets: $(STAMP)
	@$(BIN)/python hatch_build.py

test: setup ## Run everything: units on both databases, architecture, browser journeys
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python -m pytest -n $${TEST_PROCESSES:-2} --dist loadgroup -q

test-fast: setup ## Run the tests without the browser, on SQLite only
	@$(BIN)/python -m pytest -n 2 -q --only sqlite --ignore tests/journeys

security: setup ## Try the security net line by line and count its cases; writes docs/security-net.md (WHOLE=1 for the long form)
	@$(BIN)/python -m pytest tests -m line --ignore tests/journeys --ignore tests/faults --ignore tests/bench --counts $(if $(WHOLE),--whole) -n $${TEST_PROCESSES:-2} --dist loadgroup -q

faults: setup ## Kill, freeze, fill and cut off everything, on both databases; writes docs/faults.md (SUPPORTS=10000; an hour)
	@LIVINGLAB_FAULTS=full SUPPORTS=$${SUPPORTS:-10000} $(BIN)/python -m pytest tests/faults -q -p no:cacheprovider

bench: setup ## Measure speed beside controls, on both databases; writes docs/performance.md (SIZE=1000000 QUICK=1 ROUNDS=5)
	@$(BIN)/python -m tests.bench

check: setup ## Format, lint, types, imports, templates: what we run before each commit
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/djlint templates --lint --quiet

fix: setup ## Let the tools mend what they can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

translations: setup ## Collect the texts of the program into the catalogues
	@$(BIN)/python -m tests.translations

clean: ## Remove what can be made again (never instance/)
	@rm -rf $(VENV) node_modules static/vendor dist build .mypy_cache .ruff_cache .pytest_cache
