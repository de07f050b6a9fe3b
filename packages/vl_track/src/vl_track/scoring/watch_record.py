"""What was watched, kept in a file after every video, and taken up again."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.atomic import write_text
from holdfast.errors import ConfigError
from vl_track.data.flags import Flags
from vl_track.data.prompts import PromptKind
from vl_track.data.video import Video
from vl_track.scoring.clip_record import digest_of_run
from vl_track.scoring.presence import LookedAt
from vl_track.scoring.searching import Places
from vl_track.scoring.watching import Watched, Ways, turn_of
from vl_track.tracking.evidence import FEATURES, PLACE, Numbers

FLAGS = ("rings", "known", "seen", "off")


class WatchRecord:
    """Videos that a tracker was watched in.

    The file has ``made``, which says by what they were made, and ``videos``, a row for each. It has
    figures only when all that were asked for are there.

    Args:
        place: JSON to write; ``None`` keeps nothing.
        made: what all rows depend on: model, options and so on, by name.
        resume: take up the rows of the file.

    Raises:
        ConfigError: the file is no such record, or was made otherwise; what differs is named.
    """

    def __init__(self, place: str | None, made: Mapping[str, Any], *, resume: bool = False) -> None:
        self.place = None if place is None else Path(place).expanduser()
        self.made = json.loads(json.dumps(made))
        self._keys: dict[str, str] = {}
        self._rows: dict[str, str] = {}
        self._watched: dict[str, Watched] = {}
        self._kept: dict[str, str] = {}
        if resume and self.place is not None and self.place.is_file():
            self._read(self.place)

    def __len__(self) -> int:
        """Return how many videos are in the file."""
        return len(self._rows)

    def expect(self, videos: Sequence[Video], prompt: Ways, *, search: bool) -> None:
        """Say which videos will be watched, and how.

        Raises:
            ConfigError: the file has a row of another video under the name of one of them.
        """
        if self.place is None:
            return
        for number, video in enumerate(videos):
            key = _key(video, turn_of(prompt, number), search=search)
            self._keys[video.name] = key
            if self._kept.get(video.name, key) != key:
                raise ConfigError(
                    f"{self.place} has a video {video.name} that is not the one to be tracked now: "
                    "its frames, its length, its material or its turn with --prompt either "
                    "differ. Give another --out."
                )

    def take_up(self, name: str) -> Watched | None:
        """Return a video of the file; ``None`` if it has none of that name."""
        return self._watched.get(name)

    def add(self, one: Watched) -> None:
        """Keep a video, and write the file."""
        if self.place is None:
            return
        self._rows[one.name] = json.dumps(_row(one, self._keys[one.name]), allow_nan=False)
        self._write({})

    def finish(self, figures: Mapping[str, Any]) -> None:
        """Write the file with the figures of the videos that were asked for."""
        self._write(figures)

    def _write(self, figures: Mapping[str, Any]) -> None:
        if self.place is None:
            return
        head = json.dumps({**figures, "made": self.made}, indent=2, allow_nan=False)
        rows = ",\n".join(f"    {json.dumps(name)}: {row}" for name, row in self._rows.items())
        write_text(self.place, f'{head[:-2]},\n  "videos": {{\n{rows}\n  }}\n}}\n')

    def _read(self, place: Path) -> None:
        try:
            record = json.loads(place.read_text())
            there, rows = dict(record["made"]), dict(record["videos"])
            for name, row in rows.items():
                self._watched[name] = _watched(name, row)
                self._kept[name] = str(row["made"])
                self._rows[name] = json.dumps(row, allow_nan=False)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{place} is no record of `vl-track presence` ({error!r}): give another --out, or "
                "leave out --resume."
            ) from error
        differ = [name for name in self.made if there.get(name) != self.made[name]]
        if differ:
            raise ConfigError(
                f"{place} was made with another {', '.join(differ)}, and frames of two are never "
                "mixed: give another --out, or leave out --resume."
            )


def _key(video: Video, turn: PromptKind, *, search: bool) -> str:
    """Return a digest of a video and of how it is watched."""
    parts = [turn, str(search), digest_of_run(video, "", video.sentence, turn)]
    if isinstance(video, LookedAt):
        parts.append(str([video.absent(time) for time in range(len(video))]))
    return sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _row(one: Watched, key: str) -> dict[str, Any]:
    found: dict[str, Any] = {"made": key}
    found |= {name: _written(getattr(one, name)) for name in FLAGS}
    found |= {"said": _finite(one.said), "features": one.features.tolist()}
    if one.places is not None:
        found["places"] = {
            "numbers": one.places.numbers.tolist(),
            "right": _written(one.places.right),
        }
    return found


def _watched(name: str, row: Mapping[str, Any]) -> Watched:
    """Read a row.

    Raises:
        ValueError: its parts are not of one length, or are nothing that is written.
    """
    places = row.get("places")
    flags = {one: _flags(row[one]) for one in FLAGS}
    said = np.array([np.nan if one is None else one for one in row["said"]], np.float64)
    found = Watched(
        name=name,
        features=_numbers(row["features"], len(FEATURES)),
        said=said,
        places=None
        if places is None
        else Places(_numbers(places["numbers"], len(PLACE)), _flags(places["right"])),
        **flags,
    )
    lengths = {len(found.features), len(found.said), *map(len, flags.values())}
    if len(lengths) != 1:
        raise ValueError(f"the row of {name} has parts of unlike lengths")
    return found


def _numbers(rows: Sequence[Sequence[float]], columns: int) -> Numbers:
    found = np.array(rows, np.float64).reshape(-1, columns)
    if not np.isfinite(found).all() or len(found) != len(rows):
        raise ValueError("a number in it is not finite, or one is missing")
    return found


def _written(flags: Flags) -> str:
    return "".join("1" if one else "0" for one in flags)


def _flags(text: str) -> Flags:
    if set(text) - {"0", "1"}:
        raise ValueError("flags are zeros and ones")
    return np.array([one == "1" for one in text], dtype=bool)


def _finite(values: Numbers) -> list[float | None]:
    return [float(one) if np.isfinite(one) else None for one in values]
