"""Reading finished runs from their folders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_ft.data.table import EvaluationTable, same_rows
from dropout_ft.results.coordinates import Coordinates, coordinates_of
from dropout_ft.results.rows import read_rows, training_seconds
from dropout_ft.results.store import logits_steps, read_logits, read_table
from holdfast.console import say
from holdfast.errors import DataError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.record import read_record
from holdfast.storage import fetched

if TYPE_CHECKING:
    from dropout_ft.data.sources.base import Source
    from dropout_ft.nn.backbones.base import Backbone

Scores = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """Classes besides ours that a run's files may name, because the user named them first.

    Attributes:
        backbones: of networks.
        sources: of data.
    """

    backbones: tuple[type["Backbone"], ...] = ()
    sources: tuple[type["Source"], ...] = ()


NOTHING = Trusted()


class SavedLogits(Mapping[int, Mapping[str, np.ndarray]]):
    """The logits of a run by step, each file read when it is asked for.

    Args:
        folder: of the files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps = logits_steps(folder)

    def __getitem__(self, step: int) -> Mapping[str, np.ndarray]:
        if step not in self.steps:
            raise KeyError(step)
        return read_logits(self.folder, step)

    def __contains__(self, step: object) -> bool:
        return step in self.steps

    def __iter__(self) -> Iterator[int]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished run.

    Attributes:
        directory: its files.
        coordinates: what it is.
        table: what was evaluated.
        logits: per step, (N, C) of each set of weights.
        rows: the evaluations, in the order of steps.
        seconds: wall time of all its launches.
        gpus: GPUs it trained on; 0 on a CPU.
        trusted: classes that its files may name.
    """

    directory: RunDirectory
    coordinates: Coordinates
    table: EvaluationTable
    logits: Mapping[int, Mapping[str, np.ndarray]]
    rows: Sequence[Mapping[str, Any]]
    seconds: float
    gpus: int = 0
    trusted: Trusted = NOTHING

    @property
    def last_step(self) -> int:
        """The step of its last evaluation."""
        return int(self.rows[-1]["step"])

    def along(self, weights: str) -> list[dict[str, float]]:
        """Return the scores of a set of weights at each evaluation that has them."""
        return [{"step": row["step"], **row[weights]} for row in self.rows if weights in row]


def load_run(path: str | Path, trusted: Trusted = NOTHING) -> Run:
    """Read one run directory.

    Args:
        path: of the directory.
        trusted: classes besides ours that its files may name.

    Raises:
        DataError: it is not a finished run, or its files do not fit each other.
    """
    directory = RunDirectory(path=Path(path))
    record = read_record(directory.record)
    if record.get("status") != "finished":
        state = record.get("status", "not started")
        raise DataError(
            f"The run {path} has not finished (its status: {state}): give its `dropout-ft fit` "
            "command again, or move the folder away."
        )
    table = read_table(directory.path / "table.json")
    if not table.test_domains:
        raise DataError(
            f"The run {path} left no domain out: there is no o.o.d. accuracy to report."
        )
    run = Run(
        directory=directory,
        coordinates=coordinates_of(record, str(directory.record)),
        table=table,
        logits=SavedLogits(directory.logits),
        rows=read_rows(directory.results),
        seconds=training_seconds(record, directory.record),
        gpus=_gpus(record),
        trusted=trusted,
    )
    _check(run)
    return run


def load_runs(paths: Sequence[str | Path], trusted: Trusted = NOTHING) -> list[Run]:
    """Read the runs of some directories, or folders of them.

    Args:
        paths: of the directories or folders, or addresses of folders on object storage.
        trusted: classes besides ours that their files may name.

    Raises:
        DataError: there are none.
    """
    found_paths = [
        found for given in paths for found in run_directories(fetched(given).expanduser())
    ]
    once = {path.resolve(): path for path in reversed(found_paths)}
    return [load_run(path, trusted) for path in reversed(once.values())]


def run_directories(path: Path) -> list[Path]:
    """Return ``path`` itself if it is a run, else the runs below it, as in a sweep's folder.

    Of a sweep that is not through, the finished runs are taken, and the others are counted aloud.

    Raises:
        DataError: there are none.
    """
    if (path / "run.json").is_file():
        return [path]
    found = sorted(path.parent for path in path.glob("*/run.json"))
    found = found or _finished(sorted(path.glob("jobs/*/*/run.json")))
    if not found:
        raise DataError(f"There are no runs in {path}: give run directories or a folder of them.")
    return found


def groups_of_runs(runs: Sequence[Run]) -> list[list[Run]]:
    """Return groups of at least two runs of one method on one domain left out and one split.

    Runs of other seeds and of other hyper-parameters are both members: the paper's "all" are all
    fine-tuning trajectories of a test domain.
    """
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        key = (run.coordinates.group, run.coordinates.test_case)
        groups.setdefault(key, []).append(run)
    return [group for group in groups.values() if len(group) > 1]


def check_same_tables(runs: Sequence[Run]) -> None:
    """Refuse runs whose evaluations are not row for row of the same images.

    Raises:
        DataError: names the first run that differs.
    """
    for run in runs[1:]:
        if not same_rows(runs[0].table, run.table):
            raise DataError(
                f"{runs[0].directory.path} and {run.directory.path} were evaluated on different "
                "images: combine only runs with the same data, test domain and split_seed."
            )


def _check(run: Run) -> None:
    if not run.rows or set(run.logits) != {int(row["step"]) for row in run.rows}:
        raise DataError(
            f"The run {run.directory.path} has results and logits of different steps: train it "
            "again with --run.resume never."
        )
    rows = len(run.logits[run.last_step]["current"])
    if rows != len(run.table):
        raise DataError(
            f"The run {run.directory.path} has logits of {rows} images and a table of "
            f"{len(run.table)}: train it again with --run.resume never."
        )


def _finished(records: list[Path]) -> list[Path]:
    """Return the folders of the finished runs of a sweep."""
    done = [path.parent for path in records if read_record(path).get("status") == "finished"]
    if len(done) < len(records):
        say(f"{len(records) - len(done)} of the sweep's {len(records)} runs are left out")
    return done


def _gpus(record: Mapping[str, Any]) -> int:
    """Return how many GPUs a run used: its processes, where it ran on any."""
    identity = record.get("identity") or {}
    on_gpu = identity.get("accelerator") not in {"cpu", None}
    processes = identity.get("processes", 1)
    counted = isinstance(processes, int) and processes > 0
    return (processes if counted else 1) if on_gpu else 0
