# What to type. Everything below installs what it needs first.
.DEFAULT_GOAL := help
ARGS ?=
WORKERS ?= 2
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
MANIFESTS := $(wildcard schemas/pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml cli/pyproject.toml devstack/pyproject.toml)

.PHONY: help demo install check format test test-long bench images lock contract release-contract docs dashboard manifests

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

.venv/installed: requirements/all.txt tools/install.sh $(MANIFESTS)
	@tools/install.sh

install: .venv/installed ## the virtual environment in .venv

demo: install ## everything on this machine, three questions asked (ARGS=--once ends after the answers)
	@$(BIN)/recado up --demo $(ARGS)

check: install ## lint, format, types, and the contract against the released one
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.check_contract

format: install ## write what `make check` wants
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: install ## every test that takes seconds
	$(PYTEST) -m "not long" -n $(WORKERS) --dist loadgroup $(ARGS)

test-long: install ## proofs that take minutes: kill -9, broker outage
	$(PYTEST) -m long $(ARGS)

bench: install ## benchmarks against their floors, results in bench/results
	$(BIN)/python -m bench $(ARGS)

lock: ## compile requirements/*.txt anew
	@tools/lock.sh $(ARGS)

images: install ## every image built, started and asked for its health (docker, podman or buildah)
	@tools/images.sh $(ARGS)

contract: install ## export JSON Schema and AsyncAPI anew
	$(BIN)/python tools/export_contract.py

release-contract: contract ## keep the events' schemas as released: at a release, never before
	$(BIN)/python -m tools.check_contract
	rm -f schemas/released/recado.*.json
	cp schemas/exported/recado.*.json schemas/released/

docs: install ## write docs/settings.md and docs/metrics.md anew
	$(BIN)/python tools/export_settings.py
	$(BIN)/python tools/export_metrics.py

dashboard: install ## write Grafana's dashboard anew, from tools/overview
	$(BIN)/python -m tools.dashboard

manifests: install ## the Kubernetes manifests built and checked, without a cluster
	@tools/kubernetes.sh check
