"""What text encoders with a vocabulary share."""

from vl_track.nn.text.base import TextEncoder
from vl_track.nn.text.vocabulary import Vocabulary


class TokenizedText(Vocabulary, TextEncoder):
    """Base: subclasses set the attributes of :class:`Vocabulary` and implement ``encode``."""
