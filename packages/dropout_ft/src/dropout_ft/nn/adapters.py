"""Low-rank adapters (LoRA, Hu et al. 2021) through ``peft``, and the weights they come to.

An adapter trains two thin matrices A and B beside a frozen weight W; the network computes with
``W + scaling * B A``. The mean of two products is not the product of the means: whatever averages
or interpolates networks does it on these merged weights, under the plain network's names.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dropout_ft.nn.backbones.base import Backbone
from holdfast.errors import ConfigError, MissingToolError
from holdfast.optional import find_package

SCALING = "adapter_scaling"
"""Name of a backbone's buffer: the factor of ``B A``, so that weights say it themselves."""
OUTPUT = "adapter_output_factor"
"""Buffer: how often ``B A`` is added to the output projection of an ``nn.MultiheadAttention``."""
_A = ".lora_A.default.weight"
_B = ".lora_B.default.weight"
_BASE = "base_layer."
_OUT = ".base_layer.out_proj"
# timm's and open_clip's names of the layers of a ViT's blocks.
ATTENTION = r"(.*\.)?(blocks\.\d+\.attn\.(qkv|proj)|resblocks\.\d+\.attn)"
MLP = r"(.*\.)?(blocks\.\d+\.mlp\.fc[12]|resblocks\.\d+\.mlp\.(c_fc|c_proj))"


class Adapter:
    """Changes a backbone so that a small part of it is trained."""

    def apply(self, backbone: Backbone) -> None:
        """Change a backbone in place."""
        raise NotImplementedError


class LoRA(Adapter):
    """Train low-rank additions to the weights of a ViT's blocks; everything else is frozen.

    Args:
        rank: of the additions, 1 or more.
        alpha: their factor is alpha / rank; by default 1, whatever the rank.
        layers: ``attention`` (queries, keys, values and output), or ``all`` with the MLPs.

    Raises:
        ConfigError: the rank or alpha is not positive.
    """

    def __init__(
        self, rank: int = 8, alpha: int | None = None,
        layers: Literal["attention", "all"] = "attention",
    ) -> None:  # fmt: skip
        if rank < 1 or (alpha is not None and not alpha > 0):
            raise ConfigError(f"LoRA needs a rank of 1 or more and alpha above 0: {rank}, {alpha}.")
        self.rank = rank
        self.alpha = rank if alpha is None else alpha
        self.layers = layers

    def apply(self, backbone: Backbone) -> None:
        """Freeze the backbone and put adapters into it.

        Raises:
            MissingToolError: peft is not installed.
            ConfigError: the backbone has no such layers.
        """
        if find_package("peft") is None:
            raise MissingToolError(
                "model.adapter needs the package peft: install it with `pip install "
                "'holdfast-dropout-ft[adapters]'`."
            )
        import peft  # noqa: PLC0415  (seconds, for those who use it)

        wanted = ATTENTION if self.layers == "attention" else f"{ATTENTION}|{MLP}"
        net = getattr(backbone, "net", None)
        found = net is not None and any(re.fullmatch(wanted, n) for n, _ in net.named_modules())
        if net is None or not found:
            name = getattr(backbone, "name", type(backbone).__name__)
            raise ConfigError(
                f"LoRA finds no ViT's blocks in {name}: take a ViT of timm or open_clip, or leave "
                "model.adapter out."
            )
        config = peft.LoraConfig(r=self.rank, lora_alpha=self.alpha, target_modules=wanted)
        backbone.requires_grad_(requires_grad=False)
        peft.inject_adapter_in_model(config, net)
        backbone.register_buffer(SCALING, torch.tensor(self.alpha / self.rank))
        backbone.register_buffer(OUTPUT, torch.tensor(_output_factor(net)))


def has_adapter(module: nn.Module) -> bool:
    """Tell whether some part of a module has an adapter."""
    return any(name.rsplit(".", 1)[-1] == SCALING for name, _ in module.named_buffers())


def merged(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of the plain network that a network with adapters computes with.

    Args:
        weights: by name; without adapters they are returned as they are.
    """
    told = {name.rsplit(".", 1)[-1]: value for name, value in weights.items()}
    if SCALING not in told:
        return dict(weights)
    scaling, output = float(told[SCALING]), float(told[OUTPUT])
    buffers = {SCALING, OUTPUT}
    found = {
        name: value
        for name, value in weights.items()
        if ".lora_" not in name and name.rsplit(".", 1)[-1] not in buffers
    }
    for name, first in weights.items():
        if name.endswith(_A):
            layer = name.removesuffix(_A)
            second = weights[layer + _B]
            key = f"{layer}.{_BASE}weight"
            key = key if key in found else f"{layer}.{_BASE}in_proj_weight"
            factor = scaling * (output if layer.endswith(_OUT) else 1.0)
            added = factor * second.double() @ first.double()
            found[key] = (found[key].double() + added).to(found[key].dtype)
    return {name.replace(_BASE, ""): value for name, value in found.items()}


def _output_factor(net: Any) -> float:  # noqa: ANN401  (a network with peft's layers)
    """Return how often peft adds ``B A`` to the output projection of ``nn.MultiheadAttention``.

    peft 0.21 adds it twice in each forward pass. It is measured here and kept with the weights, so
    that merged weights are those the network computes with, whatever later versions do.
    """
    for layer in net.modules():
        if type(layer).__name__ != "MultiheadAttention" or not hasattr(layer, "lora_A"):
            continue
        out = layer.get_base_layer().out_proj
        before = out.get_base_layer().weight.detach().clone()
        with torch.no_grad():
            out.lora_B["default"].weight.fill_(1.0)
            added = out.get_delta_weight("default")
            layer.merge()
            change = out.get_base_layer().weight.detach() - before
            layer.unmerge()
            out.lora_B["default"].weight.zero_()
            layer.state_dict()  # peft makes parameters of the weights again
            out.get_base_layer().weight.copy_(before)
        return float((change * added).sum() / added.square().sum())
    return 1.0
