"""Training a network on tensors that are already in memory. Knows nothing of measurement."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.adam import adam

from spectral_core import _checks
from spectral_core.layers.running import duplicate, undisturbed
from spectral_core.training.autograd import Autograd, Loss
from spectral_core.training.cuda_graphs import Replayed, own_stream
from spectral_core.training.gradients import WrittenOut, is_written_out

PRECISIONS = ("fp32", "bf16")
"""Number formats of the large matrix products."""

OnEpoch = Callable[[int, float], None]
"""Called after each epoch with its number, from 1, and its loss."""

# Adam as Keras sets it. Keras adds ε to √v before, torch to √v̂ after the bias correction; the
# test of this module shows that accuracies don't tell the two apart.
ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-7


class TrainingDiverged(RuntimeError):
    """The loss, or a parameter, became NaN or infinite."""

    member: int = 0
    """Index of the diverged network in its ensemble; 0 for a network trained by itself."""


@dataclass(frozen=True)
class Optimisation:
    """How networks are optimised: the settings of :func:`~spectral_core.train`, checked."""

    epochs: int
    batch_size: int = 200
    learning_rate: float = 1e-3
    precision: str = "fp32"
    penalty: float = 0.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        plain = {
            "epochs": _checks.whole_number("epochs", self.epochs),
            "batch_size": _checks.whole_number("batch_size", self.batch_size, least=1),
            "learning_rate": _checks.number("learning_rate", self.learning_rate, 0, open_low=True),
            "penalty": _checks.number("penalty", self.penalty, 0),
            "decay": _checks.number("decay", self.decay, 0),
        }
        _checks.choice("precision", self.precision, PRECISIONS)
        for name, value in plain.items():  # NumPy's and other numbers as Python's
            object.__setattr__(self, name, value)


class Adam:
    """A fresh ``torch.optim.Adam(fused=True)``, to the bit, without its bookkeeping at each step.

    The bookkeeping takes some 5 % of the time of a small network's step.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], settings: Optimisation) -> None:
        self.parameters = list(parameters)
        self.means, self.squares = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
        self.steps = [torch.zeros((), dtype=torch.float32, device=p.device) for p in parameters]
        self.settings = settings

    @torch.no_grad()
    def step(self) -> None:
        """Move each parameter that has a gradient."""
        state = zip(self.parameters, self.means, self.squares, self.steps)
        moved = [each for each in state if each[0].grad is not None]
        parameters, means, squares, steps = map(list, zip(*moved))
        adam(
            *(parameters, [p.grad for p in parameters], means, squares, [], steps),
            fused=True,
            lr=self.settings.learning_rate,
            beta1=ADAM_BETAS[0],
            beta2=ADAM_BETAS[1],
            eps=ADAM_EPSILON,
            weight_decay=self.settings.decay,
            amsgrad=False,
            maximize=False,
        )


def train(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    epochs: int,
    batch_size: int = 200,
    learning_rate: float = 1e-3,
    precision: str = "fp32",
    penalty: float = 0.0,
    decay: float = 0.0,
    loss: Loss | None = None,
    generator: torch.Generator | None = None,
    on_epoch: OnEpoch | None = None,
) -> list[float]:
    """Minimise the categorical cross-entropy, or another loss, with Adam.

    A penalty γ adds γ Σ|λ_i| over the eigenvalues of each hidden spectral layer, and γ Σ|w_ij| over
    the weights of each hidden plain layer, if these are trained (Appendix D). Only fully connected
    layers count. A decay α adds α/2 Σp² over all trained parameters, output layer and biases
    included.

    Every parameter with ``requires_grad`` is trained, with a new optimiser; the others are not
    changed. The order of the examples is drawn anew each epoch. The last epoch's weights are kept.

    Args:
        network: any module from one batch of inputs to (n, classes) logits, or to what ``loss``
            takes; trained in place.
        inputs: shape (n, …), as the network takes them, on its device; (n, N_1) for a stack of
            fully connected layers.
        targets: class indices, int64, shape (n,); with a ``loss``, what it takes, shape (n, …).
        epochs: passes over the data, at least 0.
        batch_size: examples per step; the last step of an epoch takes what is left.
        learning_rate: Adam's step size, above 0.
        precision: ``"fp32"``: all in the network's own type. ``"bf16"``: large matrix products in
            bfloat16, see :class:`~spectral_core.training.gradients.WrittenOut`; worth it where the
            hardware multiplies such numbers.
        penalty: weight γ of the ℓ1 penalty, at least 0; 0 for none.
        decay: weight α of the L2 term, at least 0; 0 for none. Its gradient α p goes through Adam
            with the loss's, unlike the decoupled decay of AdamW.
        loss: what to minimise in place of the cross-entropy, from a batch's outputs and targets to
            a scalar, their mean over the batch, such as ``F.mse_loss``. Needs ``"fp32"``.
        generator: source of the order, on the CPU whatever the device; torch's default if ``None``.
        on_epoch: called after each epoch with its number, from 1, and its loss.

    Returns:
        Loss of each epoch, averaged over its steps, without penalty and decay; in nats if it is
        the cross-entropy.

    Raises:
        TrainingDiverged: if the loss of a step, or a parameter after the last one, is NaN or
            infinite; names the step and settings.
        TypeError, ValueError: if an argument is out of range, there is nothing to train or to
            penalise, or the precision is not supported for this network or loss.
    """
    _checks.module("network", network)
    settings = Optimisation(epochs, batch_size, learning_rate, precision, penalty, decay)
    draw_order = partial(torch.randperm, generator=generator, device="cpu")
    history = fit(network, inputs, targets, settings, draw_order, loss, on_epoch)
    return [losses[0] for losses in history]


