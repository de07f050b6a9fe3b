"""The mean of several model folders' weights, and a network without its presence head."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from holdfast.errors import CheckpointError
from vl_track.loading import read_folder

HEAD = "presence."

Model = tuple[dict[str, Any], dict[str, Tensor]]
"""A network's description and its weights."""


def mean_model(folders: Sequence[Path]) -> Model:
    """Return the mean of the weights of models that follow one another in training.

    Args:
        folders: model folders of one architecture, one or more.

    Returns:
        The description that all of them have, and float32 weights. Tables of whole numbers are
        those of all, and counters the last one's. Batch norm's running means and variances are
        averaged too, and not computed anew.

    Raises:
        CheckpointError: a folder is no whole model, or two of them are not alike: another
            description, other names or shapes, or other whole numbers.
    """
    models = [read_folder(folder) for folder in folders]
    config, first = models[0]
    for folder, (other, weights) in zip(folders[1:], models[1:], strict=True):
        if other != config:
            raise CheckpointError(
                f"{folders[0]} and {folder} have different config.json, and models that are not "
                "alike have no mean: name phases of one architecture."
            )
        _check_alike(first, weights, f"{folders[0]} and {folder}")
    _, last = models[-1]
    return config, {
        name: torch.stack([weights[name].float() for _, weights in models]).mean(0)
        if value.is_floating_point()
        else value
        for name, value in last.items()
    }


def without_presence_head(model: Model) -> Model:
    """Return a model without its presence head; presence is then told by ``presence.json``.

    Raises:
        CheckpointError: it has none.
    """
    config, weights = model
    if not config.get("presence"):
        raise CheckpointError(
            "The model has no presence head to leave out: take `presence_head: false` out of the "
            "file of phases."
        )
    kept = {name: value for name, value in weights.items() if not name.startswith(HEAD)}
    return {**config, "presence": False}, kept


def _check_alike(one: Mapping[str, Tensor], other: Mapping[str, Tensor], which: str) -> None:
    """Refuse weights that have no mean."""
    if one.keys() != other.keys():
        name = sorted(one.keys() ^ other.keys())[0]
        raise CheckpointError(f"{which} have no mean: only one of them has the weight {name}.")
    for name, value in one.items():
        if value.shape != other[name].shape:
            raise CheckpointError(f"{which} have no mean: their {name} has different shapes.")
        table = not value.is_floating_point() and value.ndim > 0
        if table and not torch.equal(value, other[name]):
            raise CheckpointError(
                f"{which} have no mean: their {name} holds different whole numbers."
            )
