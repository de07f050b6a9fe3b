"""LaSOT's folder: groundtruth.txt, nlp.txt and the flags, ready to be read as a data set."""

from pathlib import Path

from holdfast.atomic import write_text
from vl_track.annotations.track import Track

LASOT_FILES = ("groundtruth.txt", "nlp.txt", "full_occlusion.txt", "out_of_view.txt")


def write_lasot(track: Track, folder: Path) -> list[Path]:
    """Write the annotation of one LaSOT sequence; frames go to its ``img`` folder.

    Boxes are whole numbers, pixels counted from 1 as in LaSOT's own files.

    Returns:
        The files written.
    """
    rows = [
        f"{round(x) + 1},{round(y) + 1},{round(width)},{round(height)}"
        for x, y, width, height in track.boxes
    ]
    flags = ",".join(["0"] * len(track)) + "\n"
    contents = ("\n".join(rows) + "\n", f"{track.sentence or track.label}\n", flags, flags)
    for name, text in zip(LASOT_FILES, contents, strict=True):
        write_text(folder / name, text)
    return [folder / name for name in LASOT_FILES]
