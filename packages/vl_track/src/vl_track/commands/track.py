"""``vl-track track``: track objects through videos, folders of images, cameras and addresses."""

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from holdfast.cli.spelling import repeatable
from holdfast.errors import ConfigError, DataError
from holdfast.outputs import check_files
from vl_track.commands.trusted import own_classes
from vl_track.data.geometry import Box, as_box
from vl_track.results import Layout
from vl_track.runtimes import Precision, Runtime
from vl_track.segmenting import Segmenter, TransformersSegmenter
from vl_track.tracking.live import live_window
from vl_track.tracking.masks import MaskWriter, mask_name
from vl_track.tracking.options import TrackerOptions
from vl_track.tracking.progress import progress_bar
from vl_track.tracking.result import TrackResult
from vl_track.tracking.saving import files_for
from vl_track.tracking.steps import Prompt
from vl_track.tracking.video import Outputs, Sink, track_video
from vl_track.video.frames import Image
from vl_track.video.reading import open_source
from vl_track.video.selecting import select_box
from vl_track.video.source import Source
from vl_track.video.writing import container_of

if TYPE_CHECKING:
    from vl_track.tracking.tracker import Tracker

NAME = "{name}"


class Job(NamedTuple):
    """A source and the files that are written of it.

    Attributes:
        source: where frames come from.
        overlay: video with boxes drawn.
        boxes: see :func:`vl_track.tracking.saving.save_result`.
        masks: a file for each object, if masks are wanted.
    """

    source: Source
    overlay: Path | None
    boxes: Path | None
    masks: list[Path]

    def files(self, objects: int) -> list[Path]:
        """Return every file."""
        boxes = files_for(self.boxes, objects) if self.boxes is not None else []
        return boxes + ([self.overlay] if self.overlay is not None else []) + self.masks


@repeatable("box", "text")
def track(
    source: list[str],
    *,
    box: list[str] = [],  # noqa: B006
    text: list[str] = [],  # noqa: B006
    out: str | None = None,
    save: str | None = None,
    layout: Layout = "got10k",
    overwrite: bool = False,
    select: bool = False,
    show: bool = False,
    start: str = "0",
    max_frames: int | None = None,
    alarm: float | None = None,
    masks: str | None = None,
    segmenter: str | None = None,
    weights: str | None = None,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    options: TrackerOptions | None = None,
) -> None:
    """Track objects named by a box in the first frame, by a text, or by both.

    Args:
        source: videos, folders of images, addresses (rtsp://, http://...), or ``camera:1``.
        box: ``x,y,width,height`` in pixels of the first frame; repeat it for several objects.
        text: a sentence about the object, "the red cup on the left"; repeat it for several. Where
            boxes are given too, give as many texts as boxes, or none.
        out: overlay video to write (.mp4, .mkv, .mov), with the source's times and sound. With
            several sources, ``{name}`` in it stands for each source's name.
        save: boxes to write: ``.csv`` and ``.json`` have frame, time, object, box, score, present,
            ``.txt`` the field's layout; ``{name}_boxes.txt`` if there is no ``out`` either.
        layout: ``got10k`` (comma, decimals), ``lasot`` (whole), ``pytracking`` (tab, truncated).
        overwrite: replace outputs that exist. An input is never replaced.
        select: draw a box in a window on the first frame.
        show: show the tracked frames in a window, where there is a display.
        start: where to begin, in seconds or as ``minutes:seconds``.
        max_frames: stop after this many.
        alarm: share of videos with a false alarm; short for ``options.alarm``, which is 0.05.
        masks: folder for VOT's masks, a file for each ``--text``.
        segmenter: folder of a SAM 2 or SAM 3 model (Hugging Face), which makes them of boxes.
        weights: a model folder or checkpoint; by default the model that comes with vl_track.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of the tracker.
    """
    begin, options = parse_time(start), with_alarm(options, alarm)
    _check_count(max_frames)
    prompts = make_prompts(box, text, select=select)
    opened = [open_source(one) for one in source]
    jobs = [
        Job(one, *_places(one, len(opened), out, save), _mask_files(masks, segmenter, one, prompts))
        for one in opened
    ]
    written = [path for job in jobs for path in job.files(len(prompts))]
    check_files(written, [o for o in source if not o.startswith("camera")], overwrite=overwrite)
    first = [first_image(one, begin) for one in opened] if select else []
    prompts = [Prompt(select_box(first[0]), prompts[0].text)] if first else prompts

    from vl_track import opening  # noqa: PLC0415  (torch comes with it: sooner failures are above)

    tracker = opening.load_tracker(
        weights, options=options, device=device, runtime=runtime, precision=precision,
        frames=_expected(opened, max_frames), classes=own_classes(classes),
    )  # fmt: skip
    _check(tracker, alarm, opened, prompts)
    drawn = TransformersSegmenter(segmenter, tracker.device) if segmenter else None
    for number, job in enumerate(jobs):
        if first and number:
            prompts = [Prompt(select_box(first[number]), prompts[0].text)]
        result = _track_one(tracker, job, prompts, layout, begin, max_frames, drawn, show=show)
        sys.stdout.write(summary(result, job.files(len(prompts))))
        if result.ended_by:
            break


