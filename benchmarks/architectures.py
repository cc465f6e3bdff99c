"""Which architectures can be pruned, checked: pruned, saved, loaded, exported and compared."""

import itertools
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measure import Skipped
from spectral_core import compare, export_onnx, load, node_scores, prune, save, select
from spectral_core.data.torchvision_import import import_torchvision
from spectral_core.layers.flow import Flow
from spectral_core.layers.running import run as outputs_of
from spectral_core.layers.running import tensors_of

MINUTES = 10


class GPTBlock(nn.Module):
    """A pre-norm transformer block, written by hand."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        self.one, self.two = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (2, -1)).transpose(1, 2)
            for part in self.qkv(self.one(x)).chunk(3, -1)
        )
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.two(x)), approximate="tanh"))


class MixerBlock(nn.Module):
    """Mixes tokens, then channels."""

    def __init__(self, tokens: int = 6, size: int = 8) -> None:
        super().__init__()
        self.one, self.two = nn.LayerNorm(size), nn.LayerNorm(size)
        self.tokens = nn.Sequential(nn.Linear(tokens, 12), nn.GELU(), nn.Linear(12, tokens))
        self.channels = nn.Sequential(nn.Linear(size, 16), nn.GELU(), nn.Linear(16, size))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.one(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.two(x))


class SwiGLU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(6, 12), nn.Linear(6, 12), nn.Linear(12, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 8), nn.Tanh())
        self.head = nn.Linear(16, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = self.encoder(a), self.encoder(b)
        return self.head(torch.cat([(a - b).abs(), a * b], dim=-1))


class DeepSets(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(6, 10), nn.ELU(), nn.Linear(10, 8))
        self.all = nn.Sequential(nn.Linear(8, 10), nn.ELU(), nn.Linear(10, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.all(self.each(x).sum(dim=1))


class Concatenated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 10), nn.Linear(6, 8)
        self.norm, self.c = nn.BatchNorm1d(18), nn.Linear(18, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(self.norm(torch.cat([self.a(x).relu(), self.b(x).tanh()], dim=1)))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 2)
        self.up, self.down = nn.Linear(8, 12), nn.Linear(12, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.last(x + self.down(self.up(x).relu()))


class ActorCritic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.policy, self.value = nn.Linear(10, 3), nn.Linear(10, 1)
        self.body = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 10), nn.Tanh())

    def forward(self, x: Tensor) -> Mapping[str, Tensor]:
        x = self.body(x)
        return {"policy": self.policy(x).softmax(-1), "value": self.value(x)}


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 8))
        self.numbers, self.head = nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, image: Tensor, numbers: Tensor) -> Tensor:
        return self.head(F.relu(self.image(image) + self.numbers(numbers)))


class Swish(nn.Module):
    """A written-out activation, and a factor for each node."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 10), nn.Linear(10, 2)
        self.scale = nn.Parameter(torch.zeros(10))

    def forward(self, x: Tensor) -> Tensor:
        h = self.a(x)
        return self.b(self.scale * torch.where(h > 0, h * torch.sigmoid(1.7 * h), 0.1 * h.sign()))


def autoencoder() -> nn.Module:
    sizes = (12, 8, 3, 8)
    layers = [m for a, b in itertools.pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(8, 12), nn.Sigmoid())


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    return nn.Sequential(
        nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(16, 3)
    )


def _vision(name: str, **settings: object) -> Callable[[], nn.Module]:
    return lambda: getattr(import_torchvision().models, name)(weights=None, **settings)


def _tokens() -> Tensor:
    return torch.randint(0, 50, (2, 7), generator=torch.Generator().manual_seed(0))


def _hugging_face(name: str, config: str, **settings: object) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import_torchvision()
        import transformers

        return getattr(transformers, name)(getattr(transformers, config)(**settings))

    return make


_SMALL = {"hidden_size": 16, "intermediate_size": 32}
_SMALL |= {"num_hidden_layers": 2, "num_attention_heads": 2}
_PATCHES = {"image_size": 32, "patch_size": 8}

