"""Images in folders of domains and classes, and the one data module that feeds them."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from dropout_ft.data.domains import DomainData
    from dropout_ft.data.sources import (
        Camelyon17,
        ColoredDigits,
        CsvSource,
        EmojiStyles,
        FourHands,
        IWildCam,
        KnownFolder,
        RotatedDigits,
        ShardedFolder,
        Source,
    )

__all__ = [
    "Camelyon17",
    "ColoredDigits",
    "CsvSource",
    "DomainData",
    "EmojiStyles",
    "FourHands",
    "IWildCam",
    "KnownFolder",
    "RotatedDigits",
    "ShardedFolder",
    "Source",
]
_SOURCES = "dropout_ft.data.sources"
__getattr__ = lazy_names(
    __name__,
    dict.fromkeys(__all__, _SOURCES) | {"DomainData": "dropout_ft.data.domains"},
)
