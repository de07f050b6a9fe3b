"""The network that a stranger's file describes, checked before anything of its size is made.

A checkpoint or an exported folder may come from anyone. Class names are looked up in a fixed
table; nothing that a file names is imported. The described network is first made without memory
for its weights, and compared with the weights that the file holds: a file cannot ask for more
than it brings.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from dropout_ft.nn.backbones.base import Backbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import Normalization, VeryLargeDropoutHead
from holdfast.checkpoints.reading import check_same_architecture
from holdfast.errors import CheckpointError, HoldfastError
from holdfast.trusted import known_classes, unknown_class

OURS = ("TimmBackbone", "LastBlocks", "OpenClipBackbone")
LARGEST_IMAGE = 4096
"""Side of an image in pixels."""
MOST_CLASSES = 100_000
Backbones = Sequence[type[Backbone]]


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a file says about its classifier.

    Attributes:
        backbone: class path, as the file has it.
        options: of the backbone.
        class_names: in logit order.
        image_size: side in pixels; None is what the backbone expects.
        dropout_rate: of the head.
        normalization: of the head.
        feature_scale: of the head.
        frozen_stages: of the classifier.
        exif_rotation: whether images are turned as their EXIF header says.
    """

    backbone: str
    options: dict[str, Any]
    class_names: tuple[str, ...]
    image_size: int | None = None
    dropout_rate: float = 0.0
    normalization: Normalization = "none"
    feature_scale: float = 1.0
    frozen_stages: int = 0
    exif_rotation: bool = False
    others: Backbones = ()

    def build(self, weights: Mapping[str, Tensor], source: object) -> Classifier:
        """Make the classifier and load weights.

        Args:
            weights: by the classifier's own names.
            source: of the weights, for messages.

        Raises:
            CheckpointError: the description cannot be built, or the weights are another's.
        """
        with torch.device("meta"):
            shapes = self._make(source).state_dict()
        check_same_architecture(weights, shapes, source=str(source))
        made = self._make(source)
        try:
            made.load_state_dict(dict(weights))
        except RuntimeError as error:  # tensors of a kind that cannot be copied
            raise CheckpointError(f"{source} holds weights that cannot be used.") from error
        return made.eval()

    def _make(self, source: object) -> Classifier:
        kind = known_backbones(self.others).get(self.backbone)
        if kind is None:
            give = "--backbone module.Class, or load(..., backbones=[Class])"
            raise _refused(source, unknown_class("its backbone", self.backbone, give))
        options = dict(self.options)
        if "weights" in inspect.signature(kind).parameters:
            # The file holds every weight; the pre-trained ones need not be there any more.
            options["weights"] = "none"
        try:
            backbone = kind(**options)
            head = VeryLargeDropoutHead(
                backbone.num_features, len(self.class_names), dropout_rate=self.dropout_rate,
                normalization=self.normalization, feature_scale=self.feature_scale,
            )  # fmt: skip
            return Classifier(backbone, head, frozen_stages=self.frozen_stages)
        except (HoldfastError, TypeError, ValueError, RuntimeError, LookupError,
                AttributeError, OverflowError) as error:  # fmt: skip
            reason = " ".join(str(error).split())
            raise CheckpointError(
                f"{source} describes a model that cannot be built: {reason.rstrip('.')}."
            ) from error


def known_backbones(others: Backbones = ()) -> dict[str, type[Backbone]]:
    """Return the classes a file may name: ours, and those the user gives."""
    import dropout_ft.nn.backbones as ours  # noqa: PLC0415  (timm and open_clip, when needed)

    return known_classes([getattr(ours, name) for name in OURS], others)


def describe(
    config: Any,  # noqa: ANN401  (whatever the file holds)
    class_names: Any,  # noqa: ANN401
    source: object,
    others: Backbones = (),
) -> Description:
    """Check the configuration of a run and return what it says about the model.

    Args:
        config: sections ``model`` and ``data``, as ``fit`` writes them.
        class_names: a list of names.
        source: of both, for messages.
        others: backbones besides ours.

    Raises:
        CheckpointError: something is missing or of another kind or size.
    """
    model = _mapping(config, "model", source)
    backbone = _mapping(model, "backbone", source)
    data = _mapping(config, "data", source, optional=True)
    data = _mapping(data, "init_args", source, optional=True) if "init_args" in data else data
    names = _names(class_names, source)
    options = _mapping(backbone, "init_args", source, optional=True)
    _check_options(options, source)
    return Description(
        backbone=_text(backbone.get("class_path"), "model.backbone.class_path", source),
        options=options,
        class_names=names,
        image_size=_image_size(data.get("image_size"), source),
        dropout_rate=_number(model.get("dropout_rate", 0.0), "dropout_rate", 0, 1, source),
        normalization=_normalization(model.get("normalization", "none"), source),
        feature_scale=_number(model.get("feature_scale", 1.0), "feature_scale", 0, 1e6, source),
        frozen_stages=int(_number(model.get("frozen_stages", 0), "frozen_stages", 0, 1e3, source)),
        exif_rotation=_flag(data.get("exif_rotation", False), "exif_rotation", source),
        others=others,
    )


def _refused(source: object, what: str) -> CheckpointError:
    return CheckpointError(f"{source} describes a model that cannot be built: {what}.")


def _mapping(
    found: Any,  # noqa: ANN401
    key: str,
    source: object,
    *,
    optional: bool = False,
) -> dict[str, Any]:
    value = found.get(key) if isinstance(found, dict) else None
    if value is None and optional:
        return {}
    if not isinstance(value, dict):
        raise _refused(source, f"'{key}' is no mapping of settings")
    return value


def _text(value: Any, key: str, source: object) -> str:  # noqa: ANN401
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise _refused(source, f"{key} is no name")
    return value


def _number(value: Any, key: str, low: float, high: float, source: object) -> float:  # noqa: ANN401
    fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not fits:
        raise _refused(source, f"{key} is {str(value)[:40]!r}, not a number from {low} to {high:g}")
    return float(value)


def _flag(value: Any, key: str, source: object) -> bool:  # noqa: ANN401
    if not isinstance(value, bool):
        raise _refused(source, f"{key} is {str(value)[:40]!r}, neither true nor false")
    return value


def _image_size(value: Any, source: object) -> int | None:  # noqa: ANN401
    return int(_number(value, "image_size", 1, LARGEST_IMAGE, source)) if value else None


def _normalization(value: Any, source: object) -> Literal["none", "standardize"]:  # noqa: ANN401
    for known in get_args(Normalization):
        if value == known:
            chosen: Literal["none", "standardize"] = known
            return chosen
    raise _refused(source, f"there is no normalization {str(value)[:40]!r}")


def _names(value: Any, source: object) -> tuple[str, ...]:  # noqa: ANN401
    fits = isinstance(value, Sequence) and not isinstance(value, str)
    if not fits or not 0 < len(value) <= MOST_CLASSES:
        raise _refused(source, "its class names are no list")
    return tuple(_text(name, "a class's name", source) for name in value)


def _check_options(options: dict[str, Any], source: object) -> None:
    """Refuse options that are anything but short plain values."""
    plain = (str, int, float, bool, type(None))
    for key, value in options.items():
        values = value if isinstance(value, list) else [value]
        if len(values) > 16 or not all(isinstance(one, plain) for one in values):
            raise _refused(source, f"the backbone's option '{key}' is no plain value")
        if any(isinstance(one, str) and len(one) > 1000 for one in values):
            raise _refused(source, f"the backbone's option '{key}' is no plain value")
