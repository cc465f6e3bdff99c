"""What pages share, done once for all kernels, which are forked after it: imports and results."""

import contextlib
import gc

from spectral_core.paper.pages import (  # noqa: F401
    diagrams,
    explorer,
    flowchart,
    page,
    question_plots,
    stories,
    tables,
)
from spectral_core.paper.questions import comparisons, compression, group_lasso  # noqa: F401
from spectral_core.paper.results import accuracies

with contextlib.suppress(Exception):  # a page that reads the results says what is wrong
    accuracies.results()

gc.freeze()  # all of it stays: no kernel need look through it for garbage
