"""Rebuilding a trained classifier from its checkpoint alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jsonargparse import ArgumentError, ArgumentParser
from PIL import Image

from dropout_ft.data.pictures import read_rgb
from dropout_ft.data.transforms import eval_transform
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import VeryLargeDropoutHead
from dropout_ft.training.module import FineTuning
from holdfast.checkpoints.reading import check_same_architecture, read_checkpoint
from holdfast.checkpoints.weights import read_weights
from holdfast.errors import CheckpointError

Weights = Literal["default", "average", "current"]
_STATE_KEYS = {
    "default": ("state_dict",),
    "average": ("average_model_state", "state_dict"),
    "current": ("current_model_state", "state_dict"),
}
# How a model was trained does not matter for using it.
_TRAINING_KEYS = ("optimizer", "lr_scheduler", "head_start", "objective", "start_from")
_OBJECTIVE = "objective."


@dataclass(frozen=True, kw_only=True)
class LoadedClassifier:
    """A trained network and what is needed to use it.

    Attributes:
        model: in evaluation mode.
        class_names: in logit order.
        image_size: side of the pictures it was trained on, in pixels.
    """

    model: Classifier
    class_names: tuple[str, ...]
    image_size: int

    @torch.inference_mode()
    def classify(self, pictures: Sequence[str | Path | Image.Image]) -> list[dict[str, float]]:
        """Return each picture's probabilities by class.

        Args:
            pictures: files, or Pillow pictures of any size.

        Raises:
            ImageError: a file is missing or damaged.
        """
        interpolation = self.model.backbone.preprocessing.interpolation
        transform = eval_transform(self.image_size, interpolation)
        opened = [one.convert("RGB") if isinstance(one, Image.Image) else read_rgb(one)
                  for one in pictures]  # fmt: skip
        batch = torch.stack([transform(picture) for picture in opened])
        shares = self.model(batch).float().softmax(dim=1)
        return [dict(zip(self.class_names, row, strict=True)) for row in shares.tolist()]


def load_classifier(path: str | Path, *, weights: Weights = "default") -> LoadedClassifier:
    """Build the network a checkpoint describes and load its weights.

    Args:
        path: a ``.ckpt`` written by ``fit``, or a folder written by ``export``.
        weights: which set, where a run kept the average along it besides the current ones.

    Raises:
        CheckpointError: missing, damaged, not ours, or of another architecture.
    """
    if Path(path).expanduser().is_dir():
        return read_timm_folder(Path(path).expanduser())
    checkpoint = read_checkpoint(path)
    module = build_module(path, checkpoint)
    state = choose_weights(path, checkpoint, weights)
    check_same_architecture(state, module.state_dict(), source=path)
    module.load_state_dict(state)
    config = json.loads(checkpoint["holdfast_config"])
    chosen = (config.get("data") or {}).get("image_size")
    return LoadedClassifier(
        model=module.model.eval(),
        class_names=tuple(module.class_names),
        image_size=int(chosen or module.model.backbone.preprocessing.size),
    )


def read_timm_folder(folder: Path) -> LoadedClassifier:
    """Rebuild what :func:`dropout_ft.export_timm.write_timm_folder` wrote.

    Raises:
        CheckpointError: something is missing, or it is another program's folder.
    """
    try:
        config = json.loads((folder / "config.json").read_text())
        chosen = config["pretrained_cfg"]
        names = tuple(config["label_names"])
        size, layer = int(chosen["input_size"][-1]), str(chosen["classifier"])
        name, mean, std = config["architecture"], list(chosen["mean"]), list(chosen["std"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder} holds no classifier that `dropout-ft export` wrote ({error!r}): give such a "
            "folder, or a checkpoint."
        ) from error
    backbone = TimmBackbone(name, weights="none", mean=mean, std=std)
    head = VeryLargeDropoutHead(backbone.num_features, len(names), rate=0.0)
    model = Classifier(backbone, head).eval()
    expected = {
        **backbone.net.state_dict(),
        f"{layer}.weight": head.linear.weight,
        f"{layer}.bias": head.linear.bias,
    }
    found = read_weights(folder / "model.safetensors")
    check_same_architecture(found, expected, source=folder)
    head.linear.load_state_dict({part: found.pop(f"{layer}.{part}") for part in ("weight", "bias")})
    backbone.net.load_state_dict(found)
    return LoadedClassifier(model=model, class_names=names, image_size=size)


def model_config(path: str | Path, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the ``model`` section of the configuration a checkpoint was trained with.

    Raises:
        CheckpointError: the checkpoint was not written by ``dropout-ft fit``.
    """
    text = checkpoint.get("holdfast_config")
    if not isinstance(text, str) or "class_names" not in checkpoint:
        raise CheckpointError(
            f"{path} was not written by `dropout-ft fit`: "
            "it does not say which model it belongs to."
        )
    config: dict[str, Any] = json.loads(text)["model"]
    return config


def build_module(path: str | Path, checkpoint: dict[str, Any]) -> FineTuning:
    """Build the module a checkpoint describes, with random weights.

    Raises:
        CheckpointError: the description is not ours or cannot be built.
    """
    config = model_config(path, checkpoint)
    config = {key: value for key, value in config.items() if key not in _TRAINING_KEYS}
    config["class_names"] = checkpoint["class_names"]
    # The checkpoint holds every weight; the pre-trained ones need not be there any more.
    config["backbone"].setdefault("init_args", {})["weights"] = "none"
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(FineTuning, "model")
    try:
        built = parser.instantiate_classes(parser.parse_object({"model": config}))
    except ArgumentError as error:
        raise CheckpointError(f"{path} describes a model that cannot be built: {error}.") from error
    module = built["model"]
    assert isinstance(module, FineTuning)
    return module


def choose_weights(
    path: str | Path, checkpoint: dict[str, Any], weights: Weights
) -> dict[str, Any]:
    """Return one of the sets of weights that a checkpoint keeps.

    Raises:
        CheckpointError: it does not keep that set.
    """
    for key in _STATE_KEYS[weights]:
        if key in checkpoint:
            found: dict[str, Any] = checkpoint[key]
            state = {name: v for name, v in found.items() if not name.startswith(_OBJECTIVE)}
            if weights == "average" and key == "state_dict" and "averaging_state" not in checkpoint:
                break
            return state
    raise CheckpointError(f"{path} keeps no {weights} weights: use --weights default.")
