"""The command line: its help, its exit codes, and errors of one line."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import made_images
import pytest

from spectral_core.data import DATASETS
from spectral_core.paper import cli, paths
from spectral_core.paper.options import value_of
from spectral_core.paper.pages import notebooks
from spectral_core.paper.results.collect import COLUMNS, command
from spectral_core.paper.results.published import publish, write
from spectral_core.paper.run.compute import Cost
from spectral_core.paper.run.tuning import TUNINGS
from spectral_core.paper.study.figures import FIGURES, PRESETS
from spectral_core.paper.study.planning import plan


def all_commands(command, words=""):
    """Every command and group, after the words that call it."""
    yield words, command
    for name, each in getattr(command, "commands", {}).items():
        yield from all_commands(each, f"{words} {name}")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process; gives its exit code, output and errors."""
    # The option --data-dir sets it; restored afterwards.
    monkeypatch.setenv("SPECTRAL_CORE_DATA", os.environ.get("SPECTRAL_CORE_DATA", ""))
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # main() sets it

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["spectral-core", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return end.value.code or 0, out, err

    return run


@pytest.fixture
def ours(finished, tmp_path):
    """Path of a store of its own with the finished smoke run."""
    return shutil.copytree(finished.store.root, tmp_path / "ours")


@pytest.mark.parametrize(("words", "command"), list(all_commands(cli.cli)))
def test_every_command_explains_itself_and_its_options(words, command, run):
    code, out, err = run(*words.split(), "--help")
    assert (code, err) == (0, "") and out.startswith("Usage: ") and command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help and max(option.opts, key=len) in out


@pytest.mark.slow
def test_installed_script_is_this_command_in_a_code_page_without_greek():
    words = [Path(sys.executable).with_name("spectral-core"), "compute", "--help"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(words, capture_output=True, env=environment)
    assert done.returncode == 0 and b"Adam" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("compute fig3", "Did you mean 'fig03'?"),
        ("compute fig01", "fig01 is drawn, not computed; run: spectral-core notebook fig01"),
        ("choose fig10 --epochs 3", "--setting training sets epochs"),
        ("choose fig10 --percentiles 90", "--setting training sets percentiles; leave that out"),
        ("ablate fig03 --percentiles 50", "No such option"),
        ("inspect fig10 --views", "cifar10-elu-512 takes features: leave out --views"),
        ("book --run budget", "figure must be one of fig03"),
        ("notebook fig03 -p settings 5", 'settings must be an object such as {"epochs": 3}; got 5'),
        ("notebook fig03 -p workers 0", "workers must be a whole number of at least 1; got 0"),
        ("notebook fig03 -p device tpu9", "device must be"),
        ("compute fig03 --epoch 3", "No such option"),
        ("compute fig03 --hidden 8x8", "'8x8' is not a list like int-int…"),
        ("compute fig03 --hidden-by-method pre", "'pre' is not like METHOD="),
        ("notebook", "name one notebook, or give --all; there are "),
        ("notebook fig03 -p hiden [8]", "Did you mean 'hidden'?"),
        ("notebook fig03 -p seeds -1", "seeds must be a whole number of at least 1; got -1"),
        ("notebook fig03 -p hidden [500", "hidden must be JSON"),
        # What is tested of settings is tested of the plan; here, that it is one line.
        ("compute fig03 --activation rely", "Error: activation must be one of"),
        ("compute fig03 --scheduler tcp://a:1", "Error: scheduler must be left out unless backend"),
    ],
)
def test_wrong_arguments_exit_with_2_and_say_what_is_right(run, tmp_path, monkeypatch, words, said):
    monkeypatch.setenv("SPECTRAL_CORE_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(notebooks, "execute", None)  # calling it would fail
    code, out, err = run(*words.split(), *["--debug"] * ("rely" in words))
    assert (code, out) == (2, "")
    assert said in err.splitlines()[-1] and ("Traceback" in err) == ("rely" in words)
    assert not (tmp_path / "store").exists()


LACKING = "'dask' needs the extra [dask]: python -m pip install 'spectral-core[dask]'"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "publish fig03 --preset smoke --panels *elu-500 --seeds 3",
            "9 of 27 points of fig03 are not computed; "
            "run: spectral-core compute fig03 --preset smoke --panels '*elu-500' --seeds 3",
        ),
        (
            "publish fig03 --preset smoke --panels *elu-500 --penalties 0,0.1",
            "18 of 36 points of fig03 are not computed; "
            "run: spectral-core compute fig03 --preset smoke --panels '*elu-500' "
            "--penalties 0.0,0.1",
        ),
        *(
            (f"compute fig03 --backend dask --scheduler tcp://a:1 {dry}", f"backend {LACKING}")
            for dry in ("", "--dry-run")
        ),
    ],
)
def test_failure_exits_with_1_and_one_line(run, ours, project, monkeypatch, words, said):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(*words.split(), "--store", ours) == (1, "", f"Error: {said}\n")


