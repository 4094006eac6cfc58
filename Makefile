# make demo    two real models on real data, on an emulated Cortex-M4, with a picture of each
# make test    all tests that CI runs
# Both set up what they need by themselves, once (scripts/setup.py); SETUP="--no-packages" leaves apt alone.

PYTHON3 ?= python3
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
SETUP ?=
setup = @$(PYTHON3) scripts/setup.py $(SETUP)
# As many workers as cores, at most four: an emulator is one busy core.
JOBS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && n=4; echo $$n)

.PHONY: demo test quick lint conformance benchmarks docs wheel setup doctor clean help

demo:
	$(setup) demo
	@.venv/bin/boardless demo --out build/demo

test:
	$(setup) test
	$(PYTEST) -n $(JOBS) --dist worksteal tests $(ARGS)

quick:
	$(setup) test
	$(PYTEST) -q -n $(JOBS) -m "not slow" tests/unit tests/engine $(ARGS)

lint:
	$(setup) lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy -p sim
	.venv/bin/mypy scripts/setup.py

conformance:
	$(setup) test
	BOARDLESS_CONFORMANCE=all $(PYTEST) -n $(JOBS) tests/conformance $(ARGS)

benchmarks:
	$(setup) test
	$(PY) benchmarks/speed.py $(ARGS)

docs:
	$(setup) test
	$(PYTEST) -q tests/unit/test_docs.py tests/engine/test_docs_run.py $(ARGS)

wheel:
	$(setup) lint
	$(PY) -m build --outdir dist

setup:
	$(setup) test

doctor:
	$(setup) demo
	@.venv/bin/boardless doctor

# The cache of built firmware stays (boardless doctor says where it is).
clean:
	rm -rf build dist .venv .tox .pytest_cache .mypy_cache .ruff_cache

help:
	@sed -n 's/^# //p' Makefile | head -3
