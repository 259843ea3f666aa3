# Two commands on a fresh machine with Python >= 3.11, make and a network: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Jupyter wants to be told that it may run as root, as in a container.
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
INSTALLED := $(VENV)/.installed
BENCH := $(VENV)/.bench
# The ipykernels whose queues are tested one by one; the browser tests run on those that people have.
KERNELS ?= 6.17.1,6.31.0,7.0.1,7.3.0,latest,colab
BROWSER_KERNELS ?= 6.31.0,7.0.1,7.3.0
OLDEST_LAB ?= lab-4.0
OLDEST_KERAS ?= 3.8.0
# The backends besides TensorFlow on which every control is tested.
BACKENDS ?= jax,torch
# More processes than cores: many tests wait for a browser or a kernel.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)
# How long `make fuzz` runs.
SECONDS ?= 3600

.PHONY: demo test test-modes test-kernels test-backends test-oldest-keras test-binder fuzz lint bench build docs notebooks screenshots clean

demo: $(INSTALLED)
	TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 $(BIN)/jupyter lab $(ROOT) notebooks/quickstart.ipynb

test: $(INSTALLED)
	$(BIN)/python -m pytest tests -n $(WORKERS)

# Every control in every mode of every backend; `make test` has TensorFlow's usual one.
test-modes: $(INSTALLED)
	rm -rf tests/output/modes
	KCB_MODES=all KCB_BACKENDS=$(BACKENDS) $(BIN)/python -m pytest tests/steering/test_modes.py -n $(WORKERS)
	$(BIN)/python tests/modes/table.py --check

test-kernels: $(INSTALLED)
	KCB_KERNELS=$(KERNELS) $(BIN)/python -m pytest tests/kernel/test_kernel.py -n $(WORKERS)
	KCB_KERNELS=$(BROWSER_KERNELS) $(BIN)/python -m pytest tests/browser/test_lab.py tests/browser/test_lab_views.py \
		-k "lab and (clicks or dragged or reloaded or subshells)" -n $(WORKERS)
	KCB_FRONT_ENDS=$(OLDEST_LAB) $(BIN)/python -m pytest tests/browser/test_lab.py -k "clicks or dragged or reloaded"

test-backends: $(INSTALLED)
	for backend in $$(echo $(BACKENDS) | tr , " "); do \
		$(BIN)/python tests/support/backends.py $$backend -m pytest tests/steering/test_callbacks.py tests/record/test_hooks.py \
			tests/test_monitor.py tests/steering/test_steering.py -n 2 || exit 1; done

# Every private name of Keras that we rely on, on the oldest Keras; `make test` has the newest.
test-oldest-keras: $(INSTALLED)
	$(BIN)/uv pip install -q --python $(BIN)/python --target .venvs/keras-$(OLDEST_KERAS) --no-deps keras==$(OLDEST_KERAS)
	PYTHONPATH=.venvs/keras-$(OLDEST_KERAS) $(BIN)/python -m pytest tests/keras_internals tests/test_doctor.py -n $(WORKERS)

# Random fits, steered at random, for as long as you like; what it finds is printed as a case to keep as a test.
fuzz: $(INSTALLED)
	$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)

lint: $(INSTALLED)
	$(BIN)/ruff check kcb_widgets tests
	$(BIN)/ruff format --check kcb_widgets tests
	$(BIN)/mypy
	cd kcb_widgets/js && PATH="$(abspath $(BIN)):$$PATH" npm run --silent check

bench: $(BENCH)
	$(BIN)/python tests/benchmarks/per_batch.py
	for backend in jax torch; do $(BIN)/python tests/benchmarks/per_batch.py --backend $$backend || exit 1; done
	$(BIN)/python tests/benchmarks/length.py
	$(BIN)/python tests/benchmarks/latency.py
	$(BIN)/python tests/benchmarks/browser.py
	$(BIN)/python tests/benchmarks/keeping.py
	$(BIN)/python tests/benchmarks/start.py

screenshots: $(INSTALLED)
	PYTHONPATH=tests/support $(BIN)/python tests/scripts/screenshots.py
	PYTHONPATH=tests/support $(BIN)/python tests/scripts/comparison_pictures.py
	PYTHONPATH=tests/support $(BIN)/python tests/scripts/board_states.py

# The pages of the public names, from their docstrings.
docs: $(INSTALLED)
	PDOC_ALLOW_EXEC=1 $(BIN)/python tests/scripts/api_pages.py build/docs

# Runs the notebooks and stores what they print and draw; the interactive ones as they are without anybody there.
notebooks: $(INSTALLED)
	$(BIN)/python tests/scripts/store_outputs.py

test-binder: $(INSTALLED)
	KCB_BINDER=1 $(BIN)/python -m pytest tests/browser/test_binder.py -s

build: $(INSTALLED)
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) .venvs build dist kcb_widgets/static kcb_widgets/js/node_modules

# An editable install builds the browser half too, with the Node that pip fetches for the build. uv leaves bytecode to
# the first import, which may not be allowed to write it: then every process would compile TensorFlow for itself.
$(INSTALLED): pyproject.toml $(shell find kcb_widgets/js/src -type f) kcb_widgets/js/package.json kcb_widgets/js/build.mjs
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -e ".[dev]"
	touch $@

$(BENCH): $(INSTALLED)
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -e ".[bench]"
	touch $@
