"""Figures of ``vl-track clips``: kept in a file after every run, taken up again, and summed up."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.atomic import write_text
from holdfast.errors import ConfigError
from vl_track.data.sets.clips import ClipVideo
from vl_track.data.video import Video

OURS, OPENCV = "ours: ", "OpenCV "
BOX, BOTH, SENTENCE = "ours: box", "ours: box, sentence", "ours: sentence"
FOUND = 0.5
"""A sentence alone has found its object if the first box's IoU is above this."""


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """One tracker on one clip.

    Attributes:
        auc: success AUC.
        first_overlap: IoU of the first frame's box; what the sentence alone has found.
        least_overlap: of the later annotated frames.
        held: whether it overlaps the object in the last annotated frame.
        frames_per_second: without decoding.
    """

    auc: float
    first_overlap: float
    least_overlap: float
    held: bool
    frames_per_second: float


Table = Mapping[str, Mapping[str, ClipScore]]
"""Scores by clip and by tracker."""


class ClipRecord:
    """Scores of clips, written after each one.

    Args:
        place: JSON to write; ``None`` keeps them in memory only.
        convention: of the figures.
        resume: take up what is in the file already.

    Raises:
        ConfigError: the file to take up is no such record.
    """

    def __init__(self, place: str | None, convention: str, *, resume: bool = False) -> None:
        self.place = None if place is None else Path(place).expanduser()
        self.convention = convention
        self._before: dict[str, dict[str, dict[str, Any]]] = {}
        self._rows: dict[str, dict[str, dict[str, Any]]] = {}
        if resume and self.place is not None and self.place.is_file():
            self._before = _read(self.place, convention)

    @property
    def table(self) -> dict[str, dict[str, ClipScore]]:
        """Return all scores that were added or taken up."""
        return {
            clip: {who: _score(row) for who, row in rows.items()}
            for clip, rows in self._rows.items()
        }

    def take_up(self, clip: str, who: str, made: str) -> bool:
        """Take a score from the file, if it has one that was made in the same way.

        Args:
            clip: name of the object.
            who: the tracker and what it was told.
            made: digest of everything that the score depends on.
        """
        row = self._before.get(clip, {}).get(who)
        if row is None or row.get("made") != made:
            return False
        self._rows.setdefault(clip, {})[who] = row
        return True

    def add(self, clip: str, who: str, made: str, found: ClipScore) -> None:
        """Add a score and write the file; what was in it of other clips and trackers stays."""
        self._rows.setdefault(clip, {})[who] = {**asdict(found), "made": made}
        names = dict.fromkeys([*self._before, *self._rows])
        self._write({n: self._before.get(n, {}) | self._rows.get(n, {}) for n in names})

    def finish(self) -> None:
        """Leave out figures of these clips that nothing of this run has made, or taken up.

        They are another model's, or of another version of a tracker, and would stand beside the
        new ones as if they were of the same run.
        """
        self._write(self._before | self._rows)

    def _write(self, rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        if self.place is None:
            return
        text = json.dumps({"convention": self.convention, "clips": rows}, indent=1)
        write_text(self.place, text + "\n")


def _read(place: Path, convention: str) -> dict[str, dict[str, dict[str, Any]]]:
    try:
        record = json.loads(place.read_text())
        rows: dict[str, dict[str, dict[str, Any]]] = record["clips"]
        _check(record["convention"] == convention, "its figures are of another convention")
        for row in (row for clip in rows.values() for row in clip.values()):
            finite = all(map(math.isfinite, asdict(_score(row)).values()))
            _check(finite, "a figure in it is not finite")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{place} is no record of `vl-track clips` ({error!r}): give another --out, or leave "
            "out --resume."
        ) from error
    return rows


def _score(row: Mapping[str, Any]) -> ClipScore:
    return ClipScore(**{one.name: row[one.name] for one in fields(ClipScore)})


def _check(true: bool, otherwise: str) -> None:
    if not true:
        raise ValueError(otherwise)


def digest_of_run(clip: Video, maker: str, sentence: str, prompt: str) -> str:
    """Return a digest of what a score depends on.

    Args:
        clip: its name, length, boxes and flags count, and the bytes of its file, so that a score of
            a clip that was replaced by another is never taken up.
        maker: model, options and runtime, or the version of another tracker.
        sentence: what the tracker is told.
        prompt: which parts of the first frame it is told.
    """
    truth = [(clip.visible(time), *clip.box(time)) for time in range(len(clip))]
    content = clip.clip.content if isinstance(clip, ClipVideo) else ""
    parts = json.dumps([maker, sentence, prompt, clip.name, truth, content])
    return sha256(parts.encode()).hexdigest()[:16]


def summary(table: Table) -> str:
    """Return how ours does beside the best of OpenCV's trackers, chosen for each object."""
    lines = [_beside(table, who) for who in (BOX, BOTH)]
    if all(BOX in row and BOTH in row for row in table.values()):
        gain = np.mean([row[BOTH].auc - row[BOX].auc for row in table.values()])
        lines.append(f"The sentence adds {gain:+.3f} to the mean of the box alone.")
    found = sum(SENTENCE in row and row[SENTENCE].first_overlap > FOUND for row in table.values())
    lines.append(
        f"The sentence alone finds {found} of {len(table)} objects (first box with IoU above "
        f"{FOUND:g}; one whose words are not known counts as not found)."
    )
    return "\n".join([line for line in lines if line] + [""])


def _beside(table: Table, who: str) -> str:
    """Return one line; none where not every object has ours and one of OpenCV's."""
    pairs = []
    for row in table.values():
        theirs = [one.auc for name, one in row.items() if name.startswith(OPENCV)]
        if who not in row or not theirs:
            return ""
        pairs.append((row[who].auc, max(theirs)))
    if not pairs:
        return ""
    ours, best = np.array(pairs).T
    ahead = int((ours > best).sum())
    place = "ahead" if ours.mean() >= best.mean() else "behind"
    return (
        f"{who}: mean {ours.mean():.3f}; the best of OpenCV's trackers, chosen for each object, "
        f"{best.mean():.3f}: {place} by {abs(ours.mean() - best.mean()):.3f} on the mean, ahead on "
        f"{ahead} of {len(pairs)} objects ({100 * ahead / len(pairs):.0f} %)."
    )