def _track_one(
    tracker: "Tracker",
    job: Job,
    prompts: list[Prompt],
    layout: Layout,
    start: float,
    max_frames: int | None,
    segmenter: Segmenter | None,
    *,
    show: bool,
) -> TrackResult:
    """Track the objects of one source, a tracker each, and write its files."""
    trackers = [tracker.another() for _ in prompts]
    masks = MaskWriter(segmenter, job.masks) if segmenter else None
    with _sinks(job.source, start, max_frames, masks, show=show) as sinks:
        outputs = Outputs(
            overlay=job.overlay, boxes=job.boxes, layout=layout, sinks=sinks,
            lost_score=tracker.options.lost_score,
        )  # fmt: skip
        return track_video(
            trackers, job.source, prompts, outputs, start=start, max_frames=max_frames
        )


@contextmanager
def _sinks(
    source: Source, start: float, max_frames: int | None, masks: MaskWriter | None, *, show: bool
) -> Iterator[list[Sink]]:
    """Open the progress bar, and the window and the masks if they are wanted."""
    with ExitStack() as stack:
        sinks: list[Sink] = [stack.enter_context(progress_bar(source, start, max_frames))]
        if masks is not None:
            stack.callback(masks.write)  # also of a run that broke off
            sinks.append(masks)
        if show:
            sinks.append(stack.enter_context(live_window(source.name)))
        yield sinks


def make_prompts(boxes: list[str], texts: list[str], *, select: bool = False) -> list[Prompt]:
    """Pair boxes and texts to objects.

    Raises:
        ConfigError: there is neither, a box is none, or their numbers do not fit.
    """
    if select and (boxes or len(texts) > 1):
        raise ConfigError("--select draws the box of one object: leave --box out, and give one "
                          "--text at most.")  # fmt: skip
    parsed = [parse_box(one) for one in boxes]
    if parsed and texts and len(parsed) != len(texts):
        raise ConfigError(
            f"{len(parsed)} boxes and {len(texts)} texts do not pair: give as many texts as boxes "
            "(an empty one is --text ''), or no texts."
        )
    count = max(len(parsed), len(texts), int(select))
    found = [
        Prompt(parsed[index] if parsed else None, texts[index] if texts else "")
        for index in range(count)
    ]
    if not found or (not select and any(prompt.empty for prompt in found)):
        raise ConfigError('The prompt is empty: give --box x,y,w,h, --text "...", or both.')
    return found


def parse_box(text: str) -> Box:
    """Read ``x,y,width,height``.

    Raises:
        ConfigError: not four numbers.
    """
    try:
        x, y, width, height = (float(part) for part in text.replace(" ", ",").split(",") if part)
    except ValueError as error:
        raise ConfigError(f"'{text}' is no box: give x,y,width,height in pixels.") from error
    return as_box((x, y, width, height))


def parse_time(text: str) -> float:
    """Read seconds, ``minutes:seconds`` or ``hours:minutes:seconds``.

    Raises:
        ConfigError: it is none of these.
    """
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", text):
        raise ConfigError(f"--start {text} is no time: give seconds, or minutes:seconds.")
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def first_image(source: Source, start: float) -> Image:
    """Return the first image to be tracked.

    Raises:
        DataError: it cannot be decoded, or there is none.
    """
    frame = next(source.frames(start), None)
    if frame is None or frame.image is None:
        raise DataError(
            f"The first frame of {source.name} cannot be decoded, so there is nothing to start "
            "from: begin later with --start."
        )
    return frame.image


