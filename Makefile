# `make demo` and `make test` set up everything they need, without root.
SHELL := /bin/bash
PYTHON ?= python3.11
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
KFP := .venv-kfp
CHECKOV := .venv-checkov
KEEP ?=
DEVICE ?= cpu
BASE_IMAGE ?= python:3.11-slim

.PHONY: demo unit test check prove bench quality docs lock extras images clean

$(VENV)/.ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found; expected Python 3.11; fix: install it, or run make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up $(VENV) (about two minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq pip==26.1.2
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq $(TORCH)
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

# the kfp SDK pins versions that conflict with Airflow's and MLflow's, so it has a separate environment
$(KFP)/.ready: infra/kfp/requirements.lock
	@test -x $(KFP)/bin/python || $(PYTHON) -m venv $(KFP)
	@$(KFP)/bin/python -m pip install -qq --no-deps --require-hashes -r infra/kfp/requirements.lock
	@touch $@

# checkov too
$(CHECKOV)/.ready: infra/checkov/requirements.lock
	@test -x $(CHECKOV)/bin/python || $(PYTHON) -m venv $(CHECKOV)
	@$(CHECKOV)/bin/python -m pip install -qq --no-deps --require-hashes -r infra/checkov/requirements.lock
	@touch $@

demo: $(VENV)/.ready
	@$(BIN)/trainshed demo $(RECIPE) $(if $(KEEP),--keep)

# for every save: tests without servers, marked by tests/fixtures/unit.py. The ignored folders have none and take seconds to import
unit: $(VENV)/.ready
	@$(BIN)/python -m pytest -m unit -n logical --maxprocesses=4 --dist=worksteal --ignore=tests/end_to_end --ignore=tests/faults

# all tests of a file run in one process, so that its fixtures start once; each process starts its own servers
test: $(VENV)/.ready $(KFP)/.ready
	@$(BIN)/python -m pytest -m "not prove and not bench" --durations=15 -n logical --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

prove: $(VENV)/.ready $(KFP)/.ready $(CHECKOV)/.ready
	@$(BIN)/python -m pytest -m prove

bench: $(VENV)/.ready
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY))

# WHAT=table, curve or hidden_curve, ONLY="MiniLM, 1000"; hours on a CPU; finished cells are kept in build/quality
quality: $(VENV)/.ready
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.quality $(or $(WHAT),table) $(if $(ONLY),--only "$(ONLY)")

check: $(VENV)/.ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/test_words.py

docs: $(VENV)/.ready
	@$(BIN)/trainshed docs
	@$(BIN)/python -m pipeline.models.list_families

# BASE_IMAGE=local if no registry can be reached; DEVICE=cuda with a CUDA build of TORCH
images: $(VENV)/.ready
	@BASE_IMAGE=$(BASE_IMAGE) DEVICE=$(DEVICE) TORCH="$(TORCH)" PYTHON=$(BIN)/python SBOM=build/sbom infra/images/build.sh

lock: $(VENV)/.ready
	@$(BIN)/pip-compile -q --extra dev --generate-hashes --allow-unsafe --unsafe-package torch --no-emit-index-url --no-emit-find-links --strip-extras -o requirements.lock pyproject.toml
# torch has no hash here: pyproject.toml and TORCH pin its version, whoever installs it chooses its build
	@sed -i '/^torch==/,/^[^ ]/{/^torch==/d;/^    /d}' requirements.lock

# pins what the images for Airflow and for the servers need in addition; run it after `make lock`, in the environment of the new lock
extras: docs
	@infra/images/extras/pin.sh $(BIN)/pip-compile airflow servers

clean:
	@if [ -x $(BIN)/trainshed ]; then $(BIN)/trainshed down || true; fi
	rm -rf $(VENV) $(KFP) $(CHECKOV) .trainshed
