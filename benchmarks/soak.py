"""Runs that are killed, files that are spoilt, commands that are wrong: what survives.

``make soak`` prints, of each kind of mishap, how many were tried and how many survived, and writes
them to ``benchmarks/soak.csv``. Each kind is a generator: a case yields ``None`` if it survived,
else what went wrong. All is drawn from one seed, so that a case can be had again.
"""

import argparse
import contextlib
import io
import itertools
import math
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import click
import pandas as pd
import torch

from spectral_core.paper import cli, paths
from spectral_core.paper.options import settings_options
from spectral_core.paper.results.published import published, published_runs
from spectral_core.paper.run import backends
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.figures import EXPERIMENTS
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.steps import with_trainings

STUDY = plan("fig03", "smoke")
STEPS = with_trainings(STUDY.steps())
PATIENCE = 600
"""Seconds after which a case counts as hanging."""
FORK = multiprocessing.get_context("fork")  # torch need not be imported again

Case = Iterator[str | None]


@contextlib.contextmanager
def patience() -> Iterator[None]:
    """Raise an error in a block that takes longer than :data:`PATIENCE`."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"hung for {PATIENCE} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)


def run(store: Store, **options: Any) -> tuple[int, str]:
    """Compute the study in this process; the steps that were run, and what was said."""
    said = io.StringIO()
    with patience(), contextlib.redirect_stderr(said):
        steps = compute(STUDY.steps(), store, workers=1, progress=False, **options).steps
    return steps, said.getvalue()


def stored(store: Store) -> dict[str, tuple[Any, ...]]:
    """The loss of each step that is stored, its other numbers, and its network."""
    found = {}
    for step in STEPS:
        if step in store:
            result, network = dict(store.record(step)["result"]), store.root / "train"
            network /= f"{step.key}.safetensors"
            content = network.read_bytes() if step.kind == "train" else b""
            found[step.key] = (result.pop("loss", 0.0), result, content)
    return found


def wrong(store: Store, right: dict[str, tuple[Any, ...]], complete: bool = True) -> str:
    """Keys of steps that are not as they should be: the same to the last bit, but for the loss of a
    cut, which levels that are measured with it may round otherwise; ``""`` if all are right."""
    found = stored(store)
    keys = [cut.key for cut in STUDY.steps() if complete and cut.key not in found]
    for key, (loss, *exact) in found.items():
        if exact != [*right[key][1:]] or not math.isclose(loss, right[key][0], rel_tol=1e-6):
            keys.append(key)
    return ", ".join(keys)


def kills(rng: random.Random, folder: Path, whole: Store, count: int) -> Case:
    """A run is ended at any moment, by ``kill -9`` in two of three cases; the next goes on."""
    store, right = Store(folder / "kills"), stored(whole)
    for _ in range(count):
        process = FORK.Process(target=run, args=(store,))
        process.start()
        time.sleep(rng.uniform(0, 1.5))
        sent = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        os.kill(process.pid, sent)
        process.join(PATIENCE)
        others = wrong(store, right, complete=False)
        yield f"{sent.name}: other numbers, {others}" if others else None
        if len(stored(store)) == len(STEPS):  # so that there is something to do
            for step in rng.sample(STEPS, 12):
                (store.root / step.kind / f"{step.key}.json").unlink()
    run(store)
    left = [file.name for file in store.root.rglob(".*")]
    if left or wrong(store, right):
        yield f"the last run left {left or 'other numbers'}"


def _flip(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]


def _other_number(rng: random.Random, content: bytes) -> bytes:
    numbers = list(re.finditer(rb"(?<![\w.])\d+(\.\d+)?(?![\w.])", content))
    if not numbers:
        return _flip(rng, content)
    at, values = rng.choice(numbers), (b"0.5", b"7", b"-1", b"NaN", b"null", b"1e400", b'"x"')
    return content[: at.start()] + rng.choice(values) + content[at.end() :]


SPOILS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "a bit flipped": _flip,
    "cut off": lambda rng, content: content[: rng.randrange(len(content))],
    "emptied": lambda *_: b"",
    "noise": lambda rng, content: rng.randbytes(len(content)),
    "beginning lost": lambda rng, content: content[rng.randrange(1, len(content)) :],
    "another number": _other_number,
    "something appended": lambda _, content: content + b"}",
}
"""Ways to spoil a file: from its content to another one."""


def spoil(rng: random.Random, file: Path, others: list[Path]) -> str:
    """Spoil a file; says how."""
    how = rng.choice([*SPOILS, "of another", "a folder"])
    if how == "a folder":
        file.unlink()
        file.mkdir()
    elif how == "of another":
        shutil.copy(rng.choice([other for other in others if other != file]), file)
    else:
        file.write_bytes(SPOILS[how](rng, file.read_bytes()))
    return f"{file.name}: {how}"


def store_mutations(rng: random.Random, folder: Path, whole: Store, count: int) -> Case:
    """A file of the store is spoilt: it is named and computed again, or held the same numbers."""
    right = stored(whole)
    store = Store(shutil.copytree(whole.root, folder / "mutated"))
    kinds = [("train", ".json"), ("train", ".safetensors"), ("cut", ".json")]
    for i in range(count):
        kind, suffix = kinds[i % len(kinds)]
        files = sorted((store.root / kind).glob(f"*{suffix}"))
        file = rng.choice(files)
        if kind == "train":  # it is read when one of its cuts is run
            of_it = [cut for cut in STUDY.steps() if cut.trained.key == file.stem]
            (store.root / "cut" / f"{rng.choice(of_it).key}.json").unlink()
        what = spoil(rng, file, files)
        try:
            said = run(store)[1]
            aside = list(store.root.glob("*/*.damaged"))
            named = str(file) in said and "computed again" in said
            bad = wrong(store, right) or ("not named" if aside and not named else "")
            yield f"{what}: {bad}" if bad else None
        except Exception as error:
            yield f"{what}: {type(error).__name__}: {error}"
        for each in store.root.glob("*/*.damaged"):
            shutil.rmtree(each) if each.is_dir() else each.unlink()


def published_mutations(rng: random.Random, folder: Path, whole: Store, count: int) -> Case:
    """A published table or its provenance is spoilt: reading it names the file, or gives the same
    numbers."""
    here = paths.project() / "results" / "published"
    project = folder / "project"
    with mock.patch.object(paths, "project", lambda: project):
        for i in range(count):
            shutil.rmtree(project, ignore_errors=True)
            shutil.copytree(here / "quick" / "fig03", paths.published_results("fig03", "quick"))
            before = published("fig03", "quick")
            (files,) = published_runs("fig03", "quick").values()
            file = files[0].table if i % 2 else files[0].provenance
            what = spoil(rng, file, [*here.rglob(f"*{file.suffix}")])
            try:
                with patience():
                    same = published("fig03", "quick").equals(before)
                yield None if same else f"{what}: silently wrong"
            except Exception as error:
                named = files[0].table.stem in str(error)
                yield None if named else f"{what}: {type(error).__name__}: {error}"


WORDS = (
    *("", "0", "-1", "1.5", "1e999", "nan", "x", "λ"),
    *("[8", "8-8", "0,50", "elu", "pre", "*", "\0"),
)
"""Values to give to options: some are right for some of them."""


def command_lines(rng: random.Random, folder: Path, whole: Store, count: int) -> Case:
    """Options and values drawn at random: an exit code of the four, no traceback, few lines."""
    options = [option.opts[0] for option in settings_options(click.Command("x")).params]
    options += ["--workers", "--device", "--backend", "--scheduler", "--max-wait", "--nothing"]
    verbs = ("compute", "compute", "compute", "verify", "status", "choose", "publish", "noteboook")
    for _ in range(count):
        verb = rng.choice(verbs)
        words = [verb, rng.choice((*EXPERIMENTS, "fig3", "fig01", ""))]
        for _ in range(rng.randrange(1, 4)):
            words += [rng.choice(options), rng.choice(WORDS)]
        words += ["--store", str(folder / "none")] + ["--dry-run"] * (verb == "compute")
        if verb in ("choose", "publish"):
            words += ["--panels", "no such panel"]  # so that nothing is run or written
        output, argv = io.StringIO(), mock.patch.object(sys, "argv", ["spectral-core", *words])
        streams = contextlib.redirect_stdout(output), contextlib.redirect_stderr(output)
        try:
            with patience(), argv, streams[0], streams[1]:
                cli.main()
        except SystemExit as end:
            code, said = end.code or 0, output.getvalue().strip()
            right = code in (0, 1, 2) and "Traceback" not in said and said
            yield None if right else f"{words}: {code} {said[-300:]}"
        except BaseException as error:
            yield f"{words}: {type(error).__name__}: {error}"


def concurrent_runs(rng: random.Random, folder: Path, whole: Store, count: int) -> Case:
    """Three runs at once share the work: each step is run once."""
    for i in range(0, count, 3):
        store, steps = Store(folder / f"shared{i}"), 0
        with (
            contextlib.suppress(Exception),
            FORK.Pool(3, signal.signal, (signal.SIGTERM, signal.SIG_DFL)) as pool,
        ):
            ends = pool.map_async(run, [store] * 3, chunksize=1).get(PATIENCE)
            steps = sum(count for count, _ in ends)
        once = steps == len(STEPS) and not wrong(store, stored(whole))
        yield from itertools.repeat(None if once else f"{steps} steps run", 3)


def _strike(cluster: Any, fault: str, store: Store) -> None:
    """Let a fault happen to a cluster once it has stored a step, or after a while if it cannot."""
    while fault != "late" and not list(store.root.glob("*/*.json")):
        time.sleep(0.01)
    if fault == "kill":  # its nanny starts another
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    elif fault == "scheduler":
        cluster.sync(cluster.scheduler.close)
    else:
        cluster.scale(0)
        time.sleep(2)
        cluster.scale(1)


def cluster_faults(rng: random.Random, folder: Path, whole: Store, count: int) -> Case:
    """Workers of a dask cluster die, retire, come late or never, or the scheduler dies: the run
    ends with the right numbers, or with two lines that say what to do."""
    import dask
    from distributed import Client, LocalCluster

    faults = ("late", "retire", "scheduler", "none", "kill")
    for i, fault in zip(range(count), itertools.cycle(faults)):
        store, ended, said = Store(folder / f"cluster{i}"), "", io.StringIO()
        workers = {"n_workers": int(fault not in ("late", "none")), "threads_per_worker": 1}
        workers |= {"processes": fault == "kill", "dashboard_address": ":0", "silence_logs": 50}
        with (
            contextlib.redirect_stderr(said),
            mock.patch.object(backends, "PATIENCE", 0.5),
            dask.config.set({"distributed.comm.timeouts.connect": 5}),  # not 30 for what is dead
            LocalCluster(**workers) as cluster,
            Client(cluster),
        ):
            if fault != "none":
                threading.Thread(target=_strike, args=(cluster, fault, store), daemon=True).start()
            options = {"backend": "dask", "max_wait": 1 if fault == "none" else None}
            try:
                with patience():
                    compute(STUDY.steps(), store, progress=False, **options)
            except Exception as error:
                ended = str(error)
        if fault in ("scheduler", "none"):
            right = len(ended.splitlines()) == 2 and "run the same command again" in ended
        else:
            right = not wrong(store, stored(whole))
            right &= fault != "late" or "has no workers" in said.getvalue()
        yield None if right else f"{fault}: {ended or said.getvalue()}"


def images_and_archives(rng: random.Random, folder: Path, whole: Store, count: int) -> Case:
    """A folder or an archive of images is odd: it is loaded, or what is wrong is named."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from odd_images import TooSlow, odd_images, outcome, survived

    seeds = iter(lambda: rng.randrange(1 << 32), None)
    every = itertools.chain.from_iterable(map(odd_images, seeds))
    for i, odd in enumerate(itertools.islice(every, count)):
        place = folder / f"images{i}"
        place.mkdir()
        try:
            with warnings.catch_warnings(action="ignore"):
                came = outcome(odd, place)
        except (Exception, TooSlow) as error:
            came = f"{type(error).__name__}: {error}"
        yield None if survived(odd, came) else f"{odd.name}: {came}"
        shutil.rmtree(place)


