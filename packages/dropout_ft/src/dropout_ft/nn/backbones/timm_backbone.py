"""Any timm model as a backbone."""

import logging
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import resolve_model_data_config
from torch import Tensor, nn

from dropout_ft.nn.backbones.base import Backbone, Preprocessing
from dropout_ft.nn.backbones.weights import PACKAGE_PREFIX, match_by_order, package_weights
from holdfast.checkpoints.reading import check_same_architecture
from holdfast.checkpoints.weights import read_weights
from holdfast.errors import CheckpointError, ConfigError


def check_name(name: str) -> None:
    """Refuse what is no model of timm's.

    Raises:
        ConfigError: names near ones.
    """
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('.', maxsplit=1)[0][:6]}*")[:3]
        hint = f" Near names: {', '.join(near)}." if near else ""
        raise ConfigError(f"timm has no model '{name}': see timm.list_models().{hint}")


class TimmBackbone(Backbone):
    """A timm model built with ``num_classes=0``: its pooled penultimate representation.

    timm's own ``drop_rate`` is not used, because it sits in different places in different models;
    the dropout of the paper is in :class:`dropout_ft.nn.VeryLargeDropoutHead`.

    Args:
        name: timm's model name, for example ``resnet50.tv2_in1k``.
        weights: ``none`` for random ones, ``pretrained`` for timm's own (downloads once), the path
            of a file (safetensors, or a torch file with tensors only), or ``package:NAME`` for
            those an installed Python package carries.
        mean: replaces the data config's mean (per channel, [0, 1] RGB), for foreign weights.
        std: replaces the data config's standard deviation.
        channels_last: memory format; 1.4x to 4x faster for convolutions on a CPU.
    """

    def __init__(
        self,
        name: str,
        weights: str = "pretrained",
        mean: list[float] | None = None,
        std: list[float] | None = None,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        check_name(name)
        self.name = name
        self.weights = weights
        self.net: Any = self._create(name, pretrained=weights == "pretrained")
        if weights not in {"none", "pretrained"}:
            self._load(weights)
        if channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
        self.num_features = self._width()
        self.preprocessing = self._preprocessing(mean, std)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised pictures (B, 3, H, W) to representations (B, F)."""
        pooled: Tensor = self.net(images)
        return pooled

    def stages(self) -> list[nn.Module]:
        """Return the stages of an EfficientNet or ResNet; other families raise ConfigError."""
        children: dict[str, Any] = dict(self.net.named_children())
        if {"conv_stem", "bn1", "blocks", "conv_head", "bn2"} <= children.keys():
            stem = nn.Sequential(children["conv_stem"], children["bn1"])
            last = nn.Sequential(children["conv_head"], children["bn2"])
            return [stem, *children["blocks"], last]
        if {"conv1", "bn1", "act1", "maxpool", "layer1"} <= children.keys():
            stem = nn.Sequential(*(children[key] for key in ("conv1", "bn1", "act1", "maxpool")))
            return [stem, *(children[f"layer{i}"] for i in range(1, 5))]
        return super().stages()

    def pool(self, activations: Tensor) -> Tensor:
        """Pool the last activations to (B, F)."""
        pooled: Tensor = self.net.forward_head(activations)
        return pooled

    @staticmethod
    def _create(name: str, *, pretrained: bool) -> nn.Module:
        options = {"pretrained": pretrained, "num_classes": 0}
        # Without a network each of a dozen attempts would be two lines before our one sentence.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        try:
            try:
                # A ViT's positions are resampled for images of another size than its weights'.
                net: nn.Module = timm.create_model(name, dynamic_img_size=True, **options)
            except TypeError:  # not a ViT: it has no such option, and needs none
                net = timm.create_model(name, **options)
        except (OSError, RuntimeError) as error:
            if not pretrained:
                raise
            raise CheckpointError(
                f"The weights of {name} could not be downloaded ({type(error).__name__}): connect "
                "to the hub once, give a file as the backbone's weights, or take a backbone whose "
                "weights come with a Python package: --model.backbone model:efficientnet_lite0."
            ) from error
        return net

    def _load(self, weights: str) -> None:
        """Load foreign weights into the model, leaving out their classifier."""
        full = timm.create_model(self.name, pretrained=False)
        if weights.startswith(PACKAGE_PREFIX):
            found = package_weights(weights.removeprefix(PACKAGE_PREFIX))
            found = match_by_order(found, full.state_dict())
        else:
            found = read_weights(Path(weights).expanduser())
        expected = self.net.state_dict()
        extra = full.state_dict().keys() - expected.keys()
        found = {key: value for key, value in found.items() if key not in extra}
        check_same_architecture(found, expected, source=weights)
        self.net.load_state_dict(found)

    def _width(self) -> int:
        # Some models (for example with a hidden pre-logits layer) report another width.
        return int(getattr(self.net, "head_hidden_size", None) or self.net.num_features)

    def _preprocessing(self, mean: list[float] | None, std: list[float] | None) -> Preprocessing:
        config = resolve_model_data_config(self.net)
        return Preprocessing(
            mean=tuple(mean or config["mean"]),
            std=tuple(std or config["std"]),
            size=config["input_size"][-1],
            interpolation=config["interpolation"],
        )
