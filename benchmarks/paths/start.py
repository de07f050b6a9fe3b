"""How long the commands take to answer, and to their first training step."""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.first_step import first_step
from benchmarks.material import domain_folder
from benchmarks.measure import Results, Rounds, Row, commands, run_command
from vl_track.commands.example import BOX, CLIP, TEXT
from vl_track.data.clips import pip_clip


def measure(results: Results, rounds: int) -> None:
    """``--help`` under 1 s, first step under 5 s; both processes are cold."""
    for command in ("dropout_ft", "vl_track"):
        words = [sys.executable, "-m", command, "--help"]
        results.rows.append(
            Row(
                path=f"{command.replace('_', '-')} --help", unit="start", peer="1 s",
                ours=commands([run_command(words) for _ in range(rounds)]), theirs=[], aim=1.0,
                note="a new process each time",
            )
        )  # fmt: skip
    results.rows += [_first_box(runtime, rounds) for runtime in ("auto", "torch")]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        domain_folder(root, each=2)
        whole, first = list[float](), Rounds()
        for number in range(rounds):
            words = [
                sys.executable, "-m", "dropout_ft", "fit", "--config",
                "configs/dropout_ft/tiny.yaml", "--data.source", str(root), "--run.root",
                f"{folder}/{number}", "--trainer.max_steps=1",
                "--trainer.callbacks+=benchmarks.first_step.SayFirstStep",
            ]  # fmt: skip
            begun = time.time()
            done = run_command(words)
            whole.append(done.seconds)
            first.append(first_step(done.said) - begun)
            first.megabytes = max(first.megabytes, done.megabytes)
        results.rows.append(
            Row(
                path="dropout-ft fit, start to the end of the first step", unit="start",
                peer="5 s", ours=first, theirs=[], aim=5.0,
                note="tiny network, every package of the development environment installed; the "
                "whole process, with an evaluation, checkpoints and its end: "
                f"{statistics.median(whole):.1f} s",
            )
        )  # fmt: skip


def _first_box(runtime: str, rounds: int) -> Row:
    """Time ``vl-track track`` on two frames, from the start of its process to its end."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            sys.executable, "-m", "vl_track", "track", str(pip_clip(CLIP)), "--box", BOX,
            "--text", TEXT, "--max_frames", "2", "--runtime", runtime, "--save",
            f"{folder}/boxes.csv", "--overwrite", "true",
        ]  # fmt: skip
        ours = commands([run_command(words) for _ in range(rounds)])
    chosen = "" if runtime == "auto" else f", --runtime {runtime}"
    return Row(
        path=f"vl-track track, start to the first box{chosen}", unit="start", peer="3 s",
        ours=ours, theirs=[], aim=3.0,
        note="two frames of the example clip, the shipped model, the whole process",
    )  # fmt: skip
