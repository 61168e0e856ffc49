.DEFAULT_GOAL := help
PYTHON ?= python3
# the stages call plain `python`
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: install study test quick drills lint format lock bench help

install: .venv/installed ## set up .venv, and no more: what a teammate's fresh clone needs

study: .venv/installed ## run the whole study on all cores, or JOBS=N processes
	.venv/bin/nuclei study $(if $(JOBS),--jobs $(JOBS))

test: .venv/installed ## run all tests, the quick part of the drills among them
	.venv/bin/pytest

quick: .venv/installed ## run the quick tests, which need no study: within a minute
	.venv/bin/pytest tests/nuclei tests/test_structure.py tests/test_prepare.py tests/test_readme.py \
		-m "not study and not slow"

drills: .venv/installed ## the bad days, 30 times each: kill, full disk, corruption; takes hours
	.venv/bin/pytest tests/drills --tries 30

lint: .venv/installed ## check format, lint and types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

format: .venv/installed ## put the code into its format
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

lock: .venv/installed ## renew requirements.lock after a change of pyproject.toml; UPGRADE=--upgrade for newer versions
	.venv/bin/uv pip compile pyproject.toml --extra cluster --extra dev --extra pipeline --extra s3 --extra slides --extra ssh \
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

# What is now typed without make
OLD := predict show operations table report verify cluster
.PHONY: $(OLD)
predict: now = predict $(or $(IMAGES),IMAGES) --model $(or $(MODEL),models/AUG/xV)$(mpp)$(out)
show: now = show $(or $(AUG),[RECIPE])$(out)
operations: now = operations$(out)
table report verify: now = $@
cluster: now = study --scheduler $(or $(SCHEDULER),tcp://HOST:8786)
mpp = $(if $(MICRONS_PER_PIXEL), --mpp $(MICRONS_PER_PIXEL))
out = $(if $(OUT), --out $(OUT))
$(OLD):
	$(error make $@ is now: nuclei $(now) (after source .venv/bin/activate))

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; (3, 10) <= sys.version_info < (3, 14) or \
		sys.exit('TensorFlow needs Python 3.10 to 3.13, this is ' + sys.version.split()[0] + '; \
	valid: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	awk '/^[^ ]/ {of_uv = /^uv==/} of_uv' requirements.lock > .venv/uv.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@# uv takes a third of pip's time. It reads no pip.conf, so pip takes over behind a mirror set there.
	.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock || \
		.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --no-index --editable .
	touch .venv/installed
