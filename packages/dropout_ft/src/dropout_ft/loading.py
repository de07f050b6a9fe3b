"""Rebuilding a trained classifier from its checkpoint or exported folder alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from dropout_ft.data.decoding import read_rgb
from dropout_ft.data.transforms import eval_transform
from dropout_ft.described import Backbones, Description, describe
from dropout_ft.nn.adapters import merged
from dropout_ft.nn.backbones.base import Backbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import VeryLargeDropoutHead
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.checkpoints.weights import read_weights
from holdfast.errors import CheckpointError

Weights = Literal["default", "average", "current"]
_STATE_KEYS = {
    "default": ("state_dict",),
    "average": ("average_model_state", "state_dict"),
    "current": ("current_model_state", "state_dict"),
}
_MODEL = "model."
_TIMM = "dropout_ft.nn.backbones.TimmBackbone"
LARGEST_CONFIG = 10_000_000
"""Characters of a configuration in a stranger's file."""


@dataclass(frozen=True, kw_only=True)
class LoadedClassifier:
    """A trained network and what is needed to use it.

    Attributes:
        model: in evaluation mode.
        class_names: in logit order.
        image_size: side of the images it was trained on, in pixels.
        exif_rotation: whether files are turned as their EXIF header says, as in training.
    """

    model: Classifier
    class_names: tuple[str, ...]
    image_size: int
    exif_rotation: bool = False

    @torch.inference_mode()
    def classify(self, images: Sequence[str | Path | Image.Image]) -> list[dict[str, float]]:
        """Return each image's probabilities by class.

        Args:
            images: files, or Pillow images of any size.

        Raises:
            ImageError: a file is missing or damaged.
            CheckpointError: the network's answer is not finite.
        """
        interpolation = self.model.backbone.preprocessing.interpolation
        transform = eval_transform(self.image_size, interpolation)
        opened = [one.convert("RGB") if isinstance(one, Image.Image)
                  else read_rgb(one, exif_rotation=self.exif_rotation)
                  for one in images]  # fmt: skip
        if not opened:
            return []
        logits = finite(self.model(torch.stack([transform(image) for image in opened])))
        return [dict(zip(self.class_names, row, strict=True)) for row in
                logits.float().softmax(dim=1).tolist()]  # fmt: skip


def finite(logits: Tensor) -> Tensor:
    """Return logits that are numbers.

    Raises:
        CheckpointError: some are not; no answer can be read from them.
    """
    if not torch.isfinite(logits).all():
        raise CheckpointError(
            "The network answers with values that are not finite: its weights are damaged, or the "
            "training diverged. Use an earlier checkpoint of the run."
        )
    return logits


def load(source: str | Path, *, backbones: Sequence[type[Backbone]] = ()) -> LoadedClassifier:
    """Load a trained classifier.

    Args:
        source: a checkpoint of ``dropout-ft fit``, or a folder that ``dropout-ft export`` or
            ``advise`` wrote (``model.safetensors`` and ``config.json``, as on the hub).
        backbones: backbone classes of your own that the checkpoint may name.

    Examples:
        >>> answers = dropout_ft.load("advice/model").classify(["a.jpg"])  # doctest: +SKIP
        >>> answers[0]["cat"]                                              # doctest: +SKIP
        0.93

    Raises:
        CheckpointError: missing, damaged, or neither of the two.
    """
    return load_classifier(source, backbones=backbones)


def load_classifier(
    path: str | Path, *, weights: Weights = "default", backbones: Sequence[type[Backbone]] = ()
) -> LoadedClassifier:
    """Build the network a checkpoint describes and load its weights.

    Args:
        path: a ``.ckpt`` written by ``fit``, or a folder written by ``export``.
        weights: which set, where a run kept the average along it besides the current ones.
        backbones: classes of your own that the checkpoint may name.

    Raises:
        CheckpointError: missing, damaged, not ours, or of another architecture.
    """
    given = Path(path).expanduser()
    if given.is_dir():
        return read_timm_folder(given)
    checkpoint = read_checkpoint(given)
    description = describe_checkpoint(given, checkpoint, backbones)
    state = choose_weights(given, checkpoint, weights)
    state = {name.removeprefix(_MODEL): value for name, value in state.items()}
    return _loaded(description, state, given)


