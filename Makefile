# face_emote: everything a developer types. `make` alone lists it.
# Needs Python 3.11 or newer with pip; everything else goes into .venv.

VENV ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCHES ?= head animate network render memory formats
BENCH_OPTIONS ?=
PYTEST := $(BIN)/python -m pytest -q -n auto --maxprocesses 8 --dist loadfile
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Kernels are compiled for this processor once, and kept between runs.
export NUMBA_CACHE_DIR ?= $(CURDIR)/.numba_cache

BPY_VENV ?= .venv-blender
BPY := $(BPY_VENV)/bin/python

.PHONY: help setup setup-train setup-all demo check format test test-slow test-blender extension bench wheel clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with face_emote (editable) and the developer's tools

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "face_emote needs Python 3.11 or newer; none was found. Install one, or: make PYTHON=/path/to/python3.11"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

setup-train: $(READY) ## add torch (CPU) and what training needs
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[dev,train]'

setup-all: setup-train ## add what else the tests can use: USD, OpenGL, trimesh, independent readers
	$(BIN)/python -m pip install --quiet --editable '.[dev,train,tests]'

demo: $(READY) ## perform a bundled sentence: out/demo.mp4, demo.glb, demo.npz, demo_sheet.png
	mkdir -p out
	$(BIN)/face-emote demo -o out

check: $(READY) ## style, types and layers (ruff, mypy, imports flow one way)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini
	$(BIN)/mypy --follow-imports=silent examples/*.py
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(READY) ## let ruff rewrite the sources
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY) ## the default tests (minutes); those of training are skipped without `make setup-train`
	$(PYTEST)

test-slow: $(READY) ## the slow ones: the wheel in a fresh environment, rebuilt assets, long recordings
	$(PYTEST) -m slow

bench: $(READY) ## measure speed and memory; tables here, JSON in out/bench
	mkdir -p out/bench
	for name in $(BENCHES); do $(BIN)/python -m bench.$$name $(BENCH_OPTIONS) --json out/bench/$$name.json || exit 1; done

wheel: $(READY) ## build dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

$(BPY_VENV)/.ready:
	@p=$$(command -v python3.11) || { echo "Blender 4.5 as a module needs Python 3.11; install it, or: make BPY_VENV=/path/to/venv"; exit 2; }; \
		test -x $(BPY) || $$p -m venv $(BPY_VENV)
	$(BPY) -m pip install --quiet bpy==4.5.15 pytest
	touch $@

extension: $(BPY_VENV)/.ready ## pack and validate the Blender extension: dist/blender/*.zip, index.json
	$(BPY) -m tools.build_extension -o dist/blender

test-blender: $(BPY_VENV)/.ready ## the extension's tests in Blender 4.5 (own environment, 330 MB, once)
	$(BPY) -m tools.test_blender --python $(BPY)

clean: ## remove what these targets made (.venv stays)
	rm -rf build dist out .pytest_cache .mypy_cache .ruff_cache .numba_cache
