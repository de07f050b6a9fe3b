"""The true boxes of a benchmark, as its evaluation toolkit ships them: no images needed.

Layouts: ``groundtruth/<sequence>.txt`` with ``absent/``, ``attributes/`` and ``nlp/`` beside it;
LaSOT's toolkit with ``annos/<sequence>.txt``, ``annos/absent/`` and ``annos/att/``; TNL2K's toolkit
with ``annos/gt_rect/<sequence>.txt``, ``annos/absent/`` and ``annos/att/``. A list of sequences
(``testing_set.txt``, ``*_testing_set.txt``) selects them where there is one.
"""

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import DataError
from vl_track.data.attributes import name_attributes
from vl_track.data.numbers import parse_flags, parse_numbers, parse_rows
from vl_track.data.trees import Tree, open_tree
from vl_track.data.truth import TrueSequence

GROUNDTRUTH = ("groundtruth", "gt_rect", "annos", "annotations", "anno")
ABSENT, ATTRIBUTES, SENTENCES = ("absent",), ("attributes", "att"), ("nlp", "language")


def read_toolkit_annotations(
    path: str | Path, dataset: str = "lasot", *, names: list[str] | None = None
) -> list[TrueSequence]:
    """Read a toolkit's folder, or an archive of it.

    Args:
        path: folder, tar or zip.
        dataset: names the attributes.
        names: sequences to read; by default those of the list in it, else all, sorted.

    Raises:
        DataError: no such layout, a sequence of the list is missing, or a file is malformed.
    """
    tree = open_tree(path)
    folder, files = _groundtruth(tree)
    every = [name.removesuffix(".txt") for name in files]
    chosen = names or _listed(tree, set(every)) or every
    return [_sequence(tree, folder, name, dataset) for name in chosen]


def _groundtruth(tree: Tree) -> tuple[str, list[str]]:
    folders = tree.folders_with(".txt")
    for wanted in GROUNDTRUTH:
        for folder, files in folders.items():
            if PurePosixPath(folder).name == wanted:
                return folder, files
    raise DataError(
        f"{tree.source} has no folder of ground truth: one named {' or '.join(GROUNDTRUTH)} with a "
        "file <sequence>.txt for each sequence is expected."
    )


def _listed(tree: Tree, there: set[str]) -> list[str]:
    """Return the sequences of the list; of several lists, the one whose sequences are all there."""
    lists = {
        path: [line.strip() for line in tree.text(path).splitlines() if line.strip()]
        for path in tree.names
        if path.endswith("testing_set.txt")
    }
    if len(lists) > 1:
        lists = {path: names for path, names in lists.items() if set(names) <= there}
    if len(lists) > 1:
        raise DataError(
            f"{tree.source} has several lists of sequences ({', '.join(lists)}): keep one."
        )
    return next(iter(lists.values()), [])


def _sequence(tree: Tree, folder: str, name: str, dataset: str) -> TrueSequence:
    file = f"{folder}/{name}.txt"
    boxes = parse_rows(tree.read(file), 4, file)
    flags = _beside(tree, folder, name, ATTRIBUTES)
    sentence = _beside(tree, folder, name, SENTENCES)
    numbers = [] if flags is None else parse_numbers(tree.read(flags), flags).tolist()
    visible = _visible(tree, _beside(tree, folder, name, ABSENT))
    remarks = []
    if visible is not None and len(visible) > len(boxes):
        remarks.append(
            f"{name} has {len(boxes)} boxes and {len(visible)} absence flags; the first "
            f"{len(boxes)} of both are used."
        )
        visible = visible[: len(boxes)]
    return TrueSequence(
        name=name,
        boxes=boxes,
        visible=visible,
        attributes=name_attributes(dataset, numbers),
        sentence="" if sentence is None else tree.text(sentence).strip(),
        remarks=tuple(remarks),
    )


def _beside(tree: Tree, folder: str, name: str, folders: tuple[str, ...]) -> str | None:
    """Find a sequence's other file: in a folder beside the ground truth's, or inside it."""
    parent = str(PurePosixPath(folder).parent)
    for top in (folder, parent if parent != "." else ""):
        for inner in folders:
            for file in (f"{name}.txt", f"{name}_attribute.txt"):
                path = "/".join(part for part in (top, inner, file) if part)
                if path in tree:
                    return path
    return None


def _visible(tree: Tree, path: str | None) -> NDArray[np.bool_] | None:
    return None if path is None else ~parse_flags(tree.read(path), path)
