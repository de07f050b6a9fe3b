"""Lists of pictures in a CSV."""

import csv
from pathlib import Path

HEADER = ["path", "comment", "label", "domain"]


def write_list(path: Path, rows: list[list[str]], header: list[str] | None = None) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header or HEADER, *rows])
    return path


def rows_of(root: Path, *, absolute: bool = False) -> list[list[str]]:
    """The rows of a folder of domains, in an order that is not the sorted one."""
    found = sorted(root.glob("*/*/*.png"), reverse=True)
    return [
        [str(one if absolute else one.relative_to(root)), "x", one.parts[-2], one.parts[-3]]
        for one in found
    ]