def test_away_from_a_checkout_nothing_is_computed_or_published(run, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    monkeypatch.setattr(cli.computing, "compute", None)  # calling it would fail
    for words in ("book", "notebook --all", "publish fig03", "ablate fig03", "inspect fig03"):
        code, _, err = run(*words.split())
        assert code == 1 and "must be run in a checkout" in err
    assert not list(tmp_path.iterdir())


STORED = " Finished steps are stored; run the same command again to continue."


@pytest.mark.parametrize(
    ("verb", "error", "end"),
    [
        ("compute", KeyboardInterrupt(), (130, f"Stopped.{STORED}")),
        ("verify", KeyboardInterrupt(), (130, "Stopped.")),  # it runs no steps
        ("compute", EOFError("archive is truncated"), (1, "Error: archive is truncated")),
    ],
)
def test_interrupted_run_says_how_to_go_on_and_nothing_else_does(
    run, monkeypatch, verb, error, end
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(cli, "plan", fail)
    code, _, err = run(verb, "fig03")
    assert (code, err.strip()) == end


def test_a_signal_that_falls_into_a_destructor_stops_the_command_all_the_same(run, monkeypatch):
    class Lock:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)  # Python drops what this raises

    def work(*_, **__):
        Lock()
        time.sleep(30)

    monkeypatch.setattr(cli, "plan", work)
    start = time.monotonic()
    code, _, err = run("verify", "fig03")
    assert (code, err.strip()) == (130, "Stopped.") and time.monotonic() - start < 20


def test_compute_says_what_it_did_and_goes_on_from_what_is_stored(run, ours, tmp_path, monkeypatch):
    words = ["compute", "fig03", "--preset", "smoke", "--workers", "1"]
    monkeypatch.setenv("SPECTRAL_CORE_STORE", str(ours))
    code, out, _ = run(*words)
    assert code == 0
    assert "\nfig03 at the preset smoke: steps run: 0, in 0 s" in out
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["direct", "post", "pre"]
    lost = next(ours.glob("cut/*.json"))
    lost.unlink()
    code, out, err = run(*words)
    assert code == 0 and lost.exists()
    assert re.search(r"steps run: 1, in \d+ s, with \d+ s of computing; they are stored in ", out)
    assert "pruning, 1/1 steps 100%" in err
    other = ["--store", tmp_path / "other", "--seeds", "1", "--methods", "post"]
    assert "steps run: 4," in run(*words, *other)[1]


def test_dry_run_tells_the_cost_and_writes_nothing(run, ours, tmp_path):
    words = ["compute", "fig03", "--preset", "smoke", "--workers", "2", "--dry-run", "--store"]
    code, out, err = run(*words, tmp_path / "none")
    assert (code, err) == (0, "")
    assert "0 steps stored, 6 trainings and 18 pruned networks missing\ntime, at this" in out
    assert not (tmp_path / "none").exists()
    (ours / "cut" / "foreign.json").write_text("not of this store")
    before = sorted(ours.rglob("*"))
    assert "24 steps stored, 0 trainings and 0 pruned networks missing\n" in run(*words, ours)[1]
    _, out, _ = run(*words, ours, "--seeds", "3")
    assert "24 steps stored, 3 trainings and 9 pruned networks missing\n" in out
    assert re.search(r": a few seconds with \d at a time; a few seconds of computing\n$", out)
    assert sorted(ours.rglob("*")) == before


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (5969, "99 min"), (5971, "1 h 40 min")],
)
def test_duration_is_in_the_unit_that_fits(seconds, said):
    assert cli._duration(seconds) == said
    assert cli._about(seconds).endswith(said if seconds else "a few seconds")


