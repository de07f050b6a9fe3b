"""WebUAV-3M (arXiv 2201.07425): 3520 videos from drones to train, 200 to validate, 780 to test.

``{Train,Val,Test}/<sequence>/{img/000001.jpg, groundtruth_rect.txt, absent.txt, attributes.txt,
language.txt, scenario.txt}``; a frame without the object has the box 0,0,0,0.
"""

from pathlib import Path

from vl_track.data.attributes import name_attributes
from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import FileSet, Split
from vl_track.data.sets.files import (
    assemble,
    first_line,
    is_file,
    list_images,
    read_attributes,
    read_boxes,
    read_flags_if_there,
    subfolders,
)


class WebUAV3M(FileSet):
    """WebUAV-3M."""

    splits: tuple[Split, ...] = ("train", "val", "test")

    def list_names(self) -> list[str]:
        """Return the split's folders with a file of boxes, sorted."""
        return [path.name for path in self._below() if is_file(path / "groundtruth_rect.txt")]

    def read(self, name: str) -> FileVideo:
        """Read a sequence."""
        folder = self.root / self.split.capitalize() / name
        absent = folder / "absent.txt"
        return assemble(
            name=name,
            images=list_images(folder / "img"),
            boxes=read_boxes(folder / "groundtruth_rect.txt"),
            hidden=read_flags_if_there(absent),
            sentence=first_line(folder / "language.txt"),
            attributes=name_attributes("webuav3m", read_attributes(folder / "attributes.txt")),
        )

    def unknown_folders(self) -> list[str]:
        """Return folders without a file of boxes."""
        known = set(self.names)
        return [path.name for path in self._below() if path.name not in known]

    def _below(self) -> list[Path]:
        return subfolders(self.root / self.split.capitalize())
