"""Where the true boxes of a benchmark come from: its toolkit's annotations, or the data set."""

from concurrent.futures import ThreadPoolExecutor

from holdfast.errors import ConfigError, DataError
from vl_track.data.annotations import read_toolkit_annotations
from vl_track.data.sets.base import Split
from vl_track.data.truth import TrueSequence
from vl_track.scoring.sets import known_set, open_set


def read_truths(
    dataset: str,
    *,
    annotations: str | None = None,
    root: str | None = None,
    folder: str | None = None,
    split: Split | None = None,
    names: list[str] | None = None,
) -> list[TrueSequence]:
    """Read a benchmark's true boxes.

    Args:
        dataset: its name.
        annotations: the toolkit's folder or archive; without it the data set is read.
        root: data root.
        folder: the data set's own folder, where it does not lie below the data root.
        split: of the data set; by default ``val`` of GOT-10k, whose test split only its server
            scores, and ``test`` of the others.
        names: sequences; all by default.

    Raises:
        ConfigError: no such data set, or none of the names is in it.
        DataError: files are missing or malformed.
    """
    if annotations is not None:
        return read_toolkit_annotations(annotations, dataset, names=names)
    part: Split = split or ("val" if dataset == "got10k" else "test")
    videos = open_set(dataset, part, root=root, folder=folder)
    chosen = [name for name in videos.names if names is None or name in set(names)]
    if not chosen:
        raise ConfigError(f"{dataset} has none of the sequences {', '.join(names or [])}.")
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(videos.truth, chosen))
    lone = [true for true in found if len(true.boxes) > 1 and not true.boxes[1:].any()]
    if len(lone) == len(found):
        known = known_set(dataset)
        raise DataError(
            f"The {part} split of {known.title} gives only first boxes; it is scored by "
            f"{known.scored}."
        )
    return found
