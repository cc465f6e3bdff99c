"""The places on this machine where a dataset's raw files may lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from spectral_core.data.raw_data import RawData

DATA_VARIABLE = "SPECTRAL_CORE_DATA"
SEARCH_PATH_VARIABLE = "SPECTRAL_CORE_DATA_PATH"


@dataclass(frozen=True)
class Places:
    """The directories in use.

    Attributes:
        data_dir: the data directory, absolute; what is fetched goes there.
        search_path: further directories, absolute; they are only read.
    """

    data_dir: Path
    search_path: tuple[Path, ...]

    @classmethod
    def chosen(cls, data_dir: str | os.PathLike[str] | None = None) -> Places:
        """Return the places that the argument, else the environment, else the system names."""
        data_dir = data_dir or os.environ.get(DATA_VARIABLE)
        entries = os.environ.get(SEARCH_PATH_VARIABLE, "").split(os.pathsep)
        return cls(
            _absolute(data_dir or platformdirs.user_cache_dir("spectral-core")),
            tuple(_absolute(entry) for entry in entries if entry),
        )

    def own(self, raw: RawData) -> Path:
        """Return the directory for a dataset's files below the data directory."""
        return self.data_dir / raw.folder

    def directories(self, raw: RawData) -> list[tuple[str, Path]]:
        """Return (source, directory) for each that may hold the files, in search order."""
        result = [("data directory", self.own(raw))]
        for entry in self.search_path:
            laid_out = entry / raw.folder
            # Files in the entry itself serve too, but torchvision's reader insists on its layout.
            direct = raw.archive is None and not os.path.isdir(laid_out)
            result.append((SEARCH_PATH_VARIABLE, entry if direct else laid_out))
        if raw.installed:
            result.append(raw.installed)
        return result

    def archives(self, raw: RawData) -> list[Path]:
        """Return the paths of the dataset's archive that exist, in search order."""
        if raw.archive is None:
            return []
        paths = [entry / raw.archive[0] for entry in (self.data_dir, *self.search_path)]
        return [path for path in paths if os.path.isfile(path)]


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(path).expanduser().absolute()
