"""TrackingNet (arXiv 1803.10794): 30132 videos to train in twelve parts, 511 to test.

``TRAIN_0..11|TEST/{anno/<sequence>.txt, frames/<sequence>/0.jpg}``; pictures are sorted by number.
The test split gives only the first box; its server scores. The sentence is the class name, where
``classes.txt`` below the root says it (``<sequence>`` tab ``<class>``, as the paper's class map).
"""

from pathlib import Path

import numpy as np

from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import FileSet
from vl_track.data.sets.files import assemble, is_file, list_images, read_boxes, read_text

PARTS = tuple(f"TRAIN_{part}" for part in range(12))


class TrackingNet(FileSet):
    """TrackingNet.

    Args:
        root: the data set's folder.
        split: ``train`` or ``test``.
        parts: of the training split; the paper's four use all twelve.
    """

    def __init__(self, root: Path, split: str, parts: tuple[str, ...] = PARTS) -> None:
        self.parts = parts
        super().__init__(root, split)  # type: ignore[arg-type]

    def list_names(self) -> list[str]:
        """Return the sequences with an annotation, sorted within each part."""
        parts = self.parts if self.split == "train" else ("TEST",)
        self._part = {
            path.stem: part
            for part in parts
            for path in sorted((self.root / part / "anno").glob("*.txt"))
        }
        self._classes = _classes(self.root / "classes.txt")
        return list(self._part)

    def read(self, name: str) -> FileVideo:
        """Read a sequence; in the test split only the first frame has a box."""
        folder = self.root / self._part[name]
        found = list_images(folder / "frames" / name) or list_images(folder / "zips" / name)
        pictures = sorted(found, key=_number)
        boxes = read_boxes(folder / "anno" / f"{name}.txt")
        if self.split == "test" and len(boxes) == 1:
            boxes = np.concatenate([boxes, np.zeros((max(0, len(pictures) - 1), 4))])
        return assemble(
            name=name,
            images=pictures,
            boxes=boxes,
            sentence=self._classes.get(name, ""),
            class_name=self._classes.get(name, ""),
            needs_sentence=bool(self._classes),
        )

    def faults(self) -> list[str]:
        """Say that no sequence has a sentence, where that is so."""
        if self._classes or self.split != "train":
            return []
        return [
            f"{self.root / 'classes.txt'} is missing, so no sequence has a sentence: put the class "
            "map there, a line <sequence> tab <class> each"
        ]

    def unknown_folders(self) -> list[str]:
        """Return folders of frames without an annotation."""
        parts = self.parts if self.split == "train" else ("TEST",)
        return [
            f"{part}/frames/{path.name}"
            for part in parts
            for path in sorted((self.root / part / "frames").glob("*"))
            if path.name not in self._part
        ]


def _classes(path: Path) -> dict[str, str]:
    if not is_file(path):
        return {}
    rows = (line.split("\t") for line in read_text(path).splitlines() if "\t" in line)
    return {row[0].strip(): row[1].strip() for row in rows}


def _number(picture: Path) -> tuple[int, str]:
    return (int(picture.stem), "") if picture.stem.isdigit() else (0, picture.stem)
