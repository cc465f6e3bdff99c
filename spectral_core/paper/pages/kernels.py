"""Kernels that start in a moment: forked from a process that has what pages need.

It has imported PyTorch, SciPy, pandas and Matplotlib, and read the published results, which takes
longer than most pages take to run. Each page still has a process of its own.
"""

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from logging import ERROR
from typing import Any

import torch
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

WARM = ["IPython.terminal.ipapp", "ipykernel.kernelapp", "spectral_core.paper.pages._warm"]
"""What is imported before kernels are forked."""
_CONTEXT = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Within, every kernel that this process starts is one of this interpreter, whatever others are
    installed: forked, or a process from nothing where the system has no ``fork``."""
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    factory.provisioners["forking"] = EntryPoint("forking", f"{__name__}:Forking", "")
    factory.default_provisioner_name = "forking"
    try:
        yield
    finally:
        factory.default_provisioner_name = before


class Forking(LocalProvisioner):
    """Jupyter's way to start a kernel, by a fork of the process that has imported everything."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:
        """Start a kernel, not by the command line that is given; returns where it listens."""
        arguments = ["-f", self.parent.connection_file, "--HistoryManager.hist_file=:memory:"]
        if not hasattr(os, "fork"):
            cmd = [sys.executable, "-m", "ipykernel_launcher", *arguments, f"--log-level={ERROR}"]
            return await super().launch_kernel(cmd, **options)
        cwd = str(options.get("cwd") or os.getcwd())
        _CONTEXT.set_forkserver_preload(WARM)
        self.process = _Kernel(target=_be_a_kernel, args=(arguments, cwd, dict(options["env"])))
        self.process.start()
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class _Kernel(_CONTEXT.Process):
    """A kernel's process, with what Jupyter uses of a ``Popen``."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int | None:
        self.join()
        return self.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def _be_a_kernel(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Run a kernel in this process, to its end."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    torch.set_num_threads(1)  # kernels run side by side
    # It ends with its parent, and prints errors alone.
    IPKernelApp.launch_instance(arguments, parent_handle=os.getppid(), log_level=ERROR)