def summary(result: TrackResult, written: list[Path]) -> str:
    """Say how far it got, how fast, and what was written."""
    count = len(result)
    lines = [
        f"{count} frame{'s' if count != 1 else ''}, {result.rate:.1f} FPS in the tracker, "
        f"{count / max(result.seconds, 1e-9):.1f} with reading and writing, "
        f"mean score {result.mean_score:.2f}"
    ]
    lines += loss_lines(result)
    if result.ended_by:
        lines.append(f"{result.ended_by}; what was tracked is kept")
    if result.damaged:
        lines.append(
            f"{result.damaged} damaged frame(s) could not be decoded; there the last box stands "
            "with score 0"
        )
    lines += [f"wrote {path}" for path in written if path.is_file()]
    return "\n".join(lines) + "\n"


def _check_count(max_frames: int | None) -> None:
    if max_frames is not None and max_frames < 1:
        raise ConfigError(f"--max_frames {max_frames} leaves nothing to track: give 1 or more.")


def _check_alarm(tracker: "Tracker", alarm: float | None) -> None:
    """Refuse an alarm that was asked for by its default value and cannot ring.

    Raises:
        ConfigError: the model has no alarm; other values are refused where the model is loaded.
    """
    if alarm and not tracker.watch.has_alarm:
        raise ConfigError(
            f"--alarm {alarm:g} needs a model with a calibrated presence.json: see the page "
            "vl_track of the documentation, or leave --alarm out."
        )


def loss_lines(result: TrackResult) -> list[str]:
    """Say from which frame to which each object was lost."""
    lines = []
    for index in range(len(result.prompts)):
        who = f"object {index + 1} " if len(result.prompts) > 1 else ""
        for lost, again in result.losses(index):
            end = "not found again" if again is None else f"found again at frame {again}"
            lines.append(f"{who}lost from frame {lost}, {end}")
    return lines


def with_alarm(options: TrackerOptions | None, alarm: float | None) -> TrackerOptions | None:
    """Put ``--alarm`` into the options.

    Raises:
        ConfigError: the options say something else.
    """
    if alarm is None:
        return options
    options = options or TrackerOptions()
    if options.alarm not in (alarm, TrackerOptions().alarm):
        raise ConfigError(
            f"--alarm {alarm:g} and --options.alarm {options.alarm:g} are two different alarms: "
            "give one of them."
        )
    return replace(options, alarm=alarm)


def _places(
    source: Source, count: int, out: str | None, save: str | None
) -> tuple[Path | None, Path | None]:
    """Return where the overlay and the boxes of a source go."""
    if out is None and save is None:
        save = f"{NAME}_boxes.txt"
    found = []
    for option, value in (("--out", out), ("--save", save)):
        if value is not None and count > 1 and NAME not in value:
            raise ConfigError(
                f"{option} {value} is one file for {count} sources: write {NAME} in it, for "
                f"example {option} 'tracked/{NAME}{Path(value).suffix}'."
            )
        path = value and Path(value.replace(NAME, source.name)).expanduser()
        found.append(path or None)
    if found[0] is not None:
        container_of(found[0])
    return found[0], found[1]


def _mask_files(
    masks: str | None, segmenter: str | None, source: Source, prompts: list[Prompt]
) -> list[Path]:
    """Return the files of the masks of one source.

    Raises:
        ConfigError: masks and segmenter do not go together, or an object has no sentence.
    """
    if (masks is None) != (segmenter is None):
        raise ConfigError("--masks FOLDER and --segmenter FOLDER need each other.")
    if masks is None:
        return []
    if not all(prompt.text.strip() for prompt in prompts):
        raise ConfigError("--masks needs a --text for every object: it names the object's file.")
    folder = Path(masks).expanduser()
    return [folder / mask_name(source.name, prompt.text) for prompt in prompts]


def _expected(sources: list[Source], max_frames: int | None) -> int:
    """Return about how many frames will be tracked; sources without an end count as many."""
    counts = [source.count or sys.maxsize for source in sources]
    return sum(min(count, max_frames or sys.maxsize) for count in counts)


def _check(
    tracker: "Tracker", alarm: float | None, sources: list[Source], prompts: list[Prompt]
) -> None:
    """Refuse an alarm that cannot ring, and print what a user should know."""
    _check_alarm(tracker, alarm)
    notes = [note for one in sources for note in one.remarks]
    notes += [note for one in prompts for note in tracker.network.text.remarks(one.text)]
    for note in dict.fromkeys(notes):
        sys.stderr.write(f"note: {note}\n")
