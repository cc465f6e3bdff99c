"""Raw files from a Debian package, fetched by apt without installing it and without root."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from spectral_core.data.unpacking import Unusable, named_members

logger = logging.getLogger(__name__)

TIME_LIMIT = 900  # seconds for one command

# Read by apt after its own configuration. The sandbox user could not enter a private directory;
# package signatures are checked whoever downloads. The hooks are the system's, for its own lists.
APT_CONFIGURATION = """
APT::Sandbox::User "root";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
Acquire::Retries "1";
"""
PRIVATE_LISTS = """
Dir::State::lists "{directory}/lists";
Dir::Cache "{directory}/cache";
Acquire::Languages "none";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def from_package(
    package: str, workplace: Path, names: Collection[str]
) -> Iterable[tuple[str, bytes]]:
    """Return (file name, stored bytes) of each of ``names``, unchecked, out of a Debian package.

    Args:
        package: name of the package.
        workplace: directory for temporary files.
        names: names of the files that are wanted.

    Raises:
        Unusable: if this is no Debian-like system or the package cannot be fetched.
    """
    if not shutil.which("apt-get"):
        raise Unusable("apt-get is not on PATH")
    logger.info("downloading the Debian package %s", package)
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=workplace) as folder:
        deb = _download(package, Path(folder))
        files = _run(["dpkg-deb", "--fsys-tarfile", deb.name], deb.parent)
        return named_members(files, names).items()


def _download(package: str, directory: Path) -> Path:
    """Download ``package`` into ``directory`` and return the path of the file."""
    configuration, failures = directory / "apt.conf", []
    configuration.write_text(APT_CONFIGURATION)
    # A bare machine has no package lists, an old one has stale ones: get fresh ones if need be.
    for task in (["download", package], ["update"], ["download", package]):
        if task == ["update"]:
            for folder in ("lists/partial", "cache/archives/partial"):
                (directory / folder).mkdir(parents=True)
            configuration.write_text(APT_CONFIGURATION + PRIVATE_LISTS.format(directory=directory))
        try:
            _run(["apt-get", "-q", "-c", configuration.name, *task], directory)
        except Unusable as error:
            # One dead address among several fails the update; the package may still be listed.
            failures.append(str(error))
        else:
            for deb in directory.glob("*.deb"):
                return deb
    raise Unusable("; ".join(failures))


def _run(command: list[str], directory: Path) -> bytes:
    """Run ``command`` in ``directory`` and return what it writes to standard output."""
    environment = {**os.environ, "LC_ALL": "C"}
    how = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": TIME_LIMIT}
    try:
        done = subprocess.run(command, cwd=directory, env=environment, **how)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unusable(str(error)) from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise Unusable(f"{shlex.join(command)}: {lines[-1]}")
    return done.stdout
