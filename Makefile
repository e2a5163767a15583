# make help says what there is. Everything is installed into .venv, from exact pins.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup report test coverage lint docs clean reference-metrics wheel wheel-test gpu-kernels-test slurm-test

PYTHON ?= python3
CORES ?= all
DISK_GB ?= 6
# A worker per core. A file's tests stay together, for what they share is made once per worker; files go out in their
# order, so that the longest, the end-to-end tests, start first.
WORKERS ?= auto
VERSIONS ?= locked
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

VENV := .venv
BIN := $(VENV)/bin
# A changed lock, a changed pyproject.toml or a moved folder makes the environment anew.
KEY := $(shell { cat requirements.lock requirements-dev.lock pyproject.toml; pwd; } | cksum | cut -d' ' -f1)
STAMP := $(VENV)/.ready-$(KEY)
LOG := setup.log
AWAY := $(or $(TMPDIR),/tmp)/ssmttm-wheel-test
REFERENCE := .venv-reference
REFERENCE_PINS := workflow/envs/reference-metrics.txt
REFERENCE_STAMP := $(REFERENCE)/.ready
GPU_KERNELS := .venv-gpu-kernels
GPU_KERNELS_PINS := workflow/envs/gpu-kernels.txt
GPU_KERNELS_STAMP := $(GPU_KERNELS)/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

help:
	@cat <<'EOF'
	make report   the default study: set-up, then snakemake --cores $(CORES) results/report.html
	make test     set-up, then all tests; make test ROOM=licenses   those of one room of the package
	make coverage   set-up, then the unit tests, with the share of the package's lines that they run
	make lint     set-up, then ruff, mypy, snakemake --lint and snakefmt
	make docs     the documentation as a site, build/site/index.html
	make reference-metrics   a second environment with the published metric tools, the tests against them, and a study
	              that has the workflow make theirs (6 GB)
	make gpu-kernels-test   a further environment with mamba-ssm, and its kernels against ours without a GPU
	make wheel-test   build the wheel, install it into a new environment, and run the smoke study with it away from here;
	              VERSIONS=newest or lowest: with these of the packages that it needs, not the locked ones (7 GB)
	make slurm-test   bring up a SLURM of two nodes on this machine (Debian, as root, with CI=true: it installs packages),
	              run studies and cut trainings short on it, with an accounting database and without, and take it down
	make setup    the environment alone, in .venv
	make clean    remove .venv and caches; results/ stays
	
	Variables: PYTHON=python3.12 (default python3), CORES=4 (default all), WORKERS=1 (for tests; default one per core).
	EOF

# A killed Snakemake leaves its lock behind. It is removed when no Snakemake runs in this folder.
report: $(STAMP)
	@if compgen -G '.snakemake/locks/*' > /dev/null; then
	  running=$$(for process in /proc/[0-9]*; do
	    if [[ $$(readlink $$process/cwd) == "$$PWD" ]] && tr '\0' '\n' < $$process/cmdline | grep -q 'snakemake$$'; then
	      echo "$${process#/proc/}"
	    fi
	  done 2> /dev/null)
	  [[ -z $$running ]] || { printf 'make: Snakemake already runs in this folder: process %s\n' $$running >&2; exit 1; }
	  $(BIN)/snakemake --unlock
	fi
	$(BIN)/snakemake --cores $(CORES) results/report.html

# One room takes seconds, and starting workers would double them.
test: $(STAMP)
	@if [[ -n "$(ROOM)" ]]; then
	  [[ -d tests/unit/$(ROOM) ]] || { printf 'make: no room $(ROOM); there are: %s\n' "$$(cd ssmttm && echo */)" >&2; exit 1; }
	  $(BIN)/pytest tests/unit/$(ROOM)
	else
	  $(BIN)/pytest $(PARALLEL)
	fi

# Not a part of make test: it doubles the processor time of tests that are plain Python.
coverage: $(STAMP)
	@$(BIN)/pytest $(PARALLEL) --cov --cov-report=term --cov-report=html tests/unit
	echo "Line by line: build/coverage/index.html"

lint: $(STAMP)
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	$(BIN)/snakefmt --check Snakefile workflow

docs: $(STAMP)
	@rm -rf build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	echo "build/site/index.html"

