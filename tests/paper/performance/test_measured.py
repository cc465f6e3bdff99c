"""Targets against measurements: each verdict follows from the numbers, whatever is missing."""

import json
from html import escape

import pytest

from spectral_core.paper.performance import measured
from spectral_core.paper.performance.measured import benchmark_table, outcomes, target_table


def spread(median, wide=0.0):
    return {"median": median, "least": median - wide, "most": median + wide}


def entry(*rows, amx=True, device="cpu"):
    versions = {"torch": "2.13.0"}
    made = {"hardware": "a processor, 2 cores", "device": device, "versions": versions}
    made |= {"at": "2026-11-24T12:00:00", "commit": "abc", "seconds": 90.0}
    return {"rows": list(rows), "made": made, "machine": {"amx_bf16": amx, "avx512_bf16": amx}}


def an_epoch(fp32, bf16):
    row = {"network": "784-500-10", "layers": "spectral"}
    return row | {"fp32_faster_by": spread(fp32), "bf16_faster_by": spread(bf16, 0.5)}


def parts(case):
    parts = {"matrix products": 3.0, "Python and calls": 1.0}
    return {"case": case, "how": "fp32", "milliseconds": parts, "whole": 4.0}


def met(entries):
    return {outcome.target.what: outcome.met for outcome in outcomes(entries)}


AGAINST_LOADER, FP32_ONLY = "the same against the DataLoader loop", "the same in fp32 only"


def test_nothing_measured_is_said_of_every_target():
    assert len(target_table({})) == len(measured.TARGETS) == 11
    assert target_table({})["measured"].eq("–").all()
    said = met({})
    assert said.pop("all twelve panels of Figs. 3, 4 and 6 to 9 on one GPU").startswith("no GPU")
    assert all(text.startswith("not measured yet") for text in said.values())
    assert measured.headline({}).startswith("0 of 11 targets met, 0 missed, 11 not judged")
    assert "nothing" in measured.machine_table({}).to_string()


@pytest.mark.parametrize(
    ("fp32", "bf16", "amx", "best", "fp32_only"),
    [
        (3.0, 5.0, True, "yes", "yes"),  # the limit itself is met
        (2.4, 4.9, True, "no", "no"),
        (2.4, 4.9, False, "not judged", "no"),
        (2.4, 4.9, None, "not judged", "no"),
        (2.5, 5.1, False, "yes", "yes"),  # met without AMX is met all the same
        (5.5, 2.0, False, "yes", "yes"),
    ],
)
def test_a_miss_in_bf16_is_not_judged_without_amx(fp32, bf16, amx, best, fp32_only):
    entries = {"epoch": entry(an_epoch(fp32, bf16), amx=amx)}
    assert met(entries)[AGAINST_LOADER].startswith(best)
    assert met(entries)[FP32_ONLY] == fp32_only


def test_best_precision_counts_and_fp32_is_reported_beside_it():
    table = target_table({"epoch": entry(an_epoch(2.0, 4.0))}).set_index("target")
    shown = table.loc[AGAINST_LOADER]
    assert shown["measured"] == "4.00 [3.50–4.50] × (bf16); 2.00 × (fp32)"
    assert shown["wanted"] == "≥ 5 ×"
    assert table.loc[FP32_ONLY, "measured"] == "2.00 × (fp32)"


def test_page_shows_every_target_in_full():
    shown = measured.target_html({"epoch": entry(an_epoch(2.0, 4.0))})
    for target in measured.TARGETS:
        assert escape(target.what, quote=False) in shown
    assert "..." not in shown and 'class="dataframe words"' in shown


def test_headline_tells_a_machine_without_amx():
    assert "no AMX" not in measured.headline({"epoch": entry(an_epoch(3, 6))})
    said = measured.headline({"epoch": entry(an_epoch(3, 4), amx=False)})
    assert said.startswith("1 of 11 targets met, 0 missed, 10 not judged or not measured. a proc")
    assert "no AMX" in said


