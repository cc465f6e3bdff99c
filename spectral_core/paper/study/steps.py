"""Steps: the complete configuration of each training and each pruning, and its name."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spectral_core.layers.networks import hidden_label
from spectral_core.paper.study.methods import BOTH_STAGES, METHODS, Ranking
from spectral_core.paper.study.settings import Settings, Training

ALGORITHM = 2
"""Version of the mathematics. Raise it when the same configuration gives other numbers."""


_fields = functools.cache(dataclasses.fields)


class _Step:
    @property
    def key(self) -> str:
        """Name of the step in the store."""
        text = json.dumps(describe(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, kw_only=True)
class TrainStep(Training, _Step):
    """Configuration of one trained network, complete: what is not here cannot change it.

    ``dataset`` is the complete name of what the network takes. Plain layers have no start of λ and
    φ: ``None``.
    """

    layers: str
    trains: str
    seed: int
    penalty: float = 0.0
    held_out: bool = False
    """Whether a tenth of the training images is left out, to measure by in place of the test set.
    """

    kind = "train"
    epoch_cost = 100
    """Rough cost of an epoch. Costs are in hundredths of an epoch of the unpruned network."""

    @property
    def cost(self) -> int:
        """Rough cost of the step."""
        return self.epoch_cost * self.epochs

    def __str__(self) -> str:
        hidden = hidden_label(self.hidden)
        penalty = f" γ {self.penalty:g}" if self.penalty else ""
        return f"{self.dataset} {self.activation} {hidden} {self.layers}{penalty} seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class CutStep(Ranking, _Step):
    """Configuration of one cut through a trained network, with its retraining if it has one."""

    trained: TrainStep
    percentile: float
    retrains: str | None
    retraining_epochs: int
    restarts: bool = False
    rounds: int = 1

    kind = "cut"

    @property
    def epoch_cost(self) -> int:
        """Rough cost of an epoch of retraining: the per cent of nodes that are left, at least 1; of
        rounds the average."""
        gone = self.percentile * (self.rounds + 1) / (2 * self.rounds)
        return max(1, round(100 - gone))

    @property
    def cost(self) -> int:
        """Rough cost of the step: 3 for each time that it is tested."""
        return 3 * self.draws + self.epoch_cost * self.retraining_epochs

    def __str__(self) -> str:
        return f"{self.trained} cut by {self.score} at {self.percentile:g} %"


Step = TrainStep | CutStep


def with_trainings(cuts: Iterable[CutStep]) -> list[Step]:
    """The trainings behind some cuts, then the cuts themselves, each once."""
    cuts = list(cuts)
    return list(dict.fromkeys([*(cut.trained for cut in cuts), *cuts]))


def cut_step(
    settings: Settings, method: str, seed: int, percentile: float, penalty: float = 0.0
) -> CutStep:
    """Full configuration of one point: a network trained, pruned once and perhaps retrained. The
    seeds, percentiles and penalties of the settings are left aside."""
    how = METHODS[method]
    own = {field.name: getattr(settings, field.name) for field in _fields(Training)}
    if how.layers == "direct":
        own |= {"eigenvalue_range": None, "eigenvector_range": None, "input_eigenvalues": False}
    trained = TrainStep(
        **own | {"dataset": settings.inputs},
        layers=how.layers,
        trains=how.trains,
        seed=seed,
        penalty=float(penalty),  # 0 and 0.0 have one name
    )
    epochs = settings.retraining_epochs if how.retrained else 0
    epochs += settings.epochs if how.from_scratch == BOTH_STAGES else 0
    restarts = how.from_scratch is not None
    part = "both" if how.trains == "both" or restarts else settings.stage_two
    in_rounds = epochs > 0 and how.removes == "nodes" and not restarts
    return CutStep(
        trained=trained,
        percentile=float(percentile),
        retrains=part if epochs > 0 or restarts else None,
        retraining_epochs=epochs,
        restarts=restarts,
        rounds=settings.rounds if in_rounds else 1,
        **{field.name: getattr(how, field.name) for field in _fields(Ranking)},
    )


_NAMED = {"dataset", "train_images", "activation", "hidden", "eigenvalue_range"}
_NAMED |= {"eigenvector_range", "epochs", "batch_size", "learning_rate", "precision"}
"""Fields with a default that the names of steps have had from the first, at whatever value."""


def describe(step: Step) -> dict[str, Any]:
    """Configuration of a step as plain JSON data, algorithm version included.

    A field at its default is left out: a new one leaves the names of finished steps as they are.
    """
    return {"kind": step.kind, "algorithm": ALGORITHM, **_plain(step)}


def _plain(step: _Step) -> dict[str, Any]:
    found = {}
    for field in _fields(type(step)):
        value = getattr(step, field.name)
        if value != field.default or field.name in _NAMED:
            whole = isinstance(value, _Step)
            found[field.name] = _plain(value) if whole else _listed(value)
    return found


def _listed(value: Any) -> Any:
    return list(map(_listed, value)) if isinstance(value, tuple) else value
