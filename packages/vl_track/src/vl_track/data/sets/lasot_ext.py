"""LaSOT_ext (arXiv 2009.03465): 15 further classes of 10 videos, all for testing.

The layout is LaSOT's. Known faults: paddle-1 (2703 rows in the data set, 2500 in the toolkit) and
paddle-10 differ, and the authors say the toolkit's are right; airplane-14, airplane-15 and bus-4
are off by one in some downloads of LaSOT. Put the toolkit's file at ``revised/<sequence>.txt``
below the root and it is read instead; without it, the sequence carries a remark.
"""

from dataclasses import replace

from vl_track.data.file_video import FileVideo
from vl_track.data.sets.base import Split
from vl_track.data.sets.files import is_file
from vl_track.data.sets.lasot import LaSOT, by_number

REVISED = ("paddle-1", "paddle-10")


class LaSOTExt(LaSOT):
    """LaSOT_ext: one split."""

    splits: tuple[Split, ...] = ("test",)
    attribute_set = "lasot_ext"

    def list_names(self) -> list[str]:
        """Return every sequence, by class and number."""
        return sorted(self.found(), key=by_number)

    def read(self, name: str) -> FileVideo:
        """Read a sequence, remarking on the two whose annotation was revised."""
        video = super().read(name)
        if name in REVISED and not is_file(self.root / "revised" / f"{name}.txt"):
            fault = (
                "the data set's annotation differs from the evaluation toolkit's, which is right; "
                f"put the toolkit's file at {self.root / 'revised' / name}.txt"
            )
            return replace(video, faults=(*video.faults, fault))
        return video
