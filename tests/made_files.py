"""Raw files in archives and directories, and servers on the loopback, made for tests."""

import gzip
import hashlib
import io
import tarfile
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def gzipped(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in contents.items()}


def tar(contents: dict[str, bytes], mode: str, folder: str = ".") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def flip(content: bytes, position: int) -> bytes:
    """With some bits of one byte flipped."""
    changed = bytearray(content)
    changed[position] ^= 0x55
    return bytes(changed)


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below ``directory``, but for locks, with its content."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@contextmanager
def mirror(files: dict[str, bytes], *, wait: float = 0, during=lambda: None, instead=None):
    """Serve ``files`` on the loopback; yield (url, requested names).

    Args:
        files: file name to body.
        wait: seconds before an answer.
        during: called half-way through each body.
        instead: called with the connection, in place of any other answer.
    """
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/files/")
            requests.append(name)
            time.sleep(wait)
            if instead:
                return instead(self.connection)
            if (body := files.get(name)) is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            during()
            self.wfile.write(body[len(body) // 2 :])

        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client gives up on a mirror that hangs
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/files/", requests
    finally:
        server.shutdown()
        server.server_close()
