"""VastTrack (arXiv 2403.03493): 2115 classes, 50610 videos, sentences for all.

``[{train,test}/]<class>/<sequence>/{imgs/00001.jpg, Groundtruth.txt, nlp.txt}``; a box 0,0,0,0 is
an object that cannot be seen. Without the folders train and test, ``test_list.txt`` below the root
says which sequences test.
"""

from pathlib import Path

from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import FileSet
from vl_track.data.sets.files import (
    assemble,
    first_line,
    is_file,
    list_images,
    read_boxes,
    read_text,
    subfolders,
)


class VastTrack(FileSet):
    """VastTrack."""

    def list_names(self) -> list[str]:
        """Return the split's sequences, sorted."""
        own = self.root / self.split
        top = own if own.is_dir() else self.root
        self._folders: dict[str, Path] = {
            path.name: path
            for kind in subfolders(top)
            for path in subfolders(kind)
            if is_file(path / "Groundtruth.txt")
        }
        listed = self.root / "test_list.txt"
        if top == self.root and is_file(listed):
            testing = set(read_text(listed).split())
            chosen = {name for name in self._folders if (name in testing) == (self.split == "test")}
        else:
            chosen = set(self._folders)
        return sorted(chosen)

    def read(self, name: str) -> FileVideo:
        """Read a sequence."""
        folder = self._folders[name]
        return assemble(
            name=name,
            images=list_images(folder / "imgs"),
            boxes=read_boxes(folder / "Groundtruth.txt"),
            sentence=first_line(folder / "nlp.txt"),
            class_name=folder.parent.name.lower(),
        )
