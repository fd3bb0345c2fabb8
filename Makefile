# Recipes read the variables from the environment and quote them there, so that a value may hold spaces.
## PRESET=default   what to run: quick, default, full, or the path of a TOML file
PRESET ?= default
## SEED=            the root seed (empty: the preset's own)
SEED ?=
## JOBS=            how many processes, here or of `make worker` (empty: one per core)
JOBS ?=
## SCHEDULER=       compute on a Dask cluster: the scheduler's address, tcp://host:port (empty: here)
SCHEDULER ?=
## OUT=build        the folder for everything that is made
OUT ?= build
## STRICT=          1: fail when a claim is refuted
STRICT ?=
## FIGURES=         of `make slides`: names of figures, between commas (empty: all; `make figures` lists them)
FIGURES ?=
## THEME=           light or dark (empty: figures in both, a light deck)
THEME ?=
## FONT=            of figures and slides: a .ttf or .otf file, or an installed family (empty: the report's own, and Arial)
FONT ?=
## QK=              of `make audit`: the file, or the folder of .npy files, with queries and keys
QK ?=
## CAUSAL=          1: queries see the keys up to their own place
CAUSAL ?=
## BATCH_FIRST=     1: the first axis counts sequences
BATCH_FIRST ?=
## SCALE=           what q·k is multiplied by (empty: 1/√d_k)
SCALE ?=
## ENTROPY=         the share of ln n that temperatures aim at (empty: what scores of variance 1 leave)
ENTROPY ?=
## HEADS=           how many query heads stand side by side, where arrays have no axis for them
HEADS ?=
## PYTHON=          the Python to make .venv with (empty: the first of at least 3.11 on PATH)
variables := PRESET SEED JOBS SCHEDULER OUT STRICT FIGURES THEME FONT QK CAUSAL BATCH_FIRST SCALE ENTROPY HEADS PYTHON
$(foreach name,$(variables),$(eval override $(name) := $$(value $(name))))# as they were given: a $ in them is a $
export $(variables)

python := .venv/bin/python
flags = $${PRESET:+--preset "$$PRESET"} $${SEED:+--seed "$$SEED"} $${JOBS:+--jobs "$$JOBS"} $${SCHEDULER:+--scheduler "$$SCHEDULER"} $${OUT:+--out "$$OUT"} $$(case "$$STRICT" in "" | 0) ;; *) echo --strict ;; esac)
slide_flags = $${FIGURES:+--figures "$$FIGURES"} $${THEME:+--theme "$$THEME"} $${FONT:+--font "$$FONT"}
audit_flags = $${SCALE:+--scale "$$SCALE"} $${ENTROPY:+--entropy "$$ENTROPY"} $${HEADS:+--heads "$$HEADS"} $${JOBS:+--jobs "$$JOBS"} $${OUT:+--out "$$OUT"} $$(case "$$CAUSAL" in "" | 0) ;; *) echo --causal ;; esac) $$(case "$$BATCH_FIRST" in "" | 0) ;; *) echo --batch-first ;; esac)
lock := .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --only-binary :all: \
  --no-annotate --no-config --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help setup setup-cluster setup-dev report slides figures audit run bench scheduler worker test soak mutants lint lock clean distclean

help: ## this list
	@awk 'BEGIN { print "make TARGET [VARIABLE=value ...]\n" } /^[a-z-]+:.*## / { name = $$1; sub(/:.*/, "", name); sub(/.*## /, ""); printf "  %-12s %s\n", name, $$0 } /^## / { sub(/^## /, "  "); variables = variables "\n" $$0 } END { print variables }' Makefile

setup: ## make .venv, or mend it; every target that needs it does this first
	@sh tools/setup.sh "$$([ -z "$$SCHEDULER" ] && echo report || echo cluster)"

setup-cluster:
	@sh tools/setup.sh cluster

setup-dev:
	@sh tools/setup.sh dev

report: setup ## run the experiments and write the page: build/report/index.html
	@$(python) -m report page $(flags)

slides: setup ## figures to show on slides, and a deck of them: build/slides/index.html, deck.pptx, deck.html
	@$(python) -m report slides $(flags) $(slide_flags)

figures: setup ## list the figures by name, for FIGURES=
	@$(python) -m report figures

audit: setup ## are your own heads saturated? a page on the queries and keys of QK=: build/audit/index.html
	@$(python) -m report audit $(audit_flags) -- "$${QK:?is not set: make audit QK=heads.npz}"

run: setup ## run the experiments only: build/data/, build/claims.json
	@$(python) -m experiments run $(flags)

bench: setup ## measure what it all costs, for the page's chapter on it: build/bench.json
	@$(python) -m benchmarks $${OUT:+--out "$$OUT"}

scheduler: setup-cluster ## start the scheduler of a cluster; it prints its address
	@$(python) -m dask scheduler --no-dashboard

worker: setup-cluster ## compute for the cluster of SCHEDULER=, on JOBS= processors
	@$(python) -m dask worker "$${SCHEDULER:?is not set: make worker SCHEDULER=tcp://host:8786}" --no-dashboard --nthreads 1 --nworkers "$${JOBS:--1}"

test: setup-dev ## run the tests
	@$(python) -m pytest -n auto --dist worksteal

soak: setup-dev ## long campaigns of faults and statistics, an hour or two; their figures go to docs/promises.md
	@$(python) -m pytest -n auto --dist worksteal -m "soak or promised" --junit-xml build/soak.xml; status=$$?; $(python) tools/promises.py build/soak.xml; exit $$status

mutants: setup-dev build/mutants/packages ## small faults put into the science one by one: does some test fail for each?
	@PYTHONPATH=build/mutants/packages $(python) -m tools.mutants && $(python) tools/promises.py build/mutants/summary.json

build/mutants/packages: requirements-mutants.lock | setup-dev
	@$(python) -I -m pip install --quiet --disable-pip-version-check --no-input --upgrade --require-hashes --only-binary :all: \
	  --no-deps --target $@ -r $< && touch $@

lint: setup-dev ## check style and types
	@$(python) -m ruff check && $(python) -m ruff format --check && $(python) -m mypy

lock: setup-dev ## renew the lock files from pyproject.toml
	@$(lock) pyproject.toml --extra dev --extra cluster --output-file requirements-dev.lock
	@$(lock) pyproject.toml --extra cluster --constraint requirements-dev.lock --output-file requirements-cluster.lock
	@$(lock) pyproject.toml --constraint requirements-dev.lock --output-file requirements.lock
	@$(lock) --group models --no-deps --output-file requirements-models.lock
	@$(lock) --group mutants --no-deps --output-file requirements-mutants.lock

clean: ## remove build/
	@rm -rf build

distclean: clean ## remove build/ and .venv/
	@rm -rf .venv
