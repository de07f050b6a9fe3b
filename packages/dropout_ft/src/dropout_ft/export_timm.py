"""A trained classifier in the folder format of timm and the Hugging Face hub."""

import json
from pathlib import Path
from typing import Any

import timm
from torch import Tensor, nn

from dropout_ft.loading import LoadedClassifier
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.nn.classifier import Classifier
from holdfast.atomic import write_text
from holdfast.checkpoints.weights import write_weights
from holdfast.errors import ConfigError


def write_timm_folder(loaded: LoadedClassifier, out: str | Path) -> None:
    """Write ``model.safetensors`` and ``config.json``.

    Args:
        loaded: a classifier on a timm backbone.
        out: the folder.

    Raises:
        ConfigError: the architecture has no plain linear classifier to put the head into.
    """
    backbone = loaded.model.backbone
    assert isinstance(backbone, TimmBackbone)
    classes = list(loaded.class_names)
    full = timm.create_model(backbone.name, pretrained=False, num_classes=len(classes))
    weights = _full_weights(loaded.model, full, backbone)
    folder = Path(out).expanduser()
    write_weights(folder / "model.safetensors", weights)
    config = _config(backbone, classes, loaded)
    write_text(folder / "config.json", json.dumps(config, indent=2) + "\n")


def _full_weights(model: Classifier, full: nn.Module, backbone: TimmBackbone) -> dict[str, Tensor]:
    name = full.default_cfg["classifier"]  # type: ignore[index]
    layer = full.get_submodule(name) if isinstance(name, str) else None
    if not isinstance(layer, nn.Linear) or layer.in_features != backbone.num_features:
        raise ConfigError(f"timm's {backbone.name} has no single linear classifier to export into.")
    weight, bias = model.head.folded()
    own = backbone.net.state_dict()
    return {**own, f"{name}.weight": weight, f"{name}.bias": bias}


def _config(backbone: TimmBackbone, classes: list[str], loaded: LoadedClassifier) -> dict[str, Any]:
    prep, size = backbone.preprocessing, loaded.image_size
    return {
        "architecture": backbone.name.split(".")[0],
        "num_classes": len(classes),
        "num_features": backbone.num_features,
        "label_names": classes,
        "exif_rotation": loaded.exif_rotation,
        "pretrained_cfg": {
            **{
                key: backbone.net.default_cfg[key]
                for key in ("pool_size", "classifier", "first_conv", "fixed_input_size")
                if key in backbone.net.default_cfg
            },
            "input_size": [3, size, size],
            "interpolation": prep.interpolation,
            "crop_pct": 1.0,
            "crop_mode": "squash",
            "mean": list(prep.mean),
            "std": list(prep.std),
            "num_classes": len(classes),
            "label_names": classes,
        },
    }
