# Everything a person types. Each target installs what it needs; a second run installs nothing.
SHELL := /bin/bash
PYTHON ?= python3
# What `make test-system` boots: bookworm, jammy (Ubuntu 22.04, as JetPack 6 has it) or noble (24.04, JetPack 7).
SUITE ?= bookworm
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# How many processes share the tests. Each may need 2 GB of memory.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest
SAMPLES := kokoro-zh sample-pictures sample-video sample-speech-en sample-speech-zh sample-telephone-en vosk-ko movenet faceres

.DEFAULT_GOAL := help
.PHONY: help setup samples demo test test-system check lint types bench bench-echo bench-vision bench-export bench-quantize soak soak-nightly clean

help: ## Show what there is to type
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## Install system packages, the virtual environment, the project and the default models
	@scripts/pull-models

$(STAMP): pyproject.toml constraints.txt scripts/install-packages
	@scripts/install-packages run
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the project into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(INSTALL) --editable '.[test]'
	@touch $@

# What tests and measurements work on. One sample is fetched through apt, with the lists that come with the packages.
samples: setup
	@scripts/install-packages test
	@scripts/pull-models $(SAMPLES)

demo: setup ## Hold a conversation through simulated devices and show it in out/demo/report.html
	@$(BIN)/assistant demo --out out/demo

test: samples ## Run the whole test suite
	@REQUIRE_MODELS=1 $(PYTEST) -n $(WORKERS)

test-system: setup ## Boot a machine of its own and try the service on it (root, debootstrap, systemd-container, network, 4 GB; some 15 minutes)
	@$(INSTALL) --editable '.[system-test]'
	@SYSTEM_TESTS=1 SYSTEM_TEST_SUITE=$(SUITE) $(PYTEST) tests/system -ra

check: lint types test ## Lint, check types, test: what continuous integration runs

lint: $(STAMP) ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## Check types
	@$(BIN)/mypy

bench: samples ## Measure latency, accuracy and cost; the last line is JSON
	@$(BIN)/python -m bench

bench-echo: samples ## Measure the guard against its own echo, and who is heard over it, in simulated rooms (half an hour)
	@$(BIN)/python -m bench.echo --seconds 3600
	@$(BIN)/python -m bench.first_words

bench-vision: samples ## Measure sight: cost a picture, tracks and events on films with known truth; the last line is JSON
	@$(BIN)/python -m bench.vision

bench-export: samples ## Measure exports: latency, size and memory a precision; the last line is JSON
	@$(BIN)/python -m bench.export

bench-quantize: samples ## Measure what quantization costs and gains, a network; the last line is JSON
	@$(BIN)/python -m bench.quantize

HOURS ?= 0.167
SOAK ?=
soak: samples ## Converse for ten minutes, or HOURS=24, and see what grows; SOAK=--accelerated for virtual time, --live through PortAudio
	@$(BIN)/python -m bench.soak --hours $(HOURS) $(SOAK)

soak-nightly: HOURS = 8
soak-nightly: soak ## The same for eight hours

clean: ## Remove what was built here (models stay: see `assistant models remove`)
	@rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .cache
