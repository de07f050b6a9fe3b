"""COCO 2017 (arXiv 1405.0312): objects in pictures, as in OSTrack's and All-in-One's training.

``images/{train2017,val2017}/*.jpg``, ``annotations/instances_{train,val}2017.json``. Crowds are
left out; the sentence is "category, supercategory", as the paper's.
"""

from pathlib import Path

from vl_track.data.geometry import Box, as_box
from vl_track.data.sets.base import Split
from vl_track.data.sets.pictures import PictureSet, read_json


class COCO(PictureSet):
    """Instances of COCO 2017."""

    splits: tuple[Split, ...] = ("train", "val")

    def read_index(self) -> list[tuple[str, Path, Box, str]]:
        """Return every instance that is no crowd, in the order of the index."""
        index = read_json(self.root / "annotations" / f"instances_{self.split}2017.json")
        pictures = {one["id"]: one["file_name"] for one in index["images"]}
        said = {
            one["id"]: f"{one['name']}, {one['supercategory']}".lower()
            for one in index["categories"]
        }
        folder = self.root / "images" / f"{self.split}2017"
        return [
            (
                str(one["id"]),
                folder / pictures[one["image_id"]],
                as_box(one["bbox"]),
                said[one["category_id"]],
            )
            for one in index["annotations"]
            if not one.get("iscrowd")
        ]
