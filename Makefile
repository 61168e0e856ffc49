.DEFAULT_GOAL := help
PYTHON ?= python3
# the stages call plain `python`
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: install study table cluster report operations show predict verify test quick drills share-demo lint format lock bench help

install: .venv/installed ## set up .venv, and no more: what a teammate's fresh clone needs

study: .venv/installed ## run the whole study on all cores, or JOBS=N processes
	@touch .venv/began
	.venv/bin/python -m nuclei.study.run
	@# where the run is what was committed, evaluate does not run, and prints no table
	@test plots/report.md -nt .venv/began || .venv/bin/python -m nuclei.cli.table

table: .venv/installed ## print the scores of every arm
	.venv/bin/python -m nuclei.cli.table

cluster: .venv/installed ## the same on a cluster: SCHEDULER=tcp://HOST:8786
	.venv/bin/python -m nuclei.study.run $(SCHEDULER)

report: .venv/installed ## draw the study's charts as one page; it needs no network
	.venv/bin/python -m nuclei.cli.report
	.venv/bin/dvc plots show

operations: .venv/installed ## print what every operation does, and what its number means
	.venv/bin/python -m nuclei.cli.operations "$(OUT)"

show: .venv/installed ## draw what AUG=stain-10 does to some of your nuclei, or every operation; takes seconds
	.venv/bin/python -m nuclei.cli.show "$(AUG)" "$(OUT)"

predict: .venv/installed ## classify IMAGES=DIR with MODEL=models/AUG/xV into OUT=predicted.csv
	.venv/bin/python -m nuclei.cli.predict "$(IMAGES)" "$(MODEL)" "$(OUT)" $(MICRONS_PER_PIXEL)

verify: .venv/installed ## rehash the cache and all outputs; move aside what is corrupt
	.venv/bin/python -m nuclei.cli.verify

test: .venv/installed ## run all tests, the quick part of the drills among them
	.venv/bin/pytest

quick: .venv/installed ## run the tests that need no study: within a minute
	.venv/bin/pytest tests/nuclei tests/test_pipeline.py tests/test_stage.py tests/test_prepare.py

drills: .venv/installed ## the bad days, 30 times each: kill, full disk, corruption; takes hours
	.venv/bin/pytest tests/drills --tries 30

share-demo: .venv/installed ## share a tiny study through real S3 and SSH servers, and tell what moves
	.venv/bin/pytest tests/drills/test_sharing.py --tries 2 -n 0 -s

lint: .venv/installed ## check format, lint and types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

format: .venv/installed ## put the code into its format
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: .venv/installed ## renew requirements.lock after a change of pyproject.toml; UPGRADE=--upgrade for newer versions
	.venv/bin/uv pip compile pyproject.toml --extra cluster --extra dev --extra s3 --extra slides --extra ssh \
		--universal --python-version 3.10 --generate-hashes --no-emit-index-url --quiet \
		--custom-compile-command "make lock" -o requirements.lock $(UPGRADE)

bench: .venv/installed ## measure speed against the alternatives; writes benchmarks/results.json
	.venv/bin/python benchmarks/augmentation.py
	.venv/bin/python benchmarks/writing.py
	.venv/bin/python benchmarks/study.py
	.venv/bin/python benchmarks/training.py
	.venv/bin/python benchmarks/fresh.py
	.venv/bin/python benchmarks/two_devices.py
	.venv/bin/python benchmarks/versioning.py
	.venv/bin/python benchmarks/growth.py
	.venv/bin/python benchmarks/nothing.py
	.venv/bin/python benchmarks/cluster.py
	.venv/bin/python benchmarks/slide.py
	.venv/bin/python benchmarks/coverage.py
	.venv/bin/python benchmarks/verdicts.py

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; (3, 10) <= sys.version_info < (3, 14) or \
		sys.exit('TensorFlow needs Python 3.10 to 3.13, this is ' + sys.version.split()[0] + '; \
	valid: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	.venv/bin/python -m nuclei.cli.report
	touch .venv/installed
