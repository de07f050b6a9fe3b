"""Scenes as registered data sets; nothing is imported before one is opened."""

from vl_track.data.sets.known import KnownSet


def _known(name: str, title: str, difficulty: str) -> KnownSet:
    return KnownSet(
        name=name,
        title=title,
        reader="vl_track.scenes.data_set:ScenesSet",
        folder=".",
        counts={"train": 0, "val": 0, "test": 0},
        size="made when asked",
        licence="MIT; emoji and photographs under their own",
        source="procedural video of this package (docs/scenes.md)",
        options=(("difficulty", difficulty),),
    )


SCENES = (
    _known("scenes", "Scenes", "standard"),
    _known("scenes_distractors", "Scenes with distractors", "distractors"),
)
