"""A small soak: a few mishaps of each kind, all survived; and the figures of the whole one."""

import csv
from pathlib import Path

import pytest

from benchmarks import soak

SMALL = {"kills": 4, "store mutations": 12, "published mutations": 8}
SMALL |= {"command lines": 40, "images and archives": 9, "concurrent runs": 3, "cluster faults": 4}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), SMALL.items())
def test_what_is_killed_spoilt_or_wrong_survives(kind, count):
    said = []
    tried, survived = soak.soak(1, {kind: count}, said.append)[kind]
    assert tried == survived >= count, said


def test_figures_on_the_page_are_those_of_a_whole_soak():
    file = Path(soak.__file__).with_suffix(".csv")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    tried = {row["mishap"]: int(row["tried"]) for row in rows}
    assert list(tried) == list(soak.KINDS)
    assert all(tried[kind] >= count for kind, (_, count) in soak.KINDS.items())
    assert all(row["survived"] == row["tried"] for row in rows)
