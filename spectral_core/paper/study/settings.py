"""Settings of one network: how it is built, trained and pruned. The defaults are Fig. 3's."""

# ruff: noqa: RUF009 (the calls in the class make fields)

from __future__ import annotations  # types are read as text: options.py

import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from spectral_core import _checks
from spectral_core.data import DATASETS, FEATURES, complete_name, identify
from spectral_core.data.backbone import identify as identify_weights
from spectral_core.layers.linear import StartingRange, starting_range
from spectral_core.layers.networks import ACTIVATIONS
from spectral_core.training.loop import PRECISIONS

Widths = tuple[int, ...]
Seeds = tuple[int, ...]
Numbers = tuple[float, ...]
Range = tuple[float, float]

MOST_SEEDS = 10_000


class Rule(NamedTuple):
    """What values a setting may have."""

    check: Callable[[str, Any], Any]
    """From name and value to the value as it is kept; raises if it is not valid."""
    values: str
    """The valid values, in words."""


def _whole(least: int) -> Rule:
    return Rule(lambda n, v: _checks.whole_number(n, v, least), f"whole number, at least {least}")


def _number(values: str, *bounds: float, **options: bool) -> Rule:
    return Rule(lambda n, v: _checks.number(n, v, *bounds, **options), values)


def _numbers(values: str, low: float, high: float) -> Rule:
    return Rule(lambda n, v: _checks.numbers(n, _listed(v), low, high), values)


def _one_of(choices: Iterable[str]) -> Rule:
    return Rule(lambda n, v: _checks.choice(n, v, choices), ", ".join(choices))


def _widths(name: str, value: Any) -> Widths:
    return _checks.whole_numbers(name, _listed(value), least=1)


def _seeds(name: str, value: Any) -> Seeds:
    if isinstance(value, int):
        if _checks.whole_number(name, value, least=1) > MOST_SEEDS:
            raise ValueError(f"{name} must be at most {MOST_SEEDS:,} seeds; got {value:,}")
        return tuple(range(value))
    return _checks.whole_numbers(name, _checks.distinct(name, value))


def _images(name: str, value: Any) -> int | None:
    return None if value is None else _checks.whole_number(name, value, least=1)


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, int | float) else value


def _setting(default: Any, rule: Rule, text: str) -> Any:
    """A field with its default, its rule and one line of help."""
    return dataclasses.field(default=default, metadata={"rule": rule, "help": text})


@dataclass(frozen=True)
class Training:
    """What the first training of a network depends on, but for its method, seed and weight γ."""

    dataset: str = _setting(
        "fashion-mnist",
        Rule(lambda _, value: identify(value), f"{', '.join(DATASETS)}, or imagefolder:PATH"),
        "Data set; imagefolder:PATH for your own images, in a folder or tar archive with "
        "train/CLASS/… and test/CLASS/….",
    )
    train_images: int | None = _setting(
        None,
        Rule(_images, "whole number, at least 1; all by default"),
        "Train on only the first N training images.",
    )
    activation: str = _setting("elu", _one_of(ACTIVATIONS), "Activation of the hidden layers.")
    hidden: Widths = _setting(
        (500,), Rule(_widths, "whole numbers, at least 1"), "Nodes of each hidden layer."
    )
    output_bias: bool = _setting(
        False,
        Rule(_checks.flag, "True or False"),
        "Whether the output layer has a bias; hidden layers have none.",
    )
    eigenvalue_range: Range = _setting(
        (-0.5, 0.5),
        Rule(_checks.interval, "two numbers, low ≤ high"),
        "Range from which λ is drawn uniformly at the start.",
    )
    eigenvector_range: StartingRange = _setting(
        (-0.2, 0.2),
        Rule(starting_range, "two numbers, low ≤ high, or glorot"),
        "Range from which φ is drawn uniformly at the start; glorot for "
        "±√(6 / (departure + arrival nodes)).",
    )
    input_eigenvalues: bool = _setting(
        False,
        Rule(_checks.flag, "True or False"),
        "Whether the λ of departure nodes are trained, too; if not, they are 0.",
    )
    epochs: int = _setting(100, _whole(0), "Epochs of stage 1, the first training.")
    batch_size: int = _setting(200, _whole(1), "Training images per step of the optimiser.")
    learning_rate: float = _setting(
        1e-3, _number("number above 0", 0, open_low=True), "Step size of Adam."
    )
    precision: str = _setting(
        "fp32", _one_of(PRECISIONS), "Precision of large matrix products in training."
    )
    decay: float = _setting(
        0.0,
        _number("number, at least 0", 0),
        "Weight α of the L2 term α/2 Σ θ² over all that stage 1 trains.",
    )


@_checks.named_settings
@dataclass(frozen=True)
class Settings(Training):
    """How a network is built, trained and pruned, and at which levels and seeds.

    Each field's metadata hold its ``rule`` (a :class:`Rule`) and its ``help``; options of the
    command line, what notebooks accept and the data dictionary come from them.

    Raises:
        TypeError, ValueError: if a name or a value is not valid; names the nearest valid name.
    """

    features: str = _setting(
        "none",
        _one_of(FEATURES),
        "Inputs of the network: none for the pixels of an image; max or mean for its features from "
        "a frozen MobileNetV2, pooled in that way (Appendix D).",
    )
    backbone_weights: str = _setting(
        "imagenet",
        Rule(
            lambda _, value: identify_weights(value),
            "imagenet, a file, or the first 8 digits of its SHA-256",
        ),
        "Weights of the MobileNetV2 of features: imagenet for torchvision's, which are downloaded; "
        "or a file with a state dict of torchvision's mobilenet_v2.",
    )
    penalties: Numbers = _setting(
        (0.0,),
        _numbers("numbers, at least 0", 0, math.inf),
        "Weights γ of the ℓ1 penalty (Appendix D), one curve each.",
    )
    retraining_epochs: int = _setting(
        20, _whole(0), "Epochs of stage 2, after pruning, for methods that retrain."
    )
    stage_two: str = _setting(
        "eigenvectors",
        _one_of(("eigenvectors", "both")),
        "What stage 2 of the two-stage method trains; both is what the released code did.",
    )
    rounds: int = _setting(
        1,
        _whole(1),
        "Rounds of pruning and retraining that share the epochs of stage 2; each ranks anew.",
    )
    percentiles: Numbers = _setting(
        tuple(float(q) for q in range(0, 100, 5)),
        _numbers("numbers in [0, 100]", 0, 100),
        "Pruning levels: percentiles of the score below which nodes are removed.",
    )
    seeds: Seeds = _setting(
        tuple(range(5)),
        Rule(_seeds, "a count, or whole numbers of at least 0"),
        "Number of seeds (3 means 0, 1 and 2), or a list of them; on the command line, '4,' is "
        "seed 4 alone.",
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = field.metadata["rule"].check(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    @property
    def inputs(self) -> str:
        """Complete name of what the network takes, see :func:`spectral_core.data.complete_name`."""
        return complete_name(self.dataset, self.features, self.backbone_weights)


def in_words(value: Any) -> str:
    """A value as a reader writes it: ``0.001``, ``glorot``, ``−0.5 to 0.5``, ``30, 50, 70``."""
    if isinstance(value, tuple | list):
        between = " to " if len(value) == 2 else ", "
        return between.join(in_words(item) for item in dict.fromkeys(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{'−' if value < 0 else ''}{abs(value):g}"
