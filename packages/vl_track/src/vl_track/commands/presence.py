"""``vl-track presence``: does a model know whether its object is in view, and calibrating it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.atomic import write_bytes
from holdfast.errors import ConfigError
from vl_track.commands import presets
from vl_track.commands.presence_checks import Outputs, expanded
from vl_track.commands.presence_videos import DataSet, Wanted, open_videos
from vl_track.commands.trusted import own_classes
from vl_track.data.sets.base import Split
from vl_track.data.video import Video
from vl_track.digests import digest_of
from vl_track.loading import load_network, read_folder, save_network
from vl_track.packaged import packaged
from vl_track.runtimes import Precision, Runtime
from vl_track.scoring.alarms import alarm_lines, alarm_score
from vl_track.scoring.judging import fit_judge
from vl_track.scoring.presence import (
    PresenceScore,
    calibrate,
    fit_calibration,
    presence_score,
)
from vl_track.scoring.watch_record import WatchRecord
from vl_track.scoring.watching import Watched, Ways, pooled, watch_videos
from vl_track.tracking.options import TrackerOptions

if TYPE_CHECKING:
    from vl_track.nn.network import AllInOne
    from vl_track.tracking.tracker import Tracker

Pair = tuple[list[Watched], list[Watched]]


def presence(
    *,
    weights: str | None = None,
    dataset: DataSet = "scenes",
    split: Split = "test",
    count: int | None = None,
    staying: int = 0,
    frames: int | None = None,
    trajectories: str | None = None,
    prompt: Ways = "box+text",
    calibrated: str | None = None,
    fitted: str | None = None,
    root: str | None = None,
    emoji: bool = True,
    out: str | None = None,
    diagram: str | None = None,
    overwrite: bool = False,
    resume: bool = False,
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
        count: videos of Scenes, by default 20; 0 counts alarms only. Not for ``real_clips``.
        staying: further videos of Scenes, whose targets stay: false alarms are counted on them too.
            With ``fitted`` the first ``count`` enter the fit, the others calibrate the alarm.
        frames: of each video of Scenes; by default 100, and 300 with ``trajectories``.
        trajectories: folder or tar file of LaSOT's annotations with their absence flags; targets
            move as they say, and are absent where they are flagged.
        prompt: what the tracker gets; ``either`` is ``box+text`` and ``box`` in turn, for a fit.
        calibrated: write the model, which has a presence head, calibrated to this other folder.
        fitted: write what presence and alarm are judged by, fitted on these videos, to this file.
            It belongs into the folder of ``weights``, named ``presence.json``.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        emoji: fetch and draw emoji; without them objects are shapes and patches.
        out: JSON to write after every video; at the end with the bins of the diagram.
        diagram: PNG to write: the reliability diagram as a picture.
        overwrite: replace what exists. An input is never replaced.
        resume: go on with ``out``, which must be by the same model, options, runtime and videos.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: the fastest that fits.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``; see ``vl_track.load``.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of the tracker.
    """
    wanted = Wanted(dataset=dataset, split=split, counted=count, staying=staying, frames=frames,
                    trajectories=trajectories, root=root, emoji=emoji)  # fmt: skip
    outputs = Outputs(
        source=Path(weights) if weights is not None else packaged(), out=out, diagram=diagram,
        calibrated=expanded(calibrated), fitted=expanded(fitted), resume=resume,
    )  # fmt: skip
    wanted.check()
    outputs.check(wanted, overwrite=overwrite)
    videos = open_videos(wanted)
    options = _unaided(options) if fitted else options
    every = [*videos[0], *videos[1]]
    tracker = presets.make_tracker(weights, options, device, runtime, precision, classes, every)
    _check_alarm(tracker, wanted, fitted)
    made = {
        **_made(presets.maker_of(tracker, weights, classes)),
        "dataset": dataset,
        "split": split,
    }
    record = WatchRecord(out, {**made, "prompt": prompt, "search": bool(fitted)}, resume=resume)
    watched = _watch(tracker, videos, prompt, record, search=bool(fitted))
    _tell(watched, tracker, outputs, record, f"{wanted.title}, prompt {prompt}", classes)


