"""The source that a user's path or object stands for."""

from pathlib import Path

from dropout_ft.data.sources.base import Source
from dropout_ft.data.sources.csv_list import CsvSource


def as_source(source: Source | str | Path, *, allow_missing_classes: bool = False) -> Source:
    """Return a source; text is the path of a plain folder, or of a CSV that lists images.

    Args:
        source: a source, which is returned as it is, or a path.
        allow_missing_classes: of the source that a path makes.
    """
    if isinstance(source, Source):
        return source
    if str(source).lower().endswith(".csv"):
        return CsvSource(str(source), allow_missing_classes)
    return Source(str(source), allow_missing_classes)
