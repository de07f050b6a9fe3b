"""Job ``check``: both tracks train, resume to the bit, validate, test and track on the device."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.gpu.budget import Budget
from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.options import CONFIGS, Options
from holdfast.checkpoints.reading import read_checkpoint

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
STEPS = 6
Check = Callable[[Budget, Path], str]
"""Returns what went wrong; empty where all is well."""


def run(options: Options, budget: Budget, ledger: Ledger) -> None:
    """Do every check that is not done, until the time is over."""
    for name, check in _checks(options):
        if budget.over:
            return
        if name in ledger:
            continue
        wrong = check(budget, options.out / name.replace(" ", "_").replace(",", ""))
        if wrong != "stopped":
            ledger.add(name, passed=not wrong, why=wrong)


def _checks(options: Options) -> Iterator[tuple[str, Check]]:
    recipes = {"dropout_ft": _classifier(options), "vl_track": _tracker(options)}
    for program, words in recipes.items():
        for precision in PRECISIONS:
            exact = [*words, "--trainer.precision", precision]
            yield f"{program}, {precision}", _resumes(program, exact)
    for count in sorted({1, torch.cuda.device_count()}) if options.device == "cuda" else [1]:
        for program, words in recipes.items():
            ranks = ["--trainer.devices", str(count), "--trainer.strategy", "ddp"]
            yield f"{program}, DDP on {count}", _trains(program, [*words, *ranks])
    yield "vl_track, tracking", _tracks(options)


def _common(options: Options) -> list[str]:
    return [
        "--trainer.accelerator", options.accelerator, "--trainer.devices", "1",
        "--trainer.max_steps", str(STEPS), "--trainer.val_check_interval", str(STEPS // 2),
    ]  # fmt: skip


def _classifier(options: Options) -> list[str]:
    from benchmarks.material import domain_folder  # noqa: PLC0415

    pictures = options.out / "pictures"
    if not pictures.is_dir():
        domain_folder(pictures, each=4)
    recipe = "tiny" if options.miniature else "paper_resnet50"
    words = ["--config", str(CONFIGS / f"dropout_ft/{recipe}.yaml")]
    if not options.miniature:  # random weights: nothing is downloaded
        words += ["--model.backbone.init_args.weights", "none", "--data.num_workers", "4"]
    return [
        *words, "--data.source", str(pictures), "--data.test_domains", "[d0]",
        *_common(options),
    ]  # fmt: skip


def _tracker(options: Options) -> list[str]:
    recipe = "scenes_tiny" if options.miniature else "paper_base"
    return [
        "--config", str(CONFIGS / f"vl_track/{recipe}.yaml"), "--data.emoji", "false",
        "--data.root", str(options.data), "--data.global_batch_size", "8", "--data.val_pairs", "8",
        "--data.num_workers", "0" if options.miniature else "4", *_common(options),
    ]  # fmt: skip


def _fit(
    budget: Budget, program: str, words: Sequence[str], root: Path, command: str = "fit"
) -> str:
    log = root.with_suffix(".log")
    outcome = budget.run([program, command, *words, "--run.root", str(root)], log)
    if outcome == "failed":
        return f"{command} failed, see {log}"
    return "" if outcome == "finished" else "stopped"


def _trains(program: str, words: Sequence[str]) -> Check:
    return lambda budget, folder: _fit(budget, program, words, folder / "run")


def _resumes(program: str, words: Sequence[str]) -> Check:
    """Train at once and in two parts; the weights must be the same to the bit."""

    def check(budget: Budget, folder: Path) -> str:
        whole, parts = folder / "whole", folder / "parts"
        wrong = _fit(budget, program, words, whole)
        for command in ("validate", "test"):
            wrong = wrong or _fit(budget, program, words, whole, command)
        if wrong:
            return wrong
        log = parts.with_suffix(".log")
        stop = {
            "class_path": "benchmarks.gpu.stop_after.StopAfter",
            "init_args": {"step": STEPS // 2},
        }
        interrupted = [*words, "--run.checkpoint_every", "1", "--run.root", str(parts)]
        cut = [program, "fit", *interrupted, "--trainer.callbacks+", json.dumps(stop)]
        if budget.run(cut, log) == "stopped":  # by the end of the time, not by StopAfter
            return "stopped"
        if not list(parts.glob("*/checkpoints/last.ckpt")):
            return f"the interrupted run left no checkpoint, see {log}"
        if _ended(parts):
            return "the run was not interrupted"
        wrong = _fit(budget, program, [*words, "--run.checkpoint_every", "1"], parts)
        return wrong or _apart(whole, parts)

    return check


def _ended(root: Path) -> bool:
    (record,) = root.glob("*/run.json")
    return json.loads(record.read_text())["status"] == "finished"


def _apart(whole: Path, parts: Path) -> str:
    (one,) = whole.glob("*/checkpoints/last.ckpt")
    (other,) = parts.glob("*/checkpoints/last.ckpt")
    first, second = (read_checkpoint(str(path))["state_dict"] for path in (one, other))
    apart = [name for name in first if not torch.equal(first[name].cpu(), second[name].cpu())]
    return f"{len(apart)} weights differ after resuming, {apart[0]} first" if apart else ""


def _tracks(options: Options) -> Check:
    """Follow a square with the shipped model; the last box must lie on it."""

    def check(budget: Budget, folder: Path) -> str:
        frames = folder / "frames"
        frames.mkdir(parents=True, exist_ok=True)
        for number in range(8):
            frame = np.full((240, 320, 3), 90, np.uint8)
            cv2.rectangle(frame, (60 + 8 * number, 80), (110 + 8 * number, 130), (30, 30, 220), -1)
            cv2.imwrite(str(frames / f"{number:04d}.png"), frame)
        boxes = folder / "boxes.txt"
        words = [
            "vl_track", "track", str(frames), "--box", "60,80,51,51", "--save", str(boxes),
            "--device", options.device, "--overwrite", "true",
        ]  # fmt: skip
        outcome = budget.run(words, folder / "track.log")
        if outcome != "finished":
            return "stopped" if outcome == "stopped" else f"failed, see {folder / 'track.log'}"
        last = float(boxes.read_text().split()[-1].split(",")[0])
        return "" if abs(last - 116) < 12 else f"the last box begins at {last}, the square at 116"

    return check
