# `make run` starts the archive; CONTRIBUTING.md describes the other targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

SCREENSHOT_NAMES := library-desk-light detail-desk-light activity-desk-light channel-desk-light library-phone-dark \
	search-phone-dark

.PHONY: run test lint lint-js soak bench lock screenshots

run: $(VENV)/installed
	@$(BIN)/python manage.py up $(ARGS)

test: $(VENV)/installed-dev
	@$(BIN)/python -m pytest -n 3 --maxschedchunk=6 $(ARGS)

# A data folder of its own, so that linting leaves nothing in the default one.
lint: export YTARCHIVE_DATA := $(CURDIR)/$(VENV)/lint-data
lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/djlint --lint --check templates
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --deploy --fail-level ERROR
	@$(MAKE) --no-print-directory lint-js

lint-js:
	@if command -v npm >/dev/null; then \
		{ test node_modules/.package-lock.json -nt package-lock.json \
			|| npm ci --no-audit --no-fund --ignore-scripts --loglevel=error; } && npm run --silent lint; \
	else \
		echo "The JavaScript was not checked: that needs Node.js (apt-get install nodejs npm)."; \
		test "$(CI)" != true; \
	fi

# The long forms of some tests, and what docs/reliability.md reports.
soak: $(VENV)/installed-dev
	@$(BIN)/python -m pytest -m soak --timeout=0 $(ARGS)

# Benchmarks of the pipeline and its peers; `make bench ARGS=--short` takes under 2 minutes.
bench: $(VENV)/installed .venv-bench/installed
	@if command -v npm >/dev/null && ! test -d benchmarks/peers/node_ws/node_modules; then \
		npm ci --prefix benchmarks/peers/node_ws --no-audit --no-fund --ignore-scripts --loglevel=error; fi
	@$(BIN)/python -m benchmarks $(ARGS)

.venv-bench/installed: requirements.txt benchmarks/requirements.txt
	@.venv-bench/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv-bench
	@echo '*' > .venv-bench/.gitignore
	@echo "Installing what the peers need into .venv-bench (once)"
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r benchmarks/requirements.txt
	@touch $@

# Takes the screenshots of README.md (.github/*.png); all others stay in .venv/screenshots.
screenshots: $(VENV)/installed-dev
	@mkdir -p $(VENV)/screenshots
	@SCREENSHOTS=$(CURDIR)/$(VENV)/screenshots $(BIN)/python -m pytest downloads/tests/browser/test_page_audit.py -m "not soak" -k live $(ARGS)
	@for name in $(SCREENSHOT_NAMES); do cp $(VENV)/screenshots/$$name.png .github/; done

# Locks the requirements; `make lock ARGS=--upgrade` upgrades within the limits of the .in files.
lock: $(VENV)/installed-dev
	$(COMPILE) $(ARGS) requirements.in --output-file requirements.txt
	$(COMPILE) $(ARGS) requirements-dev.in --output-file requirements-dev.txt
	{ echo "-r requirements.txt"; echo; cat requirements-dev.txt; } > requirements-dev.new
	mv requirements-dev.new requirements-dev.txt

# Uses pip alone, so that only Python has to be installed; honours the PIP_* variables and pip's configuration.
$(VENV)/installed: requirements.txt
	@$(PYTHON) -c "import sys; sys.exit(None if sys.version_info >= (3, 11) else 'ytarchive needs Python 3.11 or newer; this is ' + sys.version.split()[0] + '. Try: make run PYTHON=python3.12')"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing dependencies into $(VENV) (first start only: about 540 MB, of which ffmpeg is 165 and Deno 92; one to three minutes)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@echo "Installed $$(du -sm $(VENV) | cut -f1) MB."
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
