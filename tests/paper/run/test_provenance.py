"""Where a number comes from: time, versions, machine and commit."""

import datetime
import subprocess
from importlib.metadata import version

import joblib
import pytest
from packaging.version import Version

from spectral_core.paper.run import provenance

commit = provenance.commit.__wrapped__  # the answer of now, not the one of this process's start


def git(folder, *arguments):
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    done = subprocess.run(
        ["git", *identity, "-C", folder, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository that holds a package with one committed module, taken for this one."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    return tmp_path


def test_circumstances_are_complete():
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    made = provenance.made(1.23456, "cpu")
    assert list(made) == ["at", "seconds", "device", "hardware", "versions", "commit"]
    at = datetime.datetime.fromisoformat(made["at"])
    assert at.utcoffset() == datetime.timedelta(0)
    assert before <= at <= datetime.datetime.now(datetime.UTC)
    assert (made["seconds"], made["device"]) == (1.235, "cpu")
    processor, cores, widest = made["hardware"].split(", LD_PRELOAD")[0].rsplit(", ", 2)
    assert processor and cores == f"{joblib.cpu_count()} cores" and widest.upper() == widest != ""
    assert list(made["versions"]) == ["python", "torch", "numpy"]
    for name in ("torch", "numpy"):
        assert Version(made["versions"][name]).public == Version(version(name)).public


def test_libraries_that_may_replace_functions_of_torch_are_told(monkeypatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    plain = provenance.hardware.__wrapped__()
    monkeypatch.setenv("LD_PRELOAD", "/home/me/mkl.so:other.so")
    assert provenance.hardware.__wrapped__() == f"{plain}, LD_PRELOAD mkl.so other.so"


@pytest.mark.parametrize(
    ("file", "changes"),
    [("results.csv", ""), ("package/__init__.py", "+changes"), ("package/new.py", "+changes")],
)
def test_commit_is_that_of_the_checkout_and_a_changed_package_is_told_apart(
    repository, file, changes
):
    head = git(repository, "rev-parse", "HEAD")[:12]
    assert commit() == head
    (repository / file).write_text("x = 1")
    assert commit() == head + changes


def test_no_commit_outside_a_repository_in_another_one_or_without_git(
    repository, tmp_path_factory, monkeypatch
):
    installed = repository / "site-packages" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    for package in (installed, tmp_path_factory.mktemp("plain")):
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(provenance, "PACKAGE", package)
            assert commit() is None
    monkeypatch.setenv("PATH", "")
    assert commit() is None
