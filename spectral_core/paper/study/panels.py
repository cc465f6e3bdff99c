"""A panel and its recipe: one plot, and how the networks behind it are trained and cut."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spectral_core import _checks
from spectral_core.data import FEATURES, complete_name, identify
from spectral_core.data.backbone import identify as identify_weights
from spectral_core.layers.linear import StartingRange, starting_range
from spectral_core.layers.networks import ACTIVATIONS, hidden_label
from spectral_core.paper.study.methods import STRATEGIES
from spectral_core.paper.study.variations import VARIATIONS
from spectral_core.training.loop import PRECISIONS

TRIAL = "released-50-epochs"
"""The variant that no claim is about: it asks what made the authors' released results.

Presets smaller than ``paper`` have epochs of their own."""

VARIANTS = {
    "": "as written",
    "released": "as released",
    TRIAL: "as released, after 50 epochs",
    "jpeg": "from a JPEG copy",
}
"""Settings of a panel, in words: those of the paper's text; of the authors' released results, with
as many epochs as their code has or with half of them; those of the text, with a JPEG copy of the
images and weights that came another way."""


@_checks.named_settings
@dataclass(frozen=True)
class Panel:
    """One plot: a data set, a network, and the methods compared on it."""

    dataset: str
    """Name of a data set, see :data:`spectral_core.data.DATASETS`; or ``imagefolder:PATH``, which
    becomes a name by content."""
    activation: str
    """``"elu"``, ``"relu"`` or ``"tanh"``."""
    hidden: tuple[int, ...]
    """Nodes of each hidden layer, each at least 1."""
    hidden_by_method: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Widths of the methods that differ from ``hidden``."""
    methods: tuple[str, ...] = ("direct", "post", "pre")
    """Names out of :data:`~spectral_core.paper.study.methods.STRATEGIES`."""
    output_bias: bool = False
    """Whether the output layer has a bias; hidden layers have none."""
    input_eigenvalues: bool = False
    """Whether the departure nodes of each spectral layer have trainable eigenvalues, too; if not,
    they are 0. Nodes are ranked by the eigenvalue with which they arrive in either case."""
    features: str = "none"
    """What the network takes of an image: ``"none"`` for its pixels; ``"max"`` or ``"mean"`` for
    features of a frozen MobileNetV2, pooled in that way (Appendix D)."""
    backbone_weights: str = "imagenet"
    """That network's weights: torchvision's, a file, or the beginning of its SHA-256, which a file
    becomes."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`Recipe` that the panel sets whatever the preset. A number of epochs, seeds,
    cuts or images holds at the preset ``paper`` only."""
    recipe_by_method: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same for some methods only."""
    variant: str = ""
    """Out of :data:`VARIANTS`; ``""``: as the paper's text has it."""
    variation: str = ""
    """The one setting in which it departs from that, out of
    :data:`~spectral_core.paper.study.variations.VARIATIONS`; ``""`` for none."""

    def __post_init__(self) -> None:
        _checks.assign(self, dataset=identify(self.dataset))
        _checks.choice("activation", self.activation, ACTIVATIONS)
        _checks.assign(self, hidden=_checks.whole_numbers("hidden", self.hidden, least=1))
        _checks.assign(self, methods=_checks.distinct("methods", self.methods))
        for name in self.methods:
            _checks.choice("methods", name, STRATEGIES)
        if not isinstance(self.hidden_by_method, Mapping):
            raise TypeError(
                f"hidden_by_method must map methods to widths; got {self.hidden_by_method!r}"
            )
        for name in self.hidden_by_method:
            _checks.choice("hidden_by_method", name, STRATEGIES)
        widths = {
            method: _checks.whole_numbers(f"hidden_by_method[{method!r}]", hidden, least=1)
            for method, hidden in self.hidden_by_method.items()
        }
        _checks.assign(self, hidden_by_method=widths)
        for name in ("output_bias", "input_eigenvalues"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False; got {getattr(self, name)!r}")
        if not isinstance(self.recipe, Mapping):
            raise TypeError(f"recipe must map fields of a Recipe to values; got {self.recipe!r}")
        _checks.choice("features", self.features, FEATURES)
        _checks.assign(self, backbone_weights=identify_weights(self.backbone_weights))
        for method, recipe in {"": self.recipe, **self.recipe_by_method}.items():
            if method:
                _checks.choice("recipe_by_method", method, STRATEGIES)
            Recipe(**recipe)  # raises if one is not valid
        _checks.choice("variant", self.variant, VARIANTS)
        _checks.choice("variation", self.variation, ["", *VARIATIONS])

    @property
    def name(self) -> str:
        """``fashion-mnist-elu-500``: data set, activation, hidden widths; ``released``, or what
        varies."""
        parts = [self.dataset, self.activation, hidden_label(self.hidden)]
        parts += [f"{m}-{hidden_label(h)}" for m, h in sorted(self.hidden_by_method.items())]
        parts += [self.variant] if self.variant in ("released", TRIAL) else []
        return "-".join([*parts, self.variation] if self.variation else parts)

    @property
    def inputs(self) -> str:
        """Complete name of what the networks take, see :func:`spectral_core.data.complete_name`."""
        return complete_name(self.dataset, self.features, self.backbone_weights)

    def hidden_of(self, method: str) -> tuple[int, ...]:
        """Nodes of each hidden layer in the network of one method."""
        return self.hidden_by_method.get(method, self.hidden)


def in_words(value: Any) -> str:
    """A setting as a reader writes it: ``0.001``, ``glorot``, ``−0.5 to 0.5``, ``30, 50, 70``."""
    if isinstance(value, tuple | list):
        between = " to " if len(value) == 2 else ", "
        return between.join(in_words(each) for each in dict.fromkeys(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return f"{'−' if value < 0 else ''}{abs(value):g}"


@_checks.named_settings
@dataclass(frozen=True)
class Recipe:
    """How each network is trained and cut. The defaults are the paper's settings."""

    epochs: int = 100
    """Epochs of the first training."""
    retraining_epochs: int = 20
    """Epochs of stage 2, after each cut, for methods that retrain."""
    stage_two: str = "eigenvectors"
    """What stage 2 trains: ``"eigenvectors"``, as the text says, or ``"both"``, as the code did."""
    batch_size: int = 200
    """Examples per step."""
    learning_rate: float = 1e-3
    """Adam's step size."""
    precision: str = "fp32"
    """``"fp32"``, or ``"bf16"`` for large matrix products in bfloat16."""
    eigenvalue_range: tuple[float, float] = (-0.5, 0.5)
    """Uniform start of λ."""
    eigenvector_range: StartingRange = (-0.2, 0.2)
    """Uniform start of φ; ``"glorot"`` for ±√(6 / (N_k + N_{k+1}))."""
    decay: float = 0.0
    """Weight α of the L2 term, α/2 times the sum of squares of all that the first training
    adjusts."""
    rounds: int = 1
    """Steps in which a cut that retrains is reached, each of which ranks and trains what is left;
    they share the epochs of stage 2."""
    penalties: tuple[float, ...] = (0.0,)
    """Weights γ of the ℓ1 penalty (Appendix D), one curve each; 0 for none."""
    percentiles: tuple[float, ...] = tuple(float(q) for q in range(0, 100, 5))
    """Percentiles of the score to cut at, each in [0, 100]."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One realisation each."""
    train_images: int | None = None
    """Train on the first so many images only; ``None`` for all."""

    def __post_init__(self) -> None:
        _checks.choice("stage_two", self.stage_two, ("eigenvectors", "both"))
        _checks.choice("precision", self.precision, PRECISIONS)
        _checks.assign(
            self,
            epochs=_checks.whole_number("epochs", self.epochs),
            retraining_epochs=_checks.whole_number("retraining_epochs", self.retraining_epochs),
            batch_size=_checks.whole_number("batch_size", self.batch_size, least=1),
            rounds=_checks.whole_number("rounds", self.rounds, least=1),
            learning_rate=_checks.number("learning_rate", self.learning_rate, 0, open_low=True),
            eigenvalue_range=_checks.interval("eigenvalue_range", self.eigenvalue_range),
            eigenvector_range=starting_range("eigenvector_range", self.eigenvector_range),
            decay=_checks.number("decay", self.decay, 0),
            penalties=_checks.numbers("penalties", self.penalties, 0, math.inf),
            percentiles=_checks.numbers("percentiles", self.percentiles, 0, 100),
            seeds=_checks.whole_numbers("seeds", _checks.distinct("seeds", self.seeds)),
        )
        if self.train_images is not None:
            images = _checks.whole_number("train_images", self.train_images, least=1)
            _checks.assign(self, train_images=images)
