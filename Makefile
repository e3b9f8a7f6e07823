# Warmline: `make run` shows a first call, `make test` proves that everything works. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WEB := agent_console/web
MODELS ?= models

# Images of containers like to set it, and each process would then compile some hundred modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench peers diarize samples clean

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(VENV)/.installed agent_console/static/index.html $(MODELS)/whisper-base/manifest.json $(MODELS)/sentence-encoder/manifest.json  ## install everything: Python, web app, models of speech and of sentences

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Warmline needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json
	@node -e 'if (+process.versions.node.split(".")[0] < 20) { console.error("Warmline needs Node 20 or newer; this is " + process.version); process.exit(1) }'
	npm --prefix $(WEB) ci --no-audit --no-fund
	@touch $@

agent_console/static/index.html: $(WEB)/node_modules/.installed $(shell find $(WEB)/src $(WEB)/index.html $(WEB)/vite.config.ts $(WEB)/package.json 2>/dev/null)
	npm --prefix $(WEB) run --silent build
	@touch $@

$(MODELS)/whisper-base/manifest.json: | $(VENV)/.installed
	$(BIN)/warmline models pull whisper-base --models $(MODELS)

$(MODELS)/sentence-encoder/manifest.json: | $(VENV)/.installed
	$(BIN)/warmline models pull sentence-encoder --models $(MODELS)

run: setup  ## start Warmline and play a first call into it
	$(BIN)/warmline serve --demo

check: setup  ## format, lint, types, import rules; Python and web
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	npm --prefix $(WEB) run --silent check

test: setup  ## all tests
	npm --prefix $(WEB) run --silent test
	@# Journeys last and one at a time: they hear calls at real pace, with a browser and a server beside them.
	@status=0; \
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --ignore=tests/journeys || status=$$?; \
	$(BIN)/pytest tests/journeys || status=$$?; \
	exit $$status

bench: setup  ## measure the pipeline on this machine
	$(BIN)/warmline bench pipeline

peers: $(VENV)/.peers  ## install what `warmline bench prosody` compares with (needs a C++ compiler)

$(VENV)/.peers: requirements-bench.lock $(VENV)/.installed
	@command -v $${CXX:-c++} >/dev/null || { echo 'WORLD and RAPT are compiled here; no C++ compiler was found. Debian: apt-get install g++' >&2; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on --require-hashes --requirement requirements-bench.lock
	@touch $@

diarize: $(VENV)/.diarize $(MODELS)/diarization/manifest.json  ## install what tells speakers apart in mono recordings: PyTorch for the CPU, 1.4 GB

$(VENV)/.diarize: requirements-diarize.lock $(VENV)/.installed
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on --require-hashes --requirement requirements-diarize.lock || { \
	  echo 'If pip finds no torch 2.13.0+cpu: name the index of PyTorch for the CPU in PIP_EXTRA_INDEX_URL (its installation page says which). The lock is for Python 3.11 on Linux x86-64; elsewhere, or for CUDA: $(BIN)/python -m pip install -e ".[diarize]"' >&2; exit 1; }
	@touch $@

$(MODELS)/diarization/manifest.json: | $(VENV)/.installed
	$(BIN)/warmline models pull diarization --models $(MODELS)

samples:  ## make the sample calls anew (needs about 1 GB of tools, see samples/README.md)
	$(PYTHON) -m samples.generate

clean:  ## remove everything that was installed or built; data and models stay
	rm -rf $(VENV) $(WEB)/node_modules agent_console/static .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
