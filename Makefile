# Everything one does with onestop: `make` lists it. Settings go on the command line, as in `make run PORT=8081`.

PYTHON ?= python3
BIN := .venv/bin
CATALOGUES := $(wildcard shared/locale/*/LC_MESSAGES/onestop.po)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
COMMA := ,
# $(call wants,VALUE,TARGET,EXAMPLE): without a value the target ends, and says what it wants.
wants = $(if $(1),true,echo "make $(2) wants to know more: make $(2) $(3)" >&2; exit 2)
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test simulate check fmt weights bench route reindex import export export-all import-all looked tallies person build deploy requirements audit

help:  ## list what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

run: .venv/$(if $(filter emulators,$(ENGINE)),tools,runtime) catalogues  ## run everything at http://127.0.0.1:8080 (PORT=8080 DATA=.onestop ENGINE=emulators SAMPLE=rich)
	@exec $(BIN)/python -m infra.local.run

test: .venv/tools catalogues  ## run all tests (T="tests/unit -k seats" runs some)
	@$(BIN)/python -m pytest $(or $(T),-m "not processes" --numprocesses auto)
	@$(if $(T),true,$(BIN)/python -m pytest -m processes --numprocesses 2 --dist loadscope)

simulate: .venv/tools catalogues  ## prove that nothing is lost or doubled (EVENTS=1000000 SEED=1 WITHOUT=gate)
	@$(BIN)/python -m tests.simulation --events $(or $(EVENTS),20000) --seed $(or $(SEED),1) $(if $(WITHOUT),--without $(WITHOUT))

check: .venv/tools  ## lint, format, types, import rules, catalogues
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m infra.catalogues check
	$(BIN)/python -m functions.inquiries.toml_files check

fmt: .venv/tools  ## format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: .venv/tools  ## pin everything that the requirements.in name, with hashes (UPGRADE=1: newest versions)
	@$(BIN)/python -m infra.requirements compile $(if $(UPGRADE),--upgrade)

audit: .venv/tools  ## known vulnerabilities in what is pinned; run it once a week
	@$(BIN)/python -m infra.requirements audit

weights: .venv/tools catalogues  ## what each public page weighs, compressed, with its style sheet and scripts
	@$(BIN)/python -m pytest -q -s tests/functions/test_weights.py

bench: .venv/tools catalogues  ## measure speed and start-up beside a bare function
	@$(BIN)/python -m benchmarks

route: $(if $(INQUIRY)$(AGAINST),.venv/runtime)  ## where an inquiry would go (INQUIRY=x.json or AGAINST=history, RULES=draft.toml)
	@$(call wants,$(INQUIRY)$(AGAINST),route,INQUIRY=inquiry.json$(COMMA) or AGAINST=history for all past inquiries)
	@ONESTOP_DATA=$(or $(DATA),.onestop) $(BIN)/python -m functions.inquiries.dry_run \
	  $(if $(RULES),--rules $(RULES)) $(if $(AGAINST),--$(AGAINST),$(INQUIRY))

reindex: .venv/runtime  ## list inquiries and events afresh for the search, once after an upgrade that says so (DATA=.onestop)
	@ONESTOP_DATA=$(or $(DATA),.onestop) $(BIN)/python -m functions.inquiries.reindex
	@ONESTOP_DATA=$(or $(DATA),.onestop) $(BIN)/python -m functions.registration.toml_files reindex

import: .venv/runtime  ## add or update content from TOML files (FILES="a.toml b.toml" DATA=.onestop)
	@$(BIN)/python -m infra.local.content import $(FILES)

export: .venv/runtime  ## write the content as TOML files (TO=content DATA=.onestop)
	@$(BIN)/python -m infra.local.content export $(or $(TO),content)

export-all: .venv/tools  ## write every document to one file (FILE=all.jsonl DATA=.onestop or PROJECT=...)
	@$(BIN)/python -m infra.transfer export $(FILE)

import-all: .venv/tools  ## read such a file into an empty store (FILE=all.jsonl DATA=.onestop or PROJECT=...)
	@$(BIN)/python -m infra.transfer import $(FILE) $(if $(REPLACE),--replace)

looked: .venv/tools  ## who was shown a person's data (AT=/desk/inquiries/ABCD-1234 or BY=ann@example.org; DATA or PROJECT)
	@$(BIN)/python -m infra.looked $(if $(AT),--at $(AT)) $(if $(BY),--by $(BY))

tallies: .venv/$(if $(PROJECT),cloud,runtime)  ## whether the desk tells as many registrations, seats and inquiries as there are (REBUILD=1 counts anew; DATA or PROJECT)
	@$(BIN)/python -m infra.tallies $(if $(REBUILD),--rebuild)

person: $(if $(ADDRESS),.venv/$(if $(PROJECT),cloud,runtime))  ## what is stored about a person (ADDRESS=..., ERASE=1 deletes it, DATA=.onestop or PROJECT=...)
	@$(call wants,$(ADDRESS),person,ADDRESS=jane@example.org$(COMMA) and ERASE=1 to delete what is found)
	@$(BIN)/python -m infra.person $(ADDRESS) $(if $(ERASE),--erase)

build: .venv/tools  ## make build/*.zip, one deterministic package for each function
	@$(BIN)/python -m infra.build

deploy: .venv/tools  ## build, apply infra/gcp with Terraform, look whether it works (PROJECT=...)
	@$(BIN)/python -m infra.deploy $(PROJECT)

# --- made when needed ----------------------------------------------------------------------------------------

.PHONY: catalogues
catalogues: $(CATALOGUES:.po=.mo)
%.mo: %.po | .venv/runtime
	@$(BIN)/pybabel --quiet compile --input-file=$< --output-file=$@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "onestop needs Python 3.11 or newer: install it, or name it, as in 'make run PYTHON=python3.12'" >&2; exit 1; }
	@echo "Making the environment .venv"
	@$(PYTHON) -m venv .venv || { echo "Python lacks its venv module: install it (Debian: apt install python3-venv)" >&2; exit 1; }

.venv/runtime: infra/local/requirements.txt | .venv/bin/python
	@echo "Installing what onestop needs into .venv"
	@$(INSTALL)
	@touch $@

.venv/cloud: functions/registration/requirements.txt | .venv/runtime
	@echo "Installing Google's clients into .venv"
	@$(INSTALL)
	@touch $@

.venv/tools: tests/requirements.txt | .venv/runtime
	@echo "Installing the tools for tests and checks into .venv"
	@$(INSTALL)
	@touch $@
