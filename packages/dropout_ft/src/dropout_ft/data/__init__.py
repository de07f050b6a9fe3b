"""Images in folders of domains and classes, and the one data module that feeds them."""

from dropout_ft.data.domains import DomainData
from dropout_ft.data.sources import (
    ColoredDigits,
    EmojiStyles,
    KnownFolder,
    RotatedDigits,
    ShardedFolder,
    Source,
)

__all__ = [
    "ColoredDigits",
    "DomainData",
    "EmojiStyles",
    "KnownFolder",
    "RotatedDigits",
    "ShardedFolder",
    "Source",
]