# Their own environment: they don't go together with the main one.
reference-metrics: $(REFERENCE_STAMP) $(STAMP)
	@HF_HUB_OFFLINE=1 $(REFERENCE)/bin/pytest tests/reference
	SSMTTM_PACKAGES=1 $(BIN)/pytest tests/e2e/test_packages.py

$(REFERENCE_STAMP): $(REFERENCE_PINS) requirements.lock
	@rm -rf $(REFERENCE)
	"$(PYTHON)" -m venv $(REFERENCE)
	pip() { $(REFERENCE)/bin/python -m pip install --progress-bar off "$$@" >> $(REFERENCE)/setup.log 2>&1 \
	  || { printf 'make: pip failed; see $(REFERENCE)/setup.log\n' >&2; exit 1; }; }
	echo "Installing the published metric tools into $(REFERENCE)"
	pip "$$(head -n 1 requirements.lock)" wheel setuptools
	pip --no-deps --no-build-isolation -r $(REFERENCE_PINS)
	pip --no-deps --no-build-isolation -e .
	touch $@

# Triton and mamba-ssm take 0.7 GB and are of no use on a CPU, but for this. Its extensions aren't built.
gpu-kernels-test: $(GPU_KERNELS_STAMP)
	@OMP_NUM_THREADS=1 $(GPU_KERNELS)/bin/pytest tests/gpu_kernels

$(GPU_KERNELS_STAMP): $(GPU_KERNELS_PINS) requirements.lock
	@rm -rf $(GPU_KERNELS)
	"$(PYTHON)" -m venv $(GPU_KERNELS)
	export MAMBA_SKIP_CUDA_BUILD=TRUE MAMBA_FORCE_BUILD=TRUE
	export CAUSAL_CONV1D_SKIP_CUDA_BUILD=TRUE CAUSAL_CONV1D_FORCE_BUILD=TRUE
	pip() { $(GPU_KERNELS)/bin/python -m pip install --progress-bar off "$$@" >> $(GPU_KERNELS)/setup.log 2>&1 \
	  || { printf 'make: pip failed; see $(GPU_KERNELS)/setup.log\n' >&2; exit 1; }; }
	echo "Installing Triton and mamba-ssm into $(GPU_KERNELS)"
	pip "$$(head -n 1 requirements.lock)" wheel setuptools
	pip --no-deps --no-build-isolation -r $(GPU_KERNELS_PINS)
	pip --no-deps --no-build-isolation -e .
	touch $@

# What is built before stays in build/lib and would get into the wheel.
wheel: $(STAMP)
	@rm -rf build/lib build/bdist.* dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	ls -l dist

# As a user would: no checkout, no activated environment; packages by the pins of the lock, the newest ones that there
# are, or the lowest that pyproject.toml allows. The last two may bring a torch for CUDA (7 GB).
wheel-test: wheel
	@rm -rf $(AWAY)
	"$(PYTHON)" -m venv $(AWAY)/venv
	echo "Installing the wheel into $(AWAY)/venv"
	case "$(VERSIONS)" in
	locked) $(AWAY)/venv/bin/python -m pip install --quiet --constraint requirements.lock dist/ssmttm-*.whl ;;
	newest) $(AWAY)/venv/bin/python -m pip install --quiet dist/ssmttm-*.whl ;;
	lowest)
	  $(AWAY)/venv/bin/python -m pip install --quiet uv
	  uv() { $(AWAY)/venv/bin/uv "$$@" --quiet --native-tls --python $(AWAY)/venv/bin/python; }
	  uv pip compile pyproject.toml --resolution lowest-direct --output-file $(AWAY)/lowest.txt > /dev/null
	  uv pip install --requirements $(AWAY)/lowest.txt dist/ssmttm-*.whl ;;
	*) printf 'make: VERSIONS=%s: locked, newest or lowest\n' "$(VERSIONS)" >&2; exit 1 ;;
	esac
	echo "$$($(AWAY)/venv/bin/python -m pip list 2> /dev/null | tail -n +3 | wc -l) packages, $$(du -sm $(AWAY)/venv | cut -f1) MB"
	wheel=$$(ls "$$PWD"/dist/ssmttm-*.whl)
	cd $(AWAY)
	echo "A study with $$(basename "$$wheel"), in $(AWAY)/study"
	venv/bin/ssmttm init study --preset smoke
	cd study
	../venv/bin/snakemake --cores $(CORES) results/report.html
	../venv/bin/snakemake --cores $(CORES) -n results/report.html | grep -q 'Nothing to be done'
	../venv/bin/python -c 'import ssmttm, sys; sys.exit(not ssmttm.__file__.startswith(sys.prefix))'
	../venv/bin/ssmttm generate --prompt 'calm piano with strings' --out calm.wav

