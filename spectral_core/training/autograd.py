"""Loss and gradients of a network of any kind, by automatic differentiation; the ℓ1 penalty."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Dense, is_stack, spectrum

Loss = Callable[[Tensor, Tensor], Tensor]
"""From the outputs and the targets of a batch, (m, …) each, to their mean loss, a scalar."""


class Autograd:
    """One training problem: from the indices of a batch to its loss and gradients.

    Inputs and targets have shape (n, …); ``penalty``, at least 0, is γ of the ℓ1 penalty on what
    :func:`penalised` names.
    """

    members = 1

    def __init__(
        self, network: nn.Module, inputs: Tensor, targets: Tensor, loss: Loss, penalty: float = 0.0
    ) -> None:
        self.network, self.inputs, self.targets, self.loss = network, inputs, targets, loss
        self.trained = [p for p in network.parameters() if p.requires_grad]
        self.penalty, self.penalised = penalty, penalised(network, penalty, inputs)

    def __call__(self, batch: Tensor) -> Tensor:
        """Leave the gradients of a batch, penalty included, in the parameters.

        From the indices (m,) of its examples to the loss, without the penalty, of shape ().
        """
        for parameter in self.trained:
            parameter.grad = None
        outputs = self.network(self.inputs[batch])
        if self.loss is F.cross_entropy:
            _checks.outputs(outputs)
        targets = self.targets[batch]
        _checks.paired(self.loss, outputs, targets)
        loss = objective = _checks.mean_loss(self.loss(outputs, targets))
        if self.penalised:
            objective = loss + self.penalty * sum(p.abs().sum() for p in self.penalised)
        objective.backward()
        return loss.detach()


def penalised(
    network: nn.Module, penalty: float, inputs: Tensor | None = None
) -> list[nn.Parameter]:
    """Parameters that the ℓ1 penalty γ of Appendix D acts on; none if γ is 0.

    They are the eigenvalues of the arrival nodes of each hidden spectral layer, and the weights of
    each hidden plain one, where these train. Hidden are fully connected layers whose nodes another
    one reads, see :class:`~spectral_core.layers.flow.Flow`, which takes inputs as an example.

    Raises:
        ValueError: if γ is above 0 and there are no such parameters, or a mask or another
            parametrisation computes them.
    """
    acted_on: list[nn.Parameter] = []
    layers = [module for module in network.modules() if isinstance(module, Dense)]
    if penalty and layers:
        if is_stack(network) and set(layers) <= set(network.children()):
            hidden = layers[:-1]  # not by running it: the layers may be those of an ensemble
        else:
            flow = Flow(network, inputs)
            hidden = [flow.layers[name] for name in flow.inner]
        of_hidden = [m.weight if (s := spectrum(m)) is None else s.eigenvalues for m in hidden]
        if not all(isinstance(of_layer, nn.Parameter) for of_layer in of_hidden):
            raise ValueError(
                f"penalty={penalty:g} needs hidden layers whose weights are parameters; got masks "
                "or other parametrisations. Make them permanent first, with "
                "torch.nn.utils.prune.remove or torch.nn.utils.parametrize.remove_parametrizations"
            )
        acted_on = [parameter for parameter in of_hidden if parameter.requires_grad]
    if penalty and not acted_on:
        raise ValueError(
            f"penalty={penalty:g} has nothing to act on: no hidden fully connected layer has "
            "eigenvalues, or plain weights, that train; set it to 0"
        )
    return acted_on
