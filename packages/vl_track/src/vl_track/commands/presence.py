"""``vl-track presence``: does a model know whether its object is in view, and calibrating it."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from holdfast.atomic import write_text
from holdfast.data.roots import data_root
from holdfast.errors import ConfigError
from holdfast.outputs import check_files
from vl_track.data.prompts import PromptKind
from vl_track.data.sets.base import Split
from vl_track.data.video import Video
from vl_track.loading import DEFAULT, load_network, packaged, read_folder, save_network
from vl_track.scenes.clips import scenes_videos
from vl_track.scenes.variation import Variation
from vl_track.scoring.presence import (
    PresenceScore,
    calibrate,
    fit_calibration,
    presence_of,
    presence_score,
)
from vl_track.scoring.sets import open_set
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.tracker import Tracker

LEAVING = Variation(leaving=0.7, passers_by=0.4)
"""Targets that leave, and others like them: without absent frames there is nothing to know."""


def presence(
    *,
    weights: str | None = None,
    dataset: Literal["scenes", "real_clips"] = "scenes",
    split: Split = "test",
    count: int = 20,
    prompt: PromptKind = "box+text",
    calibrated: str | None = None,
    root: str | None = None,
    out: str | None = None,
    overwrite: bool = False,
    options: TrackerOptions | None = None,
) -> None:
    """Track videos whose object leaves, and score the model's probability that it is in view.

    Args:
        weights: a model folder; by default the model that comes with vl_track.
        dataset: ``scenes``, with targets that leave and passers-by, or ``real_clips``.
        split: of the data set; calibrate on ``val``.
        count: videos of Scenes.
        prompt: what the tracker gets: ``box+text``, ``box`` or ``text``.
        calibrated: write the model to this folder, calibrated on these videos.
        root: data root.
        out: JSON to write, with the bins of the reliability diagram.
        overwrite: replace what exists.
        options: of the tracker.
    """
    source = Path(weights) if weights is not None else packaged(DEFAULT)
    if calibrated and split == "test":
        raise ConfigError("Calibrate on --split val: the test split only reports.")
    outputs = [out] if out else []
    outputs += [str(Path(calibrated) / "config.json")] if calibrated else []
    check_files(outputs, [source], overwrite=overwrite)
    network = load_network(source)
    said, seen = presence_of(
        Tracker(network, options), _videos(dataset, split, count, root), prompt
    )
    found = presence_score(said, seen)
    sys.stdout.write(_line(f"{dataset} {split}, prompt {prompt}", found))
    if calibrated:
        temperature, shift = fit_calibration(said, seen)
        calibrate(network, temperature, shift)
        config, _ = read_folder(source)
        save_network(calibrated, config, network.state_dict())
        sys.stdout.write(
            f"{calibrated}: temperature {temperature:.3f}, shift {shift:.3f} on these "
            f"{found.frames} frames\n"
        )
    if out:
        write_text(out, json.dumps(asdict(found), indent=1) + "\n")


def _videos(dataset: str, split: Split, count: int, root: str | None) -> list[Video]:
    if dataset == "scenes":
        return list(scenes_videos(data_root(root), count, split=split, variation=LEAVING))
    return list(open_set(dataset, split, root=root))


def _line(what: str, found: PresenceScore) -> str:
    return (
        f"Presence on {what}: area under ROC {found.auroc:.3f}, expected calibration error "
        f"{found.calibration_error:.3f}, log loss {found.log_loss:.3f} over {found.frames} frames, "
        f"{found.absent} of them without the object\n"
    )
