"""Refine a network's boxes by optical flow: a user's box says how far the object reaches.

A network draws a box of its own idea of the object: with the hand that holds it, or twice as wide
as a walking man. Optical flow follows the pixels of the given box from frame to frame, so it keeps
the extent that was given, but it drifts and follows whatever passes in front. The two are put
together by a Kalman filter for each of the box's four numbers: the centre in x and y, in sides of
the last box, and the logarithms of width and height. Its state is the number and the network's bias
in it. The given box tells the bias in the first frames. The bias is forgotten within about a
hundred frames (``MEMORY``), because what is wrong at first does not stay wrong when pose and
distance change.

An object that a sentence found has no given extent, so its boxes are not refined.

The tracker itself goes on from the network's boxes, so that flow cannot lose an object; it changes
what is reported.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vl_track.data.geometry import Box, box_iou, clip_box
from vl_track.tracking.flow import Motion, motion_between, patch_of
from vl_track.video.frames import Image

AGREES = 0.3
"""Least IoU of the network's box, less its bias, with the one that flow predicts."""
MEMORY = 0.99
"""Share of the network's bias that is believed to be left after a frame."""
LEAST_SIDE = 0.1
"""Pixels: a box without area, which the release's margin of 0 allows, has no logarithm."""
ELSEWHERE = np.array([1.0, 1.0, 0.5, 0.5])
"""Standard deviations that are added where flow and network disagree."""

Four = NDArray[np.float64]


class Noise(NamedTuple):
    """Standard deviations, for centre x, centre y, logarithm of width, logarithm of height.

    Attributes:
        start: of the network's bias before the first frame.
        flow: of a step of the flow.
        blind: of a step where there is no flow to be believed.
        bias: of the change of the bias in a frame.
        network: of the network's answer.
    """

    start: Four = np.array([0.15, 0.15, 0.3, 0.3])
    flow: Four = np.array([0.05, 0.05, 0.02, 0.02])
    blind: Four = np.array([1.0, 1.0, 0.2, 0.2])
    bias: Four = np.array([0.02, 0.02, 0.02, 0.02])
    blind_bias: Four = np.array([0.05, 0.05, 0.05, 0.05])
    network: Four = np.array([0.05, 0.05, 0.1, 0.1])


NOISE = Noise()


class Refiner:
    """Boxes of one object, refined frame by frame.

    Args:
        frame: the first one, RGB uint8 (H, W, 3).
        box: as it was given, in pixels.
        margin: pixels of a box that stay in the frame.
        least: side of the smallest box in pixels.
    """

    def __init__(self, frame: Image, box: Box, *, margin: float, least: float) -> None:
        self._margin, self._least = margin, max(least, LEAST_SIDE)
        self._patch = patch_of(frame, box)
        self._state, self._bias = np.zeros(4), np.zeros(4)
        self._var, self._cov = np.zeros(4), np.zeros(4)
        self._bias_var = NOISE.start**2

    def refine(self, frame: Image, found: Box) -> Box:
        """Return the box of the next frame.

        Args:
            frame: RGB uint8 (H, W, 3); without flow from the frame before if its size differs.
            found: by the network, in pixels.
        """
        last = self._patch.box
        motion = motion_between(self._patch, frame)
        x, y, width, height = found
        seen = relative((x, y, max(width, LEAST_SIDE), max(height, LEAST_SIDE)), last)
        self._predict(motion, last)
        if motion.reliable:
            unbiased = absolute(seen - self._bias, last)
            if box_iou(unbiased, absolute(self._state, last)) < AGREES:
                self._var += ELSEWHERE**2
        self._correct(seen)
        height, width = frame.shape[:2]
        box = clip_box(absolute(self._state, last), (width, height), self._margin, self._least)
        self._patch = patch_of(frame, box)
        return box

    def stay(self, frame: Image) -> Box:
        """Return the last box for a frame in which the object is lost; nothing is learnt of it.

        Args:
            frame: RGB uint8 (H, W, 3).
        """
        box = self._patch.box
        self._patch = patch_of(frame, box)
        return box

    def _predict(self, motion: Motion, last: Box) -> None:
        """Move the state by the flow; forget a little of the bias."""
        if motion.reliable:
            step = math.log(motion.scale)
            self._state = np.array([motion.x / last[2], motion.y / last[3], step, step])
            moved, changed = NOISE.flow, NOISE.bias
        else:
            self._state = np.zeros(4)
            moved, changed = NOISE.blind, NOISE.blind_bias
        self._bias = self._bias * MEMORY
        self._var = self._var + moved**2
        self._cov = self._cov * MEMORY
        self._bias_var = self._bias_var * MEMORY**2 + changed**2

    def _correct(self, seen: Four) -> None:
        """Kalman filter: what the network answers is the state plus its bias plus noise."""
        to_state, to_bias = self._var + self._cov, self._cov + self._bias_var
        spread = to_state + to_bias + NOISE.network**2
        error = seen - self._state - self._bias
        gain, bias_gain = to_state / spread, to_bias / spread
        self._state = self._state + gain * error
        self._bias = self._bias + bias_gain * error
        self._var = self._var - gain * to_state
        self._cov = self._cov - gain * to_bias
        self._bias_var = self._bias_var - bias_gain * to_bias


def relative(box: Box, last: Box) -> Four:
    """Return how a box differs from the last one: shifts in its sides, logarithms of ratios."""
    x, y, width, height = last
    return np.array(
        [
            (box[0] + box[2] / 2 - x - width / 2) / width,
            (box[1] + box[3] / 2 - y - height / 2) / height,
            math.log(box[2] / width),
            math.log(box[3] / height),
        ]
    )


def absolute(state: Four, last: Box) -> Box:
    """Return the box that :func:`relative` gives this for; its sides change at most e-fold."""
    x, y, width, height = last
    shift_x, shift_y, wider, higher = (float(one) for one in state)
    new_width = width * math.exp(min(1.0, max(-1.0, wider)))
    new_height = height * math.exp(min(1.0, max(-1.0, higher)))
    centre_x, centre_y = x + width / 2 + shift_x * width, y + height / 2 + shift_y * height
    return centre_x - new_width / 2, centre_y - new_height / 2, new_width, new_height
