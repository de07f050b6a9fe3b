"""Checkpoints as the trainers of OSTrack and All-in-One save them.

``save_checkpoint`` of their ``lib/train/trainers/base_trainer.py`` pickles settings and statistics
beside the weights. These objects are read as inert stand-ins under ``weights_only=True``; nothing
else is allowed, and nothing of the file is imported or run.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from holdfast.checkpoints.weights import read_weights

_CLASSES = (
    ("lib.train.admin.stats", "AverageMeter"),
    ("lib.train.admin.stats", "StatValue"),
    ("lib.train.admin.settings", "Settings"),
    ("lib.train.admin.local", "EnvironmentSettings"),
)
PARALLEL = "module."
"""What ``DataParallel`` and ``DistributedDataParallel`` put before every name."""


class _StandIn:
    """Takes the place of an object and keeps nothing of it."""

    def __new__(cls, *_: object, **__: object) -> "_StandIn":
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _stand_in(module: str, name: str) -> Any:  # noqa: ANN401  (a class torch knows by its name)
    return type(name, (_StandIn,), {"__module__": module, "__qualname__": name})


STAND_INS = [_stand_in(module, name) for module, name in _CLASSES]


def read_released(path: str | Path) -> tuple[dict[str, Tensor], str]:
    """Read the network of a released or self-trained checkpoint.

    Args:
        path: of a ``.pth.tar``, in torch's present or legacy format.

    Returns:
        float32 tensors by official name, and the prefix that the names have in the file.

    Raises:
        CheckpointError: missing, damaged, or holding other objects than the trainers save.
    """
    with torch.serialization.safe_globals(STAND_INS):
        state = read_weights(path)
    prefix = PARALLEL if all(name.startswith(PARALLEL) for name in state) else ""
    plain = {
        name.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for name, value in state.items()
    }
    return plain, prefix