def fit(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    settings: Optimisation,
    draw_order: Callable[[int], Tensor],
    loss: Loss | None = None,
    on_epoch: OnEpoch | None = None,
) -> list[list[float]]:
    """The loop of :func:`~spectral_core.train` and its ensembles; arguments and errors as there.

    Args:
        network: one network, or the stacked parameters of E, see
            :func:`~spectral_core.training.ensemble.stacked`.
        draw_order: from the number n of examples to an order of them, (n,) or (E, n), on the CPU.

    Returns:
        For each epoch the loss of each network, one or E.
    """
    _checks.examples(inputs, targets, classes=loss is None)
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("network must have parameters with requires_grad; got none to train")
    if loss is None and is_written_out(network):
        gradients = WrittenOut(network, inputs, targets, settings.precision, settings.penalty)
    elif settings.precision == "fp32":
        gradients = Autograd(network, inputs, targets, loss or F.cross_entropy, settings.penalty)
    else:
        raise ValueError(
            "precision must be fp32 unless the loss is the default and network is an nn.Sequential "
            "of Linear or SpectralLinear layers with ELU, ReLU or tanh in between; got "
            f"{settings.precision!r}"
        )
    optimiser = Adam(parameters, settings)

    def step(batch: Tensor) -> Tensor:
        loss = gradients(batch)  # and ∂L/∂p in the grad of each parameter
        optimiser.step()
        return loss

    if inputs.is_cuda and isinstance(gradients, WrittenOut):
        step = Replayed(step)
    # Losses of an epoch stay on the device until it ends: no wait per step.
    shape = (math.ceil(len(inputs) / settings.batch_size), gradients.members)
    dtype = torch.promote_types(parameters[0].dtype, torch.float32)
    losses = torch.empty(shape, dtype=dtype, device=inputs.device)
    history: list[list[float]] = []
    if settings.epochs and 1 in (settings.batch_size, len(inputs) % settings.batch_size):
        _check_batch_of_one(network, inputs[:1])
    _train_mode(network)
    try:
        with denormals_flushed(), own_stream(inputs):
            for epoch in range(1, settings.epochs + 1):
                order = draw_order(len(inputs)).to(inputs.device)
                for i, batch in enumerate(order.split(settings.batch_size, dim=-1)):
                    losses[i] = step(batch)
                _check_losses(losses, epoch, settings)
                history.append(losses.mean(dim=0).tolist())
                if on_epoch is not None:
                    on_epoch(epoch, history[-1][0])
        _check_parameters(parameters, gradients.members, settings)
    finally:
        for parameter in parameters:  # leave no gradients behind
            parameter.grad = None
    return history


def _train_mode(network: nn.Module) -> None:
    """Training mode, but for frozen norms that were in evaluation mode: their statistics stay."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    frozen = [norm for norm in norms if not norm.training and _is_frozen(norm, network)]
    network.train()
    for norm in frozen:
        norm.eval()


def _is_frozen(norm: nn.Module, network: nn.Module) -> bool:
    """Whether a norm's parameters are frozen; of one that has none, whether others are."""
    if own := list(norm.parameters()):
        return not any(parameter.requires_grad for parameter in own)
    return not all(parameter.requires_grad for parameter in network.parameters())


def _check_batch_of_one(network: nn.Module, example: Tensor) -> None:
    """Raise if batch normalisation cannot take a batch of one example, (1, …)."""
    if not any(isinstance(module, _BatchNorm) for module in network.modules()):
        return
    try:
        trial = duplicate(network)
    except TypeError:  # it cannot be tried, but perhaps it trains
        return
    _train_mode(trial)
    try:
        with undisturbed(trial):
            trial(example)
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ValueError(
            "batch_size must not leave a batch of one example, which batch normalisation cannot "
            f"take here: {error}"
        ) from error


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Round denormal floats to 0 in this thread.

    Once the training set is fitted, gradients and Adam's moments fall below the smallest normal
    float, where a CPU is several times slower; no result depends on numbers of that size.
    """
    smallest = torch.tensor([torch.finfo(torch.float32).tiny], device="cpu")
    already = bool((smallest * 0.5 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(already)


@contextmanager
def single_thread() -> Iterator[None]:
    """Let torch compute on one thread, which makes its sums independent of the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check_losses(losses: Tensor, epoch: int, settings: Optimisation) -> None:
    """Raise if one of the losses of an epoch, (steps, E), is not finite."""
    for step, member in (~losses.isfinite()).nonzero().tolist():
        loss = losses[step, member].item()
        raise _diverged(
            f"the loss became {loss} at step {step + 1} of epoch {epoch}", member, settings
        )


def _check_parameters(parameters: Sequence[Tensor], members: int, settings: Optimisation) -> None:
    """Raise if the last step, which no loss has seen, left a parameter that is not finite."""
    finite = [p.detach().isfinite().reshape(members, -1).all(dim=1) for p in parameters]
    for (member,) in (~torch.stack(finite).all(dim=0)).nonzero().tolist():
        raise _diverged("a parameter is nan or infinite after the last step", member, settings)


def _diverged(event: str, member: int, settings: Optimisation) -> TrainingDiverged:
    error = TrainingDiverged(
        f"{event} (learning rate {settings.learning_rate:g}, batch size {settings.batch_size}); "
        "try a smaller learning rate"
    )
    error.member = member
    return error
