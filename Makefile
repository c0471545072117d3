SHELL := /bin/sh
STACK ?= dev
PYTHON := PYTHONPATH=$(CURDIR) .venv/bin/python -P
UV := uv==0.13.9
COMPILE := .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11

.PHONY: help environment sandbox sandbox-down test unit check lock bench

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environment: ## Install the Python packages into .venv, if they are not there yet.
	@sandbox/bootstrap

sandbox: environment ## Deploy a stack against an emulated AWS (STACK=dev, or STACK=prod).
	@$(PYTHON) -m sandbox up $(STACK)

sandbox-down: environment ## Destroy every stack of the sandbox and stop it.
	@$(PYTHON) -m sandbox down

test: environment ## Run every test; those of the engine are skipped where no engine can be had.
	@$(PYTHON) -m sandbox engine || true
	@$(PYTHON) -m pytest

unit: environment ## Run the tests that need no engine.
	@$(PYTHON) -m pytest tests/unit

check: environment ## Check format, lint and types.
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy __main__.py settings.py components sandbox tests

lock: environment ## Renew requirements.txt and requirements-dev.txt from pyproject.toml.
	@$(PYTHON) -m pip --disable-pip-version-check install --quiet $(UV)
	@$(COMPILE) -o requirements.txt pyproject.toml
	@$(COMPILE) -o requirements-dev.txt pyproject.toml --group dev

bench: environment ## Measure what the components cost against a plain script.
	@$(PYTHON) -m tests.bench
