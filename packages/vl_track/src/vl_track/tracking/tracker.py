"""The tracker: crop around the last box, ask the network, map the answer back."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from holdfast.errors import ConfigError, DataError
from vl_track.data.geometry import (
    Box,
    Window,
    around_exactly,
    clip_box,
    out_of_window,
    window_around,
    window_of_frame,
)
from vl_track.data.video import Picture, crop_frame
from vl_track.nn.head import decode
from vl_track.nn.text.base import TextFeatures
from vl_track.tracking.network import Network
from vl_track.tracking.redetection import cover
from vl_track.tracking.window import hann_window


class Estimate(NamedTuple):
    """Where the object is thought to be.

    Attributes:
        box: x, y, w, h in pixels of the frame; x, y is the left upper corner, and a box over the
            whole frame is (0, 0, width, height).
        score: the head's probability at the chosen cell, in (0, 1).
    """

    box: Box
    score: float


class Question(NamedTuple):
    """What a tracker wants to know of the next frame.

    Attributes:
        template_13hw: uint8.
        text: of one sentence.
        window: to be cut out of the frame.
        place: where the window is taken to be when the box is mapped back.
    """

    template_13hw: Tensor
    text: TextFeatures
    window: Window
    place: Window


@dataclass(kw_only=True)
class TrackerOptions:
    """Choices at test; the defaults are the release's.

    Attributes:
        hann: weight the score map by a Hann window.
        window_weight: share of the window in the weighted score; 1 is the release's plain product.
        size_memory: share of the last size in the next one, as a geometric mean; 0 is the release.
            One wrong size otherwise makes the next search window wrong too, and so on.
        update_interval: frames between updates of the template; 0 (release) never updates.
        update_score: least score at which an update may happen.
        lost_score: an object scored below this for ``lost_patience`` frames counts as lost.
        lost_patience: frames.
        redetect: look for a lost object in the whole frame; until it is found, its last box stays.
        found_score: least score at which it counts as found again.
        grounding_scales: sides of the windows searched for a described object, as shares of the
            frame's longer side.
        margin: least part of a box, in pixels, that stays in the frame.
        unrounded_corner: map boxes back as the release does, as if the search window had not been
            moved to whole pixels; up to half a pixel off, frame by frame.
        allow_nothing: start without box and sentence, on whatever looks most like an object; for
            ablations.
    """

    hann: bool = True
    window_weight: float = 1.0
    size_memory: float = 0.0
    update_interval: int = 0
    update_score: float = 0.7
    redetect: bool = False
    lost_score: float = 0.2
    lost_patience: int = 5
    found_score: float = 0.4
    grounding_scales: tuple[float, ...] = (1.0,)
    margin: float = 10.0
    unrounded_corner: bool = False
    allow_nothing: bool = False


class Tracker:
    """Follow one object.

    Args:
        network: in evaluation mode from here on.
        options: see :class:`TrackerOptions`.
        device: where to run; the network is moved there.

    Examples:
        >>> tracker = Tracker(network)                                      # doctest: +SKIP
        >>> tracker.initialize(first, box=(40, 30, 50, 80), text="the cup")  # doctest: +SKIP
        >>> box, score = tracker.track(frame)                               # doctest: +SKIP
    """

    def __init__(
        self,
        network: Network,
        options: TrackerOptions | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.network = network.eval().to(self.device)
        self.options = options or TrackerOptions()
        self._hann = hann_window(network.backbone.search_grid).to(self.device)
        self._text: TextFeatures | None = None
        self._template: Tensor | None = None
        self._box: Box = (0.0, 0.0, 0.0, 0.0)
        self._frames = 0
        self._low = 0

    @property
    def lost(self) -> bool:
        """Whether the score has been low for long."""
        return self._low >= self.options.lost_patience

    def initialize(self, frame: Picture, box: Box | None = None, text: str = "") -> Estimate:
        """Say what to follow.

        Args:
            frame: RGB uint8 (H, W, 3).
            box: where it is; without one the sentence finds it in this frame.
            text: a sentence about it; may be empty if there is a box.

        Returns:
            The box it starts from, cut to the frame.

        Raises:
            ConfigError: neither box nor text, a box without area or outside the frame, or a
                sentence alone for a network without language.
            DataError: the frame is no RGB uint8 picture.
        """
        _check_frame(frame)
        self._frames, self._low = 0, 0
        self._text = self._encode(text)
        if box is not None:
            start = Estimate(check_box(box, frame), 1.0)
        else:
            self._check_told(text)
            start = self._ground(frame)
        self._box = start.box
        self._remember(frame)
        return start

    def track(self, frame: Picture) -> Estimate:
        """Find the object in the next frame.

        Args:
            frame: RGB uint8 (H, W, 3); its size may differ from the frames before.

        Raises:
            ConfigError: called before :meth:`initialize`.
        """
        question = self.ask(frame)
        found = self._search(
            frame, [question.window], hann=self.options.hann, places=[question.place]
        )
        return self.accept(frame, found)

    def ask(self, frame: Picture) -> "Question":
        """Return what the network is asked about the next frame; :meth:`accept` takes the answer.

        Raises:
            ConfigError: called before :meth:`initialize`.
        """
        _check_frame(frame)
        if self._template is None or self._text is None:
            raise ConfigError("The tracker was not told what to follow: call initialize first.")
        window = window_around(self._box, self.network.search_factor)
        place = around_exactly(self._box, window.side) if self.options.unrounded_corner else window
        return Question(self._template, self._text, window, place)

    def accept(self, frame: Picture, found: Estimate) -> Estimate:
        """Take the network's answer about a frame, and go on from there.

        Args:
            frame: the same as :meth:`ask`'s.
            found: in pixels of the frame.
        """
        self._frames += 1
        found = Estimate(remember_size(found.box, self._box, self.options.size_memory), found.score)
        self._low = self._low + 1 if found.score < self.options.lost_score else 0
        if self.lost and self.options.redetect:
            return self._redetect(frame, found)
        self._box = found.box
        interval = self.options.update_interval
        due = interval > 0 and self._frames % interval == 0
        if due and found.score >= self.options.update_score:
            self._remember(frame)
        return found

    def _check_told(self, text: str) -> None:
        if self.options.allow_nothing:
            return
        if not text.strip():
            raise ConfigError("Nothing says what to follow: give a box, a sentence, or both.")
        if self._text is None or not bool(self._text.present_B.any()):
            raise ConfigError(
                "This model has no language, so a sentence alone cannot tell what to follow: give "
                "a box too."
            )

    def _encode(self, text: str) -> TextFeatures:
        with torch.inference_mode():
            features: TextFeatures = self.network.text([text])
        return features

    def _remember(self, frame: Picture) -> None:
        """Cut the template at the current box."""
        window = window_around(self._box, self.network.template_factor)
        size = self.network.backbone.template_size
        self._template = _batch([crop_frame(frame, window, size)], self.device)

    def _ground(self, frame: Picture) -> Estimate:
        size = self.network.backbone.template_size
        self._template = torch.zeros(1, 3, size, size, dtype=torch.uint8, device=self.device)
        height, width = frame.shape[:2]
        windows = []
        for scale in self.options.grounding_scales:
            if scale >= 1:
                windows.append(window_of_frame((width, height)))
            else:
                windows += cover((width, height), scale * max(width, height))
        return self._search(frame, windows, hann=False)

    def _redetect(self, frame: Picture, found: Estimate) -> Estimate:
        """Search the whole frame; keep the last box where nothing convinces."""
        height, width = frame.shape[:2]
        side = window_around(self._box, self.network.search_factor).side
        elsewhere = self._search(frame, cover((width, height), side), hann=False)
        if elsewhere.score < self.options.found_score:
            return Estimate(self._box, found.score)
        self._low = 0
        self._box = elsewhere.box
        return elsewhere

    @torch.inference_mode()
    def _search(
        self,
        frame: Picture,
        windows: list[Window],
        *,
        hann: bool,
        places: list[Window] | None = None,
    ) -> Estimate:
        """Ask the network about some windows and return the best answer, in frame pixels.

        Args:
            frame: the picture.
            windows: what is cut out.
            hann: weight the scores.
            places: where the windows are taken to be when boxes are mapped back.
        """
        if self._template is None or self._text is None:
            raise ConfigError("The tracker was not told what to follow: call initialize first.")
        backbone = self.network.backbone
        crops = _batch([crop_frame(frame, w, backbone.search_size) for w in windows], self.device)
        count = len(windows)
        text = TextFeatures(*(value.expand(count, *value.shape[1:]) for value in self._text))
        template = self._template.expand(count, -1, -1, -1)
        output = self.network(template, crops, text)
        boxes, scores = decode(output.maps, self.prior if hann else None)
        best = int(scores.argmax())
        return self.read(frame, boxes[best], scores[best], (places or windows)[best])

    @property
    def prior(self) -> Tensor:
        """What the score map is multiplied by: the Hann window, softened by its weight."""
        weight = self.options.window_weight
        return self._hann * weight + (1 - weight)

    def read(self, frame: Picture, box_4: Tensor, score: Tensor, place: Window) -> Estimate:
        """Map an answer of the network back into a frame.

        Args:
            frame: the picture that was searched.
            box_4: centre x, y, width, height in shares of the window.
            score: of the box.
            place: where the window is.
        """
        box: Box = tuple(box_4.tolist())
        height, width = frame.shape[:2]
        kept = clip_box(out_of_window(box, place), (width, height), self.options.margin)
        return Estimate(kept, float(score))


def remember_size(box: Box, last: Box, share: float) -> Box:
    """Keep a box's centre and take its size between its own and the last one.

    Args:
        box: found in this frame.
        last: of the frame before.
        share: of the last size, in [0, 1); the mean is geometric.
    """
    if share == 0:
        return box
    x, y, width, height = box
    new_width, new_height = (
        old**share * new ** (1 - share) for old, new in zip(last[2:], (width, height), strict=True)
    )
    return x + (width - new_width) / 2, y + (height - new_height) / 2, new_width, new_height


def check_box(box: Box, frame: Picture) -> Box:
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
            f"The box {x:g},{y:g},{w:g},{h:g} lies outside the picture, which is {width} x "
            f"{height} pixels: give x,y,width,height within it."
        )
    return float(x0), float(y0), float(x1 - x0), float(y1 - y0)


def _check_frame(frame: Picture) -> None:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise DataError(
            f"A frame must be RGB uint8 (height, width, 3), and this one is {frame.dtype} "
            f"{frame.shape}."
        )


def _batch(crops: list[Picture], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).contiguous().to(device)
