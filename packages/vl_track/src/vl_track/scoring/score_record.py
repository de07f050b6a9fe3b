"""Figures that are kept in a file after every run, and taken up again."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from holdfast.atomic import write_text
from holdfast.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

S = TypeVar("S", bound="DataclassInstance")
Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]


class ScoreRecord(Generic[S]):
    """Scores by video and by what was run on it, written after each one.

    Args:
        place: JSON to write; ``None`` keeps them in memory only.
        convention: of the figures.
        resume: take up what is in the file already.

    Attributes:
        kind: dataclass of a score; its fields are numbers.
        command: of ``vl-track`` that writes such a file.
        rows_name: of the scores in the file.

    Raises:
        ConfigError: the file to take up is no such record.
    """

    kind: ClassVar[type[Any]]
    command: ClassVar[str]
    rows_name: ClassVar[str]

    def __init__(self, place: str | None, convention: str, *, resume: bool = False) -> None:
        self.place = None if place is None else Path(place).expanduser()
        self.convention = convention
        self._before: dict[str, dict[str, dict[str, Any]]] = {}
        self._rows: dict[str, dict[str, dict[str, Any]]] = {}
        if resume and self.place is not None and self.place.is_file():
            self._before = self._read(self.place)

    def __len__(self) -> int:
        """Return how many scores were added or taken up."""
        return sum(map(len, self._rows.values()))

    @property
    def table(self) -> dict[str, dict[str, S]]:
        """Return all scores that were added or taken up."""
        return {
            video: {who: self._score(row) for who, row in rows.items()}
            for video, rows in self._rows.items()
        }

    def take_up(self, video: str, who: str, made: str) -> bool:
        """Take a score from the file, if it has one that was made in the same way.

        Args:
            video: name of the video, or of the object in it.
            who: the tracker and what it was told.
            made: digest of everything that the score depends on.
        """
        row = self._before.get(video, {}).get(who)
        if row is None or row.get("made") != made:
            return False
        self._rows.setdefault(video, {})[who] = row
        return True

    def add(self, video: str, who: str, made: str, found: S) -> None:
        """Add a score and write the file; what was in it of other videos and trackers stays."""
        self._rows.setdefault(video, {})[who] = {**asdict(found), "made": made}
        names = dict.fromkeys([*self._before, *self._rows])
        self._write({n: self._before.get(n, {}) | self._rows.get(n, {}) for n in names})

    def finish(self) -> None:
        """Leave out figures of these videos that nothing of this run has made, or taken up.

        They are another model's, or of another version of a tracker, and would stand beside the
        new ones as if they were of the same run. Those that :meth:`belongs` stay.
        """
        new = {name: self._kept(name) | rows for name, rows in self._rows.items()}
        self._write(self._before | new)

    def belongs(self, video: str, made: str) -> bool:
        """Tell whether a figure that this run has not asked for may stand beside its own."""
        return False

    def _kept(self, video: str) -> dict[str, dict[str, Any]]:
        rows = self._before.get(video, {})
        return {who: row for who, row in rows.items() if self.belongs(video, str(row.get("made")))}

    def _write(self, rows: Rows) -> None:
        if self.place is None:
            return
        text = json.dumps({"convention": self.convention, self.rows_name: rows}, indent=1)
        write_text(self.place, text + "\n")

    def _read(self, place: Path) -> dict[str, dict[str, dict[str, Any]]]:
        try:
            record = json.loads(place.read_text())
            rows: dict[str, dict[str, dict[str, Any]]] = record[self.rows_name]
            _check(record["convention"] == self.convention, "its figures are of another convention")
            for row in (row for video in rows.values() for row in video.values()):
                finite = all(map(math.isfinite, asdict(self._score(row)).values()))
                _check(finite, "a figure in it is not finite")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{place} is no record of `vl-track {self.command}` ({error!r}): give another "
                "--out, or leave out --resume."
            ) from error
        return rows

    def _score(self, row: Mapping[str, Any]) -> S:
        found: S = self.kind(**{one.name: row[one.name] for one in fields(self.kind)})
        return found


def _check(true: bool, otherwise: str) -> None:
    if not true:
        raise ValueError(otherwise)
