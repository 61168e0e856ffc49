.DEFAULT_GOAL := help
PYTHON ?= python3
# the stages call plain `python`
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: study cluster report predict verify test drills share-demo lint bench help

study: .venv/installed ## run the whole study on the embedded data
	.venv/bin/dvc repro
	@echo "report: plots/report.md"

cluster: .venv/installed ## run it on a cluster: SCHEDULER=tcp://HOST:8786, or WORKERS=2 on this machine
	.venv/bin/python src/cluster.py $(SCHEDULER)

report: .venv/installed ## draw the study's charts as one page; it needs no network
	.venv/bin/python src/page.py
	.venv/bin/dvc plots show

predict: .venv/installed ## classify IMAGES=DIR with MODEL=models/AUG/xV into OUT=predicted.csv
	.venv/bin/python src/predict.py "$(IMAGES)" "$(MODEL)" "$(or $(OUT),predicted.csv)" $(MICRONS_PER_PIXEL)

verify: .venv/installed ## rehash the cache and all outputs; take away what is corrupt
	.venv/bin/python src/verify.py

test: .venv/installed ## run the tests
	.venv/bin/pytest

drills: .venv/installed ## the bad days, 30 times each: kill, full disk, corruption; takes hours
	.venv/bin/pytest tests/drills --tries 30

share-demo: .venv/installed ## share a tiny study through real S3 and SSH servers, and tell what moves
	.venv/bin/pytest tests/drills/test_sharing.py -s

lint: .venv/installed ## check format and lint
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

bench: .venv/installed ## measure speed against the alternatives; writes benchmarks/results.json
	.venv/bin/python benchmarks/augmentation.py
	.venv/bin/python benchmarks/writing.py
	.venv/bin/python benchmarks/training.py
	.venv/bin/python benchmarks/two_devices.py
	.venv/bin/python benchmarks/versioning.py
	.venv/bin/python benchmarks/growth.py
	.venv/bin/python benchmarks/nothing.py
	.venv/bin/python benchmarks/cluster.py
	.venv/bin/python benchmarks/bootstrap.py
	.venv/bin/python benchmarks/coverage.py

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: requirements.lock
	@$(PYTHON) -c "import sys; (3, 10) <= sys.version_info < (3, 14) or \
		sys.exit('TensorFlow needs Python 3.10 to 3.13, this is ' + sys.version.split()[0] + '; \
	valid: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/python src/page.py
	touch .venv/installed
