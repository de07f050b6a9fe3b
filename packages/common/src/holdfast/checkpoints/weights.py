"""Weight files: safetensors, or torch files that hold tensors only."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from holdfast.atomic import write_bytes
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.errors import CheckpointError


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a flat dictionary of tensors.

    Args:
        path: ``.safetensors``, or a torch file whose top level (or whose ``state_dict``, ``model``
            or ``net`` entry) maps names to tensors.

    Raises:
        CheckpointError: missing, damaged, or not weights.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    loaded = read_checkpoint(path)
    for key in ("state_dict", "model", "net"):
        if isinstance(loaded.get(key), dict):
            loaded = loaded[key]
            break
    tensors = {name: value for name, value in loaded.items() if isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError(f"{path} holds no weights: give a file that maps names to tensors.")
    return tensors


def write_weights(path: str | Path, weights: Mapping[str, Tensor]) -> None:
    """Write safetensors atomically; tensors are copied to the CPU and made contiguous."""
    plain = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    write_bytes(path, save(plain))


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(f"There are no weights at {path}: check the path.")
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}.") from error
