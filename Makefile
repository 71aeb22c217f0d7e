# bootseq's own commands. On a fresh Debian or Ubuntu machine with Python 3.11, two suffice: make demo, make test.
#   make PYTHON=/path/to/python3.12 install    selects the interpreter

BIN := .venv/bin
# If it were set, every process that a test starts would compile bootseq's modules again.
unexport PYTHONDONTWRITEBYTECODE
DEMO := demo
RELEASE := 34

.PHONY: help install packages demo test test-fast test-long testsuite suites roots test-cloud docs docs-outputs manual dist lint bench lock clean

help:
	@echo 'make install    .venv with bootseq in it, as locked in constraints.txt: .venv/bin/bootseq'
	@echo 'make demo       boots a server in a real Nova $(RELEASE) and shows the numbered tree; files in $(DEMO)/'
	@echo 'make test       every test; make test-fast omits those that start a real Nova, broker or browser'
	@echo 'make suites     upstream test suites, plain and under the hooks, compared; SUITES="oslo.db futurist" selects some'
	@echo 'make test-long  make test, then every suite, and a real Python 3.14'
	@echo 'make test-cloud   as root: the same on real clouds of releases 34 and 32, with volumes, with networks'
	@echo 'make fuzz       CASES=20000 SEED=1: hostile inputs to every command; failing ones are saved in .fuzz/'
	@echo 'make docs       the book as HTML in build/docs; make docs-outputs writes its commands'"'"' outputs into it'
	@echo 'make dist       wheel, sdist, man pages and shell completions'
	@echo 'make lint       ruff check, ruff format --check, mypy --strict'
	@echo 'make bench      the cost of the hooks and the tool, beside their peers'
	@echo 'make lock       updates constraints.txt'
	@echo 'make clean      removes the results of these commands'

# Repeated only after a change of its inputs. The lock on this file keeps two makes from installing at the same time.
install: .venv/installed

.venv/installed: pyproject.toml constraints.txt .ci/venv
	@flock Makefile .ci/venv '$(PYTHON)'

# The system packages that tests need: dot draws the topology, rsvg-convert renders pictures, chromium opens the HTML page,
# java runs its validator, PlantUML parses our texts, gcc builds netifaces for Nova 29, the tap is tested with RabbitMQ,
# pictures are measured with Liberation Sans, mmdebstrap creates the empty machine on which this list is tested, crun
# runs containers, ip links hosts. Fast if nothing is missing.
packages:
	@.ci/packages dot rsvg-convert chromium java plantuml gcc rabbitmq-server fonts-liberation mmdebstrap crun ip ssh sshd sudo

# Always from an empty folder. The first run also installs Nova into an environment of its own under .cache/.
demo: install
	rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BIN)/python -m examples.embedded boot --release $(RELEASE) --mode processes --capture $(DEMO)/capture --state $(DEMO)/state
	$(BIN)/bootseq ingest -o $(DEMO)/boot.trace.jsonl.gz $(DEMO)/capture
	$(BIN)/bootseq draw $(DEMO)/boot.trace.jsonl.gz -o $(DEMO)/boot.md
	$(BIN)/bootseq draw $(DEMO)/boot.trace.jsonl.gz -o $(DEMO)/boot.svg
	$(BIN)/bootseq draw $(DEMO)/boot.trace.jsonl.gz -o $(DEMO)/boot.html
	$(BIN)/bootseq show $(DEMO)/boot.trace.jsonl.gz
	@ls -l $(DEMO)/boot.*

# The fast tests; then the slow ones that may run beside each other, and all examples of those that hypothesis feeds; then,
# one by one, those that start a cloud, a broker or a traced service: two at once would compete for two cores.
# Every part runs even if one before it fails.
test: install packages testsuite
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow'; fast=$$?; \
		EXAMPLES=full $(BIN)/python -m pytest -n 2 --dist worksteal -m 'parallel or hypothesis'; full=$$?; \
		EXAMPLES=full $(BIN)/python -m pytest -m 'slow and not (parallel or hypothesis)' && exit $$((fast + full))

test-fast: install
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow'

# Python's own tests, which Debian and Ubuntu have in a package, and which some other builds contain only in part.
testsuite: install
	@$(BIN)/python -c 'from tests.suites.environments import python; python("python")' 2>/dev/null || \
		.ci/packages libpython3-testsuite

# Upstream suites, plain and hooked, compared test by test (tests/suites).
suites: testsuite
	$(BIN)/python -m tests.suites $(SUITES)

test-long: test suites roots

# As root, with debootstrap: a real Python 3.14 in the root directory of another distribution.
roots: install
	@.ci/packages debootstrap
	ROOTS=1 $(BIN)/python -m pytest -v -rA tests/test_roots.py

# As root: start, boots, load, witnesses and stop of a real all-in-one cloud of each release (examples/cloud), then of one
# with Ceph and Open vSwitch and one with OVN; CLOUD_NETWORKS='ovs hybrid ovn' selects the networks of the last.
test-cloud: install
	CLOUD_RELEASES='34 32' $(BIN)/python -m pytest -v -rA tests/test_examples_cloud_up*.py

CASES := 20000
SEED := 1

fuzz: install
	nice $(BIN)/python -m tests.fuzz --cases $(CASES) --seed $(SEED)

docs: install
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

docs-outputs: install
	$(BIN)/python -m tests.support.book

# Man pages and shell completions, from the help of the commands.
manual: install
	PYTHONPATH=. $(BIN)/python .ci/manual

dist: manual
	rm -rf dist && $(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m tests.bench

# --universal: one file for every Python from 3.11 on.
lock: install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --upgrade --custom-compile-command 'make lock' \
		--output-file constraints.txt pyproject.toml

clean:
	rm -rf .venv .cache build $(DEMO) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
