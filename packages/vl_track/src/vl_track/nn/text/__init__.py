"""Text encoders: sentences in, one vector each out. Names are lazy, as torch is slow."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
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
_MODULES = {
    "base": ("NoText", "TextEncoder"),
    "official": ("OfficialText",),
    "pieces": ("WordPieceText",),
    "sentence": ("OpenClipText", "SentenceText"),
    "tokens": ("TokenText",),
}

__getattr__ = lazy_names(
    __name__,
    {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names},
)
