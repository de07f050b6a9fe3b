"""Visual Genome (arXiv 1602.07332): regions of images with a phrase each.

``region_descriptions.json``, ``images/VG_100K/<id>.jpg`` and ``images/VG_100K_2/<id>.jpg``: the
release reads the first folder only and silently drops the rest; here both are looked at. One region
is one item. There is one split.
"""

from collections.abc import Iterator
from pathlib import Path

from vl_track.data.geometry import as_box
from vl_track.data.sets.base import Split
from vl_track.data.sets.files import list_images
from vl_track.data.sets.images import ImageSet, Item, stream_json

FOLDERS = ("VG_100K", "VG_100K_2")


class VisualGenome(ImageSet):
    """Region descriptions."""

    splits: tuple[Split, ...] = ("train",)

    @property
    def annotation(self) -> Path:
        """The file of regions."""
        return self.root / "region_descriptions.json"

    def read_items(self) -> Iterator[Item]:
        """Yield every region, in the order of the file."""
        there = {
            path.stem: f"images/{folder}/{path.name}"
            for folder in FOLDERS
            for path in list_images(self.root / "images" / folder)
        }
        for image in stream_json(self.annotation, "item"):
            for region in image["regions"]:
                number = str(region.get("image_id", image.get("id")))
                yield Item(
                    name=str(region["region_id"]),
                    image=there.get(number, f"images/{FOLDERS[0]}/{number}.jpg"),
                    box=as_box(region[key] for key in ("x", "y", "width", "height")),
                    sentence=str(region["phrase"]).strip().rstrip(".").lower(),
                )
