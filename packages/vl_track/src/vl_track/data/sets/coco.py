"""COCO 2017 (arXiv 1405.0312): objects in images, as in OSTrack's and All-in-One's training.

``images/{train2017,val2017}/*.jpg``, ``annotations/instances_{train,val}2017.json``. Crowds are
left out; the sentence is "category, supercategory", as the paper's.
"""

from collections.abc import Iterator
from pathlib import Path

from vl_track.data.geometry import as_box
from vl_track.data.sets.base import Split
from vl_track.data.sets.images import ImageSet, Item, stream_json


class COCO(ImageSet):
    """Instances of COCO 2017."""

    splits: tuple[Split, ...] = ("train", "val")

    @property
    def annotation(self) -> Path:
        """The file of instances."""
        return self.root / "annotations" / f"instances_{self.split}2017.json"

    def read_items(self) -> Iterator[Item]:
        """Yield every instance that is no crowd, in the order of the file."""
        images = {
            one["id"]: one["file_name"] for one in stream_json(self.annotation, "images.item")
        }
        sentences = {
            one["id"]: f"{one['name']}, {one['supercategory']}".lower()
            for one in stream_json(self.annotation, "categories.item")
        }
        for one in stream_json(self.annotation, "annotations.item"):
            if not one.get("iscrowd"):
                yield Item(
                    name=str(one["id"]),
                    image=f"images/{self.split}2017/{images[one['image_id']]}",
                    box=as_box(one["bbox"]),
                    sentence=sentences[one["category_id"]],
                )
