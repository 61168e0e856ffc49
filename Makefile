.DEFAULT_GOAL := help
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: study cluster report predict verify test drills share-demo lint bench help

study: .venv ## run the whole study on the embedded data
	dvc repro

cluster: .venv ## run it on a cluster: SCHEDULER=tcp://HOST:8786, or WORKERS=2 on this machine
	python src/cluster.py $(SCHEDULER)

report: .venv ## draw the study's charts as one page; it needs no network
	python src/page.py
	dvc plots show

predict: .venv ## classify IMAGES=DIR with MODEL=models/AUG/xV into OUT=predicted.csv
	python src/predict.py "$(IMAGES)" "$(MODEL)" "$(or $(OUT),predicted.csv)" $(MICRONS_PER_PIXEL)

verify: .venv ## rehash the cache and all outputs; take away what is corrupt
	python src/verify.py

test: .venv ## run the tests
	pytest

drills: .venv ## the bad days, 30 times each: kill, full disk, corruption; takes hours
	pytest tests/drills --tries 30

share-demo: .venv ## share a tiny study through real S3 and SSH servers, and tell what moves
	pytest tests/drills/test_sharing.py -s

lint: .venv ## check format and lint
	ruff format --check .
	ruff check .

bench: .venv ## measure speed against the alternatives; writes benchmarks/results.json
	python benchmarks/augmentation.py
	python benchmarks/training.py
	python benchmarks/versioning.py
	python benchmarks/growth.py
	python benchmarks/nothing.py
	python benchmarks/cluster.py
	python benchmarks/bootstrap.py
	python benchmarks/coverage.py

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 8

.venv: requirements.lock
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/python src/page.py
	touch .venv
