"""GOT-10k (arXiv 1810.11981): 9335 videos to train, 180 to validate, 180 to test.

``{train,val,test}/list.txt``, ``<sequence>/{00000001.jpg, groundtruth.txt, absence.label,
cover.label, cut_by_image.label, meta_info.ini}``. The test split gives only the first box; its
server scores. The sentence is made of ``meta_info.ini``: object, motion, major and root class, as
the paper does.
"""

import ast
import configparser
from pathlib import Path

import numpy as np

from holdfast.errors import DataError
from vl_track.data.file_video import FileVideo
from vl_track.data.numbers import parse_numbers
from vl_track.data.sets.base import FileSet, Split
from vl_track.data.sets.files import (
    assemble,
    either,
    is_file,
    list_images,
    read_boxes,
    read_file,
    read_flags_if_there,
    read_text,
    subfolders,
)

SAID = ("object_class", "motion_class", "major_class", "root_class")


class GOT10k(FileSet):
    """GOT-10k."""

    splits: tuple[Split, ...] = ("train", "val", "test")

    def list_names(self) -> list[str]:
        """Return the names of ``list.txt`` that are on disk, in its order."""
        path = self.root / self.split / "list.txt"
        if not is_file(path):
            raise DataError(f"{path} is missing: GOT-10k's list says what belongs to the split.")
        names = read_text(path).split()
        return [name for name in names if (self.root / self.split / name).is_dir()]

    def read(self, name: str) -> FileVideo:
        """Read a sequence; in the test split only the first frame has a box."""
        folder = self.root / self.split / name
        pictures = list_images(folder)
        boxes = read_boxes(folder / "groundtruth.txt")
        if self.split == "test" and len(boxes) == 1:
            boxes = np.concatenate([boxes, np.zeros((max(0, len(pictures) - 1), 4))])
        absence, cover = folder / "absence.label", folder / "cover.label"
        hidden = read_flags_if_there(absence)
        if is_file(cover):
            covered = parse_numbers(read_file(cover), str(cover)) == 0
            hidden = covered if hidden is None else either(covered, hidden)
        meta = _meta(folder / "meta_info.ini")
        return assemble(
            name=name,
            images=pictures,
            boxes=boxes,
            hidden=hidden,
            sentence=", ".join(meta[key] for key in SAID if meta.get(key)),
            class_name=meta.get("object_class", ""),
            needs_sentence=self.split != "test",
            size=_resolution(meta.get("resolution", "")),
        )

    def unknown_folders(self) -> list[str]:
        """Return folders that the list does not name."""
        known = set(self.names)
        return [p.name for p in subfolders(self.root / self.split) if p.name not in known]


def _meta(path: Path) -> dict[str, str]:
    """Read ``meta_info.ini``; a missing or unreadable one says nothing."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path))
    except (DataError, configparser.Error):
        return {}
    return dict(parser["METAINFO"]) if "METAINFO" in parser else {}


def _resolution(text: str) -> tuple[float, float] | None:
    try:
        width, height = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return None
    return float(width), float(height)
