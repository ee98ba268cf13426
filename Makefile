# Hemalens. `make run` starts everything on this machine; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= $(or $(shell command -v python3.11),python3)
BIN := .venv/bin
VERSION := 3
WEIGHTS := $(wildcard triton_models/*/*/weights.safetensors)
# A stamp, because a processor that cannot serve int8 never gets that model.pt, and would export at every start.
EXPORTED := .venv/exported
MISSING := $(filter-out $(wildcard triton_models/*/*/model.pt),$(foreach w,$(WEIGHTS),$(if $(findstring _int8/,$(w)),,$(w:weights.safetensors=model.pt))))
FRONTEND := package.json package-lock.json $(shell find frontend -type f 2>/dev/null)
DIST := portal/static/dist/.built
COLLECTED := staticfiles/staticfiles.json
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard portal/locale/*/LC_MESSAGES/django.po portal/wording/*/LC_MESSAGES/django.po))
# the build steps run before there is a database or a secret, and use neither
BUILD_ENV := SECRET_KEY=build DATABASE_URL=postgres://build@127.0.0.1:1/build STATIC_ROOT=$(CURDIR)/staticfiles
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help run dev install install-dev static export check format test lint beside-faults lint-style lint-js lint-templates \
  lint-imports lint-types lint-migrations unit unit-js unit-changed walk e2e faults smoke train gate bench messages \
  lock status stop reset clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## start everything on this machine, until Ctrl-C (settings: .env.example)
	@$(MAKE) --no-print-directory static export
	@exec $(BIN)/python -m embedded run

dev: install-dev node_modules/.package-lock.json $(CATALOGUES) export ## the same, and changes of the source show at once
	@exec $(BIN)/python -m embedded run --reload

install: # what `make run` needs
	@$(PYTHON) embedded/install.py local

install-dev: # what the tests need on top
	@$(PYTHON) embedded/install.py dev

# --- built files: only made again when what they are made of changed

static: $(COLLECTED) $(CATALOGUES) ## build the style sheets, scripts and catalogues, collect the static files
	@:
export: $(EXPORTED) ## write model.pt for every committed version of the model
	@:

node_modules/.package-lock.json: package-lock.json .npmrc
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-progress --no-update-notifier --loglevel=error
	@touch $@

$(DIST): node_modules/.package-lock.json $(FRONTEND)
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build

$(COLLECTED): $(DIST) $(wildcard .venv/installed.json) $(shell find portal/static -type f -not -path '*/dist/*' 2>/dev/null)
	@$(BUILD_ENV) $(BIN)/python manage.py collectstatic --no-input --clear --verbosity=0
	@touch $@

$(CATALOGUES) &: $(CATALOGUES:.mo=.po)
	@$(BIN)/python -m portal.catalogues compile
	@touch $@

$(EXPORTED): $(if $(MISSING),FORCE) $(WEIGHTS) $(addprefix training/,$(addprefix deliver/,export.py parity.py) $(addprefix model/,network.py quantized.py weights.py))
	@$(BIN)/python -m training export >/dev/null
	@touch $@

FORCE:

# --- checks

# Every stage runs, whatever failed before it (-k), so that one run shows everything there is to fix.
STAGES := $(MAKE) --no-print-directory -k

check: install-dev ## what can be checked in a minute: lint, the scripts' tests, the tests named after changed files
	@$(STAGES) -j 2 --output-sync=target lint unit-js unit-changed && echo "== all checks passed"

test: install-dev ## lint, types, unit, integration, browser and fault tests on the real services, and the model's gate
	@$(MAKE) --no-print-directory static export
	@# The fault tests wait half of their time, and the browser tests a third: others have the processor meanwhile.
	@+$(STAGES) -j 2 aside-faults beside-faults; first=$$?; \
	  $(STAGES) -j 2 aside-gate walk && [ $$first = 0 ] && echo "== all checks passed"

# Threads that wait turn in circles otherwise, and tests side by side take a quarter longer.
test check unit gate walk e2e smoke faults: export OMP_WAIT_POLICY = PASSIVE

# Shown when they are done, so that what runs meanwhile can be followed.
aside-gate: NICE = nice -n 10
aside-%:
	@+log=$$(mktemp); $(NICE) $(STAGES) $* EVERY=8 >$$log 2>&1; status=$$?; cat $$log; rm $$log; exit $$status

