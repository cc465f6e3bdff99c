"""Raw files from a Debian package, fetched by apt without installing it and without root."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from spectral_core.data.raw_files import Unusable, members

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
) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, stored bytes) of each of ``names``, unchecked, from a Debian package.

    Args:
        package: name of the package.
        workplace: directory for temporary files.
        names: names of the files that are wanted.

    Raises:
        Unusable: if this is no Debian-like system or the package cannot be had.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unusable("apt-get and dpkg-deb are not both on PATH")
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=workplace) as directory:
        deb = _download(package, Path(directory))
        yield from members(_run(["dpkg-deb", "--fsys-tarfile", deb.name], deb.parent), names)


def _download(package: str, directory: Path) -> Path:
    """Download ``package`` into ``directory`` and return the path of the file."""
    configuration = directory / "apt.conf"
    configuration.write_text(APT_CONFIGURATION)
    apt = ["apt-get", "-q", "-c", configuration.name]
    logger.info("downloading the Debian package %s", package)
    try:
        _run([*apt, "download", package], directory)
    except Unusable as error:
        # A bare machine has no package lists, an old one has stale ones: get fresh ones for this.
        logger.info("%s; refreshing the package lists", error)
        for folder in ("lists/partial", "cache/archives/partial"):
            (directory / folder).mkdir(parents=True)
        configuration.write_text(APT_CONFIGURATION + PRIVATE_LISTS.format(directory=directory))
        update_failure = ""
        try:
            _run([*apt, "update"], directory)
        except Unusable as failure:
            # One dead address among several fails the update; the package may be listed yet.
            update_failure = f"{failure}; "
        try:
            _run([*apt, "download", package], directory)
        except Unusable as failure:
            raise Unusable(f"{update_failure}{failure}") from failure
    return next(directory.glob("*.deb"))


def _run(command: list[str], directory: Path) -> bytes:
    """Run ``command`` in ``directory`` and return what it writes to standard output."""
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIME_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unusable(str(error)) from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise Unusable(f"{shlex.join(command)}: {lines[-1]}")
    return done.stdout
