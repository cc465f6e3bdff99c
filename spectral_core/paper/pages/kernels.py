"""Kernels that start in a moment: forked from a process that has what pages need.

It has imported PyTorch, SciPy, pandas and Matplotlib, and read the published results, which takes
longer than most pages take to run. Each page still has a process of its own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from logging import ERROR
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

IMPORTED = ("spectral_core.paper.pages", "IPython.terminal.ipapp", "ipykernel.kernelapp")


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Within, every kernel that this process starts is one of this interpreter, whatever others are
    installed: forked, or a process from nothing where the system has no ``fork``."""
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    if before == "forking":  # within another such block
        yield
        return
    with _Nursery() if hasattr(os, "fork") else contextlib.nullcontext() as nursery:
        Forking.nursery = nursery
        factory.provisioners["forking"] = EntryPoint("forking", f"{__name__}:Forking", "")
        factory.default_provisioner_name = "forking"
        try:
            yield
        finally:
            factory.default_provisioner_name, Forking.nursery = before, None


class Forking(LocalProvisioner):
    """Jupyter's way to start a kernel, by a fork of the nursery."""

    nursery: _Nursery | None = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:
        """Start a kernel, not by the command line that is given; returns where it listens."""
        arguments = ["-f", self.parent.connection_file]
        if self.nursery is None:
            cmd = [sys.executable, "-m", "ipykernel_launcher", *arguments, f"--log-level={ERROR}"]
            return await super().launch_kernel(cmd, **options)
        cwd = str(options.get("cwd") or os.getcwd())
        self.process = self.nursery.fork(
            {"arguments": arguments, "cwd": cwd, "env": options["env"]}
        )
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class _Nursery:
    """The process that has imported everything, and its kernels."""

    def __enter__(self) -> _Nursery:
        self._answer = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # kernels run side by side
        )
        return self

    def fork(self, order: dict[str, Any]) -> _Kernel:
        """Start a kernel: its arguments, folder and environment."""
        with self._answer:
            print(json.dumps(order), file=self._process.stdin, flush=True)
            return _Kernel(int(self._process.stdout.readline()))

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # it ends with its input


class _Kernel:
    """A kernel's process, with what Jupyter uses of a ``Popen``."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        try:
            self.send_signal(0)
        except ProcessLookupError:
            return 0
        return None

    def wait(self) -> int:
        while self.poll() is None:
            time.sleep(0.01)
        return 0

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def serve() -> None:
    """Fork a kernel for each order, a line of JSON on standard input; answer with its number."""
    for name in IMPORTED:
        importlib.import_module(name)
    from spectral_core.paper.results import accuracies

    with contextlib.suppress(Exception):  # a page that reads the results says what is wrong
        accuracies.results()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that have ended leave nothing behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever gave the orders ends this
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _be_a_kernel(**json.loads(line))
        print(child, flush=True)


def _be_a_kernel(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Run a kernel in this process, to its end."""
    from ipykernel.kernelapp import IPKernelApp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # not into the answers
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    # It ends with its parent, and prints errors alone.
    IPKernelApp.launch_instance(arguments, parent_handle=os.getppid(), log_level=ERROR)
    os._exit(0)
