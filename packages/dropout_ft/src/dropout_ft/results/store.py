"""Logits and the table on disk, so that every later question needs no network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from dropout_ft.data.table import EvaluationTable
from holdfast.atomic import write_text
from holdfast.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


def write_table(path: Path, table: EvaluationTable) -> None:
    """Write the table as JSON."""
    content = {
        "domain_names": list(table.domain_names),
        "test_domains": list(table.test_domains),
        "class_names": list(table.class_names),
        "domain": table.domain.tolist(),
        "held_out": table.held_out.astype(int).tolist(),
        "label": table.label.tolist(),
        "paths": [str(p) for p in table.paths],
    }
    write_text(path, json.dumps(content) + "\n")


def read_table(path: Path) -> EvaluationTable:
    """Read what :func:`write_table` wrote.

    Raises:
        DataError: missing or malformed.
    """
    try:
        found = json.loads(path.read_text())
        return EvaluationTable(
            domain=np.asarray(found["domain"], dtype=np.int64),
            held_out=np.asarray(found["held_out"], dtype=bool),
            label=np.asarray(found["label"], dtype=np.int64),
            paths=tuple(Path(p) for p in found["paths"]),
            domain_names=tuple(found["domain_names"]),
            test_domains=tuple(found["test_domains"]),
            class_names=tuple(found["class_names"]),
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not an evaluation table ({error}): run `fit` again.") from error


def logits_path(folder: Path, step: int) -> Path:
    """Return the file of one evaluation's logits."""
    return folder / f"step-{step:07d}.safetensors"


def write_logits(folder: Path, step: int, logits: Mapping[str, "Tensor"]) -> None:
    """Write one evaluation: a float32 (N, C) matrix for each set of weights."""
    from holdfast.checkpoints.weights import write_weights  # noqa: PLC0415  (it imports torch)

    write_weights(logits_path(folder, step), logits)


def logits_steps(folder: Path) -> list[int]:
    """Return the steps whose logits are in a folder, rising."""
    names = [path.stem.removeprefix("step-") for path in folder.glob("step-*.safetensors")]
    return sorted(int(name) for name in names if name.isdigit())


def read_logits(folder: Path, step: int) -> dict[str, np.ndarray]:
    """Read one evaluation: a float32 (N, C) matrix for each set of weights.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = logits_path(folder, step)
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(f"The logits {path} are damaged ({error}): run `fit` again.") from error
    return {name: value.astype(np.float32, copy=False) for name, value in arrays.items()}
