"""MGIT (NeurIPS 2023, from VideoCube): 150 long videos with sentences at three depths.

``data/{train,val,test}/<sequence>/frame_<sequence>/000000.jpg``,
``attribute/groundtruth/<sequence>.txt``, ``attribute/absent/<sequence>.txt``; the sentence of the
whole story in ``attribute/language/<sequence>.txt``. The layout is VideoCube's as published; no
copy of the data was at hand to check it, nor the name of the folder of sentences.
"""

from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import FileSet, Split
from vl_track.data.sets.files import (
    assemble,
    first_line,
    is_file,
    list_images,
    read_boxes,
    read_flags_if_there,
    subfolders,
)


class MGIT(FileSet):
    """MGIT."""

    splits: tuple[Split, ...] = ("train", "val", "test")

    def list_names(self) -> list[str]:
        """Return the split's sequences that have boxes, sorted."""
        return [
            path.name
            for path in subfolders(self.root / "data" / self.split)
            if is_file(self.root / "attribute" / "groundtruth" / f"{path.name}.txt")
        ]

    def read(self, name: str) -> FileVideo:
        """Read a sequence."""
        attribute = self.root / "attribute"
        absent = attribute / "absent" / f"{name}.txt"
        return assemble(
            name=name,
            images=list_images(self.root / "data" / self.split / name / f"frame_{name}"),
            boxes=read_boxes(attribute / "groundtruth" / f"{name}.txt"),
            hidden=read_flags_if_there(absent),
            sentence=first_line(attribute / "language" / f"{name}.txt"),
        )

    def unknown_folders(self) -> list[str]:
        """Return videos without boxes."""
        known = set(self.names)
        return [p.name for p in subfolders(self.root / "data" / self.split) if p.name not in known]
