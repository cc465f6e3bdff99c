"""The progress bar: what many processes have done, drawn by one."""

import io
import re
import sys
import threading
from multiprocessing import get_context
from pathlib import Path

import pytest

from spectral_core.progress import Tally, progress_bar, show_running


class Terminal(io.StringIO):
    def isatty(self):
        return True


def add_many(path):
    for _ in range(200):
        Tally(path).add(5)


def test_tally_counts_what_all_processes_add(tmp_path):
    path = tmp_path / "tally"
    path.touch()
    processes = [get_context("fork").Process(target=add_many, args=(str(path),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert Tally(str(path)).total() == 3 * 200 * 5


def test_bar_shows_what_is_done_and_what_runs(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with progress_bar(200, shown=True) as (tally, bar):
        assert "0%" in stream.getvalue()
        show_running(bar, "training 1/6")
        assert "training 1/6" in stream.getvalue()
        tally.add(150)
    last = stream.getvalue().split("\r")[-1]
    assert re.search(r"training 1/6\s+75% .* so far, .* left", last)


def test_log_file_gets_no_line_per_step(capsys):
    with progress_bar(2, shown=True) as (tally, bar):
        for i in range(100):
            show_running(bar, f"training {i}/100")
        tally.add(2)
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert shown.count("training") <= 2  # when the end is reached and when the bar closes


def test_hidden_bar_writes_nothing_and_counts_all_the_same(capsys):
    with progress_bar(0, shown=False) as (tally, bar):
        show_running(bar, "training 0/0")
        tally.add(3)
        assert tally.total() == 3
    assert capsys.readouterr() == ("", "")


def test_bar_never_runs_past_its_end(monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with progress_bar(10, shown=True) as (tally, _):
        tally.add(25)
    assert "100%" in stream.getvalue() and "250%" not in stream.getvalue()


@pytest.mark.parametrize("shown", [True, False])
def test_nothing_stays_behind_even_after_an_error(shown):
    with pytest.raises(KeyError), progress_bar(10, shown=shown) as (tally, _):
        file = Path(tally.path)
        watchers = [thread for thread in threading.enumerate() if "watch" in thread.name]
        assert file.exists() and len(watchers) == shown
        raise KeyError
    assert not file.exists()
    for watcher in watchers:
        watcher.join(2)  # it looks every 5 seconds, and at once when it is told to stop
        assert not watcher.is_alive()