def _unaided(options: TrackerOptions | None) -> TrackerOptions:
    """Return options by which the tracker does nothing that was fitted before."""
    return replace(options or TrackerOptions(), alarm=0.0, redetect="never")


def _made(maker: presets.Maker) -> dict[str, Any]:
    """Return what frames are made by; each option by its own name, so that it can be told."""
    options = {f"option {name}": value for name, value in maker.options.items()}
    return {"model": maker.model, "runtime": maker.runtime, "classes": [*maker.classes], **options}


def _check_alarm(tracker: "Tracker", wanted: Wanted, fitted: str | None) -> None:
    """Refuse to count alarms of a tracker that has none.

    Raises:
        ConfigError: there would be nothing to tell of the videos whose targets stay.
    """
    if wanted.staying and not fitted and not tracker.watch.has_alarm:
        raise ConfigError(
            "--staying counts false alarms, and there is no alarm: it needs a model with a "
            "calibrated presence.json, and --options.alarm above 0."
        )


def _watch(
    tracker: "Tracker",
    videos: tuple[Sequence[Video], Sequence[Video]],
    prompt: Ways,
    record: WatchRecord,
    *,
    search: bool,
) -> Pair:
    """Track the videos that are not in the record yet; a search is for those that leave."""
    leaving, still = videos
    record.expect(leaving, prompt, search=search)
    record.expect(still, prompt, search=False)
    try:
        with presets.progress(len(leaving) + len(still)) as advance:
            return (
                watch_videos(tracker, leaving, prompt, search=search, keeper=record, after=advance),
                watch_videos(tracker, still, prompt, keeper=record, after=advance),
            )
    except KeyboardInterrupt:
        if record.place is not None:
            sys.stderr.write(f"{record.place} has {len(record)} videos; --resume goes on.\n")
        raise


def _tell(
    watched: Pair,
    tracker: "Tracker",
    outputs: Outputs,
    record: WatchRecord,
    title: str,
    classes: Sequence[str],
) -> None:
    """Write and print what was asked for."""
    leaving, stayed = watched
    if outputs.fitted:
        _fit(leaving, stayed, outputs.source, Path(outputs.fitted))
        record.finish({})
        return
    figures: dict[str, Any] = {}
    if leaving:
        said, seen = pooled(leaving)
        found = presence_score(said, seen)
        sys.stdout.write(_line(title, found))
        _draw(outputs.diagram, found, title)
        figures = asdict(found)
    alarm = alarm_score([*leaving, *stayed]) if tracker.watch.has_alarm else None
    sys.stdout.write(alarm_lines(tracker.options.alarm, alarm) if alarm is not None else "")
    record.finish(_figures(figures, None if alarm is None else asdict(alarm)))
    if outputs.calibrated:
        network = load_network(outputs.source, own_classes(classes))
        place = Path(outputs.calibrated)
        sys.stdout.write(_calibrate(network, outputs.source, place, said, seen))


def _figures(found: Mapping[str, Any], alarm: Mapping[str, Any] | None) -> dict[str, Any]:
    figures: dict[str, Any] = presets.finite({**found, "alarm": alarm})
    return figures


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


def _digests(source: Path) -> dict[str, str]:
    return {file.name: digest_of(file) for file in sorted(source.glob("*.safetensors"))}


def _line(what: str, found: PresenceScore) -> str:
    # Frames of one kind alone have no curve.
    area = f"{found.auroc:.3f}" if found.absent not in {0, found.frames} else "none"
    return (
        f"Presence on {what}: area under ROC {area}, expected calibration error "
        f"{found.calibration_error:.3f}, log loss {found.log_loss:.3f} over {found.frames} frames, "
        f"{found.absent} of them without the object\n"
    )
