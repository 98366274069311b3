# EvalHub. “make demo” and “make test” need Python 3.11 or newer and nothing else; PYTHON=/path/to/python3 names one.

PY := .venv/bin/python
export PYTHON

.PHONY: help demo serve test check bench lock clean
help:
	@echo "make demo     EvalHub with a demo project, in the foreground; Ctrl-C stops it"
	@echo "make serve    EvalHub without the demo"
	@echo "make test     all tests; make test TESTS=tests/checks for some"
	@echo "make check    style, types, migrations, imports, production settings"
	@echo "make bench    names the benchmarks; make bench NAME=servers runs one"
	@echo "make lock     pins what pyproject.toml asks for, in the two requirements files (needs uv)"
	@echo "make clean    removes .venv and caches; data stay"

# --with-parent: they end with make, however make ends.
demo serve:
	@.ci/environment demo
	@exec $(PY) manage.py $@ --with-parent

test:
	@.ci/test $(TESTS)

check:
	@.ci/check

bench:
	@.ci/environment dev
	@exec $(PY) manage.py bench $(NAME) $(if $(JSON),--json $(JSON))

lock:
	@.ci/lock

clean:
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
