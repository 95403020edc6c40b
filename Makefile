# Everything a person or a machine runs. `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A GPU is a device that the driver answers for; `make bench` then takes the GPU packages and matrix.
FIND_GPU := $(PYTHON) -I harness/cli/doctor/nvidia_smi.py
GPU := $(shell $(FIND_GPU) 2>/dev/null | head -n 1)
LOCK := requirements/$(if $(GPU),gpu,cpu).txt
MATRIX ?= benchmarks/$(if $(GPU),gpu,demo).toml
SITE := .venv-docs
READY := $(VENV)/.ready-$(if $(GPU),gpu,cpu)
SLOW := slow or train or browser
BESIDE := --numprocesses auto --dist
# Without bytecode pytest rewrites the assertions of every test each time, and each worker compiles the harness.
test test-fast coverage: export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup site package bench gpu-check test test-fast coverage check bench-self bench-verdict replay bench-reliability nightly nightly-baseline plan lock clean

help:  ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 23

setup: $(READY)  ## Install everything into .venv, by hash

# In containers where an engine answers: `harness run` decides, says which, and builds the image where there is none.
bench: $(READY)  ## Run the comparison and print its tables (MATRIX=path for another, HARNESS_EXECUTOR=local without containers)
	@echo "$(if $(GPU),found a GPU ($(GPU)),found no GPU ($(shell $(FIND_GPU) 2>&1))): running $(MATRIX)"
	@$(BIN)/harness run "$(MATRIX)"

gpu-check: $(READY)  ## On a host with a GPU: try what was never run on one, and write gpu-check.md (ten minutes)
	@$(BIN)/harness doctor --gpu-check

plan: $(READY)  ## Show what the comparison will take
	@$(BIN)/harness plan "$(MATRIX)"

# Of the slow ones a process takes a file at a time, and one of them all that drive an engine or a browser.
test: $(READY)  ## Run the tests, the slow ones too
	$(BIN)/python -m pytest -m "not ($(SLOW))" $(BESIDE) worksteal
	$(BIN)/python -m pytest -m "$(SLOW)" $(BESIDE) loadgroup

test-fast: $(READY)  ## Run the tests that take no second, on every core
	$(BIN)/python -m pytest -m "not (seconds or $(SLOW))" $(BESIDE) worksteal

coverage: $(READY)  ## Run them once more, and see that they reach as much of the code as they did
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -m "not ($(SLOW))" $(BESIDE) worksteal
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --sort=miss

check: $(READY)  ## Lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

bench-self: $(READY)  ## Measure the harness's own speed (about half an hour)
	@mkdir -p .benchmarks
	$(BIN)/python -m pytest benchmarks/perf -q --benchmark-quiet --benchmark-json=.benchmarks/harness.json

bench-verdict: $(READY)  ## Judge by simulation what tables claim (two hours), and harness compare (an hour)
	$(BIN)/python -m benchmarks.verdict.claims
	$(BIN)/python -m benchmarks.verdict.probabilities
	$(BIN)/python benchmarks/verdict/judging.py

replay: $(READY)  ## Search the reference tables with every tuner, and judge what was planned (MEASURED)
	$(BIN)/python -m benchmarks.reference.replay

bench-reliability: $(READY)  ## Draw malformed matrices and damaged results, and kill runs (hours)
	$(BIN)/python -m benchmarks.reliability.fuzz
	$(BIN)/python -m benchmarks.reliability.kills
	$(BIN)/python -m benchmarks.reliability.kills --at-once 2
	$(BIN)/python -m benchmarks.reliability.kills --hosts 2

site: $(SITE)/.ready  ## Build the documentation as a site in build/site; a broken link fails
	@PYTHONPATH=. $(SITE)/bin/python website/staging.py build/site-sources
	@PYTHONPATH=. $(SITE)/bin/sphinx-build -W --keep-going -q -E -c website build/site-sources build/site
	@echo "the site: build/site/index.html"

package: $(VENV)/bin/uv  ## Build wheel and source distribution into dist, and try both in environments of their own
	@UV=$(BIN)/uv PYTHON=$(PYTHON) .ci/package

# Whatever the night's exit code is, make's is 2: who needs it calls .ci/nightly run, as the workflow does.
nightly: $(READY)  ## Run a night's matrix anew and compare it with the baseline (NIGHTLY=folder to keep all in)
	@HARNESS=$(BIN)/harness .ci/nightly run

nightly-baseline:  ## Make a night the baseline of later ones (NIGHT=2026-11-24)
	@.ci/nightly keep

TUNERS := --extra bayesopt --extra dehb --extra hyperopt --extra skopt --extra smac
lock: $(VENV)/bin/uv  ## Resolve the requirements anew
	for extra in cpu gpu; do $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	  --no-header --python-version 3.11 --extra $$extra --extra heic $(TUNERS) --extra huggingface --extra mlflow --extra ray --extra stores --extra report --extra tensorboard --extra wandb --extra dev pyproject.toml -o requirements/$$extra.txt; done
	for extra in cpu gpu; do $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	  --no-header --python-version 3.11 --extra $$extra --extra heic --constraint requirements/$$extra.txt --no-annotate \
	  pyproject.toml -o requirements/image-$$extra.txt; done
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  --extra docs --constraint requirements/cpu.txt pyproject.toml -o requirements/docs.txt

clean:  ## Remove what setup installed
	rm -rf $(VENV) $(SITE) build dist *.egg-info

$(VENV)/bin/uv: requirements/setup.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "setup 1/3: a virtual environment in $(VENV), with uv to install packages"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/setup.txt
	@touch $@

# Apart from what searches and tests run with.
$(SITE)/.ready: $(VENV)/bin/uv requirements/docs.txt
	@echo "setup of the site: the packages of requirements/docs.txt in $(SITE)"
	@$(PYTHON) -m venv --without-pip $(SITE)
	@$(BIN)/uv pip install --python $(SITE)/bin/python --require-hashes -r requirements/docs.txt
	@touch $@

# Bytecode is compiled here: without it TensorFlow takes three times as long to import, in every worker.
$(READY): $(VENV)/bin/uv $(LOCK) pyproject.toml
	@echo "setup 2/3: the packages of $(LOCK), by hash (minutes the first time)"
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes --compile-bytecode -r $(LOCK)
	@echo "setup 3/3: the harness itself"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --compile-bytecode -e .
	@touch $@
	@echo "ready: $(BIN)/harness --help, or make bench"
