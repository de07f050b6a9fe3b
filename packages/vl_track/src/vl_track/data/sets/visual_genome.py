"""Visual Genome (arXiv 1602.07332): regions of pictures with a phrase each.

``region_descriptions.json``, ``images/VG_100K/<id>.jpg`` and ``images/VG_100K_2/<id>.jpg``: the
release reads the first folder only and silently drops the rest; here both are looked at. One region
is one item. There is one split.
"""

from pathlib import Path

from vl_track.data.geometry import Box, as_box
from vl_track.data.sets.base import Split
from vl_track.data.sets.pictures import PictureSet, read_json

FOLDERS = ("VG_100K", "VG_100K_2")


class VisualGenome(PictureSet):
    """Region descriptions."""

    splits: tuple[Split, ...] = ("train",)

    def read_index(self) -> list[tuple[str, Path, Box, str]]:
        """Return every region, in the order of the index."""
        there = {
            path.stem: path
            for folder in FOLDERS
            for path in (self.root / "images" / folder).glob("*.jpg")
        }
        fallback = self.root / "images" / FOLDERS[0]
        items = []
        for picture in read_json(self.root / "region_descriptions.json"):
            for region in picture["regions"]:
                number = str(region.get("image_id", picture.get("id")))
                box = as_box(region[key] for key in ("x", "y", "width", "height"))
                said = str(region["phrase"]).strip().rstrip(".").lower()
                path = there.get(number, fallback / f"{number}.jpg")
                items.append((str(region["region_id"]), path, box, said))
        return items
