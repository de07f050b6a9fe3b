"""The one place that decides where data and caches live."""

import os
from pathlib import Path

from holdfast.errors import ConfigError


def data_root(root: str | Path | None = None) -> Path:
    """Return the folder of all data sets.

    Args:
        root: an explicit choice; ``~`` is expanded. Without one, the environment variable
            ``HOLDFAST_DATA`` decides, then ``data`` below the working folder.

    Raises:
        ConfigError: it is an address on object storage.
    """
    chosen = root if root is not None else os.environ.get("HOLDFAST_DATA", "data")
    if "://" in str(chosen):
        raise ConfigError(
            f"The data root is {chosen}, but prepared data sets need a local folder: set "
            "HOLDFAST_DATA to one. (dropout-ft's --data.source takes such an address.)"
        )
    return Path(chosen).expanduser()


def cache_folder() -> Path:
    """Return where indexes lie: ``HOLDFAST_CACHE``, or ``holdfast`` in the user's cache folder."""
    chosen = os.environ.get("HOLDFAST_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "holdfast"