@pytest.mark.slow
def test_choosing_writes_a_record_for_each_panel_and_says_what_is_best(
    run, project, tmp_path, monkeypatch
):
    small = TUNINGS["decay"]._replace(grid={"decay": (1e-4, 1e-3)})
    monkeypatch.setitem(TUNINGS, "decay", small)
    words = ["stronger", "--setting", "decay", "--panels", "mnist-elu-500", "--preset", "smoke"]
    code, out, _ = run("choose", *words, "--store", tmp_path / "store", "--workers", "1")
    assert code == 0
    record = project / "results" / "choices" / "digits-elu-32-decay.json"
    chosen = json.loads(record.read_text(encoding="utf-8"))["chosen"]
    assert out == f"{record}: {chosen}\n" and chosen["stronger"]["decay"] in (1e-4, 1e-3)


def test_dry_run_of_features_takes_images_of_several_sizes(run, tmp_path):
    more = {"train/ape/2.png": made_images.picture(7, side=9)}
    made_images.write(tmp_path / "images", made_images.FILES | more)
    dataset = ["--dataset", f"imagefolder:{tmp_path / 'images'}", "--preset", "quick"]
    words = ["compute", "fig10", *dataset, "--store", tmp_path / "store", "--dry-run"]
    code, out, err = run(*words, "--methods", "direct", "--epochs", "1")
    assert (code, err) == (0, "") and " trainings and " in out


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seeds": 3, "hidden": 16, "hidden_by_method": {"pre": [8], "direct": [4]}},
        {"seeds": [0, 2], "hidden": (8, 6), "methods": ["post"], "percentiles": [0, 12.5]},
        {"seeds": [2], "eigenvalue_range": [-0.25, 0.5], "eigenvector_range": (0, 1)},
        {"dataset": "mnist", "activation": "tanh", "epochs": 1, "retraining_epochs": 0},
        {"stage_two": "both", "batch_size": 50, "learning_rate": 1e-5, "train_images": 100},
        {"penalties": [0, 1e-3], "output_bias": True, "precision": "bf16"},
        {"eigenvector_range": "glorot", "decay": 1e-4, "rounds": 3, "input_eigenvalues": True},
        {"panels": "*released", "features": "mean", "backbone_weights": "067cfda5"},
        {"hidden": 16, "hidden_by_method": {"direct": [16]}},
    ],
    ids=str,
)
def test_command_of_a_study_computes_that_study(run, monkeypatch, changes):
    study, computed = plan("fig03", "smoke", **changes), []
    cost = Cost(0, 0.0, 0.0)
    monkeypatch.setattr(
        cli.computing, "compute", lambda steps, *_, **__: computed.append(steps) or cost
    )
    monkeypatch.setattr(cli, "_accuracies", lambda *_: "")
    program, *words = shlex.split(command(study))
    assert program == "spectral-core"
    code, _, err = run(*words)
    assert code == 0, err
    assert computed == [study.steps()]


@pytest.mark.slow
def test_verify_exits_with_0_where_runs_agree_and_with_1_where_not(run, ours, finished, project):
    words = ["verify", "fig03", "--preset", "smoke", "--store", ours]
    code, _, err = run(*words)
    assert code == 1 and "no results of fig03 are published" in err

    csv, provenance = publish(*finished)
    for each in (words, ["verify", "fig03", "--store", ours], ["verify", "--store", ours]):
        code, out, err = run(*each)
        assert (code, err) == (0, "")
        assert out.endswith("9 of 9 points agree\n")
    some = plan("random", "smoke", "fashion-mnist-elu-500", methods=["direct"])
    publish(some, finished.store)  # of which the other methods are not computed here
    assert run("verify", "--store", ours)[1].endswith("9 of 9 points agree\n")
    code, _, err = run("verify", "--store", ours, "--panels", "*released")
    assert code == 1 and "nothing that is published is computed here" in err
    code, _, err = run("verify", "--store", ours / "none")
    assert code == 1 and "nothing that is published is computed here" in err

    lines = csv.read_text().splitlines()
    for i in (1, 4):  # direct, uncut, both seeds
        fields = dict(zip(COLUMNS, lines[i].split(",")))
        assert fields["method"] == "direct" and fields["percentile"] == "0"
        lines[i] = ",".join((fields | {"accuracy": "1"}).values())
    write(csv, "\n".join([*lines, ""]), json.loads(provenance.read_text()))
    code, out, err = run(*words)
    assert (code, err) == (1, "")
    assert out.endswith("8 of 9 points agree\n")


