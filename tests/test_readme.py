"""The README: its example runs as printed, and its numbers are those of the published results."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from spectral_core.paper.results.estimates import difference, reaches

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
OWN, TWO_STAGE = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_a_model_of_ones_own_is_pruned_as_printed():
    names = {"model": nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 2))}
    exec(OWN, names | {"x": torch.rand(3, 4)}, names)
    assert [layer.out_features for layer in names["small"][::2]] == [5, 2]


@pytest.mark.slow
def test_example_runs_as_printed_and_learns(capsys):
    torch.manual_seed(0)
    exec(TWO_STAGE, {})
    accuracy = re.search(r"accuracy=([\d.]+)", capsys.readouterr().out)
    assert float(accuracy[1]) > 0.8


@pytest.mark.slow
def test_numbers_are_those_of_the_published_results():
    text = " ".join(README.split())
    ranking, score = difference("pre", "pre-random"), difference("post", "post-random", (5, 95))
    assert ranking.equivalent() and ranking.n == 12 and score.better()
    magnitude = difference("direct", "direct-random", (5, 95))
    assert magnitude.worse() and magnitude.n == 12
    assert all(str(each) in text for each in (ranking, score, magnitude))
    retrained, benchmark = (
        [reach.level for reach in reaches(method).values()] for method in ("pre", "direct")
    )
    assert len(retrained) == len(benchmark) == 12
    assert f"lose {min(retrained):g} to {max(retrained):g} % of its nodes" in text
    assert f"not retrained and can lose {min(benchmark):g} to {max(benchmark):g} %" in text


def test_it_names_what_there_is():
    for name in re.findall(
        r"\]\(([\w./-]+)\)|`((?:spectral_core|notebooks|book|results)/[\w/]*)`", README
    ):
        assert (ROOT / "".join(name)).exists(), name
