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
    content, problems, start = bytearray(), [], time.monotonic()
    # A thread of its own, as a server that sends byte after byte keeps a read from returning.
    download = Thread(target=_receive, args=(url, content, problems), daemon=True)
    download.start()
    while download.is_alive() and not problems:
        download.join(0.1)
        seconds, received = time.monotonic() - start, len(content)
        if seconds > PATIENCE and received < SLOWEST * seconds:
            problems.append(f"too slow, {received} bytes in {seconds:.0f} s")
    if problems:
        raise Unusable(f"{url.rsplit('/', 1)[-1]}: {problems[0]}")
    return bytes(content)


def _receive(url: str, content: bytearray, problems: list[str]) -> None:
    """Add what an address serves to ``content``, until there is one of ``problems``, own or not."""
    import requests

    try:
        with (
            bar(unit="B", unit_scale=True, delay=2) as shown,
            requests.get(url, stream=True, timeout=TIMEOUT) as answer,
        ):
            answer.raise_for_status()
            for piece in answer.iter_content(1 << 13):
                content += piece
                shown.update(len(piece))
                if len(content) > LARGEST:
                    problems.append(f"larger than {LARGEST >> 20} MiB")
                if problems:
                    break
    except requests.HTTPError as error:
        problems.append(f"HTTP status {error.response.status_code}")
    except Exception as error:  # requests and urllib3 have many; none may end in silence
        problems.append(type(error).__name__)
