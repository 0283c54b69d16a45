# Two commands for a newcomer: `make demo` and `make test`. Everything lives in .venv; nothing is installed elsewhere.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-full bench lint style types setup clean

help:            ## what one can type here
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: .venv/base ## a push becomes a verdict, on this machine (KEEP=1 leaves it running)
	@$(BIN)/python -m boatyard.app.demo $(if $(KEEP),--keep)

test: .venv/dev  ## everything that takes under ten minutes
	@$(MAKE) -s style
	@nice $(MAKE) -s types >.venv/types.told 2>&1 & types=$$!; \
	$(BIN)/pytest -q -m "not long" -n auto --durations=12 --durations-min=5; tests=$$?; \
	wait $$types || { cat .venv/types.told; exit 1; }; exit $$tests

test-full: .venv/dev ## the long tiers too
	@$(MAKE) -s lint
	@$(BIN)/pytest -q

bench: .venv/bench ## the figures, as ratios against a peer in the same run
	@$(BIN)/python -m bench

lint: style types

style: .venv/dev
	@$(BIN)/ruff check -q .
	@$(BIN)/lint-imports --no-logo > .venv/imports.txt || { cat .venv/imports.txt; exit 1; }

types: .venv/dev
	@$(BIN)/pyright --level error > .venv/types.txt || { cat .venv/types.txt; exit 1; }

setup: .venv/dev ## the environment with the development tools

.venv/base: pyproject.toml tools/setup
	@tools/setup $(PYTHON)

.venv/dev: pyproject.toml tools/setup
	@tools/setup $(PYTHON) dev

.venv/bench: .venv/dev
	@tools/setup $(PYTHON) bench

clean:           ## remove the environment
	rm -rf .venv