def test_less_is_better_for_minutes_and_passes():
    whole = {"part": "whole", "fp32_minutes_of_five_seeds": spread(17.0)}
    figure = entry(whole | {"bf16_minutes_of_five_seeds": spread(11.0)})
    assert met({"figure": figure})["Fig. 3, five seeds, two cores, fp32"] == "yes"
    assert met({"figure": figure})["Fig. 3, five seeds, two cores, bf16"] == "no"
    curve = {"layers": "spectral", "hidden": [500], "cuts": 20}
    for passes, expected in ((1.5, "yes"), (1.6, "no")):
        found = entry(curve | {"curve_in_forward_passes": spread(passes)})
        assert met({"pruning_curve": found})["a pruning curve of 20 cuts, one hidden layer"] == (
            expected
        )


def test_the_worst_cut_in_batches_of_1000_is_judged():
    rows = [
        {"batch": batch, "percentile": q, "share_of_flops_ratio": spread(share)}
        for batch, q, share in ((1, 95, 0.1), (1000, 50, 0.9), (1000, 90, 0.7))
    ]
    (outcome,) = (o for o in outcomes({"inference": entry(*rows)}) if o.value)
    assert (outcome.met, outcome.text) == ("yes", "70.00 % (the worst cut, 90 %)")


def test_a_gpu_is_judged_once_one_has_measured():
    row = {
        "part": "12 panels",
        "processes": 8,
        "mps": True,
        "gpu": "H100",
        "seconds": spread(240.0),
    }
    measurements = {"gpu": entry(row | {"part": "few"}, row, device="cuda")}
    (outcome,) = (o for o in outcomes(measurements) if o.value)
    assert (outcome.met, outcome.text) == ("yes", "4.00 min (H100, 8 processes)")
    assert benchmark_table(measurements, "gpu")["mps"].tolist() == ["yes", "yes"]


def test_each_missed_target_stands_beside_its_profile_and_no_other():
    cases = ("1 hidden layer, λ and φ", "1 hidden layer, λ alone", "curve of 20 cuts")
    entries = {"profile": entry(*map(parts, cases)), "epoch": entry(an_epoch(2, 4), amx=False)}
    table = measured.shortfall_table(entries)
    assert list(table.index) == [("2, 3", "1 hidden layer, λ and φ", "fp32")]
    (row,) = table.to_dict("records")
    assert row == {"whole": "4.00 ms", "matrix products": "75 %", "Python and calls": "25 %"}
    assert len(measured.profile_table(entries)) == 3
    entries["epoch"] = entry(an_epoch(3, 6))
    assert "no target is missed" in measured.shortfall_table(entries).to_string()
    assert "not measured" in measured.shortfall_table({}).to_string()


def test_every_case_that_explains_a_target_is_one_that_the_profile_has():
    from benchmarks import profile

    cases = [case for case, *_ in profile.cases(quick=True)]
    for target in measured.TARGETS:
        for beginning in target.goes_to:
            assert any(case.startswith(beginning) for case in cases), beginning


def test_benchmark_table_shows_ratios_with_their_spread():
    rows = [
        {"hidden": [500, 500], "speed_up": {"median": 2.0, "least": 1.5, "most": 3.25}},
        {"hidden": [500], "cuts": 20, "seconds": {"fp32": 0.125, "bf16": spread(1.0)}},
    ]
    shown = benchmark_table({"epoch": {"rows": rows}}, "epoch")
    assert shown["speed up"].tolist() == ["2.00 [1.50–3.25]", "–"]
    assert shown["hidden"].tolist() == ["500-500", "500"]
    assert shown["fp32"].tolist() == ["–", "0.125 s"]
    assert shown["bf16"].tolist() == ["–", "1.00 s"]
    chosen = benchmark_table({"epoch": {"rows": rows}}, "epoch", ["cuts", "hidden"])
    assert list(chosen.columns) == ["hidden", "cuts"]
    assert "python -m benchmarks epoch" in benchmark_table({}, "epoch").to_string()


def test_results_are_read_as_they_were_written(tmp_path):
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"epoch": {"rows": []}}), encoding="utf-8")
    assert measured.load(file) == {"epoch": {"rows": []}}
