"""``${steps:300}`` in a configuration: the optimiser steps of 300 epochs, whatever the batch.

Optimiser steps depend on the global batch and never on the number of processes, so a schedule
that is written in epochs is the same on one device and on eight.
"""

import math
from typing import Any

from omegaconf import DictConfig, OmegaConf

from holdfast.errors import ConfigError

SIZES = ("samples_per_epoch", "global_batch_size")


def register() -> None:
    """Make ``${steps:EPOCHS}`` known to OmegaConf."""
    OmegaConf.register_resolver("steps", _steps, replace=True)


def steps_of(epochs: float, samples_per_epoch: int, global_batch_size: int) -> int:
    """Return the optimiser steps of some epochs, at least one; an epoch is whole steps.

    Args:
        epochs: above 0.
        samples_per_epoch: samples that are called an epoch.
        global_batch_size: samples of a step.

    >>> steps_of(300, 60_000, 128)
    140700
    """
    return max(1, round(epochs * math.ceil(samples_per_epoch / global_batch_size)))


def _steps(epochs: float | int, *, _root_: DictConfig) -> int:
    data = _data_of(_root_)
    if not float(epochs) > 0:
        raise ConfigError(f"${{steps:{epochs}}} counts {epochs} epochs: give more than 0.")
    sizes = [size for size in map(data.get, SIZES) if isinstance(size, int) and size > 0]
    if len(sizes) < len(SIZES):
        raise ConfigError(
            f"${{steps:{epochs}}} counts epochs, but the data does not say how large one is: set "
            f"data.{SIZES[0]} and data.{SIZES[1]} above 0. Only vl_track's data modules have "
            f"data.{SIZES[0]}; with other data write the number of steps."
        )
    return steps_of(float(epochs), *sizes)


def _data_of(root: DictConfig) -> dict[str, Any]:
    """Return the arguments of the data module, of a command or of the whole configuration."""
    places = [root, *(part for part in root.values() if isinstance(part, DictConfig))]
    for place in places:
        data = place.get("data")
        if isinstance(data, DictConfig):
            found = data.get("init_args", data)
            return {str(key): found.get(key) for key in found}
    return {}