def test_publish_writes_into_the_project_and_names_the_files(run, ours, project):
    code, out, err = run("publish", "fig03", "--preset", "smoke", "--store", ours)
    assert (code, err) == (0, "")
    folder = paths.published_results("fig03", "smoke")
    assert folder.is_relative_to(project)
    *files, metadata = map(Path, out.splitlines())
    assert sorted(files) == sorted(folder.glob("*.*"))
    assert metadata == project / "ro-crate-metadata.json"


@pytest.mark.slow
def test_status_lists_what_is_here_and_published_or_every_panel_at_every_preset(
    run, ours, finished, project
):
    def rows(*words):
        return run("status", "fig03", "--store", ours, *words)[1].splitlines()

    _, *before, rest = rows()
    publish(plan("fig03", "smoke", seeds=[0]), finished.store)
    publish(plan("fig03", "smoke", seeds=[1], methods=["pre"]), finished.store)
    header, *after, _ = rows()
    columns = ["figure", "panel", "preset", "computed", "latest", "published", "precision", "when"]
    assert header.split() == columns and not any(" 0/" in row for row in before)
    of = {row.split()[1]: row.split() for row in before}["digits-elu-32"]
    assert [*of[2:4], *of[5:]] == ["smoke", "18/18", "-", "-", "-"]
    of = {row.split()[1]: row.split() for row in after}["digits-elu-32"]
    assert of[5:] == ["1-2", "seeds", "fp32", of[4][:10]]
    every = rows("--all")[1:]
    left_out = len(every) - len(before)
    assert rest == f"{left_out} rows without results are left out; see --all"
    assert len(every) == len(FIGURES["fig03"]) * len(PRESETS)
    assert any(row.split()[1:4] == ["fashion-mnist-elu-500", "paper", "0/300"] for row in every)
    assert run("status", "fig08", "--store", ours)[1].startswith("nothing is computed")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("hidden", "[8, 6]", [8, 6]),
        ("preset", "smoke", "smoke"),
        ("preset", "None", None),
        ("input_eigenvalues", "False", False),
        ("output_bias", "true", True),
        ("seeds", "2", 2),
        ("backbone_weights", "067cfda5", "067cfda5"),
        ("hidden_by_method", '{"pre": [8]}', {"pre": [8]}),
    ],
)
def test_parameters_are_python_constants_json_or_text(name, text, value):
    assert value_of(name, text) == value


def test_a_setting_without_a_parameter_of_its_own_goes_into_settings():
    given = {"preset": "smoke", "activation": "tanh", "batch_size": 50}
    declared = ["preset", "activation", "settings"]
    expected = {"preset": "smoke", "activation": "tanh", "settings": {"batch_size": 50}}
    assert cli._parameters("fig03", given, declared) == expected
    assert cli._parameters("fig01", given, ["activation"]) == {"activation": "tanh"}
    with pytest.raises(ValueError, match="batch_size must be"):
        cli._parameters("fig03", {"batch_size": 0}, declared)


def test_data_commands_tell_fetch_and_verify(run, tmp_path, monkeypatch):
    monkeypatch.delenv("SPECTRAL_CORE_DATA_PATH", raising=False)
    at = ["--data-dir", tmp_path / "data"]
    code, out, _ = run("data", "list", *at)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(DATASETS)
    code, out, _ = run("data", "fetch", "digits", *at)
    assert code == 0 and out.startswith("digits: ")
    assert Path(out.removeprefix("digits: ").strip()).is_dir()
    assert run("data", "verify", "digits", *at)[0] == 0
    code, out, _ = run("data", "verify", "cifar10", *at)
    assert code == 1 and out.startswith("cifar10")
    code, _, err = run("data", "verify", "digit", *at)
    assert code == 2 and "Did you mean 'digits'?" in err
