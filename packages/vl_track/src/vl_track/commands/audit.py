"""``vl-track audit``: how much of anyone's tracker is language."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from holdfast.outputs import check_files
from vl_track.commands import presets
from vl_track.data.prompts import PromptKind
from vl_track.data.video import Video
from vl_track.runtimes import Precision, Runtime
from vl_track.scenes.grammar import Split
from vl_track.scoring.audit import findings, sentence_of, verdict
from vl_track.scoring.audit_record import AuditRecord, Keeper
from vl_track.scoring.conventions import PLAIN
from vl_track.scoring.foreign import ClassTracker, TraxTracker
from vl_track.scoring.language import CONDITIONS, Ablation, ablate
from vl_track.scoring.sets import open_set
from vl_track.tracking.loop import ObjectTracker
from vl_track.tracking.options import TrackerOptions

Data = Literal["scenes", "real_clips"]


def audit(
    *,
    tracker: str | None = None,
    trax: str | None = None,
    weights: str | None = None,
    datasets: list[Data] | None = None,
    count: int = 40,
    split: Split = "test",
    prompts: list[PromptKind] | None = None,
    root: str | None = None,
    emoji: bool = True,
    out: str | None = None,
    overwrite: bool = False,
    resume: bool = False,
    device: str | None = None,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    classes: list[str] = [],  # noqa: B006
    options: TrackerOptions | None = None,
) -> None:
    """Track the same videos with the right sentence, none, another's, and a swapped one.

    A video on which the tracker breaks off is named and left out of every figure; the others are
    reported, and the command ends with status 1.

    Args:
        tracker: ``module:Class`` with ``init(image, box, text)`` and ``update(image)``; see the
            page "evaluation" of the documentation.
        trax: a command that speaks TraX, as in a ``trackers.ini``, instead.
        weights: a model folder or checkpoint of ours instead; by default the model that comes with
            vl_track.
        datasets: ``scenes`` (the split with distractors), ``real_clips``, or both.
        count: videos of Scenes, seeds 0 to ``count - 1``.
        split: ``test`` shows things, photographs and wordings that training never saw.
        prompts: what the tracker gets: ``box+text``, and ``text`` where it needs no box.
        root: data root; by default ``HOLDFAST_DATA`` or ``data``.
        emoji: fetch and draw emoji; without them objects are shapes and patches.
        out: HTML page to write at the end. A ``.json`` of the same name beside it has the figures,
            and is written after every video and condition.
        overwrite: replace them if they exist.
        resume: go on with the ``.json``. A figure in it is kept if it was made by the same model,
            options and runtime on the same video; of a tracker that is not ours only ``--tracker``
            or ``--trax`` is compared.
        device: ``cpu``, ``cuda``...; by default a GPU if there is one.
        runtime: ``torch``, ``onnx``, ``openvino``, or ``auto``: on a CPU the fastest one that is
            installed and gives the same boxes.
        precision: ``float32``, ``bfloat16`` (OpenVINO), or ``auto``: fewer bits where the CPU
            computes in them and the model was measured to lose at most 0.005 success AUC.
        classes: heads, text encoders and backbones of your own, as ``module.Class``.
        options: of our own tracker.
    """
    if sum(one is not None for one in (tracker, trax, weights)) > 1:
        raise ConfigError("Give one of --tracker, --trax and --weights.")
    if count < 2:
        raise ConfigError(f"--count {count} is too few: a wrong sentence is another video's.")
    if trax is not None and "text" in (prompts or []):
        raise ConfigError("A TraX tracker needs a box: take --prompts '[box+text]'.")
    place = _record_beside(out, weights, resume=resume, overwrite=overwrite)
    record = AuditRecord(place, PLAIN, resume=resume)
    sets = {name: _videos(name, count, split, root, emoji=emoji) for name in datasets or ["scenes"]}
    audited: ObjectTracker
    if tracker is not None:
        audited, maker = ClassTracker(tracker), f"--tracker {tracker}"
    elif trax is not None:
        audited, maker = TraxTracker(trax), f"--trax {trax}"
    else:
        every = [video for videos in sets.values() for video in videos]
        chosen = replace(options or TrackerOptions(), allow_nothing=True)
        audited = presets.make_tracker(weights, chosen, device, runtime, precision, classes, every)
        maker = json.dumps(presets.maker_of(audited, weights, classes))
    try:
        done = _run(audited, sets, prompts or ["box+text"], record, maker)
    except KeyboardInterrupt:
        if place:
            sys.stderr.write(f"{place} has {len(record)} runs; --resume goes on with it.\n")
        raise
    finally:
        if isinstance(audited, TraxTracker):
            audited.close()
    _report(tracker or trax or weights or "the model of vl_track", done, out)


def _record_beside(
    out: str | None, weights: str | None, *, resume: bool, overwrite: bool
) -> str | None:
    """Return the file of figures beside the page, if one is written.

    Raises:
        ConfigError: there is nothing to go on with, or one of the two files exists.
    """
    if not out:
        if resume:
            raise ConfigError(
                "--resume goes on with the figures beside a page: name it with --out."
            )
        return None
    place = Path(out).with_suffix(".json")
    if place == Path(out):
        raise ConfigError(f"--out {out} is the HTML page: the figures get the .json beside it.")
    goes_on = resume and place.expanduser().is_file()
    check_files([out, place], [weights] if weights else [], overwrite=overwrite or goes_on)
    return str(place)


def _videos(name: Data, count: int, split: Split, root: str | None, *, emoji: bool) -> list[Video]:
    if name == "scenes":
        return presets.scenes(root, count, split=split, difficulty="distractors", emoji=emoji)
    if split == "train":
        raise ConfigError("RealClips has no split train: take val or test.")
    return list(open_set(name, split, root=root))


def _run(
    audited: ObjectTracker,
    sets: dict[Data, list[Video]],
    prompts: list[PromptKind],
    record: AuditRecord,
    maker: str,
) -> list[tuple[str, Ablation]]:
    total = len(prompts) * len(CONDITIONS) * sum(map(len, sets.values()))
    found: list[tuple[str, Ablation]] = []
    with presets.progress(total) as advance:
        for name, videos in sets.items():
            keeper = Keeper(record, name, maker, videos) if record.place is not None else None
            for prompt in prompts:
                done = ablate(audited, videos, prompt, keeper=keeper, after=advance)
                found.append((name, done))
    record.finish()
    return found


def _report(name: str, done: list[tuple[str, Ablation]], out: str | None) -> None:
    # matplotlib is slow to import, and only this command's end needs it.
    from vl_track.scoring.report import audit_page as page  # noqa: PLC0415
    from vl_track.scoring.report import tables  # noqa: PLC0415

    whole = [(data, ablation) for data, ablation in done if ablation.runs["right"]]
    failed = [(data, one, fault) for data, one in done for fault in one.failed]
    if not whole:
        raise DataError(f"No video was tracked to its end: {failed[0][2].reason}")
    found = [one for data, ablation in whole for one in findings(ablation, data)]
    said = "".join(f"{sentence_of(one)}\n" for one in found)
    sys.stdout.write(f"{tables.as_text(page.audit_table(found))}{said}{verdict(found)}\n")
    lost = [
        f"{data}, {one.prompt}, {fault.name}, {fault.condition}: {fault.reason}"
        for data, one, fault in failed
    ]
    if out:
        write_text(Path(out).expanduser(), page.render_audit(name, found, whole, lost))
        sys.stdout.write(f"wrote {out}, and {Path(out).with_suffix('.json').name} beside it\n")
    if lost:
        lines = "\n".join(lost)
        total = len(lost) + sum(len(one.runs["right"]) for _, one in done)
        raise DataError(
            f"{name} broke off on {len(lost)} of {total} videos. They are in no figure above; "
            f"all figures are of the videos tracked to their end:\n{lines}"
        )
