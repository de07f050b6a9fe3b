"""The videos that ``vl-track presence`` looks at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from holdfast.data.roots import data_root
from holdfast.errors import ConfigError
from vl_track.commands import presets
from vl_track.data.sets.base import Split
from vl_track.data.video import Video
from vl_track.scenes.recorded import recorded_scene
from vl_track.scenes.sprites import prepare_sprites
from vl_track.scenes.stretches import choose
from vl_track.scenes.trajectories import read_recordings
from vl_track.scenes.variation import Variation
from vl_track.scenes.world import FRAMES, SceneWorld
from vl_track.scoring.sets import open_set

LEAVING = Variation(leaving=0.7, passers_by=0.4)
"""Targets that leave, and others like them: without absent frames there is nothing to know."""
STAYING = Variation(passers_by=0.4)
"""The same without leaving: what false alarms are counted on."""
FIRST_STAYING = 100
"""Least seed of these videos."""
LONG = 300
"""Frames of a video that follows a recorded track; other Scenes have 100."""
DEFAULT_COUNT = 20
"""Videos of Scenes whose targets leave."""
LEAST_FRAMES = 20
"""The first ten frames of a video stand for how it looks while the object is there."""

DataSet = Literal["scenes", "real_clips"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which videos are wanted; see :func:`vl_track.commands.presence.presence`."""

    dataset: DataSet
    split: Split
    counted: int | None
    staying: int
    frames: int | None
    trajectories: str | None
    root: str | None
    emoji: bool

    @property
    def count(self) -> int:
        """Videos of Scenes whose targets leave."""
        return DEFAULT_COUNT if self.counted is None else self.counted

    @property
    def title(self) -> str:
        """What the videos are, in words."""
        if self.trajectories is not None:
            name = Path(self.trajectories).expanduser().absolute().name
            return f"{self.dataset} {self.split} (synthetic pictures) on the tracks of {name}"
        return f"{self.dataset} {self.split}"

    def check(self) -> None:
        """Refuse what no videos can be made of.

        Raises:
            ConfigError: options that go against each other, or no video at all.
        """
        only_scenes = [
            ("--count", self.counted is not None),
            ("--staying", self.staying != 0),
            ("--frames", self.frames is not None),
            ("--trajectories", self.trajectories is not None),
        ]
        for option, given in only_scenes:
            if given and self.dataset != "scenes":
                raise ConfigError(f"{option} is for videos of Scenes: take --dataset scenes.")
        if min(self.count, self.staying) < 0 or not self.count + self.staying:
            raise ConfigError("There is no video to look at: give --count or --staying.")
        if self.frames is not None and self.frames < LEAST_FRAMES:
            raise ConfigError(f"--frames {self.frames} is too short: give {LEAST_FRAMES} or more.")


def open_videos(wanted: Wanted) -> tuple[list[Video], list[Video]]:
    """Return the videos whose targets leave, and those whose targets stay.

    Raises:
        ConfigError: there are not so many recorded tracks.
        DataError: the recorded tracks cannot be read.
    """
    if wanted.trajectories is not None:
        return _following(wanted, wanted.trajectories)
    if wanted.dataset != "scenes":
        return list(open_set(wanted.dataset, wanted.split, root=wanted.root)), []
    first = max(wanted.count, FIRST_STAYING)
    return (
        _scenes(wanted, LEAVING, 0, wanted.count),
        _scenes(wanted, STAYING, first, wanted.staying),
    )


def _scenes(wanted: Wanted, variation: Variation, first: int, count: int) -> list[Video]:
    """Make videos of Scenes with so many seeds, from a first one on."""
    if not count:
        return []
    return presets.scenes(
        wanted.root,
        count,
        first=first,
        split=wanted.split,
        difficulty="standard",
        emoji=wanted.emoji,
        variation=variation,
        frames=wanted.frames or FRAMES,
    )


def _following(wanted: Wanted, trajectories: str) -> tuple[list[Video], list[Video]]:
    """Make videos whose targets follow recorded tracks and are absent where those are flagged."""
    recordings = read_recordings(Path(trajectories).expanduser())
    chosen = choose(recordings, wanted.count, wanted.staying, wanted.frames or LONG)
    root = data_root(wanted.root)
    if wanted.emoji:
        prepare_sprites(root)
    world = SceneWorld.open(root, wanted.split)
    leaving, staying = ([recorded_scene(world, one, STAYING) for one in part] for part in chosen)
    return [*leaving], [*staying]