beside-faults: install-dev
	@+$(STAGES) lint unit-js unit

lint: install-dev ## style, scripts, templates, import rules, types, missing migrations
	@$(STAGES) lint-style lint-js lint-templates lint-imports lint-types lint-migrations

lint-style:
	@echo "== lint: style"; $(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
lint-js: node_modules/.package-lock.json
	@echo "== lint: scripts and style sheets"; PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent lint
lint-templates:
	@echo "== lint: templates"; $(BIN)/djlint portal --lint --quiet && $(BIN)/djangofmt --check --quiet portal/templates
lint-imports:
	@echo "== lint: import rules"; $(BIN)/lint-imports
lint-types:
	@echo "== lint: types"; $(BUILD_ENV) $(BIN)/mypy
lint-migrations:
	@echo "== lint: migrations"; $(BUILD_ENV) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run

unit: install-dev node_modules/.package-lock.json ## unit and integration tests (ARGS='-k name' for some)
	@echo "== unit and integration tests"
	@# The longest file first, or a process waits for it at the end.
	@# Coverage of a part says nothing.
	@$(PYTEST) -n 2 --dist loadfile -m "not delivered" $(if $(ARGS),,--cov --cov-report=term:skip-covered) tests/training tests --ignore=tests/e2e --ignore=tests/smoke --ignore=tests/faults $(ARGS)

unit-changed: install-dev node_modules/.package-lock.json
	@files=$$($(BIN)/python -m tests.changed) || exit 1; echo "== tests of changed files:" $${files:-none}; \
	  [ -z "$$files" ] || $(PYTEST) -q $$files

unit-js: install-dev node_modules/.package-lock.json ## unit tests of the scripts
	@echo "== unit tests of the scripts"; PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent test

walk: install-dev static export # browser and smoke tests, on one running system
	@echo "== browser and smoke tests"; $(PYTEST) tests/e2e tests/smoke $(ARGS)

e2e: install-dev static export ## browser tests
	@echo "== browser tests"; $(PYTEST) tests/e2e $(ARGS)

smoke: install-dev static export ## a short walk through a running system (SMOKE_URL=… for one that runs already)
	@echo "== smoke tests"; $(PYTEST) tests/smoke $(ARGS)

faults: install-dev static export ## tests that kill processes of a running system
	@echo "== fault tests"; $(PYTEST) tests/faults $(ARGS)

# --- work

format: install-dev node_modules/.package-lock.json ## format Python, templates, scripts and style sheets
	@$(BIN)/ruff format --quiet . && $(BIN)/djangofmt --quiet portal/templates && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent format

train: install-dev ## retrain the model into runs/v3 and run its gate (ARGS='--data DIR --seed 1'); see docs/model.md
	@$(BIN)/python -m training build $(ARGS) >/dev/null
	@$(BIN)/python -m training deliver --run runs/v3 --model runs/v3/models/leukemia_vgg16 >/dev/null
	@$(BIN)/python -m training gate $(VERSION) --model runs/v3/models/leukemia_vgg16

gate: install-dev ## judge the committed model; measured again where the photographs are (EVERY=8: on an eighth of them)
	@echo "== gate"; $(BIN)/python -m training gate $(VERSION) --model $(dir $(wildcard triton_models/*/model_card.json)) --check \
	  $(if $(EVERY),--every $(EVERY))
	@$(PYTEST) -q -m delivered tests/training tests/worker

bench: install-dev ## measure the system that `make run` started; see benchmarks/
	@$(BIN)/python -m benchmarks $(ARGS)

messages: install-dev ## bring the catalogues of texts in line with the sources; then translate what is new
	@$(BIN)/python -m portal.catalogues update

lock: install-dev ## resolve the requirements again
	@for name in web worker local dev; do \
	  $(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --python-version 3.11 \
	    requirements/$$name.in -o requirements/$$name.lock || exit 1; done

status: ## show the processes of the running instance
	@$(BIN)/python -m embedded status

stop: ## stop the running instance
	@$(BIN)/python -m embedded shutdown

reset: ## empty var/: accounts, cases, pictures, passwords
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m embedded reset; else rm -rf var; fi

clean: ## remove what was built; var/ stays
	@rm -rf .venv node_modules portal/static/dist staticfiles triton_models/*/*/model.pt triton_models/*/*/model.pt2
