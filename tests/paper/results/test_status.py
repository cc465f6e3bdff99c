"""What is computed and what is published, panel by panel."""

import pytest

from spectral_core.paper.results.published import publish
from spectral_core.paper.results.status import status
from spectral_core.paper.study.figures import EXPERIMENTS, PRESETS
from spectral_core.paper.study.planning import plan


@pytest.mark.slow
def test_status_counts_what_is_here_and_what_is_published(finished, project):
    def row():
        table = status(finished.store, ["fig03"])
        return table.set_index(["panel", "preset"]).loc[("digits-elu-32", "smoke")]

    assert (row()["computed"], row()["published"], row()["when"]) == ("18/18", "-", "-")
    publish(plan("fig03", "smoke", seeds=[0]), finished.store)
    publish(plan("fig03", "smoke", seeds=[1], methods=["pre"]), finished.store)
    assert row()["published"] == "1-2 seeds"
    assert row()["precision"] == "fp32" and row()["when"] == row()["latest"][:10]
    table = status(finished.store)
    assert set(table["figure"]) == set(EXPERIMENTS) and set(table["preset"]) == set(PRESETS)
    paper = table.set_index(["figure", "panel", "preset"])
    assert paper.loc[("fig03", "fashion-mnist-elu-500", "paper"), "computed"] == "0/300"
