"""Raw files from a Debian package, fetched by apt without installing it and without root."""

import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from spectral_core.data.unpacking import Unusable, named_members

logger = logging.getLogger(__name__)

# Read by apt after its own configuration. The sandbox user could not enter a private directory;
# package signatures are checked whoever downloads.
CONFIGURATION = """
APT::Sandbox::User "root";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
Acquire::Retries "1";
"""
# The hooks are the system's, for its own lists.
PRIVATE_LISTS = """
Dir::State::lists "{folder}/lists";
Dir::Cache "{folder}/cache";
Acquire::Languages "none";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""
# A bare machine has no package lists, an old one has stale ones: fresh ones are got if need be. One
# dead address among several fails the update; the package may still be listed.
SCRIPT = """
get() { timeout 900 apt-get -q -c "$@" >&2; }
mkdir -p lists/partial cache/archives/partial
if ! get system.conf download "$1"; then
    get private.conf update
    get private.conf download "$1" || exit
fi
dpkg-deb --fsys-tarfile *.deb
"""


def from_package(
    package: str, workplace: Path, names: Collection[str]
) -> Iterable[tuple[str, bytes]]:
    """Return (file name, stored bytes) of each of ``names``, unchecked, out of a Debian package, or
    raise ``Unusable`` if this is no Debian-like system or the package cannot be fetched."""
    if not shutil.which("apt-get"):
        raise Unusable("apt-get is not on PATH")
    logger.info("downloading the Debian package %s", package)
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=workplace) as folder:
        Path(folder, "system.conf").write_text(CONFIGURATION)
        private = CONFIGURATION + PRIVATE_LISTS.format(folder=folder)
        Path(folder, "private.conf").write_text(private)
        done = subprocess.run(
            ["sh", "-c", SCRIPT, "sh", package],
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        errors = [line for line in lines if line.startswith("E: ")] or lines[-1:]
        raise Unusable("; ".join(dict.fromkeys(errors)) or f"apt-get ended with {done.returncode}")
    return named_members(done.stdout, names).items()