# Two SLURMs one after the other, for what keeps accounts of jobs can't be changed while it runs. Jobs wait for one another,
# and a busy machine may miss a deadline: what failed is tried once more.
slurm-test: $(STAMP)
	@trap tests/slurm/down.sh EXIT
	for mode in "" --no-accounting; do
	  tests/slurm/up.sh $$mode
	  ( . "$${SSMTTM_SLURM_FOLDER:-/var/lib/ssmttm-slurm}/env"; $(BIN)/pytest tests/slurm || $(BIN)/pytest tests/slurm --last-failed )
	done

setup: $(STAMP)

clean:
	@rm -rf $(VENV) $(REFERENCE) $(GPU_KERNELS) $(LOG) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written when all is installed: an environment without it was interrupted, or has other pins, and is
# made anew. pip keeps what it has downloaded. Weights come after it: where they can't be had, make says so once, and
# the jobs that need them try again.
$(STAMP):
	@fail() { printf 'make: %s\n' "$$@" >&2; exit 1; }
	command -v "$(PYTHON)" > /dev/null || fail "no $(PYTHON) here; install Python 3.11 or later, or name one: make PYTHON=/path/to/python3.11"
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || fail "$$("$(PYTHON)" --version) is too old; Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"
	rm -rf $(VENV)
	free=$$(( $$(df -Pk . | awk 'NR == 2 {print $$4}') / 1024 / 1024 ))
	(( free >= $(DISK_GB) )) || fail "only $$free GB of disk are free here; the packages and the default study need $(DISK_GB) GB"
	if ! "$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null; then
	  package=$$("$(PYTHON)" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
	  command -v apt-get > /dev/null || fail "$(PYTHON) has no venv module; install it (Debian: $$package), then run make again"
	  sudo=; (( EUID == 0 )) || sudo=sudo
	  [[ -z $$sudo ]] || command -v sudo > /dev/null || fail "$(PYTHON) has no venv module; as root: apt-get install $$package"
	  echo "Installing $$package by apt"
	  { $$sudo apt-get update && $$sudo apt-get install -y --no-install-recommends $$package; } > $(LOG) 2>&1 \
	    || fail "apt-get could not install $$package; see $(LOG)" "$$(tail -n 3 $(LOG))"
	fi
	"$(PYTHON)" -m venv $(VENV) || fail "$(PYTHON) could not make a virtual environment in $(VENV)"
	pip() {
	  $(BIN)/python -m pip install --progress-bar off "$$@" >> $(LOG) 2>&1 && return
	  grep -q 'No space left' $(LOG) && fail "the disk is full; about $(DISK_GB) GB are needed here and in $${TMPDIR:-/tmp}"
	  grep -Eq 'Retrying|ConnectionError|ConnectTimeout|resolve host' $(LOG) && fail "no network, or the package index can't be reached; see $(LOG)"
	  fail "pip failed; see $(LOG)" "$$(tail -n 5 $(LOG))"
	}
	: > $(LOG)
	torch=$$(head -n 1 requirements.lock)
	echo "Installing $$torch (1 of 4; the log is $(LOG))"
	pip -c requirements.lock "$$torch"
	echo "Installing $$(cat requirements.lock requirements-dev.lock | wc -l) pinned packages (2 of 4)"
	pip --no-deps -r requirements.lock -r requirements-dev.lock
	echo "Installing ssmttm (3 of 4)"
	pip --no-deps --no-build-isolation -e .
	touch $(STAMP)
	echo "Fetching weights into the user's cache (4 of 4)"
	$(BIN)/python -m ssmttm.pretrained >> $(LOG)
