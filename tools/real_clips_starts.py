"""Track every object of RealClips from four frames each, to compare models by more runs.

    python tools/real_clips_starts.py --weights results/vl-real/model --precision bfloat16

Each object is tracked from the first, and from frames a quarter, a half and three quarters of the
way through its annotated boxes, to its last one; the second and the fourth run are mirrored. Prints
the success AUC (convention plain) of each object, a mean of its runs, and the mean over objects.
(OTB's temporal robustness evaluation starts a tracker anew in the same way.)
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

import vl_track
from holdfast.data.roots import data_root
from holdfast.errors import HoldfastError
from vl_track.data.geometry import Box, Window
from vl_track.data.prompts import PromptKind
from vl_track.data.sets.clips import ClipVideo, RealClips
from vl_track.data.video import crop_frame
from vl_track.scoring.runs import run_video
from vl_track.tracking import Tracker
from vl_track.video.frames import Image

STARTS = 4


class Mirrored:
    """A clip, left and right exchanged; its sentence stays, so it should not name a side."""

    def __init__(self, clip: ClipVideo) -> None:
        self.clip, self.name, self.sentence = clip, f"{clip.name} mirrored", clip.sentence
        self._first = clip.frame(0)  # kept: to ask for it again is to decode the clip again

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.clip)

    def frame(self, time: int) -> Image:
        """Return RGB uint8 (H, W, 3)."""
        mirrored: Image = cv2.flip(self.clip.frame(time) if time else self._first, 1)
        return mirrored

    def box(self, time: int) -> Box:
        """Return the true box; zeros where there is none."""
        x, y, width, height = self.clip.box(time)
        left = self._first.shape[1] - x - width
        return (left if width else x, y, width, height)

    def visible(self, time: int) -> bool:
        """Tell whether the frame is annotated with a box."""
        return self.clip.visible(time)

    def crop(self, time: int, window: Window, size: int) -> Image:
        """Return a window of a frame."""
        return crop_frame(self.frame(time), window, size)


def runs_of(video: ClipVideo) -> Iterator[ClipVideo | Mirrored]:
    """Yield an object's clip from each of its starting frames on; every second one mirrored."""
    frames = sorted(video.clip.boxes)
    for number in range(STARTS):
        # The last box can be no start: nothing would be left to score.
        start = frames[max(0, min(len(frames) * number // STARTS, len(frames) - 2))]
        kept = {frame: box for frame, box in video.clip.boxes.items() if frame >= start}
        # Absences are not scored, and one before the start would be no frame of the run.
        later = ClipVideo(replace(video.clip, boxes=kept, absent=frozenset()))
        yield Mirrored(later) if number % 2 else later


def measure(tracker: Tracker, videos: Sequence[ClipVideo], prompt: PromptKind) -> dict[str, float]:
    """Return each object's success AUC, a mean over its runs."""
    return {
        video.name: float(np.mean([run_video(tracker, one, prompt=prompt).auc
                                   for one in runs_of(video)]))
        for video in videos
    }  # fmt: skip


def main() -> None:
    """Read the options, track, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default=None)
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--root", default=None)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    given = parser.parse_args()
    weights = None if given.weights is None else Path(given.weights)
    tracker = vl_track.load(weights, precision=given.precision)
    clips = RealClips(data_root(given.root), given.split)
    videos = [clips.read(name) for name in clips.names]
    for prompt in ("box", "box+text"):
        found = measure(tracker, videos, prompt)
        mean = float(np.mean(list(found.values())))
        each = "  ".join(f"{name} {value:.2f}" for name, value in found.items())
        print(f"{prompt}: {mean:.3f}  ({each})", flush=True)


if __name__ == "__main__":
    try:
        main()
    except HoldfastError as error:
        raise SystemExit(f"real_clips_starts: {error}") from error
