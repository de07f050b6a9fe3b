"""Weights of classes in the training loss: rare ones count as much as frequent ones, or as told."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from holdfast.errors import ConfigError
from holdfast.seeding import SampleKey

ClassWeights = Literal["none", "balanced"] | dict[str, float]


def class_weights(
    setting: ClassWeights,
    labels: NDArray[np.int64],
    groups: Sequence[NDArray[np.int64]],
    class_names: Sequence[str],
) -> NDArray[np.float32] | None:
    """Return the weight (C,) of each class, or None where all count alike.

    A class's frequency is that with which training draws it: every training domain gives as many
    pictures to a step, however many it has. The mean weight of a drawn picture is 1, so that the
    loss and the learning rate keep their scale; of weights that are given by name only the ratios
    count. A class of which there is no training picture has no use for a weight.

    Args:
        setting: ``none``, ``balanced`` (the inverse of the frequency) or a weight for each name.
        labels: (N,) class of every image.
        groups: for each training domain, the numbers of the images trained on.
        class_names: in label order.

    Raises:
        ConfigError: a name is no class, a class has no weight, or a weight is not positive.
    """
    if setting == "none":
        return None
    count = len(class_names)
    drawn = np.mean([np.bincount(labels[g], minlength=count) / len(g) for g in groups], axis=0)
    if setting == "balanced":
        with np.errstate(divide="ignore"):
            weights = np.where(drawn > 0, 1 / drawn, 0.0)
    else:
        weights = _named(setting, class_names)
    return np.asarray(weights / (weights * drawn).sum(), dtype=np.float32)


def text_of(setting: ClassWeights) -> str:
    """Return a setting as one word, for a run's coordinates."""
    return setting if isinstance(setting, str) else json.dumps(dict(setting), sort_keys=True)


def _named(weights: Mapping[str, float], class_names: Sequence[str]) -> NDArray[np.float64]:
    unknown = [name for name in weights if name not in class_names]
    missing = [name for name in class_names if name not in weights]
    if unknown or missing:
        what = f"names '{unknown[0]}', which is no class" if unknown else f"lacks '{missing[0]}'"
        raise ConfigError(
            f"data.class_weights {what}: give a weight for each of {', '.join(class_names)}."
        )
    for name, value in weights.items():
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"data.class_weights of '{name}' is {value}: give a number above 0.")
    return np.array([weights[name] for name in class_names], dtype=np.float64)


class Weighed(Dataset[dict[str, Tensor]]):
    """A data set whose items also have ``weight``, a float32 scalar: that of their class.

    Args:
        samples: with ``label``.
        weights: (C,) of the classes.
    """

    def __init__(self, samples: Dataset[dict[str, Tensor]], weights: NDArray[np.float32]) -> None:
        self.samples = samples
        self.weights = torch.from_numpy(weights)

    def __getitem__(self, key: SampleKey | int) -> dict[str, Tensor]:
        item = self.samples[key]
        return {**item, "weight": self.weights[item["label"]]}
