"""A plugin of pytest for ``--nbmake``: kernels start warm, see ``make test``."""

from contextlib import ExitStack


def pytest_configure(config):
    if hasattr(config, "workerinput") or not config.option.numprocesses:  # whoever runs tests
        from spectral_core.paper.pages import kernels

        stack = ExitStack()
        config.add_cleanup(stack.close)
        stack.enter_context(kernels.forked())
