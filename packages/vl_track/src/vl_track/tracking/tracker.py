"""The tracker: crop around the last box, run the network, map the box back."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import (
    Box,
    Window,
    around_exactly,
    as_box,
    clip_box,
    into_window,
    out_of_window,
    window_around,
    window_of_frame,
)
from vl_track.data.video import crop_frame
from vl_track.finding import Bytes, Floats, Found, Network, Sentence, repeated
from vl_track.tracking.evidence import Numbers
from vl_track.tracking.judge import Judge
from vl_track.tracking.loop import follow
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.redetection import cover
from vl_track.tracking.refining import Refiner
from vl_track.tracking.steps import Estimate, Prompt, Step
from vl_track.tracking.watch import Watch
from vl_track.tracking.window import hann_window
from vl_track.video.frames import Frame, Image, number_frames
from vl_track.video.reading import open_source

WINDOWS_A_FRAME = 2
"""Windows searched in a frame beside the one around the last box, while the object is lost."""


class SearchInput(NamedTuple):
    """What the network needs to find the object in the next image.

    Attributes:
        template_13hw: uint8 crop of the object.
        target_14: its box within that crop: x, y, width, height as fractions, zeros where a
            sentence alone is the prompt.
        text: features of one sentence.
        window: the part of the image to search.
        box_window: the window that boxes are mapped back from; differs from ``window`` by up to
            half a pixel in models with ``unrounded_corner``.
    """

    template_13hw: Bytes
    target_14: Floats
    text: Sentence
    window: Window
    box_window: Window


class Tracker:
    """Track one object with a vision-language network.

    Args:
        network: in evaluation mode from here on.
        options: see :class:`TrackerOptions`.
        device: where to run; the network is moved there.
        judge: how presence is read from the network's answers; see :mod:`vl_track.tracking.judge`.

    Raises:
        ConfigError: the judge was calibrated on too few videos for ``options.alarm``.

    Examples:
        >>> tracker = Tracker(network)                                      # doctest: +SKIP
        >>> tracker.initialize(first, box=(40, 30, 50, 80), text="the cup")  # doctest: +SKIP
        >>> box, score = tracker.track(frame)                               # doctest: +SKIP
    """

    def __init__(
        self,
        network: Network,
        options: TrackerOptions | None = None,
        device: str = "cpu",
        judge: Judge | None = None,
    ) -> None:
        self.device, self.judge = device, judge
        self.network = network.ready(device)
        self.options = options or TrackerOptions()
        self.conventions = network.conventions
        self._least = self.options.margin
        self._hann = hann_window(network.search_grid)
        self._text: Sentence | None = None
        self._template: Bytes | None = None
        self._target = np.zeros((1, 4), np.float32)
        self.watch = Watch(judge, self.options.alarm)
        self._turn = 0
        self._refiner: Refiner | None = None
        self._box: Box = (0.0, 0.0, 0.0, 0.0)
        self._frames = 0
        self._low = 0

    @property
    def lost(self) -> bool:
        """Whether the alarm rings; without an alarm, whether the score has been low for long."""
        if self.watch.has_alarm:
            return self.watch.rings
        return self._low >= self.options.lost_patience

    @property
    def present(self) -> float | None:
        """Probability, in [0, 1], that the object is in view; ``None`` where nothing says it.

        A network with a presence head says it of the window that was searched; else the judge does.
        It is 1 where a box was given.
        """
        return self.watch.present

    def initialize(self, frame: Image, box: Box | None = None, text: str = "") -> Estimate:
        """Take the prompt, and forget the object before.

        Args:
            frame: RGB uint8 (H, W, 3).
            box: where it is; without one the sentence finds it in this frame.
            text: a sentence about it; may be empty if there is a box.

        Returns:
            The box it starts from; a given box is cut to the frame, unless the model's
            conventions say otherwise.

        Raises:
            ConfigError: neither box nor text, a box without area or outside the frame, or a
                sentence alone for a network without language.
            DataError: the frame is no RGB uint8 image.
        """
        _check_frame(frame)
        self._frames, self._low, self._turn = 0, 0, 0
        self.watch.start(given=box is not None)
        self._least = self.options.margin
        self._text = self.network.read(text)
        if box is not None:
            cut = check_box(box, frame)
            start = Estimate(cut if self.conventions.cut_first_box else as_box(box), 1.0)
        else:
            self._check_prompt(text)
            start = self._ground(frame)
        self._box = start.box
        if self.conventions.small_boxes and box is not None:
            self._least = max(1.0, min(self.options.margin, *start.box[2:]))
        self._remember(frame)
        self._refiner = self._refine_from(frame, start.box) if box is not None else None
        return start

    def track(self, frame: Image) -> Estimate:
        """Find the object in the next frame.

        Args:
            frame: RGB uint8 (H, W, 3); its size may differ from the frames before.

        Raises:
            ConfigError: called before :meth:`initialize`.
        """
        given = self.preprocess(frame)
        crops = self._cut(frame, [given.window])
        answer = self._ask(crops, hann=self.options.hann)
        self.watch.look(answer, 0, crops[0])
        return self.update(frame, self.postprocess(frame, answer, 0, given.box_window))

    def follow(
        self,
        source: str | Path | Iterable[Frame | Image],
        *,
        box: Box | None = None,
        text: str = "",
        start: float = 0.0,
        later: Mapping[int, Prompt] | None = None,
    ) -> Iterator[Step]:
        """Track through a video; see :func:`vl_track.tracking.loop.follow`.

        Args:
            source: a video, an address, a folder of images, ``camera``, or frames or images.
            box: x, y, width, height in the first frame.
            text: a sentence about the object.
            start: seconds of the source to leave out.
            later: further prompts by frame number.

        Raises:
            ConfigError: the prompt is empty or cannot be used.
            DataError: the source cannot be read.

        Examples:
            >>> for step in tracker.follow("clip.mp4", text="the cup"):      # doctest: +SKIP
            ...     print(step.frame, step.time, step.box, step.score)
        """
        if isinstance(source, str | Path):
            frames = open_source(str(source)).frames(start)
        else:
            frames = number_frames(source)
        return follow(self, frames, Prompt(box, text), later=later)

    def places(self, frame: Image) -> list[tuple[Estimate, Numbers | None]]:
        """Return what looks most like the object in each of the windows that cover a frame.

        The tracker stays as it is. The numbers are those of :meth:`Watch.place`.
        """
        height, width = frame.shape[:2]
        windows = cover((width, height), self._window(self.network.search_factor).side)
        crops = self._cut(frame, windows)
        answer = self._ask(crops, hann=False)
        return [
            (self.postprocess(frame, answer, one, window), self.watch.place(answer, one, crop))
            for one, (window, crop) in enumerate(zip(windows, crops, strict=True))
        ]

    def another(self) -> "Tracker":
        """Return a tracker for another object, with the same network, options and device."""
        return Tracker(self.network, self.options, self.device, self.judge)

    def preprocess(self, frame: Image) -> SearchInput:
        """Return what the network needs for the next frame; :meth:`update` takes its estimate.

        Raises:
            ConfigError: called before :meth:`initialize`.
        """
        _check_frame(frame)
        if self._template is None or self._text is None:
            raise ConfigError("The tracker has no prompt yet: call initialize first.")
        window = self._window(self.network.search_factor)
        exact = self.conventions.unrounded_corner
        box_window = around_exactly(self._box, window.side) if exact else window
        return SearchInput(self._template, self._target, self._text, window, box_window)

    def update(self, frame: Image, found: Estimate) -> Estimate:
        """Set the tracker's state from an estimate, and return the box the frame is given.

        Args:
            frame: the one given to :meth:`preprocess`.
            found: of :meth:`postprocess`, in pixels of the frame.

        Returns:
            The estimate with its size smoothed over time, or the re-detected object, refined by
            optical flow, as the options say. The next frame is searched around the network's own
            box, which flow does not change.
        """
        there = self._go_on(frame, found)
        if there is None:
            last = self._box if self._refiner is None else self._refiner.stay(frame)
            return Estimate(last, found.score)
        if self._refiner is None:
            return there
        return Estimate(self._refiner.refine(frame, there.box), there.score)

    def _go_on(self, frame: Image, found: Estimate) -> Estimate | None:
        """Return where the object is; ``None`` where it is lost and the last box stays."""
        self._frames += 1
        found = Estimate(smooth_size(found.box, self._box, self.options.size_memory), found.score)
        self._low = self._low + 1 if found.score < self.options.lost_score else 0
        if self.lost and self.watch.has_alarm and self.options.redetect != "never":
            found = self._look_around(frame, found)
        elif self.lost and self.options.redetect == "always":
            return self._redetect(frame)
        self._box = found.box
        interval = self.options.update_interval
        due = interval > 0 and self._frames % interval == 0
        if due and found.score >= self.options.update_score:
            self._remember(frame)
        return found

    def _refine_from(self, frame: Image, box: Box) -> Refiner | None:
        flow = self.conventions.flow if self.options.flow is None else self.options.flow
        if not flow:
            return None
        return Refiner(frame, box, margin=self.options.margin, least=self._least)

    def _kept(self, box: Box, frame: Image) -> Box:
        height, width = frame.shape[:2]
        return clip_box(box, (width, height), self.options.margin, self._least)

    def _check_prompt(self, text: str) -> None:
        if self.options.allow_nothing:
            return
        if not text.strip():
            raise ConfigError("The prompt is empty: give a box, a text, or both.")
        if not self.network.text.knows(text):
            words = " ".join(self.network.text.remarks(text)) or "this model has no language"
            raise ConfigError(
                f"'{text}' cannot name the object, because {words}: give a box, or other words."
            )

    def _remember(self, frame: Image) -> None:
        """Cut the template at the current box."""
        window = self._window(self.network.template_factor)
        self._template = batch_of([crop_frame(frame, window, self.network.template_size)])
        self._target = np.array([into_window(self._box, window)], np.float32)

    def _ground(self, frame: Image) -> Estimate:
        size = self.network.template_size
        self._template = np.zeros((1, 3, size, size), np.uint8)
        self._target = np.zeros((1, 4), np.float32)
        height, width = frame.shape[:2]
        windows = []
        for scale in self.options.grounding_scales:
            if scale >= 1:
                windows.append(window_of_frame((width, height)))
            else:
                windows += cover((width, height), scale * max(width, height))
        return self._look_closer(frame, self._search(frame, windows, hann=False))

    def _look_closer(self, frame: Image, found: Estimate) -> Estimate:
        """Look again at what was found, in the window that the tracker would search around it.

        In a crop of the whole frame an object is small, and its box is rough.
        """
        for _ in range(self.options.closer_looks):
            window = window_around(
                found.box, self.network.search_factor, self.conventions.least_window
            )
            if window.side >= max(frame.shape[:2]):
                break
            found = self._search(frame, [window], hann=True)
        return found

    def _redetect(self, frame: Image) -> Estimate | None:
        """Search the whole frame; ``None`` where nothing scores ``found_score``."""
        height, width = frame.shape[:2]
        side = self._window(self.network.search_factor).side
        best = self._search(frame, cover((width, height), side), hann=False)
        if best.score < self.options.found_score:
            return None
        self._low = 0
        self._box = best.box
        return best

    def _look_around(self, frame: Image, found: Estimate) -> Estimate:
        """Search a part of the frame, another one each time, and go where the object surely is.

        Until then the tracker follows what it has: the alarm may be false.
        """
        if not self.watch.can_search:
            return found
        height, width = frame.shape[:2]
        windows = cover((width, height), self._window(self.network.search_factor).side)
        first = self._turn % len(windows)
        chosen = (windows[first:] + windows[:first])[:WINDOWS_A_FRAME]
        self._turn = first + len(chosen)
        crops = self._cut(frame, chosen)
        answer = self._ask(crops, hann=False)
        sure = [self.watch.likelihood(answer, number, crop) for number, crop in enumerate(crops)]
        best = int(np.argmax(sure))
        if sure[best] < max(self.options.found_present, self.watch.here):
            return found
        return self.postprocess(frame, answer, best, chosen[best])

    def _search(self, frame: Image, windows: list[Window], *, hann: bool) -> Estimate:
        """Search some windows of a frame and return the best estimate, in pixels of the frame.

        Args:
            frame: the image.
            windows: the parts to search.
            hann: weight the scores by the window of :attr:`prior`.
        """
        answer = self._find(frame, windows, hann=hann)
        best = int(answer.scores.argmax())
        return self.postprocess(frame, answer, best, windows[best])

    def _find(self, frame: Image, windows: list[Window], *, hann: bool) -> Found:
        """Return what the network finds in each window."""
        return self._ask(self._cut(frame, windows), hann=hann)

    def _cut(self, frame: Image, windows: list[Window]) -> list[Image]:
        return [crop_frame(frame, one, self.network.search_size) for one in windows]

    def _ask(self, crops: list[Image], *, hann: bool) -> Found:
        """Return what the network finds in each crop."""
        if self._template is None or self._text is None:
            raise ConfigError("The tracker has no prompt yet: call initialize first.")
        count = len(crops)
        return self.network.find(
            repeated(self._template, count),
            batch_of(crops),
            Sentence(*(repeated(part, count) for part in self._text)),
            repeated(self._target, count),
            repeated(self.prior[None], count) if hann else None,
        )

    def _window(self, factor: float) -> Window:
        """Return the window around the current box."""
        return window_around(self._box, factor, self.conventions.least_window)

    @property
    def prior(self) -> Floats:
        """What the score map is multiplied by: the Hann window, softened by its weight."""
        weight = self.options.window_weight
        return self._hann * weight + (1 - weight)

    def postprocess(self, frame: Image, found: Found, number: int, window: Window) -> Estimate:
        """Map a found box back into a frame, and keep it inside as the release does.

        Args:
            frame: the image that was searched.
            found: in one or more windows.
            number: of the window meant.
            window: that the box is a part of.
        """
        box = as_box(found.boxes[number].tolist())
        kept = self._kept(out_of_window(box, window), frame)
        return Estimate(kept, float(found.scores[number]))


def smooth_size(box: Box, last: Box, weight: float) -> Box:
    """Return a box with its own centre and a size between its own and the last box's.

    Args:
        box: found in this frame.
        last: of the frame before.
        weight: of the last size in a weighted geometric mean, in [0, 1).
    """
    if weight == 0:
        return box
    x, y, width, height = box
    new_width, new_height = (
        old**weight * new ** (1 - weight)
        for old, new in zip(last[2:], (width, height), strict=True)
    )
    return x + (width - new_width) / 2, y + (height - new_height) / 2, new_width, new_height


def check_box(box: Box, frame: Image) -> Box:
    """Cut a user's box to the frame.

    Raises:
        ConfigError: it has no area, is no box at all, or lies outside.
    """
    height, width = frame.shape[:2]
    if len(box) != 4 or not all(np.isfinite(value) for value in box):
        raise ConfigError(f"{box} is no box: give x,y,width,height in pixels.")
    x, y, w, h = box
    if w <= 0 or h <= 0:
        raise ConfigError(f"The box {x:g},{y:g},{w:g},{h:g} has no area: give x,y,width,height.")
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
    if x1 <= x0 or y1 <= y0:
        raise ConfigError(
            f"The box {x:g},{y:g},{w:g},{h:g} lies outside the image, which is {width} x "
            f"{height} pixels: give x,y,width,height within it."
        )
    return float(x0), float(y0), float(x1 - x0), float(y1 - y0)


def _check_frame(frame: Image) -> None:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise DataError(
            f"A frame must be RGB uint8 (height, width, 3), and this one is {frame.dtype} "
            f"{frame.shape}."
        )


def batch_of(crops: list[Image]) -> Bytes:
    """Return crops as (B, 3, S, S)."""
    stacked = np.stack(crops) if len(crops) > 1 else crops[0][None]
    return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))
