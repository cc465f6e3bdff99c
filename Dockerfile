# The package, its command and the book's tools, in the versions of constraints.txt:
#   docker build --tag spectral-core .
#   docker run --rm --volume "$PWD/_build:/project/_build" spectral-core
FROM python:3.11-slim

ENV PYTHONUTF8=1 PIP_NO_CACHE_DIR=1
WORKDIR /project
COPY . .
RUN python -m pip install --constraint constraints.txt --editable ".[book]"

CMD ["spectral-core", "book"]
