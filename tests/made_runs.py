"""Steps that take a moment, runs in processes of their own, and what they leave in a store."""

import dataclasses
import json
import multiprocessing
import os
import signal
import sys
import time
from contextlib import contextmanager, suppress

from spectral_core.paper import cli
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import cut_step

SMALL = Settings("digits", hidden=12, epochs=2, retraining_epochs=2)
FORK = multiprocessing.get_context("fork")  # torch and dask need not be imported again
PATIENCE = 300  # seconds that anything may take on a busy machine


def cut(method="pre", percentile=50.0, seed=0, **settings):
    """A step of the small settings, with changes."""
    return cut_step(dataclasses.replace(SMALL, **settings), method, seed, percentile)


def _first(target, arguments, options):
    os.setsid()
    target(*arguments, **options)


@contextmanager
def forked(target, *arguments, **options):
    """A process at the head of a group of its own, which is killed at the end."""
    process = FORK.Process(target=_first, args=(target, arguments, options))
    process.start()
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()


def command(folder, words):
    """``spectral-core`` in a folder, where its output and its errors go into files."""
    os.chdir(folder)
    os.environ |= {"TMPDIR": str(folder), "LOKY_MAX_CPU_COUNT": "2"}
    sys.argv = ["spectral-core", *words.split()]
    sys.stdout, sys.stderr = open("output", "w"), open("errors", "w", buffering=1)  # noqa: SIM115
    cli.main()


def wait_until(condition):
    """What a condition gives once it holds."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def outcome(store):
    """Each network bit for bit, and each result without when and where it was computed."""
    networks = {file.name: file.read_bytes() for file in store.root.glob("train/*.safetensors")}
    results = {file.name: json.loads(file.read_text()) for file in store.root.glob("*/[!.]*.json")}
    return networks, {name: record["result"] for name, record in results.items()}