KINDS: dict[str, tuple[Callable[..., Case], int]] = {
    "kills": (kills, 66),
    "store mutations": (store_mutations, 180),
    "published mutations": (published_mutations, 80),
    "command lines": (command_lines, 600),
    "images and archives": (images_and_archives, 198),
    "concurrent runs": (concurrent_runs, 9),
    "cluster faults": (cluster_faults, 10),
}
"""What is tried, and how often."""


def soak(
    seed: int, kinds: dict[str, int], said: Callable[[str], object] = print
) -> dict[str, tuple[int, int]]:
    """How many of each kind were tried, and how many survived; the others are said."""
    torch.set_num_threads(1)
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        whole = Store(Path(name) / "whole")
        run(whole)
        for kind, count in kinds.items():
            rng = random.Random(f"{seed} {kind}")
            cases = list(KINDS[kind][0](rng, Path(name), whole, count))
            for problem in filter(None, cases):
                said(f"{kind}: {problem}")
            figures[kind] = (len(cases), cases.count(None))
            said(f"{kind}: {len(cases)} tried, {cases.count(None)} survived")
    return figures


def main() -> int:
    """Soak, and write the figures of each kind into its row of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help=f"out of {', '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    figures = soak(given.seed, {kind: KINDS[kind][1] for kind in given.kinds})
    rows = pd.DataFrame.from_dict(figures, orient="index", columns=["tried", "survived"])
    file = Path(__file__).with_suffix(".csv")
    if file.exists():
        rows = rows.combine_first(pd.read_csv(file, index_col="mishap"))
    rows.reindex(KINDS).dropna().astype(int).to_csv(file, index_label="mishap")
    return int(any(tried != survived for tried, survived in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
