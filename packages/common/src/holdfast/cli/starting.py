"""Where a ``fit`` begins, and what has changed since the run, or a given checkpoint, was made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.checkpoints.reading import read_checkpoint
from holdfast.console import say
from holdfast.errors import ConfigError
from holdfast.runs.directory import Resume, RunDirectory
from holdfast.runs.identity import Difference, Identity, differences, digest_of
from holdfast.runs.record import read_record
from holdfast.training.callbacks.run_record import RUN_KEY


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a ``fit`` begins.

    Attributes:
        path: the checkpoint to resume from; None starts at step 0, in an empty folder.
        finished: whether there is nothing left to do.
        mixed: what changed during the run, where the user accepted it; such a run shares no mean
            with others.
    """

    path: Path | None = None
    finished: bool = False
    mixed: Sequence[str] = ()


def start_of(directory: RunDirectory, resume: Resume, identity: Identity) -> Start:
    """Decide where a run starts; nothing is deleted here.

    Args:
        directory: of the run.
        resume: what the user asked for.
        identity: of this launch.

    Raises:
        ConfigError: data, precision or number of processes are others than the run began with.
        CheckpointError: a checkpoint was required and there is none.
    """
    path = directory.resume_path(resume)
    if path is None:
        return Start()
    record = read_record(directory.record)
    finished = record.get("status") == "finished"
    changes = differences(record.get("identity") or {}, identity)
    decisive = [change for change in changes if change.decisive]
    go_on = finished or all(change.acceptable for change in decisive)
    if decisive and not (resume == "accept" and go_on):
        ways = "Start over with --run.resume never, or take another --run.name"
        ways += ", or go on in spite of it with --run.resume accept" if go_on else ""
        raise ConfigError(
            f"The run in {directory.path} is {record.get('status', 'not finished')}, but since it "
            f"began this has changed: {_words(decisive)}. {ways}."
        )
    if changes and not finished:
        say(f"note: since this run began, this has changed: {_words(changes)}.")
    mixed = _mixed((record.get("coordinates") or {}).get("mixed"), decisive)
    return Start(path=None if finished else path, finished=finished, mixed=mixed)


def start_from(given: Path, resume: Resume, identity: Identity) -> Start:
    """Compare a checkpoint that the user names with this launch.

    One of another recipe or seed is refused when it is loaded.

    Raises:
        ConfigError: data, precision or number of processes are others than it was made with.
        CheckpointError: it cannot be read.
    """
    found = read_checkpoint(given).get(RUN_KEY) if given.is_file() else None
    if not isinstance(found, Mapping) or not isinstance(found.get("identity"), Mapping):
        say(f"note: {given} does not say with which data and precision it was made.")
        return Start(path=given)
    if (found.get("recipe"), found.get("seed")) != (identity.digest, identity.seed):
        return Start(path=given)
    changes = differences(found["identity"], identity)
    decisive = [change for change in changes if change.decisive]
    go_on = all(change.acceptable for change in decisive)
    if decisive and not (resume == "accept" and go_on):
        way = ", or go on in spite of it with --run.resume accept" if go_on else ""
        raise ConfigError(
            f"Since {given} was made, this has changed: {_words(decisive)}. Train without "
            f"--ckpt_path{way}."
        )
    if changes:
        say(f"note: since {given} was made, this has changed: {_words(changes)}.")
    return Start(path=given, mixed=_mixed(found.get("mixed"), decisive))


def note_changes(directory: RunDirectory, identity: Identity) -> None:
    """Say what has changed since a run was trained that is evaluated now."""
    before = read_record(directory.record).get("identity") or {}
    decisive = [change for change in differences(before, identity) if change.decisive]
    if decisive:
        say(f"note: since this run was trained, this has changed: {_words(decisive)}.")


def placed(coordinates: Mapping[str, Any], mixed: Sequence[str]) -> dict[str, Any]:
    """Return the coordinates of a run; one that changed on its way is a variant of its own.

    Args:
        coordinates: as model, data and command line declare them.
        mixed: what changed.
    """
    if not mixed:
        return dict(coordinates)
    name = f"changed on its way: {'; '.join(mixed)}"
    return {
        **coordinates,
        "mixed": list(mixed),
        "method": digest_of([coordinates["method"], list(mixed)]),
        "variant": ", ".join(word for word in (coordinates["variant"], name) if word),
    }


def _mixed(before: object, decisive: Sequence[Difference]) -> list[str]:
    earlier = [str(one) for one in before] if isinstance(before, list) else []
    return [*earlier, *(change.what for change in decisive if change.what not in earlier)]


def _words(changes: Sequence[Difference]) -> str:
    return "; ".join(change.what for change in changes)
