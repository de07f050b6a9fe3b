"""Text encoders: sentences in, one vector each out."""

from vl_track.nn.text.base import NoText, TextEncoder
from vl_track.nn.text.official import OfficialText
from vl_track.nn.text.pieces import WordPieceText
from vl_track.nn.text.sentence import OpenClipText, SentenceText
from vl_track.nn.text.tokens import TokenText

__all__ = [
    "NoText",
    "OfficialText",
    "OpenClipText",
    "SentenceText",
    "TextEncoder",
    "TokenText",
    "WordPieceText",
]
