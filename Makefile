# setup, study, test, check, docs; test-slurm, test-faults, test-gpu, test-vision. Needs Python 3.11 or newer, make and a C library;
# all else lands in .venv*.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
VISION := .venv-vision
export PATH := $(CURDIR)/$(BIN):$(PATH)
# One thread a process: parallel one-thread runs beat wide ones, and tests run in parallel.
export OMP_NUM_THREADS := 1

.PHONY: setup study test test-slurm test-faults test-gpu test-vision check format schemas docs

setup: $(READY)

$(READY): pyproject.toml envs/constraints.txt
	@sh envs/check-machine.sh "$(PYTHON)" .
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@echo "installing into .venv (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet -e '.[dev]' -c envs/constraints.txt
	@touch $@

# make study STUDY=digits-mlp runs another than those of config/config.yaml.
study: setup
	snakemake --quiet rules host $(if $(STUDY),--config studies=$(STUDY))

test: setup
	pytest -n auto --dist worksteal --ignore tests/slurm --ignore tests/faults

# On a real SLURM cluster of this machine alone; skipped with a reason where it cannot be started.
test-slurm: setup
	@sh envs/install-slurm.sh
	pytest -n 3 --dist loadfile tests/slurm

# Kills, damaged files, full disks and what launchers leave, over and over: half an hour.
test-faults: setup
	pytest tests/faults

# On a machine with a GPU, with a torch that drives it; skipped elsewhere.
test-gpu: setup
	FLOPSCAPE_TEST_GPU=1 pytest tests/gpu -rs

# The extra `vision` needs another torch than `setup` installs, and so an environment of its own.
test-vision: $(VISION)/.ready
	$(VISION)/bin/python -m pytest tests/vision

$(VISION)/.ready: pyproject.toml envs/constraints-vision.txt
	@sh envs/check-machine.sh "$(PYTHON)" . $(VISION) 10000
	@test -x $(VISION)/bin/python || "$(PYTHON)" -m venv $(VISION)
	@echo "installing into $(VISION) (6 GB; several minutes the first time)"
	@$(VISION)/bin/python -m pip install --quiet -e '.[vision]' pytest -c envs/constraints-vision.txt
	@touch $@

check: setup
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow/Snakefile workflow/rules workflow/template/Snakefile
	snakemake --lint
	flopscape schemas --check
	python envs/audit.py

format: setup
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow/Snakefile workflow/rules workflow/template/Snakefile

schemas: setup
	flopscape schemas

# The graph of the rules, which needs dot, from graphviz; and the decision guide.
docs: setup
	snakemake --rulegraph --config studies=docs/rulegraph.yaml | dot -Tsvg > docs/rulegraph.svg
	python -m flopscape.guide.draw > docs/guide.svg
