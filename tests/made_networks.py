"""Networks made for tests, and a plain loop that trains them."""

import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

from spectral_core import SpectralLinear, direct_mlp, spectral, spectral_mlp, train_only
from spectral_core.data import load
from spectral_core.layers.kinds import departure_width
from spectral_core.training.loop import ADAM_EPSILON

DOUBLE = torch.float64


class Conv1D(nn.Module):
    """GPT-2's fully connected layer, which is known by its name; its weight is (in, out)."""

    __module__ = "transformers.pytorch_utils"

    def __init__(self, nx, nf):
        super().__init__()
        self.nf, self.nx = nf, nx
        self.weight, self.bias = nn.Parameter(torch.randn(nx, nf)), nn.Parameter(torch.randn(nf))

    def forward(self, x):
        return x @ self.weight + self.bias


# Small ones that do more than their layers say


def plain():
    """The same at each call; the others are this one, changed."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))


def masked():
    network = plain()
    prune.random_unstructured(network[0], "weight", amount=0.5)
    return network


def used_twice():
    first, *_ = plain()
    return nn.Sequential(first, nn.Tanh(), first, nn.Tanh(), nn.Linear(3, 2))


def tied():
    network = plain()
    network[2].weight = network[0].weight
    return network


def hooked():
    network = plain()
    network[0].register_forward_hook(lambda module, inputs, outputs: outputs.softmax(-1))
    return network


def patched():
    network = plain()
    forward = network.forward
    network.forward = lambda inputs: 2 * forward(inputs)
    return network


def patched_layer():
    network = plain()
    layer = network[0]
    layer.forward = lambda inputs: 2 * F.linear(inputs, layer.weight, layer.bias)
    return network


def gradient_hooked():
    network = plain()
    network[0].weight.register_hook(lambda gradient: gradient.tril())
    return network


class Doubled(nn.Sequential):
    def forward(self, inputs):
        return 2 * super().forward(inputs)


def derived():
    return Doubled(*plain())


class Own(nn.Module):
    """Some layers, and a forward pass of its own: a function of the network and the inputs."""

    def __init__(self, passes, **layers):
        super().__init__()
        self.passes = passes
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *inputs):
        return self.passes(self, *inputs)


def heads():
    """Two heads on one trunk; registered back to front."""

    def passes(own, x):
        x = torch.relu(own.trunk(x)) * 2
        return own.left(x), own.right(x).softmax(dim=1)

    layers = {"right": nn.Linear(4, 2), "left": spectral(nn.Linear(4, 1))}
    return Own(passes, **layers, trunk=SpectralLinear(3, 4))


# Random ones


KINDS = {
    "plain": nn.Linear,
    "spectral": SpectralLinear,
    "both sides": lambda *sizes: SpectralLinear(*sizes, input_eigenvalues=True),
    "reparametrised": lambda *sizes: spectral(nn.Linear(*sizes)),
}
BETWEEN = (nn.Sigmoid, nn.Softplus, nn.ELU, nn.Tanh, nn.SELU, nn.LogSigmoid, nn.PReLU, nn.Identity)


def norm_of(width, kind):
    norm = nn.BatchNorm1d(width, affine="plain" not in kind)
    for name, tensor in (*norm.named_parameters(), *norm.named_buffers()):
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5 if "var" in name else -1, 1.5)
    return norm


@st.composite
def architectures(draw):
    """A random stack in evaluation mode, the names of the layers, and the nodes to keep."""
    torch.manual_seed(draw(st.integers(0, 10_000)))
    modules, layers, kept, before = [nn.Flatten()], [], [], 4

    def add_layer(width):
        layers.append(str(len(modules)))
        make = KINDS[draw(st.sampled_from(list(KINDS)))]
        modules.append(make(before, width, draw(st.booleans())))
        for parameter in modules[-1].parameters():
            parameter.data.uniform_(-1, 1)

    for width in draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)):
        add_layer(width)
        between = [draw(st.sampled_from(BETWEEN))()]
        if isinstance(between[0], nn.PReLU) and draw(st.booleans()):
            between = [nn.PReLU(width)]
            between[0].weight.data.uniform_(-1, 1)
        norm = draw(st.sampled_from(["no", "before", "behind", "before, plain"]))
        if norm != "no":
            between.insert("before" not in norm, norm_of(width, norm))
        if draw(st.booleans()):
            between.append(nn.Dropout(0.5))
        modules += between
        stays = draw(st.sets(st.integers(0, width - 1)))
        kept.append(torch.tensor(sorted(stays), dtype=torch.int64))
        before = width
    add_layer(3)
    return nn.Sequential(*modules, nn.Softmax(dim=1)).to(DOUBLE).eval(), layers, kept


def with_masks(network, kept_by_reader):
    """The network, whose readers get 0 from all nodes but the kept ones from now on."""
    for name, kept in kept_by_reader.items():
        reader = network.get_submodule(name)
        mask = torch.zeros(departure_width(reader), dtype=DOUBLE)
        mask[kept] = 1
        reader.register_forward_pre_hook(lambda _, args, mask=mask: (args[0] * mask,))
    return network


# Trained ones


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


TRAINS = ["weights", "both", "eigenvalues", "eigenvectors"]


def network_of(sizes, trains, activation="elu", bias=False, seed=0, dtype=torch.float64, two=False):
    """Of it train the weights, or some of the spectral variables; biases do not start at 0."""
    make, spectra = spectral_mlp, {"input_eigenvalues": two}
    if trains == "weights":
        make, spectra = direct_mlp, {}
    network = make(sizes, activation, bias, generator=seeded(seed), **spectra).to(dtype)
    for layer in network[::2] if bias else ():
        layer.bias.data.uniform_(-1, 1, generator=seeded(seed))
    return network if trains == "weights" else train_only(network, trains)


def examples(dtype=torch.float32, count=500):
    data = load("digits")
    return data.train_inputs[:count].to(dtype), data.train_targets[:count]


def plain_loop(
    network, inputs, targets, epochs, batch_size, learning_rate, generator, keras=False, term=None
):
    """Adam written out, over autograd: the reference that owes nothing to torch.optim."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    step = 0
    for _ in range(epochs):
        for batch in torch.randperm(len(targets), generator=generator).split(batch_size):
            loss = F.cross_entropy(network(inputs[batch]), targets[batch])
            loss = loss + term(network) if term else loss
            gradients = torch.autograd.grad(loss, parameters)
            step += 1
            with torch.no_grad():
                for p, g, m, v in zip(parameters, gradients, first, second):
                    m.mul_(0.9).add_(0.1 * g)
                    v.mul_(0.999).add_(0.001 * g * g)
                    bias_1, bias_2 = 1 - 0.9**step, 1 - 0.999**step
                    if keras:  # ε joins √v before the bias correction
                        size = learning_rate * bias_2**0.5 / bias_1
                        p -= size * m / (v.sqrt() + ADAM_EPSILON)
                    else:  # ε joins the corrected √v
                        p -= learning_rate * (m / bias_1) / ((v / bias_2).sqrt() + ADAM_EPSILON)
    return network
