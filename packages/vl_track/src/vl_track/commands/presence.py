"""``vl-track presence``: does a model know whether its object is in view, and calibrating it."""

import itertools
import math
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.atomic import write_bytes
from holdfast.errors import ConfigError
from holdfast.outputs import check_files
from holdfast.storage import is_remote
from vl_track.commands import presets
from vl_track.commands.trusted import own_classes
from vl_track.data.sets.base import Split
from vl_track.data.video import Video
from vl_track.digests import digest_of
from vl_track.loading import load_network, read_folder, save_network
from vl_track.packaged import packaged
from vl_track.runtimes import Precision, Runtime
from vl_track.scenes.variation import Variation
from vl_track.scoring.judging import (
    AlarmScore,
    Watched,
    Ways,
    alarm_score,
    fit_judge,
    pooled,
    watch_videos,
)
from vl_track.scoring.presence import (
    PresenceScore,
    calibrate,
    fit_calibration,
    presence_score,
)
from vl_track.scoring.sets import open_set
from vl_track.scoring.uncertainty import share_interval
from vl_track.tracking.judge import can_keep
from vl_track.tracking.options import TrackerOptions

if TYPE_CHECKING:
    from vl_track.nn.network import AllInOne

LEAVING = Variation(leaving=0.7, passers_by=0.4)
"""Targets that leave, and others like them: without absent frames there is nothing to know."""
STAYING = Variation(passers_by=0.4)
"""The same without leaving: what false alarms are counted on."""
FIRST_STAYING = 100
"""Least seed of these videos."""


def presence(
    *,
    weights: str | None = None,
    dataset: Literal["scenes", "real_clips"] = "scenes",
    split: Split = "test",
    count: int = 20,
    staying: int = 0,
    prompt: Ways = "box+text",
    calibrated: str | None = None,
    fitted: str | None = None,
    root: str | None = None,
    emoji: bool = True,
    out: str | None = None,
    diagram: str | None = None,
    overwrite: bool = False,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    options: TrackerOptions | None = None,
) -> None:
    """Track videos whose object leaves, and score the model's probability that it is in view.

    Args:
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
            Presence is told by a network with ``presence: true``, or by ``presence.json``.
        dataset: ``scenes``, with targets that leave and passers-by, or ``real_clips``.
        split: of the data set; calibrate on ``val``.
        count: videos of Scenes.
        staying: further videos of Scenes, whose targets stay: false alarms are counted on them too.
            With ``fitted`` the first ``count`` of them enter the fit, and the alarm is calibrated
            on the others.
        prompt: what the tracker gets; ``either`` is ``box+text`` and ``box`` in turn, for a fit.
        calibrated: write the model to this folder, calibrated on these videos; ``weights`` must be
            another model folder. For networks with ``presence: true``.
        fitted: write what presence and alarm are judged by, fitted on these videos, to this file.
            It belongs into the folder of ``weights``, named ``presence.json``.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        emoji: fetch and draw emoji; without them objects are shapes and patches.
        out: JSON to write, with the bins of the reliability diagram.
        diagram: PNG to write: the reliability diagram as a picture.
        overwrite: replace what exists. An input is never replaced.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of the tracker.
    """
    source = Path(weights) if weights is not None else packaged()
    calibrated, fitted = _expanded(calibrated), _expanded(fitted)
    _check_targets(source, calibrated, fitted, split)
    outputs = [one for one in (out, fitted, diagram) if one]
    _check_diagram(diagram, fitted)
    outputs += [str(Path(calibrated) / "config.json")] if calibrated else []
    check_files(outputs, [source, *source.glob("*")], overwrite=overwrite)
    if fitted:  # on what the tracker does by itself, whatever was fitted before
        options = replace(options or TrackerOptions(), alarm=0.0, redetect="never")
    videos = _videos(dataset, split, count, root, emoji=emoji)
    _check_staying(len(videos), staying, fitted)
    still = _staying(dataset, split, count, staying, root, emoji=emoji)
    every = [*videos, *still]
    tracker = presets.make_tracker(weights, options, device, runtime, precision, classes, every)
    with presets.progress(len(every)) as advance:
        watched = watch_videos(tracker, videos, prompt, search=bool(fitted), after=advance)
        stayed = watch_videos(tracker, still, prompt, after=advance)
    if fitted:
        _fit(watched, stayed, source, Path(fitted))
        return
    said, seen = pooled(watched)
    found = presence_score(said, seen)
    sys.stdout.write(_line(f"{dataset} {split}, prompt {prompt}", found))
    alarm = alarm_score([*watched, *stayed]) if tracker.watch.has_alarm else None
    sys.stdout.write(_alarm_line(tracker.options.alarm, alarm) if alarm is not None else "")
    _draw(diagram, found, f"{dataset} {split}, told {prompt}")
    presets.write_record(out, {**asdict(found), "alarm": alarm and asdict(alarm)})
    if calibrated:
        network = load_network(source, own_classes(classes))
        sys.stdout.write(_calibrate(network, source, Path(calibrated), said, seen))


def _check_targets(source: Path, calibrated: str | None, fitted: str | None, split: Split) -> None:
    """Refuse what cannot be written, before any work."""
    for option, target in (("--calibrated", calibrated), ("--fitted", fitted)):
        if target:
            _check_calibration(source, target, split, option)


