PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
BUILDIFIER := $(VENV)/node_modules/.bin/buildifier
PRISM := $(VENV)/bin/prism

.PHONY: help quickstart photographs prism test test-old-cpu lint bazel-test benchmark results reproduce-cifar-fs evaluate-cifar-fs clean

help:
	@echo 'make quickstart  from raw images to predictions of a SavedModel, into work/glyphs'
	@echo 'make photographs a ready model for photographs of any classes, into work/photographs'
	@echo 'make prism       builds the engine of --runner=PrismRunner, with Go'
	@echo 'make test        all tests'
	@echo 'make test-old-cpu  the tests that depend on rounding, as on a CPU without AVX'
	@echo 'make lint        ruff, buildifier and who may import whom, as in CI'
	@echo 'make bazel-test  builds and tests with the Bazel of Debian, without the network'
	@echo 'make benchmark   milliseconds of a meta-training step, images a second, latency of requests, many queries'
	@echo 'make reproduce-cifar-fs  from the archive to the test accuracy on CIFAR-FS, 1 and 5 shots'
	@echo 'make evaluate-cifar-fs   the dense network of seed 0 from its published weights'
	@echo 'make results     the tables of docs/results.md and docs/pacs.md, from results/'
	@echo 'make clean       removes .venv and work'

# The stamp comes last, so that a broken installation is done again.
$(INSTALLED): requirements.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps \
		-r requirements.txt
	touch $@

quickstart: $(INSTALLED)
	$(RUN) -m jobs.pipeline --config=configs/glyphs.py --workdir=work/glyphs
	@echo 'Now look at work/glyphs/evaluation/report.html and work/glyphs/prediction/predictions.html'

photographs: $(INSTALLED)
	$(RUN) -m jobs.pipeline --config=configs/photographs.py --workdir=work/photographs

prism: $(PRISM)

# An installation anew removes it, so that it is that of the Beam beside it.
$(PRISM): | $(INSTALLED)
	tools/build_prism

# ARGS go to pytest.
test: $(INSTALLED)
	$(RUN) -m pytest $(ARGS)

# npm gives files dates of 1985, so that only their presence counts.
$(BUILDIFIER): | $(INSTALLED)
	npm install --silent --no-audit --no-fund --prefix $(VENV) @bazel/buildifier@8.2.1

# What rounds differently where a CPU has fewer instructions, on any CPU.
test-old-cpu: $(INSTALLED)
	ONEDNN_MAX_CPU_ISA=SSE41 XLA_FLAGS=--xla_cpu_max_isa=SSE4_2 $(RUN) -m pytest -m 'not slow' \
		tests/backbones tests/few_shot/reference_parity_test.py tests/serving/export_test.py

lint: $(INSTALLED) $(BUILDIFIER)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(BUILDIFIER) -mode=check -lint=warn -r BUILD MODULE.bazel WORKSPACE \
		benchmarks configs jobs sib_tf tests third_party tools
	$(VENV)/bin/lint-imports --no-cache

bazel-test: $(INSTALLED)
	bazel test //... --config=airgapped
	tools/forbidden_imports --config=airgapped

benchmark: $(INSTALLED)
	$(RUN) -m benchmarks.meta_training
	$(RUN) -m benchmarks.images
	$(RUN) -m benchmarks.serving
	$(RUN) -m benchmarks.queries
	$(RUN) -m benchmarks.predict
	$(RUN) -m benchmarks.server

# The archive is downloaded, unless MANUAL_DIR has it.
CIFAR_FS := configs/cifar_fs.py:conv4_64
MANUAL_DIR :=

reproduce-cifar-fs: $(INSTALLED)
	for shot in 1 5; do $(RUN) -m jobs.pipeline --config=$(CIFAR_FS),shot=$$shot \
		--config.manual_dir=$(MANUAL_DIR) --base=work/cifar_fs_conv4_64 \
		--workdir=work/cifar_fs_conv4_64/$${shot}shot || exit; done

evaluate-cifar-fs: $(INSTALLED)
	for shot in 1 5; do $(RUN) -m jobs.pipeline --config=$(CIFAR_FS),shot=$$shot \
		--config.manual_dir=$(MANUAL_DIR) --base=work/cifar_fs_published \
		--weights=results/cifar_fs_conv4_64/$${shot}shot-seed0 \
		--workdir=work/cifar_fs_published/$${shot}shot || exit; done

results: $(INSTALLED)
	$(RUN) -m jobs.summarize --family=few_shot --page=docs/results.md
	$(RUN) -m jobs.summarize --family=adaptation --page=docs/pacs.md

clean:
	rm -rf $(VENV) work
