"""What is computed and what is published, panel by panel."""

import pytest

from spectral_core.paper.results.published import publish
from spectral_core.paper.results.status import status
from spectral_core.paper.study.figures import PRESETS
from spectral_core.paper.study.planning import plan


@pytest.mark.slow
def test_status_counts_what_is_here_and_what_is_published(finished, project):
    def rows():
        return status(finished.store, ["fig03"]).set_index(["panel", "preset"])

    smoke = ("digits-elu-32", "smoke")
    own = rows().loc[smoke]
    assert (own["computed"], own["published"], own["when"]) == ("18/18", "-", "-")
    publish(plan("fig03", "smoke", seeds=[0]), finished.store)
    publish(plan("fig03", "smoke", seeds=[1], methods=["pre"]), finished.store)
    table = rows()
    own = table.loc[smoke]
    assert (own["published"], own["precision"]) == ("1-2 seeds", "fp32")
    assert own["when"] == own["latest"][:10]
    assert table.loc[("fashion-mnist-elu-500", "paper"), "computed"] == "0/300"
    assert set(table.index.unique("preset")) == set(PRESETS)