def _loaded(
    description: Description, state: Mapping[str, Tensor], source: Path
) -> LoadedClassifier:
    model = description.build(state, source)
    return LoadedClassifier(
        model=model,
        class_names=description.class_names,
        image_size=description.image_size or int(model.backbone.preprocessing.size),
        exif_rotation=description.exif_rotation,
    )


def describe_checkpoint(
    path: str | Path, checkpoint: Mapping[str, Any], backbones: Backbones = ()
) -> Description:
    """Return what a checkpoint says about its model.

    Raises:
        CheckpointError: the checkpoint was not written by ``dropout-ft fit``, or is damaged.
    """
    text = checkpoint.get("holdfast_config")
    if not isinstance(text, str) or "class_names" not in checkpoint or len(text) > LARGEST_CONFIG:
        raise CheckpointError(
            f"{path} was not written by `dropout-ft fit`: it does not say which model it belongs "
            "to."
        )
    return describe(_parsed(text, path), checkpoint["class_names"], path, backbones)


def read_timm_folder(folder: Path) -> LoadedClassifier:
    """Rebuild what :func:`dropout_ft.export_timm.write_timm_folder` wrote.

    Raises:
        CheckpointError: something is missing, or it is another program's folder.
    """
    try:
        config = _parsed((folder / "config.json").read_text(encoding="utf-8"), folder)
        chosen = config["pretrained_cfg"]
        size, layer = chosen["input_size"][-1], str(chosen["classifier"])
        options = {
            "name": config["architecture"], "mean": chosen["mean"], "std": chosen["std"],
        }  # fmt: skip
        names = config["label_names"]
        rotation = config.get("exif_rotation", False)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{folder} holds no classifier that `dropout-ft export` wrote ({error!r}): give such a "
            "folder, or a checkpoint."
        ) from error
    model = {"backbone": {"class_path": _TIMM, "init_args": options}}
    data = {"image_size": size, "exif_rotation": rotation}
    description = describe({"model": model, "data": data}, names, folder)
    found = read_weights(folder / "model.safetensors")
    return _loaded(description, _renamed(found, layer), folder)


def _renamed(found: Mapping[str, Tensor], layer: str) -> dict[str, Tensor]:
    """Return timm's weights under the names of our classifier, whose head does nothing else."""
    renamed = {
        f"head.linear.{name.removeprefix(f'{layer}.')}"
        if name in {f"{layer}.weight", f"{layer}.bias"}
        else f"backbone.net.{name}": value
        for name, value in found.items()
    }
    linear = found.get(f"{layer}.weight")
    if linear is not None and linear.ndim == 2:
        plain = VeryLargeDropoutHead(linear.shape[1], 1, dropout_rate=0.0)
        renamed |= {f"head.{name}": value for name, value in plain.named_buffers()}
    return renamed


def _parsed(text: str, source: object) -> Any:  # noqa: ANN401  (checked by what reads it)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{source} holds a damaged configuration ({type(error).__name__}): use another file."
        ) from error


def choose_weights(
    path: str | Path, checkpoint: Mapping[str, Any], weights: Weights
) -> dict[str, Tensor]:
    """Return one of the sets of weights that a checkpoint keeps, without the objective's.

    Adapters are merged into the weights that they change.

    Raises:
        CheckpointError: it does not keep that set, or what it keeps are no weights.
    """
    for key in _STATE_KEYS[weights]:
        if key not in checkpoint:
            continue
        found = checkpoint[key]
        if not isinstance(found, Mapping) or not all(
            isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()
        ):
            raise CheckpointError(f"{path} is damaged: its {key} holds no weights.")
        if weights == "average" and key == "state_dict" and "averaging_state" not in checkpoint:
            break
        return merged({n: value for n, value in found.items() if n.startswith(_MODEL)})
    raise CheckpointError(f"{path} keeps no {weights} weights: use --weights default.")
