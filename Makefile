# Every target prints and runs the real commands; nothing here is needed to use the product.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check compiled e2e apps load soak mutants fuzz bench format picture assets lock audit-demo browser clean

demo: $(STAMP)  ## set up, and run the proxy in front of the bundled demo site
	$(BIN)/consent-proxy demo

test: $(STAMP) browser  ## set up, and pass the tests (browser walks included)
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -q -m "e2e and not load" -n 2

check: $(STAMP)  ## format, lint, types, floors, rules, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/consent-proxy check rules.yaml --config config/local.yaml
	$(BIN)/python -m pytest -q -n 2

compiled: $(STAMP)  ## build the wheel with the filter compiled (mypyc, a C compiler), and run the filter's tests on it
	$(BIN)/python -m tools.compiled
	TEST_COMPILED=1 PYTHONPATH=$(CURDIR)/.compiled $(BIN)/python -P -m pytest -q -n 2 -o "pythonpath=.compiled ." \
		tests/filter tests/promise tests/fidelity tests/system/test_corpus.py tests/test_build_digest.py

e2e: $(STAMP) browser  ## walks in a real Chromium
	$(BIN)/python -m pytest -q -m "e2e and not load" -n 2

apps: $(STAMP) browser  ## walks through whole applications from Debian, npm and PyPI, direct and behind the proxy
	$(BIN)/python -m pytest -q -m "apps or e2e" -p no:randomly tests/apps

load: $(STAMP) browser  ## long suites: whole corpora, floods, soaks, walks in further browsers
	$(BIN)/python -m pytest -q -m "load and not e2e" -p no:randomly
	$(BIN)/python -m pytest -q -m "load and e2e" -p no:randomly

soak: $(STAMP)  ## ten minutes (SOAK_MINUTES=60 for an hour) of all kinds of visits to one process, its memory printed
	SOAK_MINUTES=$${SOAK_MINUTES:-10} $(BIN)/python -m pytest -q -m load -p no:randomly tests/system/test_soak.py

mutants: $(STAMP)  ## break 300 places on purpose: tests have to notice nine of ten (an hour at most)
	$(BIN)/python -m pip install -q -e '.[guards]'
	$(BIN)/python -m tools.mutation

fuzz: $(STAMP)  ## an hour (FUZZ_MINUTES) of bytes that nobody would send, kept where they reach new code
	$(BIN)/python -m pip install -q -e '.[guards]'
	$(BIN)/python -m tests.fuzzing.run --minutes $${FUZZ_MINUTES:-60}

bench: $(STAMP)  ## speed beside peers, as ratios within one run
	$(BIN)/python -m pip install -q -e '.[bench]'
	$(BIN)/python -m bench.html
	$(BIN)/python -m bench.relay
	$(BIN)/python -m bench.crowd
	$(BIN)/python -m bench.records
	$(BIN)/python -m bench.naming

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

picture: $(STAMP)  ## draw the pictures of docs/architecture.md anew from the imports
	$(BIN)/python -m tools.architecture

assets: $(STAMP)  ## build proxy/banner/built from its scripts and style sheets (esbuild, from npm)
	$(BIN)/python -m tools.assets

lock: $(STAMP)  ## write the locks of deploy/, the bill of materials and docs/licences.md anew (UPGRADE=--upgrade takes newer versions)
	$(BIN)/python -m pip install -q pip-tools
	$(BIN)/python -m tools.lock $(UPGRADE)
	$(BIN)/python -m pip install -q --require-hashes -r deploy/requirements.lock
	$(BIN)/python -m tools.bill_of_materials

audit-demo: $(STAMP) browser  ## both reports of the demo site, with the proxy and without it, in .audit-demo/
	$(BIN)/python -m tools.audit_demo

browser:
	@sh tests/browser.sh

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "consent-proxy needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q -e '.[test]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist .compiled .pytest_cache .mypy_cache .ruff_cache .hypothesis .tests
