"""What ``score``, ``clips``, ``audit`` and ``presence`` share: data, tracker, progress and record.

Each tracks a data set that ``benchmark`` and ``evaluate`` know too, with their loop and their
evaluator, and prints a table of its own.
"""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.progress import Progress

from holdfast.atomic import write_text
from holdfast.data.roots import data_root
from holdfast.outputs import check_files
from vl_track.commands.trusted import own_classes
from vl_track.data.video import Video
from vl_track.graphs.kept import digest_of_model
from vl_track.runtimes import Precision, Runtime
from vl_track.scenes.grammar import Split
from vl_track.scenes.make import Difficulty
from vl_track.scenes.sprites import prepare_sprites
from vl_track.scenes.variation import Variation
from vl_track.scenes.world import FRAMES
from vl_track.scoring.sets import open_set
from vl_track.tracking.options import TrackerOptions

if TYPE_CHECKING:
    from vl_track.tracking.tracker import Tracker

SETS: dict[Difficulty, str] = {"standard": "scenes", "distractors": "scenes_distractors"}


def check_record(
    out: str | None, weights: str | None, *others: str, overwrite: bool = False
) -> None:
    """Refuse a record in place of something that is read, before any work."""
    if out:
        check_files([out], [*others, *([weights] if weights else [])], overwrite=overwrite)


def scenes(
    root: str | None,
    count: int,
    *,
    split: Split,
    difficulty: Difficulty,
    emoji: bool,
    variation: Variation | None = None,
    first: int = 0,
    frames: int = FRAMES,
) -> list[Video]:
    """Return videos of Scenes, seeds ``first`` to ``first + count - 1``.

    Args:
        root: data root.
        count: of the videos.
        split: which material they are made of.
        difficulty: standard or distractors.
        emoji: fetch and draw emoji unless they are there.
        variation: what is changed about each; nothing by default.
        first: least seed.
        frames: of each.
    """
    folder = data_root(root)
    if emoji:
        prepare_sprites(folder)
    videos = open_set(
        SETS[difficulty], split, root=folder, count=first + count, variation=variation,
        frames=frames,
    )  # fmt: skip
    return [videos[seed] for seed in range(first, first + count)]


def make_tracker(
    weights: str | None,
    options: TrackerOptions | None,
    device: str | None,
    runtime: Runtime,
    precision: Precision,
    classes: Sequence[str],
    videos: Sequence[Video] | None = None,
) -> "Tracker":
    """Make a tracker of what a command line says; see :func:`vl_track.load`.

    ``videos`` are those to be tracked; for few frames no graph is written. Many by default.
    """
    from vl_track import opening  # noqa: PLC0415  (the runtimes come with it)

    return opening.load_tracker(
        weights, options=options, device=device, runtime=runtime, precision=precision,
        classes=own_classes(classes), frames=None if videos is None else sum(map(len, videos)),
    )  # fmt: skip


class Maker(NamedTuple):
    """What a tracker's boxes depend on.

    Attributes:
        model: digest of its files.
        runtime: and precision.
        classes: of the user's own.
        options: of the tracker, by name.
    """

    model: str
    runtime: str
    classes: Sequence[str]
    options: dict[str, Any]


def maker_of(tracker: "Tracker", weights: str | None, classes: Sequence[str]) -> Maker:
    """Return what a tracker's boxes depend on."""
    from vl_track.opening import named  # noqa: PLC0415  (the runtimes come with it)

    options = vars(tracker.options)
    return Maker(digest_of_model(weights), named(tracker.network), classes, options)


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a bar in a terminal; gives what is called after each video."""
    with Progress(disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("tracking", total=total)
        yield lambda: bar.update(task, advance=1)


def write_record(out: str | None, record: Any) -> None:  # noqa: ANN401  (JSON)
    """Write figures as JSON, if a file is named; ``null`` stands for what is not finite."""
    if out:
        write_text(Path(out).expanduser(), record_text(record))


def record_text(record: Any) -> str:  # noqa: ANN401  (JSON)
    """Return figures as JSON; ``null`` stands for what is not finite."""
    return json.dumps(finite(record), indent=2, allow_nan=False) + "\n"


def finite(value: Any) -> Any:  # noqa: ANN401  (JSON)
    """Return figures with ``None`` in place of what JSON has no number for."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
