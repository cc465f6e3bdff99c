"""Files that are there whole or not at all."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, onto the disk, then rename it into its place.

    Its folder is made if need be; ``write`` writes, in one go, to the path that it is given. An
    ``OSError``, such as of a full disk, names the path where the file belongs.
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
