"""Where the true boxes of a benchmark come from: its toolkit's annotations, or the data set."""

from concurrent.futures import ThreadPoolExecutor

from holdfast.errors import ConfigError, DataError
from vl_track.data.sets.base import Split
from vl_track.data.sets.known import KNOWN, open_set
from vl_track.scoring.annotations import read_toolkit_annotations
from vl_track.scoring.benchmark import TrueSequence


def read_truths(
    dataset: str,
    *,
    annotations: str | None = None,
    root: str | None = None,
    split: Split = "test",
    names: list[str] | None = None,
) -> list[TrueSequence]:
    """Read a benchmark's true boxes.

    Args:
        dataset: its name.
        annotations: the toolkit's folder or archive; without it the data set is read.
        root: data root.
        split: of the data set.
        names: sequences; all by default.

    Raises:
        ConfigError: no such data set, or none of the names is in it.
        DataError: files are missing or malformed.
    """
    if annotations is not None:
        return read_toolkit_annotations(annotations, dataset, names=names)
    videos = open_set(dataset, split, root=root)
    chosen = [name for name in videos.names if names is None or name in set(names)]
    if not chosen:
        raise ConfigError(f"{dataset} has none of the sequences {', '.join(names or [])}.")
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(videos.read, chosen))
    lone = [video.name for video in found if len(video) > 1 and not video.seen[1:].any()]
    if len(lone) == len(found):
        raise DataError(
            f"The {split} split of {KNOWN[dataset].title} gives only first boxes; it is scored by "
            f"{KNOWN[dataset].scored}."
        )
    return [video.truth() for video in found]
