"""Optical flow inside a box: how its pixels moved from one frame to the next.

Points are followed forward and back by pyramids of Lucas and Kanade, and the median of those that
return is taken (median flow; Kalal et al., "Forward-Backward Error", ICPR 2010).
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vl_track.data.geometry import Box, Window, window_around
from vl_track.data.video import crop_frame, seen_part
from vl_track.finding import Bytes
from vl_track.video.frames import Image

SIDE = 192
"""Pixels of the crops that flow is measured in."""
FACTOR = 3.0
"""Side of the cropped window over the side of a square of the box's area."""
INNER = 0.7
"""Share of the box's sides, about its middle, in which points are followed; edges show what is
behind."""
POINTS, LEAST_POINTS = 80, 10
RETURNS = 1.0
"""Pixels of the crop within which a point followed forward and back must return."""
RELIABLE = 0.5
"""Least share of points that return and move alike for flow to be believed."""
LARGEST_STEP = 1.25
"""Largest change of scale, and its inverse, in one frame that is believed."""


class Motion(NamedTuple):
    """How the pixels of a box moved from one frame to the next.

    Attributes:
        x: median shift in pixels of the frame.
        y: likewise.
        scale: median ratio of distances between points.
        quality: share of points that returned, times the share of those that moved alike, in
            [0, 1].
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    quality: float = 0.0

    @property
    def reliable(self) -> bool:
        """Whether it is to be believed."""
        return self.quality >= RELIABLE and 1 / LARGEST_STEP < self.scale < LARGEST_STEP


class Patch(NamedTuple):
    """What is kept of a frame to measure flow from.

    Attributes:
        grey: uint8 (SIDE, SIDE), the window.
        window: in pixels of the frame.
        frame_size: width, height.
        box: in pixels of the frame.
    """

    grey: Bytes
    window: Window
    frame_size: tuple[int, int]
    box: Box


def patch_of(frame: Image, box: Box) -> Patch:
    """Keep the surroundings of a box, in grey."""
    window = window_around(box, FACTOR)
    height, width = frame.shape[:2]
    return Patch(_grey(frame, window), window, (width, height), box)


def motion_between(before: Patch, frame: Image) -> Motion:
    """Measure how the pixels of the last box moved.

    Args:
        before: of the frame before.
        frame: RGB uint8 (H, W, 3).
    """
    height, width = frame.shape[:2]
    if (width, height) != before.frame_size:
        return Motion()
    start = cv2.goodFeaturesToTrack(before.grey, POINTS, 0.01, 3, mask=_mask(before))
    if start is None or len(start) < LEAST_POINTS:
        return Motion()
    now = _grey(frame, before.window)
    ahead, followed = _follow(before.grey, now, start)
    back, returned = _follow(now, before.grey, ahead)
    error = np.linalg.norm(back - start, axis=2)[:, 0]
    good = followed & returned & (error < RETURNS)
    if good.sum() < LEAST_POINTS:
        return Motion()
    return _median_motion(start[good, 0], ahead[good, 0], before, float(good.mean()))


def _median_motion(
    start: NDArray[np.float32], ahead: NDArray[np.float32], before: Patch, kept: float
) -> Motion:
    """Return the median shift and scale of points (N, 2) of the crop."""
    pixels = before.window.side / SIDE
    box = np.array(before.box[2:]) / pixels
    shifts = ahead - start
    shift = np.median(shifts, axis=0)
    alike = np.linalg.norm(shifts - shift, axis=1) < 0.06 * box.max() + 1
    one, other = np.triu_indices(len(start), 1)
    apart = np.linalg.norm(start[one] - start[other], axis=1)
    apart_now = np.linalg.norm(ahead[one] - ahead[other], axis=1)
    far = apart > 0.25 * box.min()
    scale = float(np.median(apart_now[far] / apart[far])) if far.sum() > LEAST_POINTS else 1.0
    return Motion(
        float(shift[0] * pixels), float(shift[1] * pixels), scale, kept * float(alike.mean())
    )


def _follow(
    first: Bytes, second: Bytes, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Follow points (N, 1, 2) by pyramids of Lucas and Kanade; say which were found."""
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        first, second, points, points.copy(), winSize=(11, 11), maxLevel=3,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.03),
    )  # fmt: skip
    return np.asarray(found, np.float32), np.asarray(status)[:, 0] == 1


def _mask(patch: Patch) -> Bytes:
    """Mark the inner part of the box, as far as the frame shows it."""
    left, top, side = patch.window
    x, y, width, height = patch.box
    edge = (1 - INNER) / 2
    seen = seen_part(patch.window, patch.frame_size)
    x0, y0 = max(seen[0], x + edge * width), max(seen[1], y + edge * height)
    x1, y1 = min(seen[2], x + width - edge * width), min(seen[3], y + height - edge * height)
    scale = SIDE / side
    mask = np.zeros((SIDE, SIDE), np.uint8)
    columns = slice(max(0, int((x0 - left) * scale)), max(0, int((x1 - left) * scale) + 1))
    rows = slice(max(0, int((y0 - top) * scale)), max(0, int((y1 - top) * scale) + 1))
    if x1 > x0 and y1 > y0:
        mask[rows, columns] = 255
    return mask


def _grey(frame: Image, window: Window) -> Bytes:
    return np.asarray(cv2.cvtColor(crop_frame(frame, window, SIDE), cv2.COLOR_RGB2GRAY), np.uint8)
