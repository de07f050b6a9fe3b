"""TNL2K (arXiv 2103.16746): 1300 videos to train, 700 to test, each with a sentence.

``{train,test}/<sequence>/{imgs/*, groundtruth.txt, language.txt, attributes.txt}``; frame names are
irregular and sorted by name; some copies have one more level of folders. Absence flags exist for
the test split and only in the toolkit: its ``annos`` folder, or ``absent/<sequence>.txt``, below
the root.

Known faults: twelve training sequences have revised annotations (``revised_annotations/``), four
have new sentences (``updated_4_video_text_annotation/``), two have empty ones (INF_run1,
INF_womanred), one test frame is damaged (test_015_Sord_video_Q01_done/00000492.png). Both folders
are read where they lie below the root.
"""

from pathlib import Path

from vl_track.data.attributes import name_attributes
from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import FileSet
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

REVISED, RETEXTED = "revised_annotations", "updated_4_video_text_annotation"
NEW_TEXT = ("Fight_video_6-Done", "INF_woman46", "NBA2k_Kawayi_video_15", "INF_womanpink")
EMPTY_TEXT = ("INF_run1", "INF_womanred")


class TNL2K(FileSet):
    """TNL2K."""

    def list_names(self) -> list[str]:
        """Return the split's sequences, sorted; also those one level deeper."""
        self._folders = {
            path.name: path
            for top in subfolders(self.root / self.split)
            for path in [top, *subfolders(top)]
            if is_file(path / "groundtruth.txt")
        }
        return sorted(self._folders)

    def read(self, name: str) -> FileVideo:
        """Read a sequence; revised files go first."""
        folder = self._folders[name]
        faults = []
        boxes_file = self._revised(name, "groundtruth.txt", REVISED, RETEXTED)
        text_file = self._revised(name, "language.txt", RETEXTED)
        if name in NEW_TEXT and text_file is None:
            faults.append(
                f"its sentence was replaced by the authors; unpack {RETEXTED} into {self.root}"
            )
        absent = self.root / "annos" / "absent" / f"{name}.txt"
        if not is_file(absent):
            absent = self.root / "absent" / f"{name}.txt"
        return assemble(
            name=name,
            images=list_images(folder / "imgs"),
            boxes=read_boxes(boxes_file or folder / "groundtruth.txt"),
            absent=read_flags_if_there(absent),
            sentence=first_line(text_file or folder / "language.txt"),
            attributes=name_attributes("tnl2k", read_attributes(folder / "attributes.txt")),
            faults=faults,
        )

    def unknown_folders(self) -> list[str]:
        """Return folders without a sequence in them."""
        known = {path.name for path in self._folders.values()}
        return [
            str(top.relative_to(self.root))
            for top in subfolders(self.root / self.split)
            if top.name not in known and not any(p.name in known for p in subfolders(top))
        ]

    def _revised(self, name: str, file: str, *folders: str) -> Path | None:
        """Find a revised file, in the layouts the authors' archives have."""
        for folder in folders:
            for path in (
                self.root / folder / name / file,
                self.root / folder / f"{name}.txt",
                self.root / folder / self.split / name / file,
            ):
                if is_file(path):
                    return path
        return None
