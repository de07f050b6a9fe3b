"""Where graphs are found: in a model's folder, or written once into the user's cache."""

import hashlib
from pathlib import Path

from holdfast.data.roots import cache_folder
from holdfast.errors import CheckpointError, ConfigError
from vl_track.digests import digest_of
from vl_track.graphs.description import FILE, FORMAT, Description
from vl_track.packaged import packaged
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
    found = hashlib.sha256(f"format {FORMAT}".encode())
    for file in _model_files(source):
        if file.name != JUDGE:
            found.update(f"{file.name if source.is_dir() else ''} {digest_of(file)}\n".encode())
    return cache_folder() / "vl_track" / found.hexdigest()[:24]


def digest_of_model(weights: str | None) -> str:
    """Return a digest of a model's files, so that results of another model are never mixed in."""
    source = Path(weights) if weights is not None else packaged()
    if not source.exists():
        raise ConfigError(f"There is no model at {source}: check --weights.")
    digest = hashlib.sha256()
    for file in _model_files(source):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _model_files(source: Path) -> list[Path]:
    """Return the files of a model folder, or the checkpoint; not what describes its graph."""
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    return [file for file in files if file.suffix in MODEL_FILES and file.name != FILE]
