"""Raw files from the download addresses that torchvision lists."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Collection, Iterator

from spectral_core.data.raw_data import RawData
from spectral_core.data.raw_files import Unusable, check_md5, members
from spectral_core.data.torchvision_import import import_torchvision

logger = logging.getLogger(__name__)

# Seconds to wait for a connection, and for each next piece of an answer. A host with several
# addresses is given the first of these for each of them in turn.
TIMEOUT = (5, 10)


def mirrors(raw: RawData) -> list[str]:
    """Return the addresses that torchvision lists for a dataset, in its order.

    Raises:
        Unusable: if torchvision cannot be imported.
    """
    if raw.torchvision_name is None:
        return []
    try:
        dataset = getattr(import_torchvision().datasets, raw.torchvision_name)
    except (ImportError, OSError, RuntimeError) as error:
        raise Unusable(f"torchvision, which lists them, cannot be imported ({error})") from error
    return [dataset.url] if raw.archive else list(dataset.mirrors)


def download(mirror: str, raw: RawData, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, stored bytes) of each of ``names``, unchecked, from one mirror.

    Raises:
        Unusable: if a download fails; what is left is not asked for, lest each file has to wait
            for a dead host.
    """
    if raw.archive:
        archive = get(mirror)
        check_md5(archive, raw.archive[1])
        yield from members(archive, names)
    else:
        for name in names:
            yield name, get(f"{mirror.rstrip('/')}/{name}.gz")


def get(url: str) -> bytes:
    """Return what an address gives, unchecked.

    Raises:
        Unusable: if the download fails.
    """
    from pooch import HTTPDownloader

    logger.info("downloading %s", url)
    downloader = HTTPDownloader(
        timeout=TIMEOUT, progressbar=sys.stderr.isatty(), chunk_size=1 << 16
    )
    # Kept in memory until its checksum is known: nothing unchecked is ever on disk.
    received = io.BytesIO()
    try:
        downloader(url, received, None)
    except OSError as error:  # what requests raises derives from it
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = f"HTTP status {status}" if status else type(error).__name__
        raise Unusable(f"{url.rsplit('/', 1)[-1]}: {reason}") from error
    return received.getvalue()
