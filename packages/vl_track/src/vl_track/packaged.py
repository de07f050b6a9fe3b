"""The models that come with the package. Nothing here imports torch."""

from importlib.resources import files
from pathlib import Path

from holdfast.errors import CheckpointError

DEFAULT = "small"
"""Name of the model inside the package."""


def packaged(name: str = DEFAULT) -> Path:
    """Return the folder of a model that comes with the package.

    Raises:
        CheckpointError: there is no such model.
    """
    folder = Path(str(files("vl_track"))) / "weights" / name
    if not (folder / "config.json").is_file():
        raise CheckpointError(
            f"This installation of vl_track has no model '{name}': install again."
        )
    return folder
