"""A scene: an analytic description of a short video, drawn when asked."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vl_track.scenes.objects import Matrix, SceneObject, bounds_within
from vl_track.scenes.render import coverage, render

VISIBLE = 0.1
"""An object of which less is seen counts as fully occluded or out of view."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A video with one described object; nothing is stored but what it is made of.

    Coordinates are pixels of the frame; a box is (x, y, w, h) with x, y the left upper corner's
    edge, so a box over the whole frame is (0, 0, width, height).

    Attributes:
        name: unique within its split.
        sentence: tells the target apart from everything else in the first frame.
        sayings: the same for each object; ``None`` for one no sentence tells apart.
        frame_size: width, height.
        objects: drawn in this order.
        target: which of them is tracked.
        background: RGB photograph.
        ground: affine from photograph to world pixels.
        camera: (T, 3, 3) affines from world to frame pixels.
        gain: (T, 3) light of each channel.
        gamma: (T, 1).
        softness: (T,) blur of the lens in pixels (standard deviation).
        motion_blur: whether moving objects smear.
        noise: standard deviation of sensor noise, in grey levels.
        noise_seed: of the noise.
        same_kind: how many distractors share the target's noun.
    """

    name: str
    sentence: str
    sayings: tuple[str | None, ...] = ()
    frame_size: tuple[int, int]
    objects: tuple[SceneObject, ...]
    target: int
    background: NDArray[np.uint8] = field(repr=False)
    ground: Matrix = field(repr=False)
    camera: NDArray[np.float64] = field(repr=False)
    gain: NDArray[np.float64] = field(repr=False)
    gamma: NDArray[np.float64] = field(repr=False)
    softness: NDArray[np.float64] = field(repr=False)
    motion_blur: bool
    noise: float
    noise_seed: int
    same_kind: int

    def __len__(self) -> int:
        return len(self.camera)

    @property
    def noun(self) -> str:
        """The class name of the tracked object."""
        return self.objects[self.target].appearance.class_name

    def frame(self, time: int) -> NDArray[np.uint8]:
        """Draw a whole frame: RGB uint8 (H, W, 3)."""
        return render(self, time, np.eye(3), self.frame_size)

    def crop(self, time: int, window: tuple[float, float, float], size: int) -> NDArray[np.uint8]:
        """Draw a square window of a frame directly at its final size, black outside the frame.

        Args:
            time: frame number.
            window: left, top, side, in frame pixels.
            size: pixels of the result's side.

        Returns:
            RGB uint8 (size, size, 3): what cropping :meth:`frame` gives, up to resampling and
            noise, many times faster.
        """
        left, top, side = window
        zoom = size / side
        view = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom], [0, 0, 1]])
        picture = render(self, time, view, (size, size))
        # Edges of the frame in the window; what lies beyond is padding.
        x0, y0 = (max(0, round(-start * zoom)) for start in (left, top))
        x1, y1 = (
            min(size, round((end - start) * zoom))
            for end, start in zip(self.frame_size, (left, top), strict=True)
        )
        picture[:, : min(x0, size)] = 0
        picture[: min(y0, size)] = 0
        picture[:, max(x1, 0) :] = 0
        picture[max(y1, 0) :] = 0
        return picture

    def box(self, time: int) -> tuple[float, float, float, float]:
        """Return the target's exact box within the frame, covered parts included.

        Returns:
            (x, y, w, h) in pixels; zeros where it is out of view.
        """
        return self._box_of(self.target, time)

    def mentions(self, time: int) -> list[tuple[str, tuple[float, float, float, float]]]:
        """Return a sentence and the box of each object beside the target that is mostly seen."""
        return [
            (said, self._box_of(number, time))
            for number, said in enumerate(self.sayings)
            if said is not None
            and number != self.target
            and coverage(self.objects, number, time, self.camera[time], self.frame_size) > 0.5
        ]

    def _box_of(self, number: int, time: int) -> tuple[float, float, float, float]:
        thing = self.objects[number]
        placed = self.camera[time] @ thing.placement(time)
        x0, y0, x1, y1 = bounds_within(thing, placed, self.frame_size)
        if x1 - x0 < 1 or y1 - y0 < 1:
            return 0.0, 0.0, 0.0, 0.0
        return x0, y0, x1 - x0, y1 - y0

    def visible_fraction(self, time: int) -> float:
        """Return the fraction of the target that can be seen, in [0, 1]."""
        return coverage(self.objects, self.target, time, self.camera[time], self.frame_size)

    def visible(self, time: int) -> bool:
        """Tell whether a tenth of the target or more can be seen."""
        return self.box(time)[2] > 0 and self.visible_fraction(time) >= VISIBLE

    def out_of_view(self, time: int) -> bool:
        """Tell whether the target has left the frame."""
        return self.box(time)[2] == 0
