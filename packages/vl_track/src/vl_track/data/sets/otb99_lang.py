"""OTB99-Lang (CVPR 2017, Tracking by Natural Language Specification): 51 to train, 48 to test.

``OTB_videos/<sequence>/{img/0001.jpg, groundtruth_rect.txt}``,
``OTB_query_{train,test}/<sequence>.txt``. Known faults: the annotation of four sequences begins
later than their first picture (David 300, BlurCar1 247, BlurCar3 3, BlurCar4 18), Board's pictures
have five digits, the files of boxes are separated by commas, tabs or blanks, and Jogging and
Skating2 hold two objects each (``Jogging-1``: ``Jogging/groundtruth_rect.1.txt``).
"""

from pathlib import Path

from holdfast.errors import DataError
from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import FileSet
from vl_track.data.sets.files import assemble, first_line, list_images, read_boxes, subfolders

START_FRAMES = {"David": 300, "BlurCar1": 247, "BlurCar3": 3, "BlurCar4": 18}


class OTB99Lang(FileSet):
    """OTB99 with sentences; the files of sentences make the splits."""

    def list_names(self) -> list[str]:
        """Return the names of the split's sentence files, sorted."""
        return sorted(path.stem for path in self._queries.glob("*.txt"))

    @property
    def _queries(self) -> Path:
        return self.root / f"OTB_query_{self.split}"

    def read(self, name: str) -> FileVideo:
        """Read a sequence from its first annotated picture."""
        folder, boxes_file = self._files(name)
        start = START_FRAMES.get(name, 1)
        pictures = [p for p in list_images(folder / "img") if _number(p) >= start]
        boxes = read_boxes(boxes_file)
        # Some sequences have pictures behind the last annotated one.
        return assemble(
            name=name,
            images=pictures[: len(boxes)],
            boxes=boxes,
            sentence=first_line(self._queries / f"{name}.txt"),
        )

    def unknown_folders(self) -> list[str]:
        """Return videos without a sentence in either split."""
        known = {path.stem for path in self.root.glob("OTB_query_*/*.txt")}
        known |= {name.rsplit("-", 1)[0] for name in known if name[-2:] in {"-1", "-2"}}
        return [p.name for p in subfolders(self.root / "OTB_videos") if p.name not in known]

    def _files(self, name: str) -> tuple[Path, Path]:
        folder = self.root / "OTB_videos" / name
        if folder.is_dir():
            return folder, folder / "groundtruth_rect.txt"
        base, _, number = name.rpartition("-")
        folder = self.root / "OTB_videos" / base
        if base and folder.is_dir():
            return folder, folder / f"groundtruth_rect.{number}.txt"
        raise DataError(f"{self.root / 'OTB_videos'} has no folder {name}: get the videos again.")


def _number(picture: Path) -> int:
    digits = "".join(letter for letter in picture.stem if letter.isdigit())
    return int(digits) if digits else 0
