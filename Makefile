SHELL := /bin/sh
STACK ?= dev
ARCHITECTURE ?= pipelines
# Where an environment keeps Python from writing bytecode, each of the many processes would compile all of this anew.
PYTHON := PYTHONDONTWRITEBYTECODE= PYTHONPATH="$(CURDIR)" .venv/bin/python -P
# In the order of the files, of which the longest are the first: xdist would begin with those of the most tests.
PYTEST := $(PYTHON) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
UV := uv==0.13.9
COMPILE := .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11
# The skeleton's, and what repositories deploy; the products' own are whole only when they are rendered.
TEMPLATES := $(shell grep -ls ^AWSTemplateFormatVersion seed_code/_*/template.yaml seed_code/*/repository/*.yaml)
RENDERED := .checks/templates

.PHONY: help environment sandbox sandbox-demo sandbox-down test unit check check-mine lock resource-types name-limits product docs bench

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environment: ## Install the Python packages into .venv, if they are not there yet.
	@sandbox/bootstrap

.PHONY: sandbox-environment
sandbox-environment:
	@sandbox/bootstrap sandbox engine

sandbox: sandbox-environment ## Deploy a stack against an emulated AWS (STACK=dev, or STACK=prod).
	@$(PYTHON) -m sandbox up "$(STACK)"

sandbox-demo: sandbox-environment ## Play the whole story once (ARCHITECTURE=stepfunctions, ...; KEEP=1 leaves it standing).
	@$(PYTHON) -m sandbox demo "$(ARCHITECTURE)" $(if $(filter-out 0,$(KEEP)),--keep)

sandbox-down: ## Destroy every stack of the sandbox and stop it.
	@sandbox/bootstrap sandbox
	@$(PYTHON) -m sandbox down

test: environment ## Run every test; those of the engine are skipped where no engine can be had.
	@$(PYTHON) -m sandbox engine || true
	@$(PYTEST)

unit: environment ## Run the tests of the program that need neither an engine nor the sandbox.
	@$(PYTHON) -m pytest --numprocesses auto --dist worksteal -m "not slow" tests/unit

check-mine: environment ## Check what you edit: stack files, products, their seed code. Needs no AWS.
	@$(PYTHON) -m tools check

check: environment .checks/installed ## Check format, lint, types and workflows of the program, and all that check-mine does.
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@PYTHONPATH="$(CURDIR)" .venv/bin/lint-imports --no-cache --no-logo
	@$(PYTHON) -m tools check
	@$(PYTHON) -m pytest --quiet --no-header tests/contract/test_reference.py
	@.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/zizmor --offline --quiet --persona pedantic .github/workflows
	@rm -rf $(RENDERED)
	@$(PYTHON) -m tools product templates $(RENDERED)
	@.checks/bin/checkov --framework cloudformation --skip-download --quiet --compact \
		$(addprefix --file=,$(TEMPLATES)) $$(printf -- '--file=%s ' $(RENDERED)/*.yaml)

.checks/installed: requirements/checkov.txt | environment
	@echo "Installing checkov into .checks (about a minute, once)." >&2
	@rm -rf .checks
	@.venv/bin/python -m venv .checks
	@.checks/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary=:all: -r $<
	@touch $@

lock: environment ## Renew requirements.txt and requirements/ from pyproject.toml.
	@$(PYTHON) -m pip --disable-pip-version-check install --quiet $(UV)
	@$(COMPILE) -o requirements.txt pyproject.toml
	@$(COMPILE) -o requirements/dev.txt pyproject.toml --group dev
	@$(COMPILE) -o requirements/sandbox.txt --constraint requirements/dev.txt pyproject.toml --group sandbox
	@$(COMPILE) -o requirements/checkov.txt --group checkov

docs: environment ## Write docs/settings.md, docs/aws-plugin.md and docs/security.md from what they tell of.
	@$(PYTHON) -m tests.settings_page
	@$(PYTHON) -m tests.contract.page
	@$(PYTHON) -m tests.contract.security_page

resource-types: environment ## Renew what is known of CloudFormation's resource types, after a new cfn-lint.
	@$(PYTHON) -m tests.resource_types

name-limits: environment ## Renew what AWS takes as names of resources, after a new cfn-lint or botocore.
	@$(PYTHON) -m tests.name_limits

product: environment ## Begin a product of your own: make product NAME=acme-train.
	@$(PYTHON) -m tools product new "$(NAME)"

bench: environment ## Measure what the components cost against a plain script.
	@$(PYTHON) -m tests.bench
