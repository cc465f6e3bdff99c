# make book: from a bare machine to the rendered book.  make test: every test.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: book test bench bench-all clean
book: .venv/installed
	$(BIN)/spectral-core book

test: .venv/installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile
	$(BIN)/spectral-core notebook --all --prepare-only -p preset smoke
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=120 --numprocesses 2 _prepared

bench: .venv/installed
	$(BIN)/python -m benchmarks

bench-all: bench
	$(BIN)/python -m benchmarks compaction figure tools reach gpu

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf _build _prepared book/figures book/generated
