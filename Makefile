.DEFAULT_GOAL := help
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: study report test lint bench help

study: .venv ## run the whole study on the embedded data
	dvc repro

report: .venv ## draw the study's charts as one page; it needs no network
	python src/page.py
	dvc plots show

test: .venv ## run the tests
	pytest

lint: .venv ## check format and lint
	ruff format --check .
	ruff check .

bench: .venv ## measure: operations, training, bootstrap, coverage of intervals
	python benchmarks/operations.py
	python benchmarks/training.py
	python benchmarks/bootstrap.py
	python benchmarks/coverage.py

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 8

.venv: requirements.lock
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/python src/page.py
	touch .venv
