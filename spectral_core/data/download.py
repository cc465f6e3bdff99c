"""Downloads into memory, bounded in time and size."""

import logging
import time
from threading import Thread

from spectral_core._progress import bar
from spectral_core.data.unpacking import LARGEST, Unusable

logger = logging.getLogger(__name__)

# Seconds to wait for a connection, and for each next piece of an answer. A host with several
# addresses is given the first of these for each of them in turn.
TIMEOUT = (5, 10)
# Seconds after which a download must have had so many bytes a second on average. With the largest
# size, this ends every download.
PATIENCE, SLOWEST = 30, 1 << 14


def get(url: str) -> bytes:
    """Return what an address serves, in memory, or raise ``Unusable`` if the download fails, is too
    slow or too large: nothing unchecked is ever on disk."""
    logger.info("downloading %s", url)
    download, start = _Download(url), time.monotonic()
    download.start()
    while download.is_alive() and not download.problem:
        download.join(0.1)
        seconds, received = time.monotonic() - start, len(download.content)
        if seconds > PATIENCE and received < SLOWEST * seconds:
            download.problem = f"too slow, {received} bytes in {seconds:.0f} s"
    if download.problem:
        raise Unusable(f"{url.rsplit('/', 1)[-1]}: {download.problem}")
    return bytes(download.content)


class _Download(Thread):
    """A thread of its own, as a server that sends byte after byte keeps a read from returning."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.content, self.problem = url, bytearray(), ""

    def run(self) -> None:
        import requests

        try:
            with (
                bar(unit="B", unit_scale=True, delay=2) as shown,
                requests.get(self.url, stream=True, timeout=TIMEOUT) as answer,
            ):
                answer.raise_for_status()
                for piece in answer.iter_content(1 << 13):
                    self.content += piece
                    shown.update(len(piece))
                    if len(self.content) > LARGEST:
                        self.problem = f"larger than {LARGEST >> 20} MiB"
                    if self.problem:
                        break
        except requests.HTTPError as error:
            self.problem = f"HTTP status {error.response.status_code}"
        except Exception as error:  # requests and urllib3 have many; none may end in silence
            self.problem = self.problem or type(error).__name__
