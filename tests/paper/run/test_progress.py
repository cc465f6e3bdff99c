"""The progress bar: what many processes have done, drawn by one."""

import io
import re
import sys
import threading
import time
from multiprocessing import get_context

import pytest

from spectral_core.paper.run.progress import Tally, progress_bar, show_running


class Terminal(io.StringIO):
    def isatty(self):
        return True


def add_many(tally, step):
    tally.begin(step)
    for _ in range(200):
        tally.add(step, 5)


def test_tally_counts_what_all_processes_add(tmp_path):
    tally, fork = Tally(tmp_path), get_context("fork")
    processes = [fork.Process(target=add_many, args=(tally, step)) for step in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert tally.total() == 3 * 200 * 5


def test_step_that_begins_again_is_counted_from_nothing(tmp_path):
    tally = Tally(tmp_path)
    tally.begin("a")
    tally.add("a", 3)
    tally.add("b", 4)
    tally.begin("a")
    assert tally.total() == 4
    tally.add("a", 1)
    assert tally.total() == 5


def test_tally_that_is_gone_stops_nobody(tmp_path):
    tally = Tally(tmp_path / "gone")
    tally.begin("a")
    tally.add("a", 1)
    assert list(tmp_path.iterdir()) == []


def test_bar_shows_what_is_done_what_runs_and_how_fast(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    start = time.perf_counter()
    with progress_bar(200, True, tmp_path) as (tally, bar):
        assert "0%" in stream.getvalue()
        show_running(bar, "training, 1/6 steps")
        assert "training, 1/6 steps" in stream.getvalue()
        tally.add("a", 150)
        time.sleep(0.3)
    most = 1.5 / 0.3  # one and a half epochs, in at least so many seconds
    least = 1.5 / (time.perf_counter() - start)
    last = stream.getvalue().split("\r")[-1]
    shown = re.search(r"training, 1/6 steps  75% .* so far, .* left, +([\d.]+) epochs/s", last)
    assert least - 0.01 <= float(shown[1]) <= most + 0.01


def test_log_file_gets_no_line_per_step(tmp_path, capsys):
    with progress_bar(2, True, tmp_path) as (tally, bar):
        for i in range(100):
            show_running(bar, f"training {i}/100")
        tally.add("a", 2)
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert shown.count("training") <= 2  # when the end is reached and when the bar closes


def test_hidden_bar_writes_nothing_and_counts_all_the_same(tmp_path, capsys):
    with progress_bar(0, False, tmp_path) as (tally, bar):
        show_running(bar, "training 0/0")
        tally.add("a", 3)
        assert tally.total() == 3
    assert capsys.readouterr() == ("", "")


def test_bar_never_runs_past_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with progress_bar(10, True, tmp_path) as (tally, _):
        tally.add("a", 25)
    assert "100%" in stream.getvalue() and "250%" not in stream.getvalue()


@pytest.mark.parametrize("shown", [True, False])
def test_nothing_stays_behind_even_after_an_error(tmp_path, shown):
    with pytest.raises(KeyError), progress_bar(10, shown, tmp_path) as (tally, _):
        tally.add("a", 1)
        watchers = [thread for thread in threading.enumerate() if "watch" in thread.name]
        (folder,) = tmp_path.iterdir()
        assert folder.name.startswith(".") and len(watchers) == shown
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    assert not any(watcher.is_alive() for watcher in watchers)
