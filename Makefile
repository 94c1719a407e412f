# Needs Debian 12 (or newer) with git, make, and python3 >= 3.11 with venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Prometheus is unpacked here when it is not on the PATH; nothing is installed, no service starts.
TOOLS := .tools
RUN_PATH = $(CURDIR)/$(BIN):$$PATH:$(CURDIR)/$(TOOLS)/usr/bin:$(CURDIR)/$(TOOLS)/alertmanager/usr/bin

# For example: make demo DEMO_FLAGS="--fault errors", make test PYTEST_FLAGS="tests/demo -q"
DEMO_FLAGS ?=
PYTEST_FLAGS ?=
# Files of tests go to so many processes, in the order of their names: the demo's, which mostly
# waits, is among the first. Three keep two cores busy while some wait.
WORKERS ?= 3

.PHONY: demo test lint bench clean chromium
.DELETE_ON_ERROR:

demo: $(VENV)/.project
	$(BIN)/slo demo $(DEMO_FLAGS)

# Bytecode is kept even where the environment says no: tests start hundreds of processes.
test: $(VENV)/.dev $(TOOLS)/.prometheus $(TOOLS)/.alertmanager $(TOOLS)/.axe chromium
	PATH="$(RUN_PATH)" PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_FLAGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.dev $(TOOLS)/.prometheus $(TOOLS)/.alertmanager
	PATH="$(RUN_PATH)" $(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(TOOLS) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian 12's pip is older than dependency groups (pip 25.1), hence the upgrade.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' \
	  || { echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	touch $@

$(VENV)/.project: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.project pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	touch $@

$(TOOLS)/.prometheus: $(VENV)/.project
	mkdir -p $(TOOLS)
	$(BIN)/python -m slo.demo.binaries $(TOOLS)
	touch $@

# Like Prometheus: found on the PATH, or unpacked beside it.
$(TOOLS)/.alertmanager:
	rm -rf $(TOOLS)/alertmanager && mkdir -p $(TOOLS)/alertmanager
	@if command -v prometheus-alertmanager || command -v alertmanager; then :; else \
	  cd $(TOOLS)/alertmanager \
	  && echo "Unpacking Debian's prometheus-alertmanager" \
	  && { apt-get -q -o APT::Sandbox::User=root download prometheus-alertmanager \
	    || { apt-get -q update && apt-get -q -o APT::Sandbox::User=root download prometheus-alertmanager; } \
	    || { echo "The tests need Alertmanager: apt-get install prometheus-alertmanager" >&2; exit 1; }; } \
	  && dpkg-deb -x prometheus-alertmanager_*.deb . && rm prometheus-alertmanager_*.deb; \
	fi
	touch $@

# axe-core looks for barriers in the pages; it is a test's tool alone, and one file.
$(TOOLS)/.axe:
	@command -v npm || { echo "The browser tests need axe-core by npm: apt-get install npm" >&2; exit 1; }
	rm -rf $(TOOLS)/axe && mkdir -p $(TOOLS)/axe
	cd $(TOOLS)/axe && npm pack --silent axe-core@4 && tar -xzf axe-core-*.tgz package/axe.min.js && rm axe-core-*.tgz
	touch $@

# A browser's dependencies are some hundred packages, so it is installed, not unpacked.
chromium:
	@if command -v chromium; then :; \
	elif [ "$$(id -u)" != 0 ]; then \
	  echo "The browser tests need Chromium. As root: apt-get install --no-install-recommends chromium" >&2; \
	  exit 1; \
	else \
	  echo "Installing Chromium by apt-get"; \
	  apt-get -q update && DEBIAN_FRONTEND=noninteractive \
	    apt-get -q install --yes --no-install-recommends chromium; \
	fi
