"""Augmentation of a pair: what both crops share, and what each has for itself."""

import re
from dataclasses import dataclass, replace

import cv2
import numpy as np

from vl_track.data.geometry import Box
from vl_track.video.frames import Image

_SWAPPED = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost"}


Mention = tuple[str, Box]
COARSEST = 4.0
"""How often smaller a crop is made, at most, before it is enlarged again."""


@dataclass(kw_only=True)
class Augmentation:
    """Probabilities and ranges; the defaults are the paper's, but for flips.

    Attributes:
        grayscale: probability that both crops lose their colour.
        grayscale_text: let pairs with a sentence lose their colour too, as in the release, which
            makes a sentence with a colour false.
        joint_flip: probability that both are mirrored, with left and right swapped in the sentence.
        separate_flip: probability, for each crop by itself, of being mirrored. The release takes
            0.5, which makes a sentence with left or right false; 0 by default.
        brightness: each crop's brightness factor is drawn from 1 - b to 1 + b.
        coarse: probability that both crops lose detail, as a small or strongly compressed video
            has lost it: shrunk up to four times, and through JPEG. The paper has none.
    """

    grayscale: float = 0.05
    grayscale_text: bool = False
    joint_flip: float = 0.5
    separate_flip: float = 0.0
    brightness: float = 0.2
    coarse: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two crops, the object's box in the second (fractions of the crop), and a sentence.

    Attributes:
        template: RGB; black where the sentence alone is the prompt.
        search: RGB.
        box: in the search crop; zeros where the object is not in it.
        sentence: may be empty.
        mentions: sentences about other objects in the second crop, with their boxes.
        target: the box that the prompt gave, as fractions of the template crop; zeros if none.
        present: whether the object can be seen in the search crop.
    """

    template: Image
    search: Image
    box: Box
    sentence: str
    mentions: tuple[Mention, ...] = ()
    target: Box = (0.0, 0.0, 0.0, 0.0)
    present: bool = True


def augment(pair: Pair, options: Augmentation, generator: np.random.Generator) -> Pair:
    """Return a changed pair; ``generator`` decides."""
    template, search, box, sentence = pair.template, pair.search, pair.box, pair.sentence
    mentions, target = pair.mentions, pair.target
    gray, joint, *separate = generator.uniform(size=4)
    if gray < options.grayscale and (sentence == "" or options.grayscale_text):
        template, search = _gray(template), _gray(search)
    flips = [joint < options.joint_flip] * 2
    if flips[0]:
        sentence = mirror_sentence(sentence)
        mentions = tuple((mirror_sentence(text), where) for text, where in mentions)
    flips = [
        flip != (draw < options.separate_flip) for flip, draw in zip(flips, separate, strict=True)
    ]
    if flips[0]:
        template = template[:, ::-1]
        target = _mirror_box(target)
    if flips[1]:
        search = search[:, ::-1]
        box = _mirror_box(box)
        mentions = tuple((text, _mirror_box(where)) for text, where in mentions)
    reach = options.brightness
    template, search = (
        cv2.convertScaleAbs(
            np.ascontiguousarray(crop), alpha=generator.uniform(1 - reach, 1 + reach)
        )
        for crop in (template, search)
    )
    if options.coarse > 0 and generator.uniform() < options.coarse:
        shrink = float(np.exp(generator.uniform(0, np.log(COARSEST))))
        quality = int(generator.integers(15, 90))
        template, search = (_coarse(crop, shrink, quality) for crop in (template, search))
    return replace(
        pair,
        template=template,
        search=search,
        box=box,
        sentence=sentence,
        mentions=mentions,
        target=target,
    )


def _mirror_box(box: Box) -> Box:
    if box[2] == 0:
        return box  # none
    return 1 - box[0] - box[2], *box[1:]


def mirror_sentence(sentence: str) -> str:
    """Swap left and right, so that the sentence is true of the mirrored image."""
    return re.sub(
        r"\b(leftmost|rightmost|left|right)\b", lambda word: _SWAPPED[word.group()], sentence
    )


def _coarse(image: Image, shrink: float, quality: int) -> Image:
    """Shrink a crop, compress it as JPEG, and enlarge it again."""
    size = image.shape[1], image.shape[0]
    small = tuple(max(8, round(length / shrink)) for length in size)
    little = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    _, packed = cv2.imencode(".jpg", little, [cv2.IMWRITE_JPEG_QUALITY, quality])
    little = cv2.imdecode(packed, cv2.IMREAD_COLOR)  # its channels keep the order they came in
    coarse: Image = cv2.resize(little, size, interpolation=cv2.INTER_LINEAR)
    return coarse


def _gray(image: Image) -> Image:
    one = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    gray: Image = cv2.cvtColor(one, cv2.COLOR_GRAY2RGB)
    return gray
