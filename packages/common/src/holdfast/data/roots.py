"""The one place that decides where data lives."""

import os
from pathlib import Path


def data_root(root: str | Path | None = None) -> Path:
    """Return the folder of all data sets.

    Args:
        root: an explicit choice; ``~`` is expanded. Without one, the environment variable
            ``HOLDFAST_DATA`` decides, then ``data`` below the working folder.
    """
    chosen = root if root is not None else os.environ.get("HOLDFAST_DATA", "data")
    return Path(chosen).expanduser()
