"""Downloads, bounded in time and size, from the addresses that torchvision lists."""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Collection, Iterator
from threading import Thread

from spectral_core.data.raw_data import RawData
from spectral_core.data.torchvision_import import import_torchvision
from spectral_core.data.unpacking import LARGEST, Unusable, check_md5, named_members

logger = logging.getLogger(__name__)

# Seconds to wait for a connection, and for each next piece of an answer. A host with several
# addresses is given the first of these for each of them in turn.
TIMEOUT = (5, 10)
# Seconds after which a download must have had so many bytes a second on average.
PATIENCE, SLOWEST = 30, 4096


def addresses(raw: RawData) -> list[str]:
    """Return the addresses that torchvision lists for a data set, or raise ``Unusable``."""
    if raw.torchvision_name is None:
        return []
    try:
        dataset = getattr(import_torchvision().datasets, raw.torchvision_name)
    except (ImportError, OSError, RuntimeError) as error:
        raise Unusable(f"torchvision, which lists them, cannot be imported ({error})") from error
    return [dataset.url] if raw.archive else list(dataset.mirrors)


def from_mirror(address: str, raw: RawData, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, stored bytes) of each of ``names``, unchecked, from one address.

    Raises:
        Unusable: if a download fails; the files left are not asked for, lest each of them waits
            for a dead host.
    """
    if raw.archive:
        archive = check_md5(get(address), raw.archive[1])
        yield from named_members(archive, names).items()
    else:
        for name in names:
            yield name, get(f"{address.rstrip('/')}/{name}.gz")


def get(url: str) -> bytes:
    """Return what an address serves, in memory: nothing unchecked is ever on disk.

    Raises:
        Unusable: if the download fails, is too slow or too large.
    """
    logger.info("downloading %s", url)
    received, errors, start = _Bounded(), [], time.monotonic()
    # In a thread, as a server that sends byte after byte keeps a read from returning.
    thread = Thread(target=_download, args=(url, received, errors), daemon=True)
    thread.start()
    while thread.is_alive() and not errors:
        thread.join(0.1)
        seconds = time.monotonic() - start
        if seconds > PATIENCE and received.tell() < SLOWEST * seconds:
            errors.append(f"too slow, {received.tell()} bytes in {seconds:.0f} s")
            received.limit = 0  # ends the thread with its next piece
    if errors:
        raise Unusable(f"{url.rsplit('/', 1)[-1]}: {errors[0]}")
    return received.getvalue()


class _Bounded(io.BytesIO):
    limit = LARGEST

    def write(self, piece: bytes) -> int:
        if self.tell() + len(piece) > self.limit:
            raise Unusable(f"larger than {LARGEST >> 20} MiB")
        return super().write(piece)


def _download(url: str, received: _Bounded, errors: list[str]) -> None:
    from pooch import HTTPDownloader

    download = HTTPDownloader(timeout=TIMEOUT, progressbar=sys.stderr.isatty(), chunk_size=1 << 13)
    try:
        download(url, received, None)
    except Exception as error:  # requests and urllib3 have many; none may end in silence
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = str(error) if isinstance(error, Unusable) else type(error).__name__
        errors.append(f"HTTP status {status}" if status else reason)
