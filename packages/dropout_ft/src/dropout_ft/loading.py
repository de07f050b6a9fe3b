"""Rebuilding a trained classifier from its checkpoint alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentError, ArgumentParser

from dropout_ft.model.classifier import Classifier
from dropout_ft.module import FineTuning
from holdfast.checkpoints.io import check_same_architecture, read_checkpoint
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


def load_classifier(path: str | Path, *, weights: Weights = "default") -> LoadedClassifier:
    """Build the network a checkpoint describes and load its weights.

    Args:
        path: a ``.ckpt`` written by ``fit``.
        weights: which set, where a run kept the average along it besides the current ones.

    Raises:
        CheckpointError: missing, damaged, not ours, or of another architecture.
    """
    checkpoint = read_checkpoint(path)
    module = build_module(path, checkpoint)
    state = choose_weights(path, checkpoint, weights)
    check_same_architecture(state, module.state_dict(), source=path)
    module.load_state_dict(state)
    config = json.loads(checkpoint["holdfast_config"])
    chosen = ((config.get("data") or {}).get("init_args") or {}).get("image_size")
    return LoadedClassifier(
        model=module.model.eval(),
        class_names=tuple(module.class_names),
        image_size=int(chosen or module.model.backbone.preprocessing.size),
    )


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
