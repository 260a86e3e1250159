# On a fresh machine: `make serve`, `make test`. Everything is installed into .venv.
PYTHON ?= python3
PORT ?= 8000
# without a pin, pip would fetch several gigabytes of GPU libraries
TORCH ?= torch==2.13.0
BIN := .venv/bin

.PHONY: serve install test lint bench policy-check fuzz chaos load audit-check learning-check \
	console-check clean

serve: install
	$(BIN)/mingbian serve --port $(PORT)

install: .venv/installed

test: .venv/installed-test lint
	$(BIN)/pytest -n auto

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mingbian needs Python 3.11 or newer; run: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ rm -rf .venv; echo "python3 cannot make virtual environments; on Debian run: apt-get install python3-venv"; exit 1; }

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/installed-test: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[train,test]' '$(TORCH)'
	@touch $@ .venv/installed

bench: .venv/installed-bench .venv-peers/installed
	$(BIN)/python benchmarks/speed.py --peers .venv-peers/bin/python
	$(BIN)/python benchmarks/cascade.py $(if $(DATA_DIR),--data-dir $(DATA_DIR))
	$(BIN)/python benchmarks/scale.py

policy-check: .venv/installed-test
	$(BIN)/python benchmarks/policy_check.py

fuzz chaos load: .venv/installed-test
	$(BIN)/python benchmarks/$@.py

audit-check: .venv/installed-test
	$(BIN)/python benchmarks/audit_check.py

learning-check: .venv/installed-test
	$(BIN)/python benchmarks/learning_check.py $(if $(DATA_DIR),--data-dir $(DATA_DIR))

console-check: .venv/installed-test
	$(BIN)/pytest -n auto tests/serving/test_console*.py
	$(BIN)/python benchmarks/console_check.py

.venv/installed-bench: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[train,bench]' '$(TORCH)'
	@touch $@ .venv/installed

.venv-peers/installed: .venv/bin/python benchmarks/peers.txt
	$(BIN)/python -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --requirement benchmarks/peers.txt '$(TORCH)'
	@touch $@

clean:
	rm -rf .venv .venv-peers
