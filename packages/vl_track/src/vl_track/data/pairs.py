"""From an annotated video to one training pair."""

from dataclasses import dataclass, field

import numpy as np

from vl_track.data.absence import NOWHERE, find_absence, overlap, unseen_time
from vl_track.data.augment import Augmentation, Mention, Pair, augment
from vl_track.data.geometry import (
    Box,
    Window,
    into_release_crop,
    into_window,
    jitter_box,
    window_around,
)
from vl_track.data.prompts import PROMPTS, PromptKind
from vl_track.data.sampling import draw_times, is_usable
from vl_track.data.video import Mentioning, Video

GROUNDING_FRAMES = 5
"""A sentence describes the first frame; grounding pairs come from this many."""


@dataclass(kw_only=True)
class PairOptions:
    """How pairs are cut. The paper's values are the defaults, except where noted.

    Attributes:
        template_size: side of the template crop in pixels.
        search_size: side of the search crop.
        template_factor: template window over the target's side.
        search_factor: search window over the target's side; 5 at 384 pixels.
        scale_jitter: of the search window.
        centre_jitter: of the search window; 4.5 at 384 pixels.
        template_jitter: scale jitter of the template window, and a tenth of it in place; the paper
            has none. Users' boxes are not exact.
        prompts: weights of pairs with template and sentence (``box+text``), template only (``box``)
            and sentence only (``text``). The paper always has both.
        least_frames: videos of fewer frames, or with the object in fewer than five, give no pair
            (release: 20); 0 takes every video with two frames that show the object.
        mentions: how many other objects of the search crop come with their sentences, for
            :func:`vl_track.nn.losses.pointing_loss` (where the data set knows them).
        scaled_decoding: decode JPEG frames of data sets at half, a quarter or an eighth where the
            crop is shrunk as much: faster, and without the aliasing of the release's resize, which
            decodes all and skips pixels.
        release_coordinates: say where the box is as the release does
            (:func:`vl_track.data.geometry.into_release_crop`): up to half a pixel beside the truth.
        absent: share of pairs whose search crop does not show the object, where the video allows
            it: from a frame without it, around the place where it was last, or from a part of a
            frame beside it. They train ``presence``; the paper has none.
        augmentation: see :class:`Augmentation`.
    """

    template_size: int = 128
    search_size: int = 256
    template_factor: float = 2.0
    search_factor: float = 4.0
    scale_jitter: float = 0.25
    centre_jitter: float = 3.0
    template_jitter: float = 0.0
    prompts: dict[PromptKind, float] = field(default_factory=lambda: {"box+text": 1.0})
    least_frames: int = 0
    mentions: int = 0
    scaled_decoding: bool = False
    release_coordinates: bool = False
    absent: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)


def make_pair(
    video: Video,
    options: PairOptions,
    generator: np.random.Generator,
    *,
    prompt: PromptKind | None = None,
) -> Pair | None:
    """Draw one pair from a video.

    Args:
        video: the source.
        options: how.
        generator: of random numbers.
        prompt: fixes what the model is given; drawn by ``options.prompts`` otherwise.

    Returns:
        The pair, or ``None`` if no two frames show the object.
    """
    least = options.least_frames
    if least and not is_usable(len(video), video.visible, least):
        return None
    weights = np.array([options.prompts.get(kind, 0.0) for kind in PROMPTS])
    prompt = prompt or PROMPTS[int(generator.choice(3, p=weights / weights.sum()))]
    absent = options.absent > 0 and generator.uniform() < options.absent
    if prompt == "text":
        pair = _grounding_pair(video, options, generator, absent=absent)
    else:
        said = video.sentence if prompt == "box+text" else ""
        pair = _tracking_pair(video, options, generator, said, absent=absent)
    return None if pair is None else augment(pair, options.augmentation, generator)


def _tracking_pair(
    video: Video,
    options: PairOptions,
    generator: np.random.Generator,
    sentence: str,
    *,
    absent: bool = False,
) -> Pair | None:
    times = draw_times(len(video), video.visible, generator)
    if times is None:
        return None
    first, later = times
    shown = jitter_box(
        video.box(first),
        scale=options.template_jitter,
        centre=options.template_jitter,
        generator=generator,
    )
    found = find_absence(video, first, options.search_factor, generator) if absent else None
    later = later if found is None else found.time
    box = video.box(later) if found is None else found.near
    near = _jittered(box, options, generator)
    window = window_around(near, options.search_factor)
    if found is not None and found.seen is not None and overlap(found.seen, window) > 0:
        # The window shows the object after all: the pair is one with it, as any other.
        found, box = None, video.box(later)
        near = _jittered(box, options, generator)
        window = window_around(near, options.search_factor)
    around = window_around(shown, options.template_factor)
    template = video.crop(first, around, options.template_size)
    search = video.crop(later, window, options.search_size)
    where = into_window(box, window)
    if options.release_coordinates:
        where = into_release_crop(box, near, window.side, options.search_size)
    return Pair(
        template=template,
        search=search,
        box=where if found is None else NOWHERE,
        sentence=sentence,
        mentions=_mentions(video, later, window, options.mentions),
        target=into_window(shown, around),
        present=found is None,
    )


def _jittered(box: Box, options: PairOptions, generator: np.random.Generator) -> Box:
    """Return the box around which a search window is laid."""
    return jitter_box(
        box, scale=options.scale_jitter, centre=options.centre_jitter, generator=generator
    )


def _mentions(video: Video, time: int, window: Window, most: int) -> tuple[Mention, ...]:
    """Return what can be said about other objects whose centres lie in the window."""
    if most == 0 or not isinstance(video, Mentioning):
        return ()
    found = [(text, into_window(box, window)) for text, box in video.mentions(time)]
    inside = [
        (text, box)
        for text, box in found
        if 0 < box[0] + box[2] / 2 < 1 and 0 < box[1] + box[3] / 2 < 1
    ]
    return tuple(inside[:most])


def _grounding_pair(
    video: Video, options: PairOptions, generator: np.random.Generator, *, absent: bool = False
) -> Pair | None:
    """No template: one of the first frames as a whole, and a sentence."""
    time = int(generator.integers(min(GROUNDING_FRAMES, len(video))))
    if not video.visible(time):
        return None
    gone = unseen_time(video, 0, generator) if absent else None
    time = time if gone is None else gone
    frame = video.frame(time)
    height, width = frame.shape[:2]
    box = video.box(time) if gone is None else (0.5 * width, 0.5 * height, 0.0, 0.0)
    window = _wide_window(box, (width, height), generator)
    size = options.template_size
    return Pair(
        template=np.zeros((size, size, 3), dtype=np.uint8),
        search=video.crop(time, window, options.search_size),
        box=into_window(box, window) if gone is None else NOWHERE,
        sentence=video.sentence,
        mentions=_mentions(video, time, window, options.mentions),
        present=gone is None,
    )


def _wide_window(box: Box, frame: tuple[int, int], generator: np.random.Generator) -> Window:
    """Return a window about as large as the frame that holds the whole box."""
    side = float(round(max(frame) * generator.uniform(0.85, 1.05)))
    corner = []
    for start, length, extent in zip(box[:2], box[2:], frame, strict=True):
        middle = (extent - side) / 2 + generator.uniform(-0.08, 0.08) * extent
        corner.append(round(float(np.clip(middle, start + length - side, start))))
    return Window(corner[0], corner[1], side)
