"""Putting weights kept along a run back into its network."""

from collections.abc import Mapping

from torch import Tensor

from dropout_ft.results.run import Run
from dropout_ft.training.segments import FOLDER, StateDict

_PREFIX = "model."


def has_segments(run: Run) -> bool:
    """Tell whether a run kept weights along the way."""
    return any((run.directory.path / FOLDER).glob("step-*.safetensors"))


def complete(weights: Mapping[str, Tensor], final: Mapping[str, Tensor]) -> StateDict:
    """Put trained weights into a full state dictionary; what was frozen comes from ``final``.

    Args:
        weights: under the names of the LightningModule.
        final: of the classifier, all of them.
    """
    return {
        name: weights.get(f"{_PREFIX}{name}", value).to(value.dtype)
        for name, value in final.items()
    }
