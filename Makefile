PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.PHONY: help quickstart test lint benchmark clean

help:
	@echo 'make quickstart  from raw images to predictions of a SavedModel, into work/glyphs'
	@echo 'make test        all tests'
	@echo 'make lint        ruff, as in CI'
	@echo 'make benchmark   milliseconds of a meta-training step'
	@echo 'make clean       removes .venv and work'

# The stamp comes last, so that a broken installation is done again.
$(INSTALLED): requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	touch $@

quickstart: $(INSTALLED)
	$(RUN) -m jobs.pipeline --config=configs/glyphs.py --workdir=work/glyphs

test: $(INSTALLED)
	$(RUN) -m pytest

lint: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

benchmark: $(INSTALLED)
	$(RUN) -m benchmarks.meta_training

clean:
	rm -rf $(VENV) work
