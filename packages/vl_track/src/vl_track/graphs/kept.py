"""Where graphs are found: in a model's folder, or written once into the user's cache."""

import hashlib
from pathlib import Path

from holdfast.data.roots import cache_folder
from holdfast.errors import CheckpointError
from vl_track.digests import digest_of
from vl_track.graphs.description import FILE, FORMAT, Description
from vl_track.tracking.judge import FILE as JUDGE

MODEL_FILES = (".safetensors", ".json", ".ckpt")


def graph_in(folder: Path) -> Description | None:
    """Return the description of a folder's graph; ``None`` where there is no graph.

    Raises:
        CheckpointError: there is one, but it is damaged or was written for other weights.
    """
    return Description.read(folder) if (folder / FILE).is_file() else None


def is_whole(folder: Path) -> bool:
    """Tell whether a folder has a graph that fits its files."""
    try:
        return graph_in(folder) is not None
    except CheckpointError:
        return False


def place_for(source: Path) -> Path:
    """Return the folder of the cache for a model's graph, which need not be there.

    It is named after the contents of the model's files, so that another model never finds it.

    Args:
        source: a model folder or a checkpoint.

    Raises:
        CheckpointError: a file cannot be read.
    """
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    found = hashlib.sha256(f"format {FORMAT}".encode())
    for file in files:
        if file.suffix in MODEL_FILES and file.name not in {FILE, JUDGE}:
            found.update(f"{file.name if source.is_dir() else ''} {digest_of(file)}\n".encode())
    return cache_folder() / "vl_track" / found.hexdigest()[:24]
