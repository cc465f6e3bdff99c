# make book: from a bare machine to the rendered book.
# make check: what takes seconds, while you work.  make test: everything, before you commit.
# make soak: kills, spoilt files, wrong commands, odd images, lost workers; minutes.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2

.PHONY: book check test soak bench bench-all clean
book: .venv/book
	$(BIN)/spectral-core book

check: .venv/test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/python -m pytest -m "not slow" --hypothesis-profile check \
		--numprocesses $(JOBS) --dist worksteal

# nbmake runs each notebook, and the tests of the book build it from what came out.
test: .venv/test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/spectral-core notebook --all --prepare-only -p preset smoke
	LOKY_MAX_CPU_COUNT=1 $(BIN)/python -m pytest --nbmake --overwrite --nbmake-timeout=120 \
		-p tests.warm_kernels --numprocesses $(JOBS) _prepared
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

soak: .venv/test
	$(BIN)/python -m benchmarks.soak

bench: .venv/test
	$(BIN)/python -m benchmarks

bench-all: bench
	$(BIN)/python -m benchmarks architectures compaction figure tools gpu

# Compiling every module of every package takes longer than installing them; Python compiles what
# is imported, and has to keep it.
unexport PYTHONDONTWRITEBYTECODE
PIP_INSTALL = $(BIN)/python -m pip install --no-compile --constraint constraints.txt

.venv/book: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --quiet --upgrade pip  # Python's own is slower by half
	$(PIP_INSTALL) --editable '.[book]'
	touch $@

.venv/test: .venv/book
	$(PIP_INSTALL) --editable '.[test]'
	touch $@

clean:
	rm -rf _build _prepared book/figures book/generated
