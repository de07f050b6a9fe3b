"""Reading torch checkpoints that hold tensors and plain values only; needs torch alone."""

import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from holdfast.archives import DAMAGED_ARCHIVE
from holdfast.errors import CheckpointError

# What torch.load is known to raise on damaged bytes: tests/common/test_damaged_checkpoints.py.
OWN_KEY = "holdfast_config"
"""A checkpoint with this key is ours, so its checksums are those of its bytes."""
_DAMAGE = (
    RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError,
    AssertionError, OverflowError, MemoryError, struct.error,
)  # fmt: skip


def read_checkpoint(path: str | Path, *, map_location: Any = "cpu") -> dict[str, Any]:  # noqa: ANN401
    """Read a torch checkpoint that holds tensors and plain values only.

    Args:
        path: the ``.ckpt`` or ``.pth`` file.
        map_location: as for ``torch.load``.

    Raises:
        CheckpointError: missing, damaged, or holding objects that would have to be unpickled.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(
            f"There is no checkpoint at {path}: check the path, or train first with `fit`."
        )
    try:
        with warnings.catch_warnings():
            # A stranger's pickle protocol is refused or read; torch's remark on it helps nobody.
            warnings.simplefilter("ignore", UserWarning)
            loaded = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds Python objects and is refused, because unpickling them could run code: "
            "convert it to safetensors where it was made."
        ) from error
    except _DAMAGE as error:
        raise CheckpointError(
            f"{path} is not a readable checkpoint ({type(error).__name__}): it is damaged or cut "
            "short; use another one or train again."
        ) from error
    if isinstance(loaded, dict) and OWN_KEY in loaded:
        check_sums(path)
    if not isinstance(loaded, dict):
        raise CheckpointError(
            f"{path} holds a {type(loaded).__name__}, not a dictionary of weights."
        )
    return loaded


def check_sums(path: Path) -> None:
    """Compare a checkpoint's bytes with the checksums that its zip file holds; torch does not.

    Raises:
        CheckpointError: some bytes are not those that were written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except DAMAGED_ARCHIVE as error:
        raise CheckpointError(f"{path} is damaged ({error}).") from error
    if damaged is not None:
        raise CheckpointError(f"{path} is damaged: the checksum of its part {damaged} is wrong.")


def check_same_architecture(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, source: str | Path
) -> None:
    """Compare two state dictionaries key for key and shape for shape.

    Args:
        found: the checkpoint's tensors.
        expected: the model's tensors.
        source: where ``found`` came from, for the message.

    Raises:
        CheckpointError: names the first keys that are missing, unknown or of another shape.
    """
    missing = [key for key in expected if key not in found]
    unknown = [key for key in found if key not in expected]
    shapes = [
        f"{key} is {tuple(found[key].shape)}, not {tuple(expected[key].shape)}"
        for key in expected
        if key in found and found[key].shape != expected[key].shape
    ]
    problems = []
    for label, keys in (("missing", missing), ("unknown", unknown), ("of another shape", shapes)):
        if keys:
            shown = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
            problems.append(f"{len(keys)} {label} ({shown})")
    if problems:
        raise CheckpointError(
            f"{source} is of another architecture: {'; '.join(problems)}. "
            "Use the configuration it was trained with."
        )