Row = tuple[Callable[[], nn.Module], Callable[[], Any]]
SMALL: dict[str, Row] = {
    "autoencoder": (autoencoder, lambda: torch.rand(3, 12)),
    "residual MLP": (Residual, lambda: torch.rand(3, 6)),
    "SwiGLU": (SwiGLU, lambda: torch.rand(3, 5, 6)),
    "concatenation, norm": (Concatenated, lambda: torch.rand(3, 6)),
    "written-out activation": (Swish, lambda: torch.rand(3, 6)),
    "actor-critic, dictionary": (ActorCritic, lambda: torch.rand(3, 6)),
    "siamese": (Siamese, lambda: (torch.rand(3, 6), torch.rand(3, 6))),
    "two inputs": (
        TwoInputs,
        lambda: {"image": torch.rand(3, 1, 5, 5), "numbers": torch.rand(3, 6)},
    ),
    "DeepSets": (DeepSets, lambda: torch.rand(3, 5, 6)),
    "MLP-Mixer": (MixerBlock, lambda: torch.rand(3, 6, 8)),
    "GPT block": (GPTBlock, lambda: torch.rand(3, 5, 16)),
    "nn.TransformerEncoder": (encoder, lambda: torch.rand(3, 5, 16)),
}
"""Small networks: how to make each, and an example of its inputs."""
VISION: dict[str, Row] = {
    name: (_vision(name, **settings), lambda: torch.rand(2, 3, 64, 64))
    for name, settings in {
        "alexnet": {},
        "vgg11_bn": {},
        "mobilenet_v3_small": {},
        "convnext_tiny": {},
        "swin_t": {},
        "vit_b_16": {"image_size": 64},
        "densenet121": {},
        "resnet18": {},
    }.items()
}
"""torchvision's, with random weights; the last two have one fully connected layer alone."""
HUGGING_FACE: dict[str, Row] = {
    "BERT": (_hugging_face("BertModel", "BertConfig", **_SMALL, vocab_size=50), _tokens),
    "DistilBERT": (
        _hugging_face(
            "DistilBertModel", "DistilBertConfig", dim=16, n_layers=2, n_heads=2, hidden_dim=32
        ),
        _tokens,
    ),
    "ViT": (
        _hugging_face("ViTForImageClassification", "ViTConfig", **_SMALL, **_PATCHES),
        lambda: torch.rand(2, 3, 32, 32),
    ),
    "T5": (
        _hugging_face(
            *("T5ForConditionalGeneration", "T5Config"),
            **{"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2},
            attn_implementation="eager",  # torch exports no other for batches of any size
        ),
        lambda: {"input_ids": _tokens(), "decoder_input_ids": _tokens(), "use_cache": False},
    ),
    "CLIP": (
        _hugging_face(
            *("CLIPModel", "CLIPConfig"),
            text_config={**_SMALL, "vocab_size": 50},
            vision_config={**_SMALL, **_PATCHES},
        ),
        lambda: {"input_ids": _tokens(), "pixel_values": torch.rand(2, 3, 32, 32)},
    ),
    "GPT-2": (
        _hugging_face("GPT2LMHeadModel", "GPT2Config", n_embd=16, n_layer=2, n_head=2),
        lambda: {"input_ids": _tokens(), "use_cache": False},
    ),
    "LLaMA": (
        _hugging_face("LlamaForCausalLM", "LlamaConfig", **_SMALL, vocab_size=50),
        lambda: {"input_ids": _tokens(), "use_cache": False},
    ),
}
"""Hugging Face's, in tiny configurations; only where the package ``transformers`` is installed."""


def _iglm() -> nn.Module:
    import_torchvision()
    from transformers import GPT2LMHeadModel

    folder = Path(find_spec("iglm").origin).parent / "trained_models" / "IgLM-S"
    return GPT2LMHeadModel.from_pretrained(folder)


PRETRAINED: dict[str, Row] = {
    "IgLM-S, pretrained": (_iglm, lambda: {"input_ids": _tokens() % 33, "use_cache": False}),
}
"""A GPT-2 of antibody sequences, with the weights in the package ``iglm``."""

TABLE = Path(__file__).with_suffix(".csv")
"""What the page on existing models shows."""


def run(rounds: int = 1, quick: bool = False) -> list[dict[str, Any]]:
    """One row per architecture, see :func:`checked`; unless quick, :data:`TABLE` is written."""
    cases = SMALL if quick else {**SMALL, **VISION, **HUGGING_FACE, **PRETRAINED}
    if not quick and None in (find_spec("transformers"), find_spec("iglm")):
        raise Skipped("It needs the packages transformers and iglm")
    rows = [{"network": name, **checked(make, example)} for name, (make, example) in cases.items()]
    if not quick:
        pd.DataFrame(rows).to_csv(TABLE, index=False, float_format="%.2g", lineterminator="\n")
    return rows


@torch.no_grad()
def checked(make: Callable[[], nn.Module], example: Callable[[], Any]) -> dict[str, Any]:
    """Prune half the nodes of a network, and check all that a user does next.

    Returns:
        ``layers`` that can lose nodes, those that share them counted once, and their ``nodes``;
        ``seconds`` of processor time to find them; ``difference``, the largest between the pruned
        and the masked network's outputs, as a share of the largest output; ``loaded``, whether the
        saved network comes back; ``onnx``, the difference in onnxruntime; and ``parameters`` and
        ``flops``, shares left.
    """
    torch.manual_seed(0)
    network, inputs = make().eval(), example()
    for parameter in network.parameters():  # a head of zeros would hide what is before it
        if parameter.abs().max() < 1e-3:
            nn.init.normal_(parameter, std=0.1)
    start = time.process_time()
    flow = Flow(network, inputs)
    row: dict[str, Any] = {
        "layers": len(flow.groups),
        "nodes": sum(flow.widths),
        "seconds": time.process_time() - start,
    }
    if not flow.groups:
        return row
    scores = node_scores(network, "invariant", example=inputs)
    small = prune(network, scores, 50, per_layer=True, example=inputs)
    kept = select(scores, 50, per_layer=True)
    wanted, given = masked(network, flow, kept, inputs), tensors_of(outputs_of(small, inputs))
    row["difference"] = max(
        float((a - b).abs().max() / a.abs().max().clamp(min=1e-6)) for a, b in zip(wanted, given)
    )
    with tempfile.TemporaryDirectory() as folder:
        save(small, Path(folder, "small"))
        loaded = tensors_of(outputs_of(load(Path(folder, "small"), into=make().eval()), inputs))
        row["loaded"] = all(map(torch.equal, given, loaded))
        row["onnx"] = export_onnx(small, Path(folder, "onnx"), inputs, tolerance=1e-3)
    compared = compare(network, small, inputs)
    row["parameters"] = compared.pruned.parameters / compared.full.parameters
    row["flops"] = compared.pruned.flops / compared.full.flops
    return row


def masked(network: nn.Module, flow: Flow, kept: list[Tensor], inputs: Any) -> list[Tensor]:
    """Outputs when each layer gets 0 from the nodes that are not kept."""
    masks: dict[str, Tensor] = {}
    for group, indices in zip(flow.groups, kept):
        gone = torch.ones(group.width + 1, dtype=torch.bool)
        gone[indices], gone[-1] = False, False
        for name, nodes in group.read.items():
            mask = masks.setdefault(name, network.get_submodule(name).weight.new_ones(len(nodes)))
            mask[gone[torch.as_tensor(nodes)]] = 0
    hooks = [
        network.get_submodule(name).register_forward_pre_hook(
            lambda _, args, mask=mask: (args[0] * mask,)
        )
        for name, mask in masks.items()
    ]
    try:
        return [x.clone() for x in tensors_of(outputs_of(network, inputs))]
    finally:
        for hook in hooks:
            hook.remove()
