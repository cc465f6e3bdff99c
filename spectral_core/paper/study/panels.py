"""A panel: methods compared on one network and data set, each with its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spectral_core import _checks
from spectral_core.layers.networks import hidden_label
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.settings import Settings

TRIAL = "released-50-epochs"
"""The source that no claim is about: it asks what made the authors' released results.

Presets smaller than ``paper`` have epochs of their own."""

SOURCES = {
    "text": "text settings",
    "released": "released settings",
    TRIAL: "released settings, 50 epochs",
    "jpeg": "text settings, from a JPEG copy",
}
"""Where the settings of a panel are from: the paper's text; the authors' released results, with as
many epochs as their code has or half of them; the text, with a JPEG copy of the images and weights
of another origin."""

AUTHORS_LEVELS = (30.0, 50.0, 70.0, 80.0, 90.0, 95.0)
"""Percentiles at which the authors released results."""


@dataclass(frozen=True)
class Change:
    """A change to the settings of the paper's text."""

    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that it sets, by name."""
    times: int = 1
    """How many times as many nodes each hidden layer has."""
    methods: tuple[str, ...] = ("post", "pre")
    """Methods that it makes a difference to."""
    depths: tuple[int, ...] = (1, 3)
    """Numbers of hidden layers that it is measured with."""


CHANGES: dict[str, Change] = {
    "both-in-stage-two": Change("stage 2 trains λ and φ", {"stage_two": "both"}, methods=("pre",)),
    # 2000 nodes pruned at 75 % + q/4 leave as many as 500 at q.
    "width": Change(
        "four times the nodes",
        {"percentiles": tuple(75 + q / 4 for q in AUTHORS_LEVELS)},
        times=4,
        depths=(1,),
    ),
    "input-eigenvalues": Change(
        "λ of departure nodes is trained, too", {"input_eigenvalues": True}
    ),
    "narrow-eigenvalues": Change("λ starts in ±0.05", {"eigenvalue_range": (-0.05, 0.05)}),
    "wide-eigenvalues": Change("λ starts in ±1", {"eigenvalue_range": (-1.0, 1.0)}),
    "narrow-eigenvectors": Change("φ starts in ±0.02", {"eigenvector_range": (-0.02, 0.02)}),
    "wide-eigenvectors": Change("φ starts in ±0.4", {"eigenvector_range": (-0.4, 0.4)}),
}
"""What the question ``settings`` changes, one at a time, by name."""


@dataclass(frozen=True)
class Panel:
    """One plot: methods compared on one network and data set."""

    base: Settings
    """Settings of a method that has none of its own."""
    settings: Mapping[str, Settings]
    """Settings of each method that is compared, by its key in
    :data:`~spectral_core.paper.study.methods.METHODS`."""
    source: str = "text"
    """Where the settings are from, out of :data:`SOURCES`."""
    change: str = ""
    """The one setting that differs from those of the text, out of :data:`CHANGES`; ``""`` for
    none."""
    left_out: Mapping[str, Settings] = field(default_factory=dict)
    """Settings of its methods that are not compared now: its name does not depend on the choice."""

    @classmethod
    def of(
        cls,
        base: Settings,
        methods: Sequence[str] = ("direct", "post", "pre"),
        own: Mapping[str, Mapping[str, Any]] | None = None,
        source: str = "text",
    ) -> Panel:
        """A panel from the settings that its methods share; ``own`` has those of single methods
        that differ, by name. Methods also have the settings that make them what they are."""
        return cls(base, {}, source).of_methods(methods, **own or {})

    @property
    def name(self) -> str:
        """``fashion-mnist-elu-500``: data set, activation, hidden widths; ``released``, or what is
        changed."""
        parts = [self.base.dataset, self.base.activation, hidden_label(self.base.hidden)]
        parts += [f"{m}-{hidden_label(h)}" for m, h in sorted(self.hidden_by_method.items())]
        parts += [self.source] if self.source in ("released", TRIAL) else []
        return "-".join([*parts, self.change] if self.change else parts)

    @property
    def hidden_by_method(self) -> dict[str, tuple[int, ...]]:
        """Nodes of each hidden layer of the methods that have others."""
        return {m: s.hidden for m, s in self._every.items() if s.hidden != self.base.hidden}

    @property
    def _every(self) -> dict[str, Settings]:
        return {**self.settings, **self.left_out}

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.base.hidden)

    @property
    def methods(self) -> tuple[str, ...]:
        """Keys of the methods, in order."""
        return tuple(self.settings)

    def map(self, change: Callable[[Settings], Settings]) -> Panel:
        """The panel with a change to the settings of each method."""
        settings, left_out = (
            {method: change(own) for method, own in part.items()}
            for part in (self.settings, self.left_out)
        )
        return replace(self, base=change(self.base), settings=settings, left_out=left_out)

    def of_methods(self, methods: Sequence[str], **own: Mapping[str, Any]) -> Panel:
        """The panel with other methods: those that it has, and new ones with the settings that make
        them what they are; ``own`` has further ones, by method."""
        settings = {
            method: self._every.get(method)
            or replace(self.base, **METHODS[method].settings, **own.get(method, {}))
            for method in (_checks.choice("methods", name, METHODS) for name in methods)
        }
        left_out = {method: s for method, s in self._every.items() if method not in settings}
        return replace(self, settings=settings, left_out=left_out)
