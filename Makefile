# The front door of this repository; needs Python 3.11, make, gcc and git.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
ARGS ?=
MANAGERS ?= uv poetry

# What all targets run in: made from PYTHON, filled from requirements/dev.txt with hashes enforced.
BIN = .venv/bin
INSTALLED = .venv/complete
READY = .venv/sources
OF_ENVIRONMENTS = $(addprefix tests/lifecycle/test_,$(addsuffix .py,\
  bisect environment full_disk_and_no_network save training try update update_and_try))
PYTEST = $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-slow test-managers test-all tested-on benchmark lint hooks format lock-dev wheel refresh-stack release clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY)  ## make .venv with the pinned and hashed tools of this repository
$(INSTALLED): requirements/dev.txt
	@PYTHONPATH=src $(PYTHON) -B scripts/make_venv.py .venv requirements/dev.txt
	@touch $@
$(READY): $(INSTALLED) scripts/add_sources.py
	@$(BIN)/python scripts/add_sources.py
	@touch $@

demo: $(READY)  ## render a project for this machine, install, train, evaluate, export, predict, test it
	@$(BIN)/python scripts/demo.py $(ARGS)

test: $(READY)  ## run all tests but the slow ones; ARGS="-k name" chooses
	$(PYTEST) --junitxml=build/results/test.xml -m "not slow" $(ARGS) tests
test-slow: $(READY)  ## run the slow tests alone; TESTS=tests/infra takes a folder
	$(PYTEST) --junitxml=build/results/test-slow.xml -m slow $(ARGS) $(or $(TESTS),tests)
test-managers: $(READY)  ## run the slow tests of environments with uv and Poetry; MANAGERS=poetry takes one
	@for manager in $(MANAGERS); do echo "package_manager: $$manager"; \
		PACKAGE_MANAGER=$$manager $(PYTEST) --junitxml=build/results/test-$$manager.xml -m slow $(ARGS) $(OF_ENVIRONMENTS) \
		|| exit 1; done
test-all: test test-slow test-managers  ## run every test
tested-on: $(READY)  ## write what the last runs of the tests proved into the tables of tested hardware and pairs
	$(BIN)/python scripts/tested_on.py build/results/*.xml
	$(BIN)/python scripts/tested_pairs.py build/results/*.xml

benchmark: $(READY)  ## time Copier on this template against an empty one; ARGS=--check fails where an aim is missed
	$(BIN)/python benchmarks/copier_times.py $(ARGS)

lint: $(READY)  ## check all files as the git hooks do: style, types, secrets; ARGS=mypy takes one check
	$(BIN)/python -m pre_commit run --all-files $(ARGS)
hooks: $(READY)  ## let git run the same checks at every commit
	$(BIN)/python -m pre_commit install
format: $(READY)  ## sort imports and format
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

lock-dev: $(READY)  ## compile requirements/dev.txt from requirements/dev.in; ARGS=--upgrade moves versions
	CUSTOM_COMPILE_COMMAND="make lock-dev" $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
		--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		$(ARGS) --output-file requirements/dev.txt requirements/dev.in
wheel: $(READY)  ## build envkeep into the template, where projects get it from
	$(BIN)/python scripts/build_wheel.py
refresh-stack: $(READY)  ## resolve the stack release again; ARGS="--cutoff YYYY-MM-DD --torch X.Y.Z"
	$(BIN)/python scripts/refresh_stack.py $(ARGS)
	$(BIN)/python scripts/hardware_page.py
release: $(READY)  ## check, commit, record and tag a release; VERSION=1.2.3, ARGS=--dry-run checks only
	@$(BIN)/python scripts/release.py $(VERSION) $(ARGS)

clean:  ## remove all that is made: .venv, build and caches
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache
