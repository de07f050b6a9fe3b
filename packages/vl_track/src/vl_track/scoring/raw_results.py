"""Raw results of a tracker, in every layout of the field and what is wrong with them.

- ``<sequence>.txt`` in one folder: pytracking's family, LaSOT's and TNL2K's toolkits, MMOT
- ``<sequence>/<sequence>_001.txt``: GOT-10k
- ``<sequence>_001.txt``: got10k's other experiments
- any of these in a zip or tar file, as LoRAT writes them
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import DataError
from vl_track.data.numbers import parse_numbers, parse_rows
from vl_track.data.trees import Tree, open_tree
from vl_track.data.truth import TrueSequence

Floats = NDArray[np.float64]
PATTERNS = ("{0}.txt", "{0}/{0}_001.txt", "{0}_001.txt")
TIME_PATTERNS = ("{0}_time.txt", "times/{0}_time.txt", "{0}/{0}_time.txt")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about one sequence's result that a reader of the scores must know.

    Attributes:
        sequence: its name.
        kind: ``missing``, ``malformed``, ``short``, ``long``, ``negative`` or ``not a number``.
        text: one sentence.
    """

    sequence: str
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class RawResults:
    """A tracker's results.

    Attributes:
        tracker: its name.
        source: where they lie.
        boxes: (T, 4) by sequence; missing and malformed ones are not there.
        seconds: time a frame, (T,), by sequence, where recorded.
        findings: what is wrong.
    """

    tracker: str
    source: str
    boxes: Mapping[str, Floats] = field(repr=False)
    seconds: Mapping[str, Floats] = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def frames_per_second(self) -> float | None:
        """Frames over recorded seconds, reading of pictures as the recorder counted it."""
        total = sum(float(times.sum()) for times in self.seconds.values())
        count = sum(len(times) for times in self.seconds.values())
        return count / total if total > 0 else None


def read_results(
    path: str | Path,
    truths: Sequence[TrueSequence],
    *,
    tracker: str | None = None,
    truncate: bool = False,
) -> RawResults:
    """Read a tracker's results for some sequences.

    Args:
        path: a folder or archive that holds one tracker's results, at any depth.
        truths: the sequences.
        tracker: its name; by default the folder's.
        truncate: cut coordinates to whole numbers toward zero, as the pytracking family saves them.

    Raises:
        DataError: none of the sequences is there, or several folders could be meant.
    """
    tree = open_tree(path)
    folders = result_folders(tree, [true.name for true in truths])
    if not folders:
        raise DataError(
            f"{path} holds no result of any of the {len(truths)} sequences: files "
            f"{truths[0].name}.txt or {truths[0].name}/{truths[0].name}_001.txt are looked for."
        )
    if len(folders) > 1:
        raise DataError(
            f"{path} holds the results of {len(folders)} trackers or runs: name one of "
            f"{', '.join(folders[:8])}{', ...' if len(folders) > 8 else ''}."
        )
    name = tracker or _tracker_name(Path(path), folders[0])
    return _read(tree.below(folders[0]), str(path), name, truths, truncate=truncate)


def read_many(
    paths: Iterable[str | Path], truths: Sequence[TrueSequence], *, truncate: bool = False
) -> list[RawResults]:
    """Read several trackers at once; a folder of many trackers gives them all.

    Names are made different where two would be the same.
    """
    jobs = [job for path in paths for job in _jobs(path, truths)]
    if not jobs:
        raise DataError("There are no results to read: name a folder or an archive.")
    names = _distinct([(name, source) for name, source, _ in jobs])

    def read(job: tuple[str, tuple[str, str, Tree]]) -> RawResults:
        name, (_, source, tree) = job
        return _read(tree, source, name, truths, truncate=truncate)

    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(read, zip(names, jobs, strict=True)))


def result_folders(tree: Tree, names: Sequence[str]) -> list[str]:
    """Return the folders that hold results of any of the sequences."""
    wanted = set(names)
    found = set()
    for name in tree.names:
        path = PurePosixPath(name)
        if path.suffix != ".txt" or path.parent.name == "times":
            continue
        stem = path.stem.removesuffix("_001")
        if stem not in wanted and path.stem not in wanted:
            continue
        folder = path.parent.parent if path.parent.name == stem else path.parent
        found.add("" if str(folder) == "." else str(folder))
    return sorted(found)


def _jobs(path: str | Path, truths: Sequence[TrueSequence]) -> list[tuple[str, str, Tree]]:
    tree = open_tree(path)
    folders = result_folders(tree, [true.name for true in truths])
    if not folders:
        raise DataError(f"{path} holds no result of any of the {len(truths)} sequences.")
    return [
        (
            _tracker_name(Path(path), folder),
            f"{path}/{folder}" if folder else str(path),
            tree.below(folder),
        )
        for folder in folders
    ]


def _tracker_name(path: Path, folder: str) -> str:
    """Name a tracker by its folder; toolkits add suffixes and archives have endings."""
    name = PurePosixPath(folder).name if folder else path.resolve().name.split(".")[0]
    return name.removesuffix("_tracking_result")


def _distinct(found: Sequence[tuple[str, str]]) -> list[str]:
    names = [name for name, _ in found]
    return [name if names.count(name) == 1 else source for name, source in found]


def _read(
    tree: Tree, source: str, tracker: str, truths: Sequence[TrueSequence], *, truncate: bool
) -> RawResults:
    boxes, seconds, findings = {}, {}, []
    for true in truths:
        try:
            found = _boxes_of(tree, true.name)
        except DataError as error:
            findings.append(Finding(sequence=true.name, kind="malformed", text=str(error)))
            continue
        if found is None:
            text = f"There is no result for {true.name}."
            findings.append(Finding(sequence=true.name, kind="missing", text=text))
            continue
        boxes[true.name] = np.trunc(found) if truncate else found
        findings += examine(found, true)
        times = _times_of(tree, true.name)
        if times is not None:
            seconds[true.name] = times
    return RawResults(
        tracker=tracker, source=source, boxes=boxes, seconds=seconds, findings=tuple(findings)
    )


def examine(boxes: Floats, true: TrueSequence) -> list[Finding]:
    """Say what is wrong with a result that could be read."""
    name, count, wanted = true.name, len(boxes), len(true.boxes)
    findings = []
    if count != wanted:
        kind = "short" if count < wanted else "long"
        text = f"The result of {name} has {count} boxes for {wanted} frames."
        findings.append(Finding(sequence=name, kind=kind, text=text))
    if bool(np.isfinite(boxes).all()) and bool((boxes[:, 2:] >= 0).all()):
        return findings
    broken = np.isnan(boxes).any(axis=1) | np.isinf(boxes).any(axis=1)
    negative = (boxes[:, 2:] < 0).any(axis=1) & ~broken
    for kind, rows in (("not a number", broken), ("negative", negative)):
        if rows.any():
            what = "no finite number" if kind == "not a number" else "a negative side"
            text = (
                f"The result of {name} has {what} in {int(rows.sum())} lines, the first of them "
                f"line {int(np.argmax(rows)) + 1}."
            )
            findings.append(Finding(sequence=name, kind=kind, text=text))
    return findings


def _boxes_of(tree: Tree, name: str) -> Floats | None:
    for pattern in PATTERNS:
        file = pattern.format(name)
        if file in tree:
            boxes = parse_rows(tree.read(file), 4, f"{tree.source}/{file}")
            if len(boxes) == 0:
                raise DataError(f"{tree.source}/{file} is empty.")
            return boxes
    return None


def _times_of(tree: Tree, name: str) -> Floats | None:
    for pattern in TIME_PATTERNS:
        file = pattern.format(name)
        if file in tree:
            try:
                return parse_numbers(tree.read(file), file)
            except DataError:
                return None
    return None