def _check_diagram(diagram: str | None, fitted: str | None) -> None:
    """Refuse a picture that would not be drawn.

    Raises:
        ConfigError: its name does not end in ``.png``, or nothing is scored.
    """
    if diagram is not None and not diagram.lower().endswith(".png"):
        raise ConfigError(f"--diagram {diagram} must end in .png: that is what is written.")
    if diagram is not None and fitted:
        raise ConfigError("--fitted scores nothing, so there is nothing for --diagram to draw.")


def _draw(diagram: str | None, found: PresenceScore, title: str) -> None:
    if diagram is not None:
        from vl_track.scoring.report.reliability import (  # noqa: PLC0415  (matplotlib is slow)
            reliability_plot,
        )

        write_bytes(Path(diagram).expanduser(), reliability_plot(found, title))


def _fit(fitting: list[Watched], staying: list[Watched], source: Path, target: Path) -> None:
    judge = fit_judge(fitting, staying, _digests(source))
    judge.write(target)
    sys.stdout.write(
        f"{target}: fitted on {len(fitting)} videos, alarm calibrated on {len(judge.worst)}\n"
    )
    if not judge.places:
        sys.stdout.write("No search of a frame found the object, so lost ones stay lost\n")


def _calibrate(
    network: "AllInOne",
    source: Path,
    target: Path,
    said: NDArray[np.float64],
    seen: NDArray[np.bool_],
) -> str:
    """Write a model folder with a calibrated presence head, and say what was fitted."""
    temperature, shift = fit_calibration(said, seen)
    calibrate(network, temperature, shift)
    config, _ = read_folder(source)
    save_network(target, config, network.state_dict())
    return (
        f"{target}: temperature {temperature:.3f}, shift {shift:.3f} on these {len(seen)} frames\n"
    )


def _expanded(place: str | None) -> str | None:
    # An address is refused where outputs are checked.
    return str(Path(place).expanduser()) if place and not is_remote(place) else place


def _check_staying(fitting: int, staying: int, fitted: str | None) -> None:
    """Refuse a fit, if there is one, whose alarm the tracker's own options could not keep.

    Raises:
        ConfigError: there are too few videos whose targets stay.
    """
    alarm = TrackerOptions().alarm
    if not fitted or not staying or can_keep(alarm, staying - fitting):
        return  # without videos there is no alarm at all
    needed = next(number for number in itertools.count(1) if can_keep(alarm, number))
    raise ConfigError(
        f"--fitted scales presence on {fitting} of the --staying {staying} videos and calibrates "
        f"the alarm on the others, but the tracker's alarm of {alarm:g} needs {needed} or more: "
        f"give --staying {fitting + needed}."
    )


def _check_calibration(source: Path, target: str, split: Split, option: str) -> None:
    """Refuse, before any tracking, what could not be written or must not be.

    Raises:
        ConfigError: the test split, a checkpoint, or a folder that is read.
        CheckpointError: no whole model folder.
    """
    if split == "test":
        raise ConfigError(f"{option} needs --split val: the test split only reports.")
    if source.is_file():
        raise ConfigError(
            f"{source} is no model folder, which {option} needs: write one with `vl-track "
            f"export --ckpt {source} --out mine` and give it as --weights."
        )
    if Path(target).resolve() == source.resolve():
        raise ConfigError(f"{option} {target} is an input: write to another place.")
    read_folder(source)


def _videos(
    dataset: str, split: Split, count: int, root: str | None, *, emoji: bool
) -> list[Video]:
    if dataset == "scenes":
        return presets.scenes(
            root, count, split=split, difficulty="standard", emoji=emoji, variation=LEAVING
        )
    return list(open_set(dataset, split, root=root))


def _digests(source: Path) -> dict[str, str]:
    return {file.name: digest_of(file) for file in sorted(source.glob("*.safetensors"))}


def _staying(
    dataset: str, split: Split, first: int, count: int, root: str | None, *, emoji: bool
) -> list[Video]:
    """Return Scenes whose targets stay, with seeds after those of the leaving ones, from 100 on.

    Raises:
        ConfigError: another data set.
    """
    if not count:
        return []
    if dataset != "scenes":
        raise ConfigError("--staying makes videos of Scenes: take --dataset scenes.")
    first = max(first, FIRST_STAYING)
    return presets.scenes(
        root, first + count, split=split, difficulty="standard", emoji=emoji, variation=STAYING
    )[first:]


def _alarm_line(alarm: float, found: AlarmScore) -> str:
    low, high = share_interval(found.false, found.videos)
    delay = "none" if math.isnan(found.delay) else f"{found.delay:g} frames"
    return (
        f"Alarm {alarm:g}: false in {found.false} of {found.videos} videos (95 % interval "
        f"{low:.3f} to {high:.3f}); it rang in {found.rang_staying} of {found.staying} videos "
        f"whose target stays, drifting trackers included, and in {found.noticed} of "
        f"{found.leaving} whose target left a tracker that was on it, after {delay} (median)\n"
    )


def _line(what: str, found: PresenceScore) -> str:
    # Frames of one kind alone have no curve.
    area = f"{found.auroc:.3f}" if found.absent not in {0, found.frames} else "none"
    return (
        f"Presence on {what}: area under ROC {area}, expected calibration error "
        f"{found.calibration_error:.3f}, log loss {found.log_loss:.3f} over {found.frames} frames, "
        f"{found.absent} of them without the object\n"
    )
