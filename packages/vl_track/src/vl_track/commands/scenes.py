"""``vl-track scenes``: prepare, look at, and write the Scenes data set."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2

from holdfast.atomic import atomic_path
from holdfast.data.roots import data_root
from holdfast.outputs import check_files
from vl_track.scenes.clips import scenes_videos
from vl_track.scenes.cutouts import prepare_cutouts
from vl_track.scenes.grammar import Split
from vl_track.scenes.lasot_layout import write_scenes
from vl_track.scenes.make import Difficulty
from vl_track.scenes.photographs import gather_photographs
from vl_track.scenes.scene import Scene
from vl_track.scenes.sprites import prepare_sprites
from vl_track.scenes.variation import Variation
from vl_track.video.contact_sheet import contact_sheet
from vl_track.video.drawing import draw_estimate

Action = Literal["prepare", "sheet", "write"]


def scenes(
    action: Action,
    *,
    out: str | None = None,
    split: Split = "train",
    difficulty: Difficulty = "standard",
    count: int = 12,
    first: int = 1,
    root: str | None = None,
    photographs: bool = True,
    emoji: bool = True,
    occluding_hand: float = 0.0,
    aspect_jitter: float = 0.0,
    leaving: float = 0.0,
    passers_by: float = 0.0,
    shaking: float = 0.0,
    cutouts: float = 0.0,
    overwrite: bool = False,
) -> None:
    """Prepare, look at, or write Scenes.

    Args:
        action: ``prepare`` fetches emoji and photographs; ``sheet`` draws frames of some videos
            with their boxes and sentences; ``write`` saves videos in LaSOT's layout.
        out: the image (``sheet``) or the folder (``write``).
        split: train, val or test.
        difficulty: standard or distractors.
        count: number of videos.
        first: number of the first video of each noun (``write``); with another one, a second split
            can go into the same folder.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        photographs: fetch Debian's wallpapers in ``prepare``, where this is a Debian system.
        emoji: fetch and draw the emoji.
        occluding_hand: fraction of videos whose target a hand holds and moves.
        aspect_jitter: fraction of videos whose objects are longer or wider.
        leaving: fraction of videos whose target is gone for some frames.
        passers_by: fraction of videos in which others like the target cross its way.
        shaking: fraction of videos whose camera jerks.
        cutouts: share of drawings that are photographs of things; above 0, ``prepare`` fetches
            them (Debian's package of Tux Paint's stamps).
        overwrite: replace the image of ``sheet``, or videos of ``write``, that exist.
    """
    path = Path(out or f"scenes_{split}.png")
    if action == "sheet":
        check_files([path], overwrite=overwrite)
    folder = data_root(root)
    if emoji:
        prepare_sprites(folder)
    kept = prepare_cutouts(folder) if cutouts > 0 else 0
    if action == "prepare":
        have = gather_photographs(folder) if photographs else 0
        more = f", {kept} cut-outs" if kept else ""
        sys.stdout.write(
            f"Scenes is ready below {folder}: emoji drawn, {have} photographs{more}.\n"
        )
        return
    variation = Variation(
        occluding_hand=occluding_hand,
        aspect_jitter=aspect_jitter,
        leaving=leaving,
        passers_by=passers_by,
        shaking=shaking,
    )
    videos = scenes_videos(
        folder, count, split=split, difficulty=difficulty, variation=variation, cutouts=cutouts
    )
    if action == "write":
        target = Path(out or folder / f"scenes_{split}")
        written = write_scenes(
            videos, target, first=first, testing=split == "test", overwrite=overwrite
        )
        sys.stdout.write(f"Wrote {len(written)} videos in LaSOT's layout below {target}\n")
        return
    _draw(videos, path)
    sys.stdout.write(f"Drew {len(videos)} videos: {path}\n")


def _draw(videos: Sequence[Scene], path: Path) -> None:
    """Write four frames of each video with their boxes and sentences as one image."""
    rows = []
    for scene in videos:
        times = [round(k * (len(scene) - 1) / 3) for k in range(4)]
        rows.append(
            [
                draw_estimate(
                    scene.frame(t), scene.box(t), scene.visible_fraction(t), scene.sentence
                )
                for t in times
            ]
        )
    sheet = contact_sheet([frame for row in rows for frame in row], columns=4, width=320)
    with atomic_path(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", sheet[..., ::-1])[1].tobytes())
