"""What the paper leaves open, answered from results."""

from spectral_core.paper.questions.methods import (
    PAPERS,
    budget_answer,
    by_depth,
    chance_answer,
    criteria_table,
    exception_answer,
    ingredients_table,
    score_answer,
    stronger_answer,
    vanished_answer,
)

__all__ = [
    "PAPERS",
    "budget_answer",
    "by_depth",
    "chance_answer",
    "criteria_table",
    "exception_answer",
    "ingredients_table",
    "score_answer",
    "stronger_answer",
    "vanished_answer",
]
