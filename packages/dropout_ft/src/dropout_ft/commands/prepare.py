"""``dropout-ft prepare``: the embedded data sets."""

import sys
from typing import Literal

from holdfast.data.roots import data_root


def prepare_data(
    name: Literal["emoji_styles", "four_hands"] = "emoji_styles", *, root: str | None = None
) -> None:
    """Fetch and draw an embedded data set, once.

    Args:
        name: ``emoji_styles`` (five emoji styles from the npm registry), or ``four_hands``
            (photographs and clip art from Debian's archive, emoji from the npm registry).
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
    """
    from dropout_ft.data.sources import emoji_drawing, four_hands_drawing

    title, drawing = {
        "emoji_styles": ("EmojiStyles", emoji_drawing),
        "four_hands": ("FourHands", four_hands_drawing),
    }[name]
    folder = data_root(root)
    target = drawing.prepare(folder)
    sys.stdout.write(
        f"{title} is in {target}; licences and counts are in {folder / name}.json, examples in "
        f"{folder / name}_contact_sheet.png\n"
    )
