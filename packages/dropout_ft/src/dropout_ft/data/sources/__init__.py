"""Where pictures come from; one small class each. The data module does all the rest."""

from dropout_ft.data.sources.base import Source
from dropout_ft.data.sources.colored_digits import ColoredDigits
from dropout_ft.data.sources.csv_list import CsvSource
from dropout_ft.data.sources.emoji_styles import EmojiStyles
from dropout_ft.data.sources.four_hands import FourHands
from dropout_ft.data.sources.known import KnownFolder
from dropout_ft.data.sources.rotated_digits import RotatedDigits
from dropout_ft.data.sources.shards import ShardedFolder
from dropout_ft.data.sources.wilds import Camelyon17, IWildCam

__all__ = [
    "Camelyon17",
    "ColoredDigits",
    "CsvSource",
    "EmojiStyles",
    "FourHands",
    "IWildCam",
    "KnownFolder",
    "RotatedDigits",
    "ShardedFolder",
    "Source",
]
