"""What is computed and what is published, told panel by panel."""

from spectral_core.paper.results.publishing import publish
from spectral_core.paper.results.status import status
from spectral_core.paper.study.figures import FIGURES, PRESETS


def test_status_counts_what_is_here_and_what_is_published(finished, project):
    def row():
        table = status(finished.store)
        assert set(table["figure"]) == set(FIGURES) and set(table["preset"]) == set(PRESETS)
        return table.set_index(["panel", "preset"]).loc[("digits-elu-32", "smoke")].iloc[0]

    assert (row()["computed"], row()["published"], row()["when"]) == ("18/18", "-", "-")
    publish(*finished)
    assert (row()["computed"], row()["published"]) == ("18/18", "2 seeds")
    assert row()["precision"] == "fp32"
    assert row()["when"] == row()["latest"][:10]
    paper = status(finished.store).set_index(["figure", "panel", "preset"])
    assert paper.loc[("fig03", "fashion-mnist-elu-500", "paper"), "computed"] == "0/300"
