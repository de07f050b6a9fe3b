"""MGIT (NeurIPS 2023, from VideoCube): 150 long videos with sentences at three depths.

``data/{train,val,test}/<sequence>/frame_<sequence>/000000.jpg``,
``attribute/groundtruth/<sequence>.txt``, ``attribute/absent/<sequence>.txt``; the sentence of the
whole story in ``attribute/language/<sequence>.txt``. The layout is VideoCube's as published; no
copy of the data was at hand to check it, nor the name of the folder of sentences.
"""

from vl_track.data.sets.base import (
    FileVideo,
    Split,
    VideoSet,
    assemble,
    first_line,
    list_pictures,
    read_boxes,
    read_flags_if_there,
    subfolders,
)


class MGIT(VideoSet):
    """MGIT."""

    splits: tuple[Split, ...] = ("train", "val", "test")

    def list_names(self) -> list[str]:
        """Return the split's sequences that have boxes, sorted."""
        return [
            path.name
            for path in subfolders(self.root / "data" / self.split)
            if (self.root / "attribute" / "groundtruth" / f"{path.name}.txt").is_file()
        ]

    def read(self, name: str) -> FileVideo:
        """Read a sequence."""
        attribute = self.root / "attribute"
        absent = attribute / "absent" / f"{name}.txt"
        return assemble(
            name=name,
            pictures=list_pictures(self.root / "data" / self.split / name / f"frame_{name}"),
            boxes=read_boxes(attribute / "groundtruth" / f"{name}.txt"),
            hidden=read_flags_if_there(absent),
            sentence=first_line(attribute / "language" / f"{name}.txt"),
        )

    def unknown_folders(self) -> list[str]:
        """Return videos without boxes."""
        known = set(self.names)
        return [p.name for p in subfolders(self.root / "data" / self.split) if p.name not in known]
