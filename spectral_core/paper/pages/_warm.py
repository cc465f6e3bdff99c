"""What pages share, done once for all kernels, which are forked after it: imports, results and
verdicts."""

import contextlib

from spectral_core.paper.claims.claims import judged
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

with contextlib.suppress(Exception):  # a page that reads the results says what is wrong
    judged()
