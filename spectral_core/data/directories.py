"""Where data lie on this machine: the data directory and the search path."""

import os
from pathlib import Path
from typing import NamedTuple, Self

import platformdirs

DATA_VARIABLE = "SPECTRAL_CORE_DATA"
SEARCH_PATH_VARIABLE = "SPECTRAL_CORE_DATA_PATH"


class DataNotFoundError(RuntimeError):
    """No source has a usable copy of a data set; the message lists them and what to do."""


class Directories(NamedTuple):
    """The directories in use, absolute."""

    data_dir: Path | None
    """The data directory, for what is fetched or prepared; None if none is named and the user has
    no home directory."""
    search_path: tuple[Path, ...]
    """Further directories; they are only read."""

    @classmethod
    def chosen(cls, data_dir: str | os.PathLike[str] | None = None) -> Self:
        """Return the directories that the argument, else the environment, else the system names."""
        named = data_dir or os.environ.get(DATA_VARIABLE)
        try:
            chosen = os.path.expanduser(named or platformdirs.user_cache_dir("spectral-core"))
        except RuntimeError:  # no home directory
            chosen = "~"
        entries = os.environ.get(SEARCH_PATH_VARIABLE, "").split(os.pathsep)
        return cls(
            None if chosen.startswith("~") else Path(chosen).absolute(),
            tuple(Path(os.path.expanduser(entry)).absolute() for entry in entries if entry),
        )

    @property
    def all(self) -> tuple[Path, ...]:
        """The data directory, if there is one, and the search path."""
        return ((self.data_dir,) if self.data_dir else ()) + self.search_path

    def writable(self) -> Path:
        """Return the data directory, made if need be, or raise ``DataNotFoundError``."""
        try:
            if self.data_dir is None:
                raise OSError("the user has no home directory")
            self.data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataNotFoundError(
                f"the data directory cannot be written to ({error}); set the environment variable "
                f"{DATA_VARIABLE} to another directory"
            ) from error
        return self.data_dir
