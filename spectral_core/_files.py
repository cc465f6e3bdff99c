"""Files that are there whole or not at all."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, onto the disk, then rename it into its place.

    Args:
        path: where the file belongs; its folder is made if need be.
        write: writes the file, in one go, to the path that it is given.

    Raises:
        OSError: if the folder cannot be written to, or the disk is full; it names the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        write(aside)
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, path)
    except BaseException as error:
        aside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:
            error.filename = str(path)
        raise
