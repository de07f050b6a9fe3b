"""What ``vl-track presence`` refuses before any work."""

import itertools
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import ConfigError
from holdfast.outputs import check_files
from holdfast.storage import is_remote
from vl_track.commands.presence_videos import Wanted
from vl_track.loading import read_folder
from vl_track.scenes.trajectories import annotation_files
from vl_track.tracking.judge import can_keep
from vl_track.tracking.options import TrackerOptions


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What is read and what is written; see :func:`vl_track.commands.presence.presence`."""

    source: Path
    calibrated: str | None
    fitted: str | None
    out: str | None
    diagram: str | None
    resume: bool

    def check(self, wanted: Wanted, *, overwrite: bool) -> None:
        """Refuse outputs that would destroy something, or that nothing would be written to.

        Raises:
            ConfigError: which, and what to do.
            CheckpointError: the model is no whole model folder, and one is needed.
            DataError: there are no recorded tracks where they are said to be.
        """
        for option, target in (("--calibrated", self.calibrated), ("--fitted", self.fitted)):
            if target:
                _check_calibration(self.source, target, wanted, option)
        self._check_diagram(wanted)
        if self.resume and self.out is None:
            raise ConfigError("--resume goes on with a file: name it with --out.")
        read = [self.source, *self.source.glob("*")]
        if wanted.trajectories is not None:
            read += annotation_files(Path(wanted.trajectories).expanduser())
        new = [one for one in (self.fitted, self.diagram) if one]
        new += [str(Path(self.calibrated) / "config.json")] if self.calibrated else []
        kept = [self.out] if self.out else []
        check_files([*kept, *new], read, overwrite=True)
        check_files(new, read, overwrite=overwrite)
        check_files(kept, read, overwrite=overwrite or self.resume)
        if self.fitted:
            _check_staying(wanted.count, wanted.staying)

    def _check_diagram(self, wanted: Wanted) -> None:
        """Refuse a picture that would not be drawn.

        Raises:
            ConfigError: its name does not end in ``.png``, or nothing is scored.
        """
        if self.diagram is None:
            return
        if not self.diagram.lower().endswith(".png"):
            raise ConfigError(
                f"--diagram {self.diagram} must end in .png: that is what is written."
            )
        if self.fitted:
            raise ConfigError("--fitted scores nothing, so there is nothing for --diagram to draw.")
        if not wanted.count:
            raise ConfigError(
                "--count 0 counts alarms only: there is nothing for --diagram to draw."
            )


def expanded(place: str | None) -> str | None:
    """Return a place with ``~`` as the home folder."""
    # An address is refused where outputs are checked.
    return str(Path(place).expanduser()) if place and not is_remote(place) else place


def _check_staying(fitting: int, staying: int) -> None:
    """Refuse a fit whose alarm the tracker's own options could not keep.

    Raises:
        ConfigError: there are too few videos whose targets stay.
    """
    alarm = TrackerOptions().alarm
    if not staying or can_keep(alarm, staying - fitting):
        return  # without videos there is no alarm at all
    needed = next(number for number in itertools.count(1) if can_keep(alarm, number))
    raise ConfigError(
        f"--fitted scales presence on {fitting} of the --staying {staying} videos and calibrates "
        f"the alarm on the others, but the tracker's alarm of {alarm:g} needs {needed} or more: "
        f"give --staying {fitting + needed}."
    )


def _check_calibration(source: Path, target: str, wanted: Wanted, option: str) -> None:
    """Refuse, before any tracking, what could not be written or must not be.

    Raises:
        ConfigError: the test split, no videos, a checkpoint, or a folder that is read.
        CheckpointError: no whole model folder.
    """
    if wanted.split == "test":
        raise ConfigError(f"{option} needs --split val: the test split only reports.")
    if not wanted.count:
        raise ConfigError(f"{option} needs videos whose targets leave: give --count.")
    if source.is_file():
        raise ConfigError(
            f"{source} is no model folder, which {option} needs: write one with `vl-track "
            f"export --ckpt {source} --out mine` and give it as --weights."
        )
    if Path(target).resolve() == source.resolve():
        raise ConfigError(f"{option} {target} is an input: write to another place.")
    read_folder(source)
