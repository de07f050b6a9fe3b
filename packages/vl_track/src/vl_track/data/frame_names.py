"""The paths of a sequence's frames, as a rule where they follow one: ``img/%08d.jpg`` from 1 on."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class FrameNames(Sequence[Path]):
    """Paths that are made when they are asked for.

    Args:
        folder: of the frames.
        names: in order, or ``None`` where a rule gives them.
        rule: what stands before the number, the first number, its digits, what stands behind it,
            and how many frames there are.
    """

    def __init__(
        self, folder: Path, names: Sequence[str] | None, rule: tuple[str, int, int, str, int]
    ) -> None:
        self.folder, self.names, self.rule = folder, names, rule

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.rule[4] if self.names is None else len(self.names)

    def __getitem__(self, number: int) -> Path:  # type: ignore[override]
        """Return the path of a frame."""
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        if self.names is not None:
            return self.folder / self.names[number]
        before, first, digits, behind, _ = self.rule
        return self.folder / f"{before}{first + number:0{digits}d}{behind}"


def frame_names(paths: Sequence[Path], root: Path) -> dict[str, Any]:
    """Describe the paths of a sequence's frames in JSON values; they lie in one folder."""
    folder = paths[0].parent
    names = [path.name if path.parent == folder else str(path) for path in paths]
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", names[0])
    inside = str(folder.relative_to(root)) if folder.is_relative_to(root) else str(folder)
    if found is not None:
        before, number, behind = found.groups()
        rule = (before, int(number), len(number), behind, len(names))
        if list(FrameNames(folder, None, rule)) == list(paths):
            return {"folder": inside, "rule": rule}
    return {"folder": inside, "names": names}


def open_frame_names(described: dict[str, Any], root: Path) -> FrameNames:
    """Return what :func:`frame_names` described."""
    folder = root / described["folder"]
    rule = described.get("rule", ("", 0, 0, "", 0))
    return FrameNames(folder, described.get("names"), tuple(rule))
