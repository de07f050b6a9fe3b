"""CLIP image towers from open_clip as backbones."""

import torch
from torch import Tensor

from dropout_ft.nn.backbones.base import Backbone, Preprocessing
from dropout_ft.nn.clip_text import ClipText
from holdfast.errors import ConfigError


class OpenClipBackbone(Backbone):
    """The image tower of a CLIP model; its representation is the joint embedding, not normalised.

    Args:
        name: open_clip's model name, for example ``ViT-B-32``.
        weights: ``none``, an open_clip tag such as ``openai`` (downloads once), or a file's path.
    """

    def __init__(self, name: str, weights: str = "none") -> None:
        import open_clip  # noqa: PLC0415  (half a second of every start, for one backbone)

        super().__init__()
        if name not in open_clip.list_models():
            raise ConfigError(f"open_clip has no model '{name}': see open_clip.list_models().")
        tag = open_clip.get_pretrained_cfg(name, weights)
        own = bool(open_clip.get_model_config(name).get("quick_gelu", False))
        if tag and bool(tag.get("quick_gelu", False)) != own:
            other = name.removesuffix("-quickgelu") if own else f"{name}-quickgelu"
            raise ConfigError(
                f"The weights '{weights}' were trained with the other activation than {name} has: "
                f"take {other}."
            )
        self.name = name
        self.weights = weights
        pretrained = None if weights == "none" else weights
        # Weights may be left out of memory (device "meta") while a file's sizes are checked.
        device = torch.get_default_device()
        model = open_clip.create_model(name, pretrained=pretrained, device=device)
        config = open_clip.get_model_preprocess_cfg(model)
        self.net = model.visual
        self.num_features = int(open_clip.get_model_config(name)["embed_dim"])
        size = config["size"]
        self.preprocessing = Preprocessing(
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            size=size if isinstance(size, int) else size[0],
            interpolation=config["interpolation"],
        )

    def text_tower(self) -> ClipText:
        """Return the text tower that belongs to the image tower, built anew from its weights.

        It is not a part of this module: neither its size nor its weights are in checkpoints. Where
        ``weights`` is ``none`` it is random and always the same.
        """
        import open_clip  # noqa: PLC0415

        pretrained = None if self.weights == "none" else self.weights
        with torch.random.fork_rng():
            torch.manual_seed(0)
            full = open_clip.create_model(self.name, pretrained=pretrained)
        return ClipText(full, open_clip.get_tokenizer(self.name))

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised pictures (B, 3, H, W) to embeddings (B, F)."""
        embedding: Tensor = self.net(images)
        return embedding
