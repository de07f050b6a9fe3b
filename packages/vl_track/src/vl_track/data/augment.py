"""Augmentation of a pair: what both crops share, and what each has for itself."""

import re
from dataclasses import dataclass

import cv2
import numpy as np

from vl_track.data.geometry import Box
from vl_track.video.frames import Image

_SWAPPED = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost"}


Mention = tuple[str, Box]


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
    """

    grayscale: float = 0.05
    grayscale_text: bool = False
    joint_flip: float = 0.5
    separate_flip: float = 0.0
    brightness: float = 0.2


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two crops, the object's box in the second (fractions of the crop), and a sentence.

    ``mentions`` are sentences about other objects in the second crop, with their boxes.
    """

    template: Image
    search: Image
    box: Box
    sentence: str
    mentions: tuple[Mention, ...] = ()


def augment(pair: Pair, options: Augmentation, generator: np.random.Generator) -> Pair:
    """Return a changed pair; ``generator`` decides."""
    template, search, box, sentence = pair.template, pair.search, pair.box, pair.sentence
    mentions = pair.mentions
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
    return Pair(template=template, search=search, box=box, sentence=sentence, mentions=mentions)


def _mirror_box(box: Box) -> Box:
    return 1 - box[0] - box[2], *box[1:]


def mirror_sentence(sentence: str) -> str:
    """Swap left and right, so that the sentence is true of the mirrored image."""
    return re.sub(
        r"\b(leftmost|rightmost|left|right)\b", lambda word: _SWAPPED[word.group()], sentence
    )


def _gray(image: Image) -> Image:
    one = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    gray: Image = cv2.cvtColor(one, cv2.COLOR_GRAY2RGB)
    return gray
