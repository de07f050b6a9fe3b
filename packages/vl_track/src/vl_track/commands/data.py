"""``vl-track data``: which data sets are known, and what is wrong with one on disk."""

import json
import sys
from pathlib import Path
from typing import Literal

from rich.progress import Progress

from holdfast.atomic import write_text
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError, DataError
from holdfast.outputs import keep_apart
from vl_track.data.sets.base import Split
from vl_track.data.sets.known import KNOWN, KnownSet, known_set, open_files
from vl_track.data.verifying import Problem, verify_split


def data(
    action: Literal["list", "verify"],
    name: str | None = None,
    folder: str | None = None,
    *,
    root: str | None = None,
    split: Split | None = None,
    deep: bool = False,
    out: str | None = None,
) -> None:
    """List known data sets, or verify one.

    Args:
        action: ``list`` or ``verify``.
        name: of the data set to verify.
        folder: where it lies; by default its place below the data root.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        split: verify this part only.
        deep: decode every picture.
        out: JSON of the problems to write.
    """
    if action == "list":
        sys.stdout.write(listing(data_root(root)))
        return
    if name is None:
        raise ConfigError(f"Which data set? Take one of {', '.join(KNOWN)}.")
    known = known_set(name)
    if out:
        keep_apart([out], [Path(folder) if folder else data_root(root) / known.folder])
    found = {
        part: _verify(known, part, root, folder, deep=deep)
        for part in ([split] if split else known.counts)
    }
    sys.stdout.write("".join(say(known, part, problems) for part, problems in found.items()))
    if out:
        record = {part: [vars(problem) for problem in found[part]] for part in found}
        write_text(out, json.dumps(record, indent=1) + "\n")
    blocking = sum(problem.blocking for problems in found.values() for problem in problems)
    if blocking:
        raise DataError(
            f"{blocking} problem{'s' if blocking != 1 else ''} of {known.title} would stop a run: "
            "see the lines above."
        )


def listing(root: Path) -> str:
    """Return a paragraph a data set: size, licence, source, where it is expected."""
    lines = [f"Data root: {root} (HOLDFAST_DATA or --root change it)", ""]
    for one in KNOWN.values():
        place = root / one.folder
        counts = ", ".join(f"{part} {n}" if n else part for part, n in one.counts.items())
        lines += [
            f"{one.name:<14} {one.title}: {counts}; {one.size}",
            f"{'':<14} licence: {one.licence}",
            f"{'':<14} source: {one.source}; scored: {one.scored}",
            f"{'':<14} expected at {place} ({'there' if place.is_dir() else 'not there'})",
            "",
        ]
    return "\n".join(lines)


def say(known: KnownSet, split: str, problems: list[Problem]) -> str:
    """Return the problems of a split, one a line."""
    if not problems:
        return f"{known.title} {split}: nothing wrong\n"
    lines = [f"{known.title} {split}: {len(problems)} problem{'s' if len(problems) != 1 else ''}"]
    lines += [
        f"  {'STOPS' if one.blocking else 'note '}  {one.where or 'the split'}: {one.what}"
        for one in problems
    ]
    return "\n".join(lines) + "\n"


def _verify(
    known: KnownSet, split: Split, root: str | None, folder: str | None, *, deep: bool
) -> list[Problem]:
    try:
        videos = open_files(known.name, split, root=root, folder=folder)
    except DataError as error:
        return [Problem(where="", what=str(error), blocking=True)]
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(f"{known.title} {split}", total=len(videos))
        return verify_split(
            videos, known, deep=deep, after=lambda: progress.update(task, advance=1)
        )
